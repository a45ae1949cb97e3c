package identity

import (
	"fmt"
	"path"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
)

// Role is a role with its permissions.
type Role struct {
	// ARN of the role.
	ARN pulumi.StringOutput
	// Resource is the role itself, for components that take nothing else.
	Resource *iam.Role
	// Permissions are the policies of the role. What assumes the role depends on them, so that it never starts without.
	Permissions []pulumi.Resource
}

// roleArgs is what every role of the program is made of.
type roleArgs struct {
	facts             environment.Facts
	name, description string
	trust             pulumi.StringInput
	// boundaryInput is a boundary that the program makes itself, where the environment has none.
	boundaryInput     pulumi.StringInput
	managedPolicyARNs []string
	policy            pulumi.StringInput
	maxSessionSeconds int
}

// newRole is the one place where roles are made: it always sets path, boundary and session length. The logical name of
// a role ends in "-role".
func newRole(ctx *pulumi.Context, name string, args roleArgs, opts []pulumi.ResourceOption) (*Role, error) {
	if args.maxSessionSeconds == 0 {
		args.maxSessionSeconds = 3600
	}
	ra := &iam.RoleArgs{
		Name:               pulumi.String(args.name),
		Path:               pulumi.String(args.facts.RolePath),
		Description:        pulumi.String(args.description),
		AssumeRolePolicy:   args.trust,
		MaxSessionDuration: pulumi.Int(args.maxSessionSeconds),
	}
	if args.facts.RoleBoundary != "" {
		ra.PermissionsBoundary = pulumi.String(args.facts.RoleBoundary)
	} else if args.boundaryInput != nil {
		ra.PermissionsBoundary = args.boundaryInput.ToStringOutput()
	}
	role, err := iam.NewRole(ctx, name+"-role", ra, opts...)
	if err != nil {
		return nil, err
	}
	var permissions []pulumi.Resource
	for _, arn := range args.managedPolicyARNs {
		attachment, err := iam.NewRolePolicyAttachment(ctx, name+"-role-"+path.Base(arn),
			&iam.RolePolicyAttachmentArgs{Role: role.Name, PolicyArn: pulumi.String(arn)}, opts...)
		if err != nil {
			return nil, err
		}
		permissions = append(permissions, attachment)
	}
	if args.policy != nil {
		inline, err := iam.NewRolePolicy(ctx, name+"-role-policy", &iam.RolePolicyArgs{
			Name:   pulumi.String(args.name),
			Role:   role.Name,
			Policy: args.policy,
		}, opts...)
		if err != nil {
			return nil, err
		}
		permissions = append(permissions, inline)
	}
	return &Role{ARN: role.Arn, Resource: role, Permissions: permissions}, nil
}

// ServiceRoleArgs describe a role that AWS services assume.
type ServiceRoleArgs struct {
	// Facts are the environment's: path and permissions boundary of the role.
	Facts environment.Facts
	// Name is the physical name, at most 64 characters.
	Name string
	// Services may assume the role, by service principal.
	Services []string
	// SourceAccount and SourceARN limit that to what they do for one resource; empty for any.
	SourceAccount, SourceARN string
	// ManagedPolicyARNs are AWS-managed policies to attach.
	ManagedPolicyARNs []string
	// Policy is an inline policy document; nil for none.
	Policy pulumi.StringInput
}

// NewServiceRole creates a role for AWS services, with its permissions, under the parent given in opts.
func NewServiceRole(
	ctx *pulumi.Context,
	name string,
	args *ServiceRoleArgs,
	opts ...pulumi.ResourceOption,
) (*Role, error) {
	if args == nil {
		return nil, fmt.Errorf("service role %s: args is nil", name)
	}
	var errs field.Errors
	checkRoleName(&errs, args.Name)
	if len(args.Services) == 0 {
		errs.Required("services", "the service principals that may assume the role")
	}
	if err := errs.Err("service role " + name + ": args: "); err != nil {
		return nil, err
	}
	return newRole(ctx, name, roleArgs{
		facts: args.Facts, name: args.Name,
		description:       "Worn by " + args.Services[0],
		trust:             pulumi.String(args.trust().JSON()),
		managedPolicyARNs: args.ManagedPolicyARNs,
		policy:            args.Policy,
	}, opts)
}

