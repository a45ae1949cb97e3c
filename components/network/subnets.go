package network

import (
	"fmt"
	"maps"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// tiers are the subnets of all zones with their routes.
type tiers struct {
	// privateIDs and dataIDs are the subnets, one for each zone.
	privateIDs, dataIDs pulumi.StringArray
	// privateTables are the route tables that gateway endpoints are added to, one for each zone.
	privateTables pulumi.StringArray
	// natRoutes are the routes out of the private subnets.
	natRoutes []pulumi.Resource

	internet               *ec2.InternetGateway
	publicTable, dataTable *ec2.RouteTable
	// nat is the NAT gateway of the zone, or of all zones if they share one; nil for none.
	nat *ec2.NatGateway
}

// subnets creates the three subnets of each zone with their routes.
func (n *Network) subnets(ctx *pulumi.Context, v *ec2.Vpc, plan []ZonePlan) (*tiers, error) {
	igw, err := ec2.NewInternetGateway(ctx, n.name+"-igw", &ec2.InternetGatewayArgs{
		VpcId: v.ID(),
		Tags:  n.tags("igw"),
	}, n.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating internet gateway: %w", err)
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
		return nil, fmt.Errorf("creating the internet route of the public subnets: %w", err)
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

// zone creates the three subnets of one zone with their routes, and adds them to t.
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
			return fmt.Errorf("creating the NAT route of the private subnet in %s: %w", zone.Zone, err)
		}
		t.natRoutes = append(t.natRoutes, route)
	}
	t.privateIDs = append(t.privateIDs, private)
	t.dataIDs = append(t.dataIDs, data)
	t.privateTables = append(t.privateTables, privateTable.ID())
	return nil
}

func (n *Network) routeTable(ctx *pulumi.Context, v *ec2.Vpc, suffix string) (*ec2.RouteTable, error) {
	table, err := ec2.NewRouteTable(ctx, n.name+"-"+suffix, &ec2.RouteTableArgs{
		VpcId: v.ID(),
		Tags:  n.tags(suffix),
	}, n.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating route table %s: %w", suffix, err)
	}
	return table, nil
}

// subnet creates one subnet and associates it with its route table. It returns the subnet's ID, which is known once the
// association exists.
func (n *Network) subnet(
	ctx *pulumi.Context,
	v *ec2.Vpc,
	tier, zone string,
	cidr netip.Prefix,
	table *ec2.RouteTable,
	extraTags pulumi.StringMap,
) (pulumi.StringOutput, error) {
	name := n.name + "-" + tier + "-" + zone
	tags := n.tags(tier + "-" + zone)
	tags["Tier"] = pulumi.String(tier)
	maps.Copy(tags, extraTags)
	subnet, err := ec2.NewSubnet(ctx, name, &ec2.SubnetArgs{
		VpcId:               v.ID(),
		AvailabilityZone:    pulumi.String(zone),
		CidrBlock:           pulumi.String(cidr.String()),
		MapPublicIpOnLaunch: pulumi.Bool(false),
		Tags:                tags,
	}, n.childOpts()...)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("creating the %s subnet in %s: %w", tier, zone, err)
	}
	association, err := ec2.NewRouteTableAssociation(ctx, name, &ec2.RouteTableAssociationArgs{
		SubnetId:     subnet.ID(),
		RouteTableId: table.ID(),
	}, n.childOpts()...)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("associating the %s subnet in %s with its route table: %w", tier, zone, err)
	}
	return association.SubnetId.Elem(), nil
}

// natGateway creates a NAT gateway with a fixed address in a public subnet. The gateway depends on the internet
// gateway: without one, EC2 accepts the request and then the NAT gateway fails.
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
		return nil, fmt.Errorf("creating the address of the NAT gateway in %s: %w", zone, err)
	}
	nat, err := ec2.NewNatGateway(ctx, name, &ec2.NatGatewayArgs{
		AllocationId:     address.ID(),
		SubnetId:         publicSubnetID,
		ConnectivityType: pulumi.String("public"),
		Tags:             n.tags("nat-" + zone),
		// The address is attached to the old gateway until that is deleted.
	}, n.childOpts(pulumi.DependsOn([]pulumi.Resource{igw}), pulumi.DeleteBeforeReplace(true))...)
	if err != nil {
		return nil, fmt.Errorf("creating NAT gateway in %s: %w", zone, err)
	}
	n.NATGatewayIDs[zone] = nat.ID().ToStringOutput()
	return nat, nil
}
