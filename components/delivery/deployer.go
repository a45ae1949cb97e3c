package delivery

import (
	"fmt"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Rule is a rule of an RBAC role.
type Rule struct {
	Groups    []string `json:"apiGroups"`
	Resources []string `json:"resources"`
	Verbs     []string `json:"verbs"`
	Names     []string `json:"resourceNames,omitempty"`
}

var (
	read  = []string{"get", "list", "watch"}
	write = []string{"create", "delete", "get", "list", "patch", "update", "watch"}
)

// PipelineRules are the permissions that a release of the chart needs in the application's namespace, and no others:
// its objects, the Secrets in which Helm records releases, and objects that show its progress. The EKS access policies
// for namespaces do not include custom resources.
var PipelineRules = []Rule{
	{Groups: []string{""}, Resources: []string{"secrets", "serviceaccounts", "services", "pods"}, Verbs: write},
	{Groups: []string{""}, Resources: []string{"configmaps", "events", "pods/log"}, Verbs: read},
	{Groups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: write},
	{Groups: []string{"apps"}, Resources: []string{"replicasets"}, Verbs: read},
	{Groups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: write},
	{Groups: []string{"autoscaling"}, Resources: []string{"horizontalpodautoscalers"}, Verbs: write},
	{Groups: []string{"policy"}, Resources: []string{"poddisruptionbudgets"}, Verbs: write},
	{Groups: []string{"networking.k8s.io"}, Resources: []string{"networkpolicies"}, Verbs: write},
	{Groups: []string{"external-secrets.io"}, Resources: []string{"externalsecrets", "secretstores"}, Verbs: write},
	{Groups: []string{"elbv2.k8s.aws"}, Resources: []string{"targetgroupbindings"}, Verbs: write},
}

// kinds are the kinds of the resources in PipelineRules that are a release's own objects. Secrets are Helm's record of
// a release, and pods are those of its tests: Argo CD needs neither, and Git must not bring either.
var kinds = map[string]string{
	"serviceaccounts": "ServiceAccount", "services": "Service", "deployments": "Deployment", "jobs": "Job",
	"horizontalpodautoscalers": "HorizontalPodAutoscaler", "poddisruptionbudgets": "PodDisruptionBudget",
	"networkpolicies": "NetworkPolicy", "externalsecrets": "ExternalSecret", "secretstores": "SecretStore",
	"targetgroupbindings": "TargetGroupBinding",
}

// Kind is a kind of objects in a namespace.
type Kind struct{ Group, Kind string }

// Kinds are the kinds that a release of the application may have, whoever deploys it: the pipeline by PipelineRules, or
// Argo CD by its project.
func Kinds() []Kind {
	var all []Kind
	for _, rule := range PipelineRules {
		for _, resource := range rule.Resources {
			if kind, own := kinds[resource]; own && slices.Contains(rule.Verbs, "create") {
				all = append(all, Kind{rule.Groups[0], kind})
			}
		}
	}
	return all
}

// ArgoCDRules let a pipeline see in the namespace of Argo CD whether its commit was deployed.
func ArgoCDRules(application string) []Rule {
	return []Rule{{
		Groups:    []string{"argoproj.io"},
		Resources: []string{"applications"},
		Verbs:     []string{"get"},
		Names:     []string{application},
	}}
}

// InfrastructureValues is the name of the ConfigMap with the values of the chart that only infrastructure knows, and
// ValuesKey is the key in it.
const (
	InfrastructureValues = "infrastructure-values"
	ValuesKey            = "values.yaml"
)

// pipeline prepares the namespace for a pipeline that owns the release.
func (d *Delivery) pipeline(ctx *pulumi.Context, namespace *corev1.Namespace, values pulumi.Map) error {
	if err := d.valuesForPipeline(ctx, namespace, values); err != nil {
		return err
	}
	if d.args.DeployerGroup == "" {
		return nil
	}
	return d.deployer(ctx, pulumi.DependsOn([]pulumi.Resource{namespace}))
}

// deployer lets the group of the pipelines deploy or, if Argo CD owns the release, see what Argo CD deploys.
func (d *Delivery) deployer(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	namespace, rules := d.args.Application, PipelineRules
	if d.args.Owner == OwnerArgoCD {
		namespace, rules = d.args.Apps.Namespace, ArgoCDRules(d.args.Application)
	}
	name := d.args.Application + "-deployer"
	metadata := &metav1.ObjectMetaArgs{Name: pulumi.String(name), Namespace: pulumi.String(namespace)}
	var list rbacv1.PolicyRuleArray
	for _, rule := range rules {
		list = append(list, rbacv1.PolicyRuleArgs{
			ApiGroups:     pulumi.ToStringArray(rule.Groups),
			Resources:     pulumi.ToStringArray(rule.Resources),
			Verbs:         pulumi.ToStringArray(rule.Verbs),
			ResourceNames: pulumi.ToStringArray(rule.Names),
		})
	}
	role, err := rbacv1.NewRole(ctx, d.name+"-deployer", &rbacv1.RoleArgs{
		Metadata: metadata, Rules: list,
	}, d.childOpts(opts...)...)
	if err != nil {
		return fmt.Errorf("creating Kubernetes role %s/%s: %w", namespace, name, err)
	}
	if _, err := rbacv1.NewRoleBinding(ctx, d.name+"-deployer", &rbacv1.RoleBindingArgs{
		Metadata: metadata,
		RoleRef: &rbacv1.RoleRefArgs{
			ApiGroup: pulumi.String("rbac.authorization.k8s.io"),
			Kind:     pulumi.String("Role"),
			Name:     role.Metadata.Name().Elem(),
		},
		Subjects: rbacv1.SubjectArray{rbacv1.SubjectArgs{
			ApiGroup: pulumi.String("rbac.authorization.k8s.io"),
			Kind:     pulumi.String("Group"),
			Name:     pulumi.String(d.args.DeployerGroup),
		}},
	}, d.childOpts(opts...)...); err != nil {
		return fmt.Errorf("creating Kubernetes role binding %s/%s: %w", namespace, name, err)
	}
	return nil
}

// valuesForPipeline puts the values of the chart that only infrastructure knows into a ConfigMap, so that a pipeline
// needs no access to Pulumi's state.
func (d *Delivery) valuesForPipeline(ctx *pulumi.Context, namespace *corev1.Namespace, values pulumi.Map) error {
	if _, err := corev1.NewConfigMap(ctx, d.name+"-values", &corev1.ConfigMapArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(InfrastructureValues), Namespace: namespace.Metadata.Name()},
		Data:     pulumi.StringMap{ValuesKey: pulumi.JSONMarshal(values)},
	}, d.childOpts()...); err != nil {
		return fmt.Errorf("creating ConfigMap %s/%s: %w", d.args.Application, InfrastructureValues, err)
	}
	return nil
}
