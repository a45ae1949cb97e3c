package awssim

import (
	"fmt"
	"net/netip"
	"regexp"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
)

// Quotas that a new account has in each region. Source: Amazon VPC User Guide, "Amazon VPC quotas".
const (
	maxVPCs      = 5
	maxElasticIP = 5
)

var zoneName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$`)

var vpcRef = Ref{Path: "vpcId", Type: awstype.VPC, Blocks: true, Code: "InvalidVpcID.NotFound"}

var networkTypes = map[string]Type{
	awstype.VPC: {
		Args:    ec2.VpcArgs{},
		ID:      withPrefix("vpc-"),
		Check:   checkVPC,
		Outputs: vpcOutputs,
		Created: quota(awstype.VPC, maxVPCs, "VpcLimitExceeded"),
	},
	awstype.Subnet: {
		Args:    ec2.SubnetArgs{},
		Refs:    []Ref{vpcRef},
		ID:      withPrefix("subnet-"),
		Check:   checkSubnet,
		Outputs: ec2ARN("subnet"),
		Created: subnetFits,
	},
	awstype.InternetGateway: {
		Args:    ec2.InternetGatewayArgs{},
		Refs:    []Ref{vpcRef},
		ID:      withPrefix("igw-"),
		Outputs: ec2ARN("internet-gateway"),
		Taken:   "Resource.AlreadyAssociated",
	},
	awstype.RouteTable: {
		Args:    ec2.RouteTableArgs{},
		Refs:    []Ref{vpcRef},
		ID:      withPrefix("rtb-"),
		Outputs: ec2ARN("route-table"),
	},
	awstype.Route: {
		Args: ec2.RouteArgs{},
		Refs: []Ref{
			{Path: "routeTableId", Type: awstype.RouteTable, Code: "InvalidRouteTableID.NotFound"},
			{Path: "gatewayId", Type: awstype.InternetGateway, Blocks: true, Code: "InvalidGatewayID.NotFound"},
			{Path: "natGatewayId", Type: awstype.NATGateway, Code: "NatGatewayNotFound"},
		},
		Taken: "RouteAlreadyExists",
		ID:    withPrefix("r-rtb-"),
		Outputs: func(Site, string, Props) Props {
			return Props{"origin": "CreateRoute", "state": "active"}
		},
	},
	awstype.RouteTableAssociation: {
		Args: ec2.RouteTableAssociationArgs{},
		Refs: []Ref{
			{Path: "subnetId", Type: awstype.Subnet, Blocks: true, Code: "InvalidSubnetID.NotFound"},
			{Path: "routeTableId", Type: awstype.RouteTable, Blocks: true, Code: "InvalidRouteTableID.NotFound"},
		},
		Taken: "Resource.AlreadyAssociated",
		ID:    withPrefix("rtbassoc-"),
	},
	awstype.ElasticIP: {
		Args:    ec2.EipArgs{},
		ID:      withPrefix("eipalloc-"),
		Outputs: elasticIPOutputs,
		Created: quota(awstype.ElasticIP, maxElasticIP, "AddressLimitExceeded"),
	},
	awstype.NATGateway: {
		Args: ec2.NatGatewayArgs{},
		Refs: []Ref{
			{Path: "subnetId", Type: awstype.Subnet, Blocks: true, Code: "InvalidSubnetID.NotFound"},
			{Path: "allocationId", Type: awstype.ElasticIP, Blocks: true, Code: "InvalidAllocationID.NotFound"},
		},
		Taken: "Resource.AlreadyAssociated",
		ID:    withPrefix("nat-"),
		Check: checkNATGateway,
	},
	awstype.VPCEndpoint: {
		Args: ec2.VpcEndpointArgs{},
		Refs: []Ref{
			vpcRef,
			{Path: "subnetIds", Type: awstype.Subnet, Blocks: true, Code: "InvalidSubnetId.NotFound"},
			{Path: "routeTableIds", Type: awstype.RouteTable, Code: "InvalidRouteTableId.NotFound"},
			{Path: "securityGroupIds", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidGroup.NotFound"},
		},
		Taken: "RouteAlreadyExists",
		ID:    withPrefix("vpce-"),
		Check: checkVPCEndpoint,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("ec2", "vpc-endpoint/"+id), "state": "available", "ownerId": s.Account}
		},
	},
	awstype.FlowLog: {
		Args: ec2.FlowLogArgs{},
		Refs: []Ref{
			{Path: "vpcId", Type: awstype.VPC, Code: "InvalidVpcId.NotFound"},
			{Path: "iamRoleArn", Type: awstype.Role, By: "arn"},
			{Path: "logDestination", Type: awstype.LogGroup, By: "arn"},
		},
		ID:      withPrefix("fl-"),
		Check:   checkFlowLog,
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("ec2", "vpc-flow-log/"+id)} },
	},
}

func ec2ARN(kind string) func(Site, string, Props) Props {
	return func(s Site, id string, _ Props) Props {
		return Props{"arn": s.arn("ec2", kind+"/"+id), "ownerId": s.Account}
	}
}

// quota returns a Created hook that refuses more than max resources of a type.
func quota(token string, max int, code string) func(*Cloud, *Object) error {
	return func(c *Cloud, _ *Object) error {
		n := 0
		for _, o := range c.objects {
			if o.Type == token && o.Region == c.Site.Region {
				n++
			}
		}
		if n >= max {
			return apiError("%s: the maximum of %d has been reached", code, max)
		}
		return nil
	}
}

func checkVPC(in Props) []Failure {
	var f []Failure
	checkPrefix(&f, in, "cidrBlock", 16, 28)
	return f
}

func vpcOutputs(s Site, id string, _ Props) Props {
	return Props{
		"arn":                    s.arn("ec2", "vpc/"+id),
		"ownerId":                s.Account,
		"defaultSecurityGroupId": "sg-" + id[4:],
		"mainRouteTableId":       "rtb-" + id[4:],
		"defaultNetworkAclId":    "acl-" + id[4:],
	}
}

func checkSubnet(in Props) []Failure {
	var f []Failure
	checkPrefix(&f, in, "cidrBlock", 16, 28)
	failIf(&f, mismatch(in, "availabilityZone", zoneName),
		"availabilityZone", "%q is not an availability zone", in.Str("availabilityZone"))
	return f
}

// checkPrefix records why EC2 refuses the range at property.
func checkPrefix(f *[]Failure, in Props, property string, min, max int) {
	if !in.Has(property) {
		return
	}
	prefix, err := netip.ParsePrefix(in.Str(property))
	if err != nil {
		*f = append(*f, Failure{property, fmt.Sprintf("%q is not a valid CIDR", in.Str(property))})
		return
	}
	failIf(f, prefix.Bits() < min || prefix.Bits() > max, property, "%s is not between /%d and /%d", prefix, min, max)
	failIf(f, prefix != prefix.Masked(), property, "%s has host bits set; EC2 would store %s", prefix, prefix.Masked())
}

// subnetFits refuses a subnet that is outside its VPC or overlaps another one. The caller holds mu.
func subnetFits(c *Cloud, o *Object) error {
	subnet, err := netip.ParsePrefix(o.State.Str("cidrBlock"))
	if err != nil {
		return apiError("InvalidParameterValue: %s", err)
	}
	parent := c.get(awstype.VPC, o.State.Str("vpcId"))
	whole, err := netip.ParsePrefix(parent.State.Str("cidrBlock"))
	if err != nil || whole.Bits() > subnet.Bits() || !whole.Contains(subnet.Addr()) {
		return apiError("InvalidSubnet.Range: %s is not inside the VPC's %s", subnet, whole)
	}
	for _, other := range c.objects {
		if other.Type != awstype.Subnet || other.State.Str("vpcId") != parent.ID {
			continue
		}
		if taken, err := netip.ParsePrefix(other.State.Str("cidrBlock")); err == nil && taken.Overlaps(subnet) {
			return apiError("InvalidSubnet.Conflict: %s overlaps %s of %s", subnet, taken, other.ID)
		}
	}
	return nil
}

func elasticIPOutputs(s Site, id string, _ Props) Props {
	// 192.0.2.0/24 is reserved for documentation, so the address belongs to no real host.
	address := fmt.Sprintf("192.0.2.%d", 1+int(id[len(id)-1]+id[len(id)-2])%254)
	return Props{"allocationId": id, "publicIp": address, "arn": s.arn("ec2", "elastic-ip/"+id)}
}

func checkNATGateway(in Props) []Failure {
	var f []Failure
	failIf(&f, in.Str("connectivityType") != "private" && in.Get("allocationId") == nil,
		"allocationId", "is needed by a public NAT gateway")
	return f
}

func checkVPCEndpoint(in Props) []Failure {
	var f []Failure
	gateway := in.Str("vpcEndpointType") == "Gateway"
	failIf(&f, gateway && in.Get("subnetIds") != nil, "subnetIds", "does not go with a Gateway endpoint")
	failIf(&f, !gateway && in.Get("routeTableIds") != nil, "routeTableIds", "goes with a Gateway endpoint only")
	return f
}

func checkFlowLog(in Props) []Failure {
	var f []Failure
	n, ok := in.Num("maxAggregationInterval")
	failIf(&f, ok && n != 60 && n != 600, "maxAggregationInterval", "is not 60 or 600")
	return f
}
