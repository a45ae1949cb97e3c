package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// Identity says who the cluster is to those who build on it.
type Identity struct {
	// Name of the cluster, known once its nodes are ready for workloads.
	Name pulumi.StringOutput `pulumi:"name"`
	// Version of Kubernetes, "1.NN".
	Version pulumi.StringOutput `pulumi:"version"`
	// Endpoint is the URL of the Kubernetes API.
	Endpoint pulumi.StringOutput `pulumi:"endpoint"`
	// CertificateAuthority signed the API's certificate; in base64.
	CertificateAuthority pulumi.StringOutput `pulumi:"certificateAuthority"`
	// OIDC signs the tokens of the cluster's service accounts.
	OIDC identity.OIDC `pulumi:"oidc"`
	// NodeSecurityGroupID is the group that EKS makes and that managed nodes really have. It is known as soon as the
	// control plane is, before any node.
	NodeSecurityGroupID pulumi.StringOutput `pulumi:"nodeSecurityGroupId"`
}

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:cluster:Cluster"

// Cluster is the control plane, its add-ons, nodes and access entries.
type Cluster struct {
	pulumi.ResourceState

	// Identity is what workloads and data stores build on.
	Identity Identity
	// AutoScalingGroups are the groups behind the node groups, by node group name, and NodeGroups their physical names;
	// none while the environment is down.
	AutoScalingGroups map[string]pulumi.StringOutput
	NodeGroups        map[string]pulumi.StringOutput
	// ControlPlane is what takes everything inside Kubernetes along when it is deleted; nil where there is none.
	ControlPlane pulumi.Resource
	// ContainerLogGroup is where the lines of all containers go.
	ContainerLogGroup pulumi.StringOutput

	name string
	args *Args
}

// controlPlane is what is known once the control plane exists.
type controlPlane struct {
	name, version pulumi.StringOutput
	eks           awseks.ClusterOutput
	component     *eks.Cluster
}

// controlPlaneLogs are all five log types that EKS has.
var controlPlaneLogs = []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}

// New creates a cluster. It returns every problem of args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Cluster, error) {
	if args == nil {
		return nil, fmt.Errorf("cluster %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	c := &Cluster{
		name:              name,
		args:              args,
		AutoScalingGroups: map[string]pulumi.StringOutput{},
		NodeGroups:        map[string]pulumi.StringOutput{},
	}
	if err := ctx.RegisterComponentResource(TypeToken, name, c, opts...); err != nil {
		return nil, fmt.Errorf("registering cluster %s: %w", name, err)
	}
	kept, err := c.keep(ctx)
	if err != nil {
		return nil, err
	}
	c.Identity = noIdentity(args)
	if args.Power.HasCluster() {
		if err := c.run(ctx, kept); err != nil {
			return nil, err
		}
	}
	if err := ctx.RegisterResourceOutputs(c, pulumi.Map{
		"name":                c.Identity.Name,
		"endpoint":            c.Identity.Endpoint,
		"nodeSecurityGroupId": c.Identity.NodeSecurityGroupID,
	}); err != nil {
		return nil, fmt.Errorf("registering outputs of cluster %s: %w", name, err)
	}
	return c, nil
}

// noIdentity is that of a cluster that is not there: empty, but known.
func noIdentity(args *Args) Identity {
	none := pulumi.String("").ToStringOutput()
	return Identity{
		Name: pulumi.String(args.Name).
			ToStringOutput(),
		Version: pulumi.String(args.KubernetesVersion).ToStringOutput(), Endpoint: none, CertificateAuthority: none,
		OIDC: identity.OIDC{ProviderARN: none, Issuer: none}, NodeSecurityGroupID: none,
	}
}

// run creates everything that costs: control plane, add-ons, nodes, and who may use them.
func (c *Cluster) run(ctx *pulumi.Context, kept *kept) error {
	cp, err := c.controlPlane(ctx, kept)
	if err != nil {
		return err
	}
	c.ControlPlane = cp.component
	oidc, err := identity.NewClusterOIDC(ctx, c.name+"-oidc", issuerURL(cp.eks), c.childOpts()...)
	if err != nil {
		return err
	}
	beforeNodes, err := c.addonsBeforeNodes(ctx, cp, *oidc)
	if err != nil {
		return err
	}
	var nodes []pulumi.Resource
	if c.args.Power.HasNodes() {
		if nodes, err = c.nodeGroups(ctx, cp, kept, beforeNodes); err != nil {
			return err
		}
	}
	ready := cp.name
	if c.args.Power.HadNodesEver() {
		dns, err := c.addon(ctx, cp, AddonCoreDNS, nil, "", nodes...)
		if err != nil {
			return err
		}
		if err := c.containerInsights(ctx, cp, *oidc, append(nodes, kept.containerLogs...)); err != nil {
			return err
		}
		ready = dns.ClusterName
	}
	if err := c.accessEntries(ctx, cp); err != nil {
		return err
	}
	c.Identity = Identity{
		Name:                 ready,
		Version:              cp.version,
		Endpoint:             cp.eks.Endpoint(),
		CertificateAuthority: cp.eks.CertificateAuthority().Data().Elem(),
		OIDC:                 *oidc,
		NodeSecurityGroupID:  cp.eks.VpcConfig().ClusterSecurityGroupId().Elem(),
	}
	return nil
}

