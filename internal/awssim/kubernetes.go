package awssim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/addons"
	"groundwork/components/helm"
	"groundwork/internal/awstype"
)

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// builtIn are the namespaces of every cluster.
var builtIn = []string{"default", "kube-node-lease", "kube-public", "kube-system"}

// customResources says which chart has to be there before another one's resources are known to Kubernetes.
var customResources = map[string]string{addons.ArgoCDApps: addons.ArgoCD}

var kubernetesTypes = map[string]Type{
	awstype.Namespace: {
		Args:   corev1.NamespaceArgs{},
		Unique: unique("metadata.name", "AlreadyExists"),
		ID:     fromName("metadata.name"),
		Check: func(in Props) []Failure {
			var f []Failure
			name := in.Str("metadata.name")
			failIf(&f, name != "" && !dnsLabel.MatchString(name), "metadata.name", "Invalid value: %q: must be a lower-case RFC 1123 label", name)
			return f
		},
		Created: func(c *Cloud, _ *Object) error { return c.clusterReachable() },
	},
	awstype.ConfigMap:             inNamespace(corev1.ConfigMapArgs{}),
	awstype.KubernetesRole:        inNamespace(rbacv1.RoleArgs{}),
	awstype.KubernetesRoleBinding: inNamespace(rbacv1.RoleBindingArgs{}),
	awstype.HelmRelease: {
		Args: helm.InputType(),
		Unique: func(in Props) (string, string) {
			return in.Str("namespace") + "/" + in.Str("name"), "INSTALLATION FAILED: cannot re-use a name that is still in use"
		},
		ID:    func(in Props, _ string) string { return in.Str("namespace") + "/" + in.Str("name") },
		Check: checkRelease,
		Outputs: func(_ Site, _ string, in Props) Props {
			return Props{"status": map[string]any{
				"name": in.Str("name"), "namespace": in.Str("namespace"), "chart": in.Str("chart"), "version": in.Str("version"), "status": "deployed", "revision": 1.0,
			}}
		},
		Created: releaseCreated,
		Changed: func(c *Cloud, o *Object) error {
			if !c.has(awstype.NodeGroup) {
				return fmt.Errorf("helm release %q was rolled back: timed out waiting for the condition: 0/0 nodes are available", o.ID)
			}
			return nil
		},
		Deleted: releaseDeleted,
	},
}

// inNamespace is a type whose objects are in a namespace, which has to be there and takes them along when it goes.
func inNamespace(args pulumi.Input) Type {
	return Type{
		Args: args,
		ID:   func(in Props, _ string) string { return in.Str("metadata.namespace") + "/" + in.Str("metadata.name") },
		Unique: func(in Props) (string, string) {
			return in.Str("metadata.namespace") + "/" + in.Str("metadata.name"), "AlreadyExists"
		},
		Created: func(c *Cloud, o *Object) error {
			if err := c.clusterReachable(); err != nil {
				return err
			}
			name := o.State.Str("metadata.namespace")
			// Releases make the namespaces of their own.
			made := func(other *Object) bool {
				return other.Type == awstype.HelmRelease && other.State.Str("namespace") == name && other.State.Flag("createNamespace")
			}
			for _, other := range c.objects {
				if made(other) {
					return nil
				}
			}
			if !slices.Contains(builtIn, name) && c.get(awstype.Namespace, name) == nil {
				return fmt.Errorf("namespaces %q not found", name)
			}
			return nil
		},
	}
}

// releaseDeleted refuses what would wait for ever: the deletion of whoever has to take finalizers away.
func releaseDeleted(c *Cloud, o *Object) error {
	stuck := func(what string) error {
		return fmt.Errorf("timed out waiting for the condition: %s has finalizers that only %s can take away", what, o.State.Str("chart"))
	}
	for dependent, needed := range customResources {
		if o.State.Str("chart") == needed && c.release(dependent) != nil {
			return stuck(dependent)
		}
	}
	for _, other := range c.objects {
		// Helm deletes a release's project before its Application too, so one release with both is no better than two.
		for project := range o.State.Object("values.projects") {
			for name, app := range other.State.Object("values.applications") {
				if inner, ok := app.(map[string]any); ok && inner["project"] == project {
					return fmt.Errorf("timed out waiting for the condition: Application %s cannot be deleted without its project %s", name, project)
				}
			}
		}
		if other.Type == awstype.Namespace && o.State.Str("chart") == addons.LoadBalancerController && other.State.Object("metadata.labels")["elbv2.k8s.aws/pod-readiness-gate-inject"] != nil {
			return stuck("a TargetGroupBinding in namespace " + other.ID)
		}
	}
	return nil
}

