package delivery

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Rule is what somebody may do with some kinds of objects, as in RBAC.
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

// PipelineRules are what a release of the chart takes in the application's namespace, and nothing else: its objects,
// Helm's record of releases, and what is read to see how it goes. AWS's own access policies for namespaces leave custom
// resources out.
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

// ArgoCDRules let a pipeline see in Argo CD's namespace what became of the commit it made.
func ArgoCDRules(application string) []Rule {
	return []Rule{
		{
			Groups:    []string{"argoproj.io"},
			Resources: []string{"applications"},
			Verbs:     []string{"get"},
			Names:     []string{application},
		},
	}
}

// InfrastructureValues is the name of the ConfigMap that holds the chart's values that only infrastructure knows, and
// ValuesKey the key in it.
const (
	InfrastructureValues = "infrastructure-values"
	ValuesKey            = "values.yaml"
)

// deployer lets the pipeline's group do what the owner of the release leaves to it: deploy, or watch Argo CD deploy.
func (d *Delivery) deployer(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	namespace, rules := d.args.Application, PipelineRules
	if d.args.Owner == OwnerArgoCD {
		namespace, rules = d.args.Apps.Namespace, ArgoCDRules(d.args.Application)
	}
	name := d.args.Application + "-deployer"
	var list rbacv1.PolicyRuleArray
	for _, rule := range rules {
		list = append(list, rbacv1.PolicyRuleArgs{
			ApiGroups: pulumi.ToStringArray(
				rule.Groups,
			), Resources: pulumi.ToStringArray(rule.Resources), Verbs: pulumi.ToStringArray(rule.Verbs),
			ResourceNames: pulumi.ToStringArray(rule.Names),
		})
	}
	role, err := rbacv1.NewRole(ctx, d.name+"-deployer", &rbacv1.RoleArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(name), Namespace: pulumi.String(namespace)}, Rules: list,
	}, d.childOpts(opts...)...)
	if err != nil {
		return err
	}
	_, err = rbacv1.NewRoleBinding(ctx, d.name+"-deployer", &rbacv1.RoleBindingArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(name), Namespace: pulumi.String(namespace)},
		RoleRef: &rbacv1.RoleRefArgs{
			ApiGroup: pulumi.String("rbac.authorization.k8s.io"),
			Kind:     pulumi.String("Role"),
			Name:     role.Metadata.Name().Elem(),
		},
		Subjects: rbacv1.SubjectArray{rbacv1.SubjectArgs{
			ApiGroup: pulumi.String(
				"rbac.authorization.k8s.io",
			), Kind: pulumi.String("Group"), Name: pulumi.String(d.args.DeployerGroup),
		}},
	}, d.childOpts(opts...)...)
	return err
}

// valuesForPipeline leaves the chart's values where whoever may deploy finds them, so that a pipeline needs no access
// to Pulumi's state.
func (d *Delivery) valuesForPipeline(ctx *pulumi.Context, namespace *corev1.Namespace, values pulumi.Map) error {
	_, err := corev1.NewConfigMap(ctx, d.name+"-values", &corev1.ConfigMapArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(InfrastructureValues), Namespace: namespace.Metadata.Name()},
		Data:     pulumi.StringMap{ValuesKey: pulumi.JSONMarshal(values)},
	}, d.childOpts()...)
	return err
}
