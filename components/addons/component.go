package addons

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/helm"
	"groundwork/components/identity"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:addons:Addons"

// Addons are the operators of one cluster.
type Addons struct {
	pulumi.ResourceState

	// Serving are the releases that install the custom resource definitions of the program's charts. Releases with such
	// resources depend on them.
	Serving []pulumi.Resource

	name string
	args *Args
}

// New installs the operators. It returns everything wrong with args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Addons, error) {
	if args == nil {
		return nil, fmt.Errorf("addons %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	a := &Addons{name: name, args: args}
	if err := ctx.RegisterComponentResource(TypeToken, name, a, opts...); err != nil {
		return nil, fmt.Errorf("registering addons %s: %w", name, err)
	}
	for _, o := range operators {
		release, err := a.install(ctx, o)
		if err != nil {
			return nil, err
		}
		if o.Needs != "" {
			a.Serving = append(a.Serving, release)
		}
	}
	if err := ctx.RegisterResourceOutputs(a, pulumi.Map{}); err != nil {
		return nil, fmt.Errorf("registering outputs of addons %s: %w", name, err)
	}
	return a, nil
}

// install creates the role and the namespace of an operator, if it has them, and then its release.
func (a *Addons) install(ctx *pulumi.Context, o operator) (*helm.Release, error) {
	version := a.args.Version(o.Chart, a.args.KubernetesVersion)
	opts := []pulumi.ResourceOption{pulumi.Parent(a)}
	var roleARN pulumi.StringInput
	if o.policy != nil {
		role, err := identity.NewWorkloadRole(ctx, a.name+"-"+o.Name, &identity.WorkloadRoleArgs{
			Facts: a.args.Facts, Name: a.args.Name + "-" + o.Name,
			OIDC: a.args.Cluster.OIDC, Namespace: o.Namespace, ServiceAccount: o.Name,
			Policy: o.policy(a.args),
		}, opts...)
		if err != nil {
			return nil, err
		}
		roleARN = role.ARN
		opts = append(opts, pulumi.DependsOn(role.Permissions))
	}
	if o.Namespace != helm.KubeSystem {
		own, err := helm.NewNamespace(ctx, a.name+"-"+o.Name, o.Namespace, nil, pulumi.Parent(a))
		if err != nil {
			return nil, err
		}
		opts = append(opts, pulumi.DependsOn([]pulumi.Resource{own}))
	}
	return helm.NewRelease(ctx, a.name+"-"+o.Name, o.Name, o.at(version), o.values(a.args, version, roleARN), opts...)
}
