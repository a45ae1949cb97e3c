package identity

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// AWS-managed policies of the roles below.
const (
	policyEKSCluster   = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
	policyNode         = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
	policyRegistryPull = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"

	// PolicySessionManager is the policy of instances that Session Manager reaches.
	PolicySessionManager = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:identity:Identity"

// Identity holds the roles that must exist before a cluster.
type Identity struct {
	pulumi.ResourceState

	// ClusterRole is assumed by the EKS control plane.
	ClusterRole *Role
	// NodeRole is assumed by worker nodes. It may pull images and register with the cluster; networking permissions
	// belong to the VPC CNI's own role.
	NodeRole *Role
	// BreakGlassRole is for people, when everything else fails. It has no AWS permissions; the cluster grants it
	// permissions inside Kubernetes.
	BreakGlassRole *Role
}

// New creates the roles that must exist before a cluster. It returns everything wrong with args in one error, before
// anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Identity, error) {
	if args == nil {
		return nil, fmt.Errorf("identity %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	id := &Identity{}
	if err := ctx.RegisterComponentResource(TypeToken, name, id, opts...); err != nil {
		return nil, fmt.Errorf("registering identity %s: %w", name, err)
	}
	child := pulumi.Parent(id)
	var err error
	if id.ClusterRole, err = NewServiceRole(ctx, name+"-cluster", &ServiceRoleArgs{
		Facts: args.Facts, Name: args.Name + "-cluster",
		Services:          []string{"eks.amazonaws.com"},
		ManagedPolicyARNs: []string{policyEKSCluster},
	}, child); err != nil {
		return nil, err
	}
	if id.NodeRole, err = NewServiceRole(ctx, name+"-node", &ServiceRoleArgs{
		Facts: args.Facts, Name: args.Name + "-node",
		Services:          []string{"ec2.amazonaws.com"},
		ManagedPolicyARNs: []string{policyNode, policyRegistryPull, PolicySessionManager},
	}, child); err != nil {
		return nil, err
	}
	if id.BreakGlassRole, err = newRole(ctx, name+"-break-glass", roleArgs{
		facts: args.Facts, name: args.Name + "-break-glass",
		description: "Cluster administration when everything else fails; needs MFA",
		trust:       pulumi.String(BreakGlassTrust(args.AccountID).JSON()),
	}, []pulumi.ResourceOption{child}); err != nil {
		return nil, err
	}
	if err := ctx.RegisterResourceOutputs(id, pulumi.Map{
		"clusterRoleArn":    id.ClusterRole.ARN,
		"nodeRoleArn":       id.NodeRole.ARN,
		"breakGlassRoleArn": id.BreakGlassRole.ARN,
	}); err != nil {
		return nil, fmt.Errorf("registering outputs of identity %s: %w", name, err)
	}
	return id, nil
}

// BreakGlassTrust is the trust policy of the break-glass role. Principals of the account may assume it if an
// administrator allows them to, and only within an hour of multi-factor authentication.
func BreakGlassTrust(account string) Document {
	return NewDocument(Statement{
		Effect: Allow, Principal: AWS("arn:aws:iam::" + account + ":root"), Action: Strings{"sts:AssumeRole"},
		Condition: Condition{
			"Bool":            {"aws:MultiFactorAuthPresent": {"true"}},
			"NumericLessThan": {"aws:MultiFactorAuthAge": {"3600"}},
		},
	})
}

// NewClusterOIDC creates the IAM OIDC provider of a cluster from its issuer URL, under the parent given in opts. IAM
// does not need the certificate thumbprint of issuers that EKS hosts.
func NewClusterOIDC(
	ctx *pulumi.Context,
	name string,
	issuerURL pulumi.StringOutput,
	opts ...pulumi.ResourceOption,
) (*OIDC, error) {
	provider, err := iam.NewOpenIdConnectProvider(ctx, name, &iam.OpenIdConnectProviderArgs{
		Url:           issuerURL,
		ClientIdLists: pulumi.StringArray{pulumi.String("sts.amazonaws.com")},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("creating OIDC provider %s: %w", name, err)
	}
	return &OIDC{
		ProviderARN: provider.Arn,
		Issuer: provider.Url.ApplyT(func(url string) string {
			return strings.TrimPrefix(url, "https://")
		}).(pulumi.StringOutput),
	}, nil
}
