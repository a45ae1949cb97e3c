package network

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// Placement says where other components may put things.
type Placement struct {
	// VPCID is the VPC.
	VPCID pulumi.StringOutput `pulumi:"vpcId"`
	// PrivateSubnetIDs hold control-plane interfaces and internal load balancers, one for each zone.
	PrivateSubnetIDs pulumi.StringArrayOutput `pulumi:"privateSubnetIds"`
	// EgressRoutes are the NAT routes and endpoints of the private subnets. Nodes depend on them: one that starts earlier
	// cannot join its cluster.
	EgressRoutes []pulumi.Resource `pulumi:"-"`
	// DataSubnetIDs hold databases and caches, one for each zone; they have no route out of the VPC.
	DataSubnetIDs pulumi.StringArrayOutput `pulumi:"dataSubnetIds"`
}

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:network:Network"

// Network is the VPC and everything that makes it usable.
type Network struct {
	pulumi.ResourceState

	// Placement is what other components build on.
	Placement Placement
	// NATGatewayIDs are keyed by zone; empty when NATMode is none.
	NATGatewayIDs map[string]pulumi.StringOutput

	name string
	args *Args
}

// New creates a network. It returns every problem of args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Network, error) {
	if args == nil {
		return nil, fmt.Errorf("network %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	plan, err := Plan(netip.MustParsePrefix(args.CIDR), args.Zones)
	if err != nil {
		return nil, err
	}
	if !args.Power.HasEgress() {
		closed := *args
		closed.NATMode, closed.InterfaceEndpoints = NATNone, nil
		args = &closed
	}
	n := &Network{name: name, args: args, NATGatewayIDs: map[string]pulumi.StringOutput{}}
	if err := ctx.RegisterComponentResource(TypeToken, name, n, opts...); err != nil {
		return nil, fmt.Errorf("registering network %s: %w", name, err)
	}

	v, err := ec2.NewVpc(ctx, name+"-vpc", &ec2.VpcArgs{
		CidrBlock:          pulumi.String(args.CIDR),
		EnableDnsSupport:   pulumi.Bool(true),
		EnableDnsHostnames: pulumi.Bool(true),
		Tags:               n.tags("vpc"),
	}, n.childOpts()...)
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
		DataSubnetIDs:    tiers.dataIDs.ToStringArrayOutput(),
	}
	endpoints, err := n.endpoints(ctx, v, tiers.privateTables)
	if err != nil {
		return nil, err
	}
	n.Placement.EgressRoutes = append(tiers.natRoutes, endpoints...)
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

// lockDefaultSecurityGroup takes over the group that every VPC is born with and removes its rules: what is started
// without a group of its own then reaches nothing.
func (n *Network) lockDefaultSecurityGroup(ctx *pulumi.Context, v *ec2.Vpc) error {
	_, err := ec2.NewDefaultSecurityGroup(ctx, n.name+"-default-sg", &ec2.DefaultSecurityGroupArgs{
		VpcId: v.ID(),
		Tags:  n.tags("default-unused"),
	}, n.childOpts()...)
	return err
}

func (n *Network) flowLog(ctx *pulumi.Context, v *ec2.Vpc) error {
	group, err := cloudwatch.NewLogGroup(ctx, n.name+"-flow-logs", &cloudwatch.LogGroupArgs{
		Name:            pulumi.String("/aws/vpc/" + n.args.Name + "/flow-logs"),
		RetentionInDays: pulumi.Int(n.args.LogRetentionDays),
		KmsKeyId:        n.args.LogsKeyARN,
	}, n.childOpts()...)
	if err != nil {
		return err
	}
	role, err := identity.NewServiceRole(ctx, n.name+"-flow-logs", &identity.ServiceRoleArgs{
		Facts:    n.args.Facts,
		Name:     n.args.Name + "-flow-logs",
		Services: []string{"vpc-flow-logs.amazonaws.com"},
		Policy: group.Arn.ApplyT(func(arn string) string {
			return identity.NewDocument(identity.Statement{
				Sid: "WriteFlowLogs", Effect: identity.Allow,
				Action: identity.Strings{
					"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams",
				},
				Resource: identity.Strings{arn + ":*"},
			}, identity.Statement{
				// The service looks for its group before it writes; the action knows no single resource.
				Sid: "FindLogGroup", Effect: identity.Allow,
				Action: identity.Strings{"logs:DescribeLogGroups"}, Resource: identity.Strings{"*"},
			}).JSON()
		}).(pulumi.StringOutput),
	}, n.childOpts()...)
	if err != nil {
		return err
	}
	_, err = ec2.NewFlowLog(ctx, n.name+"-flow-log", &ec2.FlowLogArgs{
		VpcId:                  v.ID(),
		TrafficType:            pulumi.String(n.args.FlowLogTraffic),
		LogDestinationType:     pulumi.String("cloud-watch-logs"),
		LogDestination:         group.Arn,
		IamRoleArn:             role.ARN,
		MaxAggregationInterval: pulumi.Int(600),
		Tags:                   n.tags("flow-log"),
	}, n.childOpts(pulumi.DependsOn(role.Permissions))...)
	return err
}

// tiers is what the subnets of all zones amount to, one entry for each zone.
type tiers struct {
	privateIDs, dataIDs pulumi.StringArray
	// privateTables are the route tables in which gateway endpoints are announced.
	privateTables pulumi.StringArray
	// natRoutes are the routes out of the private subnets.
	natRoutes []pulumi.Resource

	internet               *ec2.InternetGateway
	publicTable, dataTable *ec2.RouteTable
	// nat is the gateway of the zone, or of all zones where they share one; nil for none.
	nat *ec2.NatGateway
}

// subnets creates the three subnets of each zone with their routes.
func (n *Network) subnets(ctx *pulumi.Context, v *ec2.Vpc, plan []ZonePlan) (*tiers, error) {
	igw, err := ec2.NewInternetGateway(ctx, n.name+"-igw", &ec2.InternetGatewayArgs{
		VpcId: v.ID(),
		Tags:  n.tags("igw"),
	}, n.childOpts()...)
	if err != nil {
		return nil, err
	}
	publicTable, err := n.routeTable(ctx, v, "public")
	if err != nil {
		return nil, err
	}
	if _, err := ec2.NewRoute(ctx, n.name+"-public-internet", &ec2.RouteArgs{
		RouteTableId:         publicTable.ID(),
		DestinationCidrBlock: pulumi.String("0.0.0.0/0"),
		GatewayId:            igw.ID(),
	}, n.childOpts()...); err != nil {
		return nil, err
	}
	dataTable, err := n.routeTable(ctx, v, "data")
	if err != nil {
		return nil, err
	}

	all := &tiers{internet: igw, publicTable: publicTable, dataTable: dataTable}
	for _, zone := range plan {
		if err := n.zone(ctx, v, zone, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// zone creates the three subnets of a zone with their routes, and adds them to t.
func (n *Network) zone(ctx *pulumi.Context, v *ec2.Vpc, zone ZonePlan, t *tiers) error {
	public, err := n.subnet(ctx, v, "public", zone.Zone, zone.Public, t.publicTable, pulumi.StringMap{
		"kubernetes.io/role/elb": pulumi.String("1"),
	})
	if err != nil {
		return err
	}
	privateTable, err := n.routeTable(ctx, v, "private-"+zone.Zone)
	if err != nil {
		return err
	}
	private, err := n.subnet(ctx, v, "private", zone.Zone, zone.Private, privateTable, pulumi.StringMap{
		"kubernetes.io/role/internal-elb":             pulumi.String("1"),
		"kubernetes.io/cluster/" + n.args.ClusterName: pulumi.String("shared"),
	})
	if err != nil {
		return err
	}
	data, err := n.subnet(ctx, v, "data", zone.Zone, zone.Data, t.dataTable, nil)
	if err != nil {
		return err
	}
	if n.args.NATMode == NATPerZone || n.args.NATMode == NATSingle && t.nat == nil {
		if t.nat, err = n.natGateway(ctx, t.internet, zone.Zone, public); err != nil {
			return err
		}
	}
	if t.nat != nil {
		route, err := ec2.NewRoute(ctx, n.name+"-private-"+zone.Zone+"-nat", &ec2.RouteArgs{
			RouteTableId:         privateTable.ID(),
			DestinationCidrBlock: pulumi.String("0.0.0.0/0"),
			NatGatewayId:         t.nat.ID(),
		}, n.childOpts()...)
		if err != nil {
			return fmt.Errorf("creating the NAT route of %s: %w", zone.Zone, err)
		}
		t.natRoutes = append(t.natRoutes, route)
	}
	t.privateIDs = append(t.privateIDs, private)
	t.dataIDs = append(t.dataIDs, data)
	t.privateTables = append(t.privateTables, privateTable.ID())
	return nil
}

func (n *Network) routeTable(ctx *pulumi.Context, v *ec2.Vpc, suffix string) (*ec2.RouteTable, error) {
	return ec2.NewRouteTable(ctx, n.name+"-"+suffix, &ec2.RouteTableArgs{
		VpcId: v.ID(),
		Tags:  n.tags(suffix),
	}, n.childOpts()...)
}

// subnet creates one subnet, ties it to its route table and returns its ID, known once it is tied.
func (n *Network) subnet(ctx *pulumi.Context, v *ec2.Vpc, tier, zone string, cidr netip.Prefix, table *ec2.RouteTable,
	extraTags pulumi.StringMap,
) (pulumi.StringOutput, error) {
	name := n.name + "-" + tier + "-" + zone
	tags := n.tags(tier + "-" + zone)
	tags["Tier"] = pulumi.String(tier)
	for k, value := range extraTags {
		tags[k] = value
	}
	subnet, err := ec2.NewSubnet(ctx, name, &ec2.SubnetArgs{
		VpcId:               v.ID(),
		AvailabilityZone:    pulumi.String(zone),
		CidrBlock:           pulumi.String(cidr.String()),
		MapPublicIpOnLaunch: pulumi.Bool(false),
		Tags:                tags,
	}, n.childOpts()...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	association, err := ec2.NewRouteTableAssociation(ctx, name, &ec2.RouteTableAssociationArgs{
		SubnetId:     subnet.ID(),
		RouteTableId: table.ID(),
	}, n.childOpts()...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return association.SubnetId.Elem(), nil
}

// natGateway creates a NAT gateway with a fixed address in a public subnet. It waits for the internet gateway, without
// which EC2 accepts the request and the gateway then fails.
func (n *Network) natGateway(
	ctx *pulumi.Context,
	igw *ec2.InternetGateway,
	zone string,
	publicSubnetID pulumi.StringInput,
) (*ec2.NatGateway, error) {
	name := n.name + "-nat-" + zone
	address, err := ec2.NewEip(ctx, name, &ec2.EipArgs{
		Domain: pulumi.String("vpc"),
		Tags:   n.tags("nat-" + zone),
	}, n.childOpts(pulumi.DependsOn([]pulumi.Resource{igw}))...)
	if err != nil {
		return nil, err
	}
	nat, err := ec2.NewNatGateway(ctx, name, &ec2.NatGatewayArgs{
		AllocationId:     address.ID(),
		SubnetId:         publicSubnetID,
		ConnectivityType: pulumi.String("public"),
		Tags:             n.tags("nat-" + zone),
	}, n.childOpts(pulumi.DependsOn([]pulumi.Resource{igw}))...)
	if err != nil {
		return nil, err
	}
	n.NATGatewayIDs[zone] = nat.ID().ToStringOutput()
	return nat, nil
}

// endpoints creates the S3 gateway endpoint, which is free and keeps image layers off the NAT gateways, and the chosen
// interface endpoints behind one security group that admits HTTPS from the VPC. It returns all of them.
func (n *Network) endpoints(
	ctx *pulumi.Context,
	v *ec2.Vpc,
	privateTables pulumi.StringArray,
) ([]pulumi.Resource, error) {
	s3, err := ec2.NewVpcEndpoint(ctx, n.name+"-endpoint-s3", &ec2.VpcEndpointArgs{
		VpcId:           v.ID(),
		ServiceName:     pulumi.String("com.amazonaws." + n.args.Region + ".s3"),
		VpcEndpointType: pulumi.String("Gateway"),
		RouteTableIds:   privateTables,
		Tags:            n.tags("s3"),
	}, n.childOpts()...)
	if err != nil {
		return nil, err
	}
	if len(n.args.InterfaceEndpoints) == 0 {
		return []pulumi.Resource{s3}, nil
	}
	group, err := ec2.NewSecurityGroup(ctx, n.name+"-endpoints", &ec2.SecurityGroupArgs{
		Name:        pulumi.String(n.args.Name + "-endpoints"),
		Description: pulumi.String("VPC interface endpoints: HTTPS from inside the VPC"),
		VpcId:       v.ID(),
		Tags:        n.tags("endpoints"),
	}, n.childOpts()...)
	if err != nil {
		return nil, err
	}
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, n.name+"-endpoints-https", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: group.ID(),
		Description:     pulumi.String("HTTPS from the VPC"),
		CidrIpv4:        pulumi.String(n.args.CIDR),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(443),
		ToPort:          pulumi.Int(443),
	}, n.childOpts()...); err != nil {
		return nil, err
	}
	all := []pulumi.Resource{s3}
	for _, service := range n.args.InterfaceEndpoints {
		endpoint, err := ec2.NewVpcEndpoint(ctx, n.name+"-endpoint-"+service, &ec2.VpcEndpointArgs{
			VpcId:             v.ID(),
			ServiceName:       pulumi.String("com.amazonaws." + n.args.Region + "." + service),
			VpcEndpointType:   pulumi.String("Interface"),
			SubnetIds:         n.Placement.PrivateSubnetIDs,
			SecurityGroupIds:  pulumi.StringArray{group.ID()},
			PrivateDnsEnabled: pulumi.Bool(true),
			Tags:              n.tags(service),
		}, n.childOpts()...)
		if err != nil {
			return nil, err
		}
		all = append(all, endpoint)
	}
	return all, nil
}