func checkRelease(in Props) []Failure {
	var f []Failure
	failIf(&f, len(in.Str("name")) > 53, "name", "invalid release name, must be at most 53 characters")
	failIf(&f, in.Has("namespace") && !dnsLabel.MatchString(in.Str("namespace")), "namespace", "%q is not a namespace", in.Str("namespace"))
	known := slices.ContainsFunc(addons.Charts(), func(c addons.Chart) bool {
		return c.Name == in.Str("chart") && c.Repository == in.Str("repositoryOpts.repo") &&
			slices.ContainsFunc(c.Versions, func(v addons.Version) bool { return v.Number == in.Str("version") })
	})
	failIf(&f, in.Has("version") && !known, "chart", "chart %q version %q not found in %s repository (the sandbox knows those of components/addons/operators.go)",
		in.Str("chart"), in.Str("version"), in.Str("repositoryOpts.repo"))
	return f
}

// clusterReachable refuses what needs a cluster that is not there. The caller holds mu.
func (c *Cloud) clusterReachable() error {
	if c.has(awstype.EKSCluster) {
		return nil
	}
	return errors.New("configured Kubernetes cluster is unreachable: there is no cluster")
}

// has reports whether there is a resource of a type. The caller holds mu.
func (c *Cloud) has(token string) bool {
	for _, o := range c.objects {
		if o.Type == token {
			return true
		}
	}
	return false
}

// release returns the release of a chart, or nil. The caller holds mu.
func (c *Cloud) release(chart string) *Object {
	return c.find(Ref{Type: awstype.HelmRelease, By: "chart"}, chart)
}

// releaseCreated does what Kubernetes would do with the resources of a chart: run pods, ask webhooks, look roles up.
func releaseCreated(c *Cloud, o *Object) error {
	if err := c.clusterReachable(); err != nil {
		return err
	}
	failed := func(format string, a ...any) error {
		return fmt.Errorf("helm release %q was rolled back: %s", o.ID, fmt.Sprintf(format, a...))
	}
	if !c.has(awstype.NodeGroup) {
		return failed("timed out waiting for the condition: 0/0 nodes are available")
	}
	namespace := o.State.Str("namespace")
	if !o.State.Flag("createNamespace") && !slices.Contains(builtIn, namespace) && c.get(awstype.Namespace, namespace) == nil {
		return failed("namespaces %q not found", namespace)
	}
	if needed := customResources[o.State.Str("chart")]; needed != "" && c.release(needed) == nil {
		return failed("resource mapping not found: no matches for kind; ensure CRDs of %s are installed first", needed)
	}
	for urn, other := range c.begun {
		// With its webhook for Services on, the controller has a say in every Service long before it can answer.
		if urn != o.URN && other.Str("chart") == addons.LoadBalancerController && other.Get("values.enableServiceMutatorWebhook") != false {
			return failed("Internal error occurred: failed calling webhook \"mservice.elbv2.k8s.aws\": no endpoints available for service \"aws-load-balancer-webhook-service\"")
		}
	}
	return c.accountsMayAssume(o, o.State.Object("values"))
}

// accountsMayAssume checks that each service account in values that names a role is one that the role trusts. The caller
// holds mu.
func (c *Cloud) accountsMayAssume(o *Object, values Props) error {
	if account := values.Object("serviceAccount"); account != nil {
		if arn := account.Str(`annotations["eks.amazonaws.com/role-arn"]`); arn != "" {
			role := c.find(Ref{Type: awstype.Role, By: "arn"}, arn)
			subject := "system:serviceaccount:" + o.State.Str("namespace") + ":" + account.Str("name")
			if role == nil || !strings.Contains(role.State.Str("assumeRolePolicy"), `"`+subject+`"`) {
				return fmt.Errorf("helm release %q was rolled back: %w", o.ID,
					apiError("AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity: %s does not trust %s", arn, subject))
			}
		}
	}
	for _, value := range values {
		if inner, ok := value.(map[string]any); ok {
			if err := c.accountsMayAssume(o, inner); err != nil {
				return err
			}
		}
	}
	return nil
}
