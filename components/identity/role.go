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
	// Resource is the role itself, for components that take a resource instead of an ARN.
	Resource *iam.Role
	// Permissions are the policies of the role. Whatever assumes the role depends on them, so that it never starts without
	// its permissions.
	Permissions []pulumi.Resource
}

// roleArgs describe a role of any kind.
type roleArgs struct {
	facts             environment.Facts
	name, description string
	trust             pulumi.StringInput
	// boundaryInput is a boundary that the program creates, for an environment that has none of its own; nil for none.
	boundaryInput     pulumi.StringInput
	managedPolicyARNs []string
	// policy is an inline policy document; nil for none.
	policy pulumi.StringInput
	// maxSessionSeconds limits how long a session of the role lasts; 0 means an hour.
	maxSessionSeconds int
}

// newRole creates every role of the program: it always sets path, boundary and session length. The logical name of a
// role ends in "-role".
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
		return nil, fmt.Errorf("creating role %s: %w", args.name, err)
	}
	permissions, err := grant(ctx, name+"-role", role, args, opts)
	if err != nil {
		return nil, err
	}
	return &Role{ARN: role.Arn, Resource: role, Permissions: permissions}, nil
}

// grant gives a role its policies, and returns them.
func grant(
	ctx *pulumi.Context,
	logical string,
	role *iam.Role,
	args roleArgs,
	opts []pulumi.ResourceOption,
) ([]pulumi.Resource, error) {
	var permissions []pulumi.Resource
	for _, arn := range args.managedPolicyARNs {
		policy := path.Base(arn)
		attachment, err := iam.NewRolePolicyAttachment(ctx, logical+"-"+policy, &iam.RolePolicyAttachmentArgs{
			Role:      role.Name,
			PolicyArn: pulumi.String(arn),
		}, opts...)
		if err != nil {
			return nil, fmt.Errorf("attaching policy %s to role %s: %w", policy, args.name, err)
		}
		permissions = append(permissions, attachment)
	}
	if args.policy != nil {
		inline, err := iam.NewRolePolicy(ctx, logical+"-policy", &iam.RolePolicyArgs{
			Name:   pulumi.String(args.name),
			Role:   role.Name,
			Policy: args.policy,
		}, opts...)
		if err != nil {
			return nil, fmt.Errorf("creating the inline policy of role %s: %w", args.name, err)
		}
		permissions = append(permissions, inline)
	}
	return permissions, nil
}

// ServiceRoleArgs describe a role that AWS services assume.
type ServiceRoleArgs struct {
	// Facts are the environment's: path and permissions boundary of the role.
	Facts environment.Facts
	// Name is the physical name, at most 64 characters.
	Name string
	// Services are the service principals that may assume the role, such as "ec2.amazonaws.com"; at least one.
	Services []string
	// SourceAccount and SourceARN limit the trust to requests on behalf of one account and one resource in it; empty for
	// any. SourceARN needs SourceAccount.
	SourceAccount, SourceARN string
	// ManagedPolicyARNs are AWS-managed policies to attach; default none.
	ManagedPolicyARNs []string
	// Policy is an inline policy document; nil for none.
	Policy pulumi.StringInput
}

// NewServiceRole creates a role for AWS services and its permissions, under the parent given in opts.
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
	validateRoleName(&errs, args.Name)
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

// OIDC is the token issuer of a cluster, as IAM knows it.
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
	// ManagedPolicyARNs are AWS-managed policies to attach; default none.
	ManagedPolicyARNs []string
	// Policy is an inline policy document; nil for none.
	Policy pulumi.StringInput
}

// NewWorkloadRole creates a role for one service account and its permissions, under the parent given in opts.
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
	validateRoleName(&errs, args.Name)
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

// WorkloadTrust is the trust policy of a role for one service account. It pins both "sub" and "aud": without "aud", IAM
// would accept a token that was issued for another audience.
func WorkloadTrust(providerARN, issuer, namespace, serviceAccount string) Document {
	return NewDocument(Statement{
		Effect: Allow, Principal: Federated(providerARN), Action: Strings{"sts:AssumeRoleWithWebIdentity"},
		Condition: Condition{"StringEquals": {
			issuer + ":sub": {"system:serviceaccount:" + namespace + ":" + serviceAccount},
			issuer + ":aud": {"sts.amazonaws.com"},
		}},
	})
}
