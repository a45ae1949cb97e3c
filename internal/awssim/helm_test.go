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

// inCluster returns a cloud with a cluster and a node group. It seeds plain objects: other tests create them.
func inCluster(t *testing.T) *awssim.Cloud {
	t.Helper()
	c := account()
	seedCluster(t, c)
	require.NoError(t, c.Seed(awssim.Object{
		Type: awstype.NodeGroup, ID: "main:general", State: graph.Props{"clusterName": "main"},
	}))
	return c
}

func seedCluster(t *testing.T, c *awssim.Cloud) {
	t.Helper()
	require.NoError(t, c.Seed(awssim.Object{Type: awstype.EKSCluster, ID: "main", State: graph.Props{"name": "main"}}))
}

// release returns the inputs of a release that is named like its chart.
func release(name string, values map[string]any) graph.Props {
	chart := addons.Spec{}.Chart(name, cluster.DefaultVersion)
	return graph.Props{
		"name": name, "chart": name, "version": chart.Version, "namespace": chart.Namespace, "createNamespace": true,
		"repositoryOpts": map[string]any{"repo": chart.Repository}, "values": values,
	}
}

// argoCDRelease returns the inputs of a release of the chart argocd-apps.
func argoCDRelease(name string, values map[string]any) graph.Props {
	in := release(addons.ArgoCDApps, values)
	in["name"] = name
	return in
}

// remove deletes a release.
func remove(c *awssim.Cloud, id string) error {
	return c.Delete(context.Background(), awstype.HelmRelease, id)
}

func TestReleasesNeedAClusterAndNodes(t *testing.T) {
	_, err := tryCreate(account(), awstype.HelmRelease, "r", release(addons.MetricsServer, nil))
	require.ErrorContains(t, err, "unreachable")
	withoutNodes := account()
	seedCluster(t, withoutNodes)
	_, err = tryCreate(withoutNodes, awstype.HelmRelease, "r", release(addons.MetricsServer, nil))
	require.ErrorContains(t, err, "0/0 nodes are available")
}

// TestReleasesOfArgoCD: Argo CD's custom resources need its definitions before and its controller after, and a project
// outlives its applications.
func TestReleasesOfArgoCD(t *testing.T) {
	c := inCluster(t)
	_, err := tryCreate(c, awstype.HelmRelease, "apps", release(addons.ArgoCDApps, nil))
	require.ErrorContains(t, err, "ensure CRDs of argo-cd are installed first")
	argo := create(t, c, awstype.HelmRelease, "argo", release(addons.ArgoCD, nil))
	apps := create(t, c, awstype.HelmRelease, "apps", release(addons.ArgoCDApps, nil))
	_, err = tryCreate(c, awstype.HelmRelease, "again", release(addons.ArgoCD, nil))
	require.ErrorContains(t, err, "cannot re-use a name")
	require.ErrorContains(t, remove(c, argo), "finalizers")

	projects := map[string]any{"p": map[string]any{}}
	applications := map[string]any{"a": map[string]any{"project": "p"}}
	both := map[string]any{"projects": projects, "applications": applications}
	together, err := tryCreate(c, awstype.HelmRelease, "both", argoCDRelease("both", both))
	require.NoError(t, err, "Kubernetes accepts both in one release")
	require.ErrorContains(t, remove(c, together), "cannot be deleted without its project", "but cannot delete it")
	_, err = c.Forget(func(o awssim.Object) bool { return o.ID == together })
	require.NoError(t, err)

	project := create(t, c, awstype.HelmRelease, "project",
		argoCDRelease("project", map[string]any{"projects": projects}))
	application := create(t, c, awstype.HelmRelease, "application",
		argoCDRelease("application", map[string]any{"applications": applications}))
	require.ErrorContains(t, remove(c, project), "cannot be deleted without its project")
	require.NoError(t, remove(c, application))
	require.NoError(t, remove(c, project))

	namespace := create(t, c, awstype.Namespace, "namespace", graph.Props{"metadata": map[string]any{
		"name": "shop", "labels": map[string]any{"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"},
	}})
	controller := create(t, c, awstype.HelmRelease, "controller", release(addons.LoadBalancerController, nil))
	require.ErrorContains(t, remove(c, controller), "TargetGroupBinding in namespace shop")
	require.NoError(t, c.Delete(context.Background(), awstype.Namespace, namespace))
	require.NoError(t, remove(c, controller))
	require.NoError(t, remove(c, apps))
	require.NoError(t, remove(c, argo))
}

// TestReleasesAreRefused covers a missing namespace, a role that does not trust the service account, and an unknown
// version of a chart.
func TestReleasesAreRefused(t *testing.T) {
	c := inCluster(t)
	lost := release(addons.ExternalSecrets, nil)
	lost["createNamespace"] = false
	_, err := tryCreate(c, awstype.HelmRelease, "lost", lost)
	require.ErrorContains(t, err, `namespaces "external-secrets" not found`)

	serviceAccount := map[string]any{
		"name":        "cluster-autoscaler",
		"annotations": map[string]any{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/none"},
	}
	_, err = tryCreate(c, awstype.HelmRelease, "untrusted", release(addons.ClusterAutoscaler, map[string]any{
		"rbac": map[string]any{"serviceAccount": serviceAccount},
	}))
	require.ErrorContains(t, err, "does not trust system:serviceaccount:kube-system:cluster-autoscaler")

	failures, err := awssim.Check(awstype.HelmRelease, graph.Props{
		"name": "x", "namespace": "y", "chart": "external-secrets", "version": "9.9.9",
		"repositoryOpts": map[string]any{"repo": "https://charts.external-secrets.io"},
	})
	require.NoError(t, err)
	require.Len(t, failures, 1)
	assert.Contains(t, failures[0].Reason, "not found")
}

// TestWebhookRace: a controller whose webhook intercepts every Service stops the releases beside it, unless the
// webhook is disabled, as it is in the program.
func TestWebhookRace(t *testing.T) {
	for webhook, fails := range map[bool]bool{true: true, false: false} {
		c := inCluster(t)
		c.Speed = 100 // The controller takes 0.45 s, metrics-server 0.3 s.
		controller := release(addons.LoadBalancerController, map[string]any{"enableServiceMutatorWebhook": webhook})
		done := make(chan error, 1)
		go func() {
			_, err := tryCreate(c, awstype.HelmRelease, "controller", controller)
			done <- err
		}()
		_, err := tryCreate(c, awstype.HelmRelease, "metrics", release(addons.MetricsServer, nil))
		if fails {
			assert.ErrorContains(t, err, "failed calling webhook")
		} else {
			assert.NoError(t, err)
		}
		require.NoError(t, <-done)
	}
}