func (a *ServiceRoleArgs) trust() Document {
	trust := ServiceTrust(a.Services...)
	if a.SourceAccount == "" {
		return trust
	}
	equals := map[string]Strings{"aws:SourceAccount": {a.SourceAccount}}
	if a.SourceARN != "" {
		equals["aws:SourceArn"] = Strings{a.SourceARN}
	}
	trust.Statement[0].Condition = Condition{"StringEquals": equals}
	return trust
}

// ServiceTrust is the trust policy of a role that the given AWS services may assume.
func ServiceTrust(services ...string) Document {
	return NewDocument(Statement{
		Effect: Allow, Principal: Services(services...), Action: Strings{"sts:AssumeRole"},
	})
}

// OIDC is a cluster's token issuer as IAM knows it.
type OIDC struct {
	// ProviderARN is the IAM OIDC provider of the issuer.
	ProviderARN pulumi.StringOutput `pulumi:"providerArn"`
	// Issuer is the issuer's host and path, without "https://", as condition keys spell it.
	Issuer pulumi.StringOutput `pulumi:"issuer"`
}

// WorkloadRoleArgs describe a role that one Kubernetes service account assumes (IRSA).
type WorkloadRoleArgs struct {
	// Facts are the environment's: path and permissions boundary of the role.
	Facts environment.Facts
	// Name is the physical name, at most 64 characters.
	Name string
	// OIDC is the cluster that signs the service account's tokens.
	OIDC OIDC
	// Namespace and ServiceAccount are exact; wildcards are refused.
	Namespace, ServiceAccount string
	// ManagedPolicyARNs are AWS-managed policies to attach.
	ManagedPolicyARNs []string
	// Policy is an inline policy document; nil for none.
	Policy pulumi.StringInput
}

// NewWorkloadRole creates a role for one service account, with its permissions, under the parent given in opts.
func NewWorkloadRole(
	ctx *pulumi.Context,
	name string,
	args *WorkloadRoleArgs,
	opts ...pulumi.ResourceOption,
) (*Role, error) {
	if args == nil {
		return nil, fmt.Errorf("workload role %s: args is nil", name)
	}
	var errs field.Errors
	checkRoleName(&errs, args.Name)
	errs.Match("namespace", args.Namespace, dnsLabel, "an exact Kubernetes namespace")
	errs.Match("serviceAccount", args.ServiceAccount, dnsLabel, "an exact Kubernetes service account")
	if err := errs.Err("workload role " + name + ": args: "); err != nil {
		return nil, err
	}
	trust := pulumi.All(args.OIDC.ProviderARN, args.OIDC.Issuer).ApplyT(func(all []any) string {
		return WorkloadTrust(all[0].(string), all[1].(string), args.Namespace, args.ServiceAccount).JSON()
	}).(pulumi.StringOutput)
	return newRole(ctx, name, roleArgs{
		facts: args.Facts, name: args.Name,
		description:       "Worn by the service account " + args.Namespace + "/" + args.ServiceAccount,
		trust:             trust,
		managedPolicyARNs: args.ManagedPolicyARNs,
		policy:            args.Policy,
	}, opts)
}

// WorkloadTrust is the trust policy of a role for one service account. It pins both "sub" and "aud": without "aud" a
// token that was issued for another audience would do.
func WorkloadTrust(providerARN, issuer, namespace, serviceAccount string) Document {
	return NewDocument(Statement{
		Effect: Allow, Principal: Federated(providerARN), Action: Strings{"sts:AssumeRoleWithWebIdentity"},
		Condition: Condition{"StringEquals": {
			issuer + ":sub": {"system:serviceaccount:" + namespace + ":" + serviceAccount},
			issuer + ":aud": {"sts.amazonaws.com"},
		}},
	})
}
