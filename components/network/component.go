package network

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Placement says where other components may put their resources.
type Placement struct {
	// VPCID is the VPC.
	VPCID pulumi.StringOutput `pulumi:"vpcId"`
	// PrivateSubnetIDs are the subnets of control-plane interfaces, nodes and internal load balancers, one in each zone.
	PrivateSubnetIDs pulumi.StringArrayOutput `pulumi:"privateSubnetIds"`
	// FirstSubnetID is the first of PrivateSubnetIDs. A preview that adds a zone knows it, and does not know the list.
	FirstSubnetID pulumi.StringOutput `pulumi:"-"`
	// EgressRoutes are the NAT routes and endpoints of the private subnets. Nodes depend on them: a node that starts
	// earlier cannot join its cluster.
	EgressRoutes []pulumi.Resource `pulumi:"-"`
	// InternetGateway is what marks the VPC as one that CloudFront may reach. Empty in another stack than the network's.
	InternetGateway []pulumi.Resource `pulumi:"-"`
	// DataSubnetIDs are the subnets of databases and caches, one in each zone. They have no route out of the VPC.
	DataSubnetIDs pulumi.StringArrayOutput `pulumi:"dataSubnetIds"`
}

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:network:Network"

// Network is the VPC with its subnets, routes and endpoints.
type Network struct {
	pulumi.ResourceState

	// Placement is what other components build on.
	Placement Placement
	// NATGatewayIDs are the NAT gateways by zone; empty if NATMode is none.
	NATGatewayIDs map[string]pulumi.StringOutput

	name string
	args *Args
}

// New creates a network. It returns everything wrong with args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Network, error) {
	if args == nil {
		return nil, fmt.Errorf("network %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	plan, err := Plan(netip.MustParsePrefix(args.CIDR), args.Zones)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	if !args.Power.HasEgress() {
		isolated := *args
		isolated.NATMode, isolated.InterfaceEndpoints = NATNone, args.StandbyEndpoints
		args = &isolated
	}
	n := &Network{name: name, args: args, NATGatewayIDs: map[string]pulumi.StringOutput{}}
	if err := ctx.RegisterComponentResource(TypeToken, name, n, opts...); err != nil {
		return nil, fmt.Errorf("registering network %s: %w", name, err)
	}
	v, err := n.vpc(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.lockDefaultSecurityGroup(ctx, v); err != nil {
		return nil, err
	}
	if err := n.flowLog(ctx, v); err != nil {
		return nil, err
	}
	tiers, err := n.subnets(ctx, v, plan)
	if err != nil {
		return nil, err
	}
	n.Placement = Placement{
		VPCID:            v.ID().ToStringOutput(),
		PrivateSubnetIDs: tiers.privateIDs.ToStringArrayOutput(),
		FirstSubnetID:    tiers.privateIDs[0].ToStringOutput(),
		DataSubnetIDs:    tiers.dataIDs.ToStringArrayOutput(),
	}
	endpoints, err := n.endpoints(ctx, v, tiers.privateTables)
	if err != nil {
		return nil, err
	}
	n.Placement.EgressRoutes = append(tiers.natRoutes, endpoints...)
	n.Placement.InternetGateway = []pulumi.Resource{tiers.internet}
	if err := ctx.RegisterResourceOutputs(n, pulumi.Map{
		"vpcId":            n.Placement.VPCID,
		"privateSubnetIds": n.Placement.PrivateSubnetIDs,
		"dataSubnetIds":    n.Placement.DataSubnetIDs,
	}); err != nil {
		return nil, fmt.Errorf("registering outputs of network %s: %w", name, err)
	}
	return n, nil
}

func (n *Network) childOpts(extra ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(n)}, extra...)
}

func (n *Network) tags(suffix string) pulumi.StringMap {
	return pulumi.StringMap{"Name": pulumi.String(n.args.Name + "-" + suffix)}
}

func (n *Network) vpc(ctx *pulumi.Context) (*ec2.Vpc, error) {
	v, err := ec2.NewVpc(ctx, n.name+"-vpc", &ec2.VpcArgs{
		CidrBlock:          pulumi.String(n.args.CIDR),
		EnableDnsSupport:   pulumi.Bool(true),
		EnableDnsHostnames: pulumi.Bool(true),
		Tags:               n.tags("vpc"),
	}, n.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating VPC: %w", err)
	}
	return v, nil
}

// lockDefaultSecurityGroup adopts the security group that every VPC has by default and removes its rules. An instance
// that is started without a group of its own then reaches nothing.
func (n *Network) lockDefaultSecurityGroup(ctx *pulumi.Context, v *ec2.Vpc) error {
	_, err := ec2.NewDefaultSecurityGroup(ctx, n.name+"-default-sg", &ec2.DefaultSecurityGroupArgs{
		VpcId: v.ID(),
		Tags:  n.tags("default-unused"),
	}, n.childOpts()...)
	if err != nil {
		return fmt.Errorf("locking the default security group: %w", err)
	}
	return nil
}