// kept is what stays when the cluster itself goes: what is written or encrypted with it outlives it.
type kept struct {
	controlPlaneLogs pulumi.Resource
	containerLogs    []pulumi.Resource
	secretsKey       *identity.Key
	// templates are the nodes' launch templates, by node group.
	templates map[string]*ec2.LaunchTemplate
}

// keep creates log groups, keys and launch templates.
func (c *Cluster) keep(ctx *pulumi.Context) (*kept, error) {
	k := &kept{templates: map[string]*ec2.LaunchTemplate{}}
	logs, err := cloudwatch.NewLogGroup(ctx, c.name+"-control-plane-logs", &cloudwatch.LogGroupArgs{
		Name:            pulumi.String("/aws/eks/" + c.args.Name + "/cluster"),
		RetentionInDays: pulumi.Int(c.args.LogRetentionDays),
		KmsKeyId:        c.args.LogsKeyARN,
	}, c.childOpts()...)
	if err != nil {
		return nil, err
	}
	k.controlPlaneLogs = logs
	for _, kind := range []string{"application", "dataplane", "host", "performance"} {
		group, err := cloudwatch.NewLogGroup(ctx, c.name+"-container-"+kind, &cloudwatch.LogGroupArgs{
			Name:            pulumi.String("/aws/containerinsights/" + c.args.Name + "/" + kind),
			RetentionInDays: pulumi.Int(c.args.LogRetentionDays),
			KmsKeyId:        c.args.LogsKeyARN,
		}, c.childOpts()...)
		if err != nil {
			return nil, err
		}
		k.containerLogs = append(k.containerLogs, group)
		if kind == "application" {
			c.ContainerLogGroup = group.Name
		}
	}
	if k.secretsKey, err = identity.NewKey(ctx, c.name+"-secrets", &identity.KeyArgs{
		Alias:   c.args.Name + "-kubernetes-secrets",
		Purpose: "Kubernetes secrets of " + c.args.Name,
		Facts:   c.args.Facts,
	}, c.childOpts()...); err != nil {
		return nil, err
	}
	volumesKey, err := identity.NewKey(ctx, c.name+"-volumes", &identity.KeyArgs{
		Alias:      c.args.Name + "-node-volumes",
		Purpose:    "volumes of the nodes of " + c.args.Name,
		Facts:      c.args.Facts,
		Statements: identity.AutoScalingMayUseKey(c.args.AccountID),
	}, c.childOpts()...)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(c.args.NodeGroups)) {
		if k.templates[name], err = c.launchTemplate(ctx, name, c.args.NodeGroups[name], volumesKey); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (c *Cluster) childOpts(extra ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(c)}, extra...)
}

// controlPlane creates the control plane itself.
func (c *Cluster) controlPlane(ctx *pulumi.Context, kept *kept) (*controlPlane, error) {
	// EKS would otherwise create the log group itself, without key and retention, and again after destroy.
	first := append([]pulumi.Resource{kept.controlPlaneLogs}, c.args.Roles.ClusterRole.Permissions...)
	authentication := eks.AuthenticationModeApi
	component, err := eks.NewCluster(ctx, c.name, &eks.ClusterArgs{
		Name:                            pulumi.String(c.args.Name),
		Version:                         pulumi.String(c.args.KubernetesVersion),
		VpcId:                           c.args.Placement.VPCID,
		PrivateSubnetIds:                c.args.Placement.PrivateSubnetIDs,
		EndpointPrivateAccess:           pulumi.Bool(true),
		EndpointPublicAccess:            pulumi.Bool(len(c.args.PublicAccessCIDRs) > 0),
		PublicAccessCidrs:               pulumi.ToStringArray(c.args.PublicAccessCIDRs),
		AuthenticationMode:              &authentication,
		ServiceRole:                     c.args.Roles.ClusterRole.Resource,
		InstanceRole:                    c.args.Roles.NodeRole.Resource,
		EncryptionConfigKeyArn:          kept.secretsKey.ARN,
		EnabledClusterLogTypes:          pulumi.ToStringArray(controlPlaneLogs),
		KubernetesServiceIpAddressRange: pulumi.String(c.args.ServiceCIDR),
		ProviderCredentialOpts:          &eks.KubeconfigOptionsArgs{},
		SkipDefaultNodeGroup:            pulumi.BoolRef(true),
		UseDefaultVpcCni:                pulumi.BoolRef(true),
	}, c.childOpts(
		pulumi.Protect(c.args.Protect),
		pulumi.DependsOn(first),
		pulumi.Transforms([]pulumi.ResourceTransform{completeCluster(c.args.SupportType, first)}),
	)...)
	if err != nil {
		return nil, err
	}
	return &controlPlane{
		name:    component.EksCluster.Name(),
		version: component.EksCluster.Version(),
		eks:     component.EksCluster,

		component: component,
	}, nil
}

