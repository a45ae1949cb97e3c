package awssim_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/addons"
	"groundwork/components/cluster"
	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// inCluster is a cloud with a cluster and nodes, and what else a release needs.
func inCluster(t *testing.T) *awssim.Cloud {
	t.Helper()
	// Plain objects: how they come about is tested elsewhere.
	c := account()
	require.NoError(t, c.Seed(awssim.Object{Type: awstype.EKSCluster, ID: "main", State: graph.Props{"name": "main"}}))
	require.NoError(t, c.Seed(awssim.Object{Type: awstype.NodeGroup, ID: "main:general", State: graph.Props{"clusterName": "main"}}))
	return c
}

func install(name string, values map[string]any) graph.Props {
	chart := addons.Spec{}.Chart(name, cluster.DefaultVersion)
	return graph.Props{
		"name": name, "chart": name, "version": chart.Version, "namespace": chart.Namespace, "createNamespace": true,
		"repositoryOpts": map[string]any{"repo": chart.Repository}, "values": values,
	}
}

func TestReleasesInTheSandbox(t *testing.T) {
	_, _, err := account().Create(context.Background(), "urn:r", awstype.HelmRelease, install(addons.MetricsServer, nil))
	require.ErrorContains(t, err, "unreachable")
	bare := account()
	require.NoError(t, bare.Seed(awssim.Object{Type: awstype.EKSCluster, ID: "main", State: graph.Props{"name": "main"}}))
	_, _, err = bare.Create(context.Background(), "urn:r", awstype.HelmRelease, install(addons.MetricsServer, nil))
	require.ErrorContains(t, err, "0/0 nodes are available")

	c := inCluster(t)
	_, _, err = c.Create(context.Background(), "urn:apps", awstype.HelmRelease, install(addons.ArgoCDApps, nil))
	require.ErrorContains(t, err, "ensure CRDs of argo-cd are installed first")
	argo, _, err := c.Create(context.Background(), "urn:argo", awstype.HelmRelease, install(addons.ArgoCD, nil))
	require.NoError(t, err)
	apps, _, err := c.Create(context.Background(), "urn:apps", awstype.HelmRelease, install(addons.ArgoCDApps, nil))
	require.NoError(t, err)
	_, _, err = c.Create(context.Background(), "urn:again", awstype.HelmRelease, install(addons.ArgoCD, nil))
	require.ErrorContains(t, err, "cannot re-use a name")
	require.ErrorContains(t, c.Delete(context.Background(), awstype.HelmRelease, argo), "finalizers")

	both := install(addons.ArgoCDApps, map[string]any{"projects": map[string]any{"p": map[string]any{}}, "applications": map[string]any{"a": map[string]any{"project": "p"}}})
	both["name"] = "both"
	together, _, err := c.Create(context.Background(), "urn:both", awstype.HelmRelease, both)
	require.NoError(t, err, "Kubernetes takes it")
	require.ErrorContains(t, c.Delete(context.Background(), awstype.HelmRelease, together), "cannot be deleted without its project", "and never lets go of it")
	_, err = c.Forget(func(o awssim.Object) bool { return o.ID == together })
	require.NoError(t, err)
	named := func(name string, values map[string]any) graph.Props {
		in := install(addons.ArgoCDApps, values)
		in["name"] = name
		return in
	}
	project, _, err := c.Create(context.Background(), "urn:project", awstype.HelmRelease, named("project", map[string]any{"projects": map[string]any{"p": map[string]any{}}}))
	require.NoError(t, err)
	application, _, err := c.Create(context.Background(), "urn:application", awstype.HelmRelease, named("application", map[string]any{"applications": map[string]any{"a": map[string]any{"project": "p"}}}))
	require.NoError(t, err)
	require.ErrorContains(t, c.Delete(context.Background(), awstype.HelmRelease, project), "cannot be deleted without its project")
	require.NoError(t, c.Delete(context.Background(), awstype.HelmRelease, application))
	require.NoError(t, c.Delete(context.Background(), awstype.HelmRelease, project))

	namespace, _, err := c.Create(context.Background(), "urn:namespace", awstype.Namespace, graph.Props{"metadata": map[string]any{"name": "shop", "labels": map[string]any{"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}}})
	require.NoError(t, err)
	controller, _, err := c.Create(context.Background(), "urn:controller", awstype.HelmRelease, install(addons.LoadBalancerController, nil))
	require.NoError(t, err)
	require.ErrorContains(t, c.Delete(context.Background(), awstype.HelmRelease, controller), "TargetGroupBinding in namespace shop")
	require.NoError(t, c.Delete(context.Background(), awstype.Namespace, namespace))
	require.NoError(t, c.Delete(context.Background(), awstype.HelmRelease, controller))
	require.NoError(t, c.Delete(context.Background(), awstype.HelmRelease, apps))
	require.NoError(t, c.Delete(context.Background(), awstype.HelmRelease, argo))

	lost := install(addons.ExternalSecrets, nil)
	lost["createNamespace"] = false
	_, _, err = c.Create(context.Background(), "urn:lost", awstype.HelmRelease, lost)
	require.ErrorContains(t, err, `namespaces "external-secrets" not found`)
	_, _, err = c.Create(context.Background(), "urn:worn", awstype.HelmRelease, install(addons.ClusterAutoscaler, map[string]any{"rbac": map[string]any{"serviceAccount": map[string]any{
		"name": "cluster-autoscaler", "annotations": map[string]any{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/none"},
	}}}))
	require.ErrorContains(t, err, "does not trust system:serviceaccount:kube-system:cluster-autoscaler")

	failures, err := awssim.Check(awstype.HelmRelease, graph.Props{"name": "x", "namespace": "y", "chart": "external-secrets", "version": "9.9.9", "repositoryOpts": map[string]any{"repo": "https://charts.external-secrets.io"}})
	require.NoError(t, err)
	require.Len(t, failures, 1)
	assert.Contains(t, failures[0].Reason, "not found")
}

// TestWebhookRace: a controller whose webhook has a say in every Service stops the releases beside it, unless that
// webhook is off, as it is in the program.
func TestWebhookRace(t *testing.T) {
	for webhook, fails := range map[bool]bool{true: true, false: false} {
		c := inCluster(t)
		c.Speed = 100 // The controller takes 0.45 s, metrics-server 0.3 s.
		done := make(chan error, 1)
		go func() {
			_, _, err := c.Create(context.Background(), "urn:controller", awstype.HelmRelease, install(addons.LoadBalancerController, map[string]any{"enableServiceMutatorWebhook": webhook}))
			done <- err
		}()
		_, _, err := c.Create(context.Background(), "urn:metrics", awstype.HelmRelease, install(addons.MetricsServer, nil))
		if fails {
			assert.ErrorContains(t, err, "failed calling webhook")
		} else {
			assert.NoError(t, err)
		}
		require.NoError(t, <-done)
	}
}
