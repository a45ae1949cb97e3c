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

// Identity identifies the cluster to components that build on it.
type Identity struct {
	// Name of the cluster. It is known once the nodes are ready for workloads.
	Name pulumi.StringOutput `pulumi:"name"`
	// Version of Kubernetes, "1.NN".
	Version pulumi.StringOutput `pulumi:"version"`
	// Endpoint is the URL of the Kubernetes API.
	Endpoint pulumi.StringOutput `pulumi:"endpoint"`
	// CertificateAuthority is the certificate that signed the API's certificate, in base64.
	CertificateAuthority pulumi.StringOutput `pulumi:"certificateAuthority"`
	// OIDC is the issuer of the tokens of the cluster's service accounts.
	OIDC identity.OIDC `pulumi:"oidc"`
	// NodeSecurityGroupID is the security group that EKS creates and attaches to managed nodes. It is known as soon as the
	// control plane exists, before any node.
	NodeSecurityGroupID pulumi.StringOutput `pulumi:"nodeSecurityGroupId"`
}

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:cluster:Cluster"

// Cluster is the control plane, its add-ons, nodes and access entries.
type Cluster struct {
	pulumi.ResourceState

	// Identity is what workloads and data stores build on.
	Identity Identity
	// AutoScalingGroups are the Auto Scaling groups of the node groups, and NodeGroups their physical names, both by node
	// group name; empty if Power has no nodes.
	AutoScalingGroups map[string]pulumi.StringOutput
	NodeGroups        map[string]pulumi.StringOutput
	// ControlPlane is the resource whose deletion deletes everything inside Kubernetes; nil if there is none.
	ControlPlane pulumi.Resource
	// ContainerLogGroup is the log group of all containers.
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

// controlPlaneLogs are all log types of EKS.
var controlPlaneLogs = []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}

