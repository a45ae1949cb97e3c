package awssim

import (
	"fmt"
	"slices"
	"strings"

	"groundwork/components/addons"
	"groundwork/components/helm"
	"groundwork/internal/awstype"
)

// customResources maps a chart to the chart that installs its custom resource definitions, which must be installed
// first.
var customResources = map[string]string{addons.ArgoCDApps: addons.ArgoCD}

var releaseTypes = map[string]Type{
	awstype.HelmRelease: {
		Args:    helm.InputType(),
		Taken:   "INSTALLATION FAILED: cannot re-use a name that is still in use",
		ID:      func(in Props, _ string) string { return in.Str("namespace") + "/" + in.Str("name") },
		Check:   checkRelease,
		Outputs: releaseOutputs,
		Created: releaseCreated,
		Changed: releaseChanged,
		Deleted: releaseDeleted,
	},
}

func checkRelease(in Props) []Failure {
	var f []Failure
	failIf(&f, len(in.Str("name")) > 53, "name", "invalid release name, must be at most 53 characters")
	failIf(&f, mismatch(in, "namespace", dnsLabel), "namespace", "%q is not a namespace", in.Str("namespace"))
	known := slices.ContainsFunc(addons.Charts(), func(c addons.Chart) bool {
		return c.Name == in.Str("chart") && c.Repository == in.Str("repositoryOpts.repo") &&
			slices.ContainsFunc(c.Versions, func(v addons.Version) bool { return v.Number == in.Str("version") })
	})
	failIf(&f, in.Has("version") && !known, "chart",
		"chart %q version %q not found in %s repository (the sandbox knows those of components/addons/operators.go)",
		in.Str("chart"), in.Str("version"), in.Str("repositoryOpts.repo"))
	return f
}

func releaseOutputs(_ Site, _ string, in Props) Props {
	return Props{"status": map[string]any{
		"name":      in.Str("name"),
		"namespace": in.Str("namespace"),
		"chart":     in.Str("chart"),
		"version":   in.Str("version"),
		"status":    "deployed",
		"revision":  1.0,
	}}
}

// release returns the release of a chart, or nil. The caller holds mu.
func (c *Cloud) release(chart string) *Object {
	return c.find(Ref{Type: awstype.HelmRelease, By: "chart"}, chart)
}

// releaseCreated does what Kubernetes would do with the resources of a chart: it runs pods, calls webhooks and assumes
// roles.
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
	if !o.State.Flag("createNamespace") && !slices.Contains(builtIn, namespace) &&
		c.get(awstype.Namespace, namespace) == nil {
		return failed("namespaces %q not found", namespace)
	}
	if needed := customResources[o.State.Str("chart")]; needed != "" && c.release(needed) == nil {
		return failed("resource mapping not found: no matches for kind; ensure CRDs of %s are installed first", needed)
	}
	for urn, other := range c.creating {
		// With its webhook for Services enabled, the controller intercepts every Service long before it can answer.
		if urn != o.URN && other.Str("chart") == addons.LoadBalancerController &&
			other.Get("values.enableServiceMutatorWebhook") != false {
			return failed("Internal error occurred: failed calling webhook \"mservice.elbv2.k8s.aws\": " +
				"no endpoints available for service \"aws-load-balancer-webhook-service\"")
		}
	}
	return c.accountsMayAssume(o, o.State.Object("values"))
}

// accountsMayAssume checks that each service account in values that names a role is one that the role trusts. The
// caller holds mu.
func (c *Cloud) accountsMayAssume(o *Object, values Props) error {
	if account := values.Object("serviceAccount"); account != nil {
		if arn := account.Str(`annotations["eks.amazonaws.com/role-arn"]`); arn != "" {
			role := c.find(Ref{Type: awstype.Role, By: "arn"}, arn)
			subject := "system:serviceaccount:" + o.State.Str("namespace") + ":" + account.Str("name")
			if role == nil || !strings.Contains(role.State.Str("assumeRolePolicy"), `"`+subject+`"`) {
				return fmt.Errorf("helm release %q was rolled back: %w", o.ID, apiError("AccessDenied: "+
					"Not authorized to perform sts:AssumeRoleWithWebIdentity: %s does not trust %s", arn, subject))
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

func releaseChanged(c *Cloud, o *Object) error {
	if !c.has(awstype.NodeGroup) {
		return fmt.Errorf("helm release %q was rolled back: timed out waiting for the condition: 0/0 nodes are available",
			o.ID)
	}
	return nil
}

// releaseDeleted refuses a deletion that would never end: that of a controller that has to remove finalizers.
func releaseDeleted(c *Cloud, o *Object) error {
	stuck := func(what string) error {
		return fmt.Errorf("timed out waiting for the condition: %s has finalizers that only %s can take away",
			what, o.State.Str("chart"))
	}
	for dependent, needed := range customResources {
		if o.State.Str("chart") == needed && c.release(dependent) != nil {
			return stuck(dependent)
		}
	}
	for _, other := range c.objects {
		if err := projectInUse(o, other); err != nil {
			return err
		}
		if other.Type == awstype.Namespace && o.State.Str("chart") == addons.LoadBalancerController &&
			other.State.Object("metadata.labels")["elbv2.k8s.aws/pod-readiness-gate-inject"] != nil {
			return stuck("a TargetGroupBinding in namespace " + other.ID)
		}
	}
	return nil
}

// projectInUse refuses to delete a release with an Argo CD project that an Application of another release uses, or of
// the same release: Helm deletes the project before the Application there too.
func projectInUse(o, other *Object) error {
	for project := range o.State.Object("values.projects") {
		for name, app := range other.State.Object("values.applications") {
			if inner, ok := app.(map[string]any); ok && inner["project"] == project {
				return fmt.Errorf("timed out waiting for the condition: "+
					"Application %s cannot be deleted without its project %s", name, project)
			}
		}
	}
	return nil
}
