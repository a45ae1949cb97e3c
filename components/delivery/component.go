package delivery

import (
	"fmt"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/helm"
	"groundwork/components/identity"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:delivery:Delivery"

// Delivery is one application in the cluster.
type Delivery struct {
	pulumi.ResourceState

	// Values are the values of the chart that only infrastructure knows, for the owner of the release.
	Values pulumi.MapOutput

	name string
	args *Args
}

// New prepares the cluster for the application and, if Argo CD owns the release, installs Argo CD. It returns
// everything wrong with args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Delivery, error) {
	if args == nil {
		return nil, fmt.Errorf("delivery %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	d := &Delivery{name: name, args: args}
	if err := ctx.RegisterComponentResource(TypeToken, name, d, opts...); err != nil {
		return nil, fmt.Errorf("registering delivery %s: %w", name, err)
	}
	namespace, err := d.namespace(ctx)
	if err != nil {
		return nil, err
	}
	roles, err := d.roles(ctx)
	if err != nil {
		return nil, err
	}
	values := args.Values.Map(args.Secrets.ARNs, d.account("secrets"), roles["secrets"].ARN)
	d.Values = values.ToMapOutput()
	if args.Owner == OwnerArgoCD {
		err = d.argoCD(ctx, namespace, roles, values)
	} else {
		err = d.pipeline(ctx, namespace, values)
	}
	if err != nil {
		return nil, err
	}
	if err := ctx.RegisterResourceOutputs(d, pulumi.Map{"namespace": namespace.Metadata.Name()}); err != nil {
		return nil, fmt.Errorf("registering outputs of delivery %s: %w", name, err)
	}
	return d, nil
}

func (d *Delivery) childOpts(extra ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(d)}, extra...)
}

// account returns the full name of a service account of the application.
func (d *Delivery) account(short string) string { return d.args.Application + "-" + short }

// namespace creates the application's namespace. Its pods are ready only once the load balancer considers them healthy.
// Destroy deletes the namespace before the operators, which must remove their finalizers from its objects.
func (d *Delivery) namespace(ctx *pulumi.Context) (*corev1.Namespace, error) {
	labels := pulumi.StringMap{"elbv2.k8s.aws/pod-readiness-gate-inject": pulumi.String("enabled")}
	return helm.NewNamespace(ctx, d.name, d.args.Application, labels, d.childOpts(pulumi.DependsOn(d.args.Serving))...)
}

// roles creates the roles of the application's service accounts, and returns them by short name.
func (d *Delivery) roles(ctx *pulumi.Context) (map[string]*identity.Role, error) {
	arns, keys := pulumi.StringMap{}, pulumi.StringArray{}
	for kind, arn := range d.args.Secrets.ARNs {
		arns[kind] = arn
	}
	for _, arn := range d.args.Secrets.KeyARNs {
		keys = append(keys, arn)
	}
	roles := map[string]*identity.Role{}
	for _, w := range workloads {
		policy := pulumi.All(arns, keys).ApplyT(func(all []any) string {
			return w.policy(facts{
				region:     d.args.Values.Region,
				secretARNs: all[0].(map[string]string),
				keyARNs:    slices.Compact(all[1].([]string)),
			}).JSON()
		}).(pulumi.StringOutput)
		role, err := identity.NewWorkloadRole(ctx, d.name+"-"+w.serviceAccount, &identity.WorkloadRoleArgs{
			Facts: d.args.Facts, Name: d.args.Name + "-" + d.account(w.serviceAccount),
			OIDC: d.args.OIDC, Namespace: d.args.Application, ServiceAccount: d.account(w.serviceAccount),
			Policy: policy,
		}, d.childOpts()...)
		if err != nil {
			return nil, err
		}
		roles[w.serviceAccount] = role
	}
	return roles, nil
}