// completeCluster gives the cluster inside the pulumi-eks component what the component cannot: an upgrade policy, for
// which it has no input and without which EKS keeps an old version and bills extended support; and the dependencies of
// the component, which it does not hand on to its children and without which destroy takes the log group first.
func completeCluster(support SupportType, first []pulumi.Resource) pulumi.ResourceTransform {
	return func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		if args.Type != "aws:eks/cluster:Cluster" {
			return nil
		}
		args.Props["upgradePolicy"] = pulumi.Map{"supportType": pulumi.String(support)}
		args.Opts.DependsOn = append(args.Opts.DependsOn, first...)
		return &pulumi.ResourceTransformResult{Props: args.Props, Opts: args.Opts}
	}
}

func issuerURL(c awseks.ClusterOutput) pulumi.StringOutput {
	return c.Identities().Index(pulumi.Int(0)).Oidcs().Index(pulumi.Int(0)).Issuer().Elem()
}

// Names of the access entries that are no stack's choice.
const (
	breakGlass = "break-glass"
	deployer   = "deployer"
	previewer  = "previewer"
)

// accessEntries lets the break-glass role administer the cluster and each configured principal do what its level
// allows.
func (c *Cluster) accessEntries(ctx *pulumi.Context, cp *controlPlane) error {
	if err := c.accessEntry(ctx, cp, breakGlass, c.args.Roles.BreakGlassRole.ARN, "AmazonEKSClusterAdminPolicy",
		nil); err != nil {
		return err
	}
	if arn := c.args.PreviewerARN; arn != "" {
		// Of AWS's policies that only look this is the one that sees Helm's releases, which are secrets.
		if err := c.accessEntry(ctx, cp, previewer, pulumi.String(arn), "AmazonEKSAdminViewPolicy", nil); err != nil {
			return err
		}
	}
	if d := c.args.Deployer; d != nil {
		// What the group may do is said by a role in the application's namespace.
		if _, err := awseks.NewAccessEntry(ctx, c.name+"-access-"+deployer, &awseks.AccessEntryArgs{
			ClusterName: cp.name, PrincipalArn: pulumi.String(d.PrincipalARN),
			KubernetesGroups: pulumi.StringArray{pulumi.String(d.Group)}, Type: pulumi.String("STANDARD"),
		}, c.childOpts()...); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.args.Access)) {
		access := c.args.Access[name]
		if err := c.accessEntry(ctx, cp, name, pulumi.String(access.PrincipalARN), accessPolicies[access.Level],
			access.Namespaces); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) accessEntry(
	ctx *pulumi.Context,
	cp *controlPlane,
	name string,
	principal pulumi.StringInput,
	policy string,
	namespaces []string,
) error {
	entry, err := awseks.NewAccessEntry(ctx, c.name+"-access-"+name, &awseks.AccessEntryArgs{
		ClusterName:  cp.name,
		PrincipalArn: principal,
		Type:         pulumi.String("STANDARD"),
	}, c.childOpts()...)
	if err != nil {
		return err
	}
	scope := &awseks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")}
	if len(namespaces) > 0 {
		scope = &awseks.AccessPolicyAssociationAccessScopeArgs{
			Type: pulumi.String("namespace"), Namespaces: pulumi.ToStringArray(namespaces),
		}
	}
	_, err = awseks.NewAccessPolicyAssociation(ctx, c.name+"-access-"+name, &awseks.AccessPolicyAssociationArgs{
		ClusterName:  cp.name,
		PrincipalArn: entry.PrincipalArn,
		PolicyArn:    pulumi.String("arn:aws:eks::aws:cluster-access-policy/" + policy),
		AccessScope:  scope,
	}, c.childOpts()...)
	return err
}