// New creates a cluster. It returns everything wrong with args in one error, before anything is registered.
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
	permanent, err := c.permanent(ctx)
	if err != nil {
		return nil, err
	}
	c.Identity = noIdentity(args)
	if args.Power.HasCluster() {
		if err := c.create(ctx, permanent); err != nil {
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

// noIdentity is the identity of a cluster that does not exist. Its outputs are known, and empty except for name and
// version.
func noIdentity(args *Args) Identity {
	none := pulumi.String("").ToStringOutput()
	return Identity{
		Name:                 pulumi.String(args.Name).ToStringOutput(),
		Version:              pulumi.String(args.KubernetesVersion).ToStringOutput(),
		Endpoint:             none,
		CertificateAuthority: none,
		OIDC:                 identity.OIDC{ProviderARN: none, Issuer: none},
		NodeSecurityGroupID:  none,
	}
}

// create creates the control plane, the add-ons, the nodes and the access entries. Hibernation deletes all of them.
func (c *Cluster) create(ctx *pulumi.Context, permanent *permanent) error {
	cp, err := c.controlPlane(ctx, permanent)
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
		if nodes, err = c.nodeGroups(ctx, cp, permanent, beforeNodes); err != nil {
			return err
		}
	}
	ready := cp.name
	if c.args.Power.HadNodesEver() {
		dns, err := c.addon(ctx, cp, AddonCoreDNS, nil, "", nodes...)
		if err != nil {
			return err
		}
		if err := c.containerInsights(ctx, cp, *oidc, append(nodes, permanent.containerLogs...)); err != nil {
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
		NodeSecurityGroupID:  c.nodeSecurityGroup(ctx, cp),
	}
	return nil
}

// nodeSecurityGroup returns the ID of the security group that EKS creates for the cluster and its nodes. It asks EKS as
// soon as the cluster has an ARN. The cluster has the ID as an output too, but in the same object as the subnets: while
// a preview does not know one of those, the SDK takes the whole object for unknown, and the preview shows every rule
// with the group as changed or replaced.
func (c *Cluster) nodeSecurityGroup(ctx *pulumi.Context, cp *controlPlane) pulumi.StringOutput {
	name := cp.eks.Arn().ApplyT(func(string) string { return c.args.Name }).(pulumi.StringOutput)
	found := awseks.LookupClusterOutput(ctx, awseks.LookupClusterOutputArgs{Name: name}, pulumi.Parent(c))
	return found.VpcConfig().ClusterSecurityGroupId()
}

// permanent are the resources that exist in every state of Power. Logs and volumes that were written or encrypted with
// them outlive the cluster.
type permanent struct {
	controlPlaneLogs pulumi.Resource
	containerLogs    []pulumi.Resource
	secretsKey       *identity.Key
	// templates are the launch templates of the nodes, by node group.
	templates map[string]*ec2.LaunchTemplate
}

// permanent creates log groups, keys and launch templates.
func (c *Cluster) permanent(ctx *pulumi.Context) (*permanent, error) {
	p := &permanent{templates: map[string]*ec2.LaunchTemplate{}}
	logs, err := c.logGroup(ctx, "control-plane-logs", "/aws/eks/"+c.args.Name+"/cluster")
	if err != nil {
		return nil, err
	}
	p.controlPlaneLogs = logs
	for _, kind := range []string{"application", "dataplane", "host", "performance"} {
		group, err := c.logGroup(ctx, "container-"+kind, "/aws/containerinsights/"+c.args.Name+"/"+kind)
		if err != nil {
			return nil, err
		}
		p.containerLogs = append(p.containerLogs, group)
		if kind == "application" {
			c.ContainerLogGroup = group.Name
		}
	}
	if p.secretsKey, err = identity.NewKey(ctx, c.name+"-secrets", &identity.KeyArgs{
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
		if p.templates[name], err = c.launchTemplate(ctx, name, c.args.NodeGroups[name], volumesKey); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (c *Cluster) logGroup(ctx *pulumi.Context, suffix, physical string) (*cloudwatch.LogGroup, error) {
	group, err := cloudwatch.NewLogGroup(ctx, c.name+"-"+suffix, &cloudwatch.LogGroupArgs{
		Name:            pulumi.String(physical),
		RetentionInDays: pulumi.Int(c.args.LogRetentionDays),
		KmsKeyId:        c.args.LogsKeyARN,
	}, c.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating log group %s: %w", physical, err)
	}
	return group, nil
}

func (c *Cluster) childOpts(extra ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(c)}, extra...)
}

// controlPlane creates the control plane through pulumi-eks.
func (c *Cluster) controlPlane(ctx *pulumi.Context, permanent *permanent) (*controlPlane, error) {
	// If the log group did not exist, EKS would create it without key and retention, and again after destroy.
	before := append([]pulumi.Resource{permanent.controlPlaneLogs}, c.args.Roles.ClusterRole.Permissions...)
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
		EncryptionConfigKeyArn:          permanent.secretsKey.ARN,
		EnabledClusterLogTypes:          pulumi.ToStringArray(controlPlaneLogs),
		KubernetesServiceIpAddressRange: pulumi.String(c.args.ServiceCIDR),
		ProviderCredentialOpts:          &eks.KubeconfigOptionsArgs{},
		SkipDefaultNodeGroup:            pulumi.BoolRef(true),
		UseDefaultVpcCni:                pulumi.BoolRef(true),
	}, c.childOpts(
		pulumi.Protect(c.args.Protect),
		pulumi.DependsOn(before),
		pulumi.Transforms([]pulumi.ResourceTransform{completeCluster(c.args.SupportType, before)}),
	)...)
	if err != nil {
		return nil, fmt.Errorf("creating the control plane of cluster %s: %w", c.args.Name, err)
	}
	return &controlPlane{
		name:      component.EksCluster.Name(),
		version:   component.EksCluster.Version(),
		eks:       component.EksCluster,
		component: component,
	}, nil
}

// completeCluster sets on the cluster inside the pulumi-eks component what the component cannot set. The component has
// no input for the upgrade policy, without which EKS keeps an old version and bills extended support. It also does not
// pass its dependencies on to its children; without them, destroy deletes the log group before the cluster.
func completeCluster(support SupportType, before []pulumi.Resource) pulumi.ResourceTransform {
	return func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		if args.Type != "aws:eks/cluster:Cluster" {
			return nil
		}
		args.Props["upgradePolicy"] = pulumi.Map{"supportType": pulumi.String(support)}
		args.Opts.DependsOn = append(args.Opts.DependsOn, before...)
		return &pulumi.ResourceTransformResult{Props: args.Props, Opts: args.Opts}
	}
}

func issuerURL(c awseks.ClusterOutput) pulumi.StringOutput {
	return c.Identities().Index(pulumi.Int(0)).Oidcs().Index(pulumi.Int(0)).Issuer().Elem()
}
