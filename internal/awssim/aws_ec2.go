package awssim

import (
	"fmt"
	"net/netip"
	"regexp"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Quotas that a new account has in each region. Source: Amazon VPC User Guide, "Amazon VPC quotas".
const (
	maxVPCs      = 5
	maxElasticIP = 5
)

var (
	groupName    = regexp.MustCompile(`^[0-9A-Za-z ._:/()#,@\[\]+=&;{}!$*-]{1,255}$`)
	deviceName   = regexp.MustCompile(`^/dev/(xvd[a-z]{1,2}|sd[a-z][0-9]*)$`)
	prefixListID = regexp.MustCompile(`^pl-[0-9a-f]{8,17}$`)
	zoneName     = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$`)
)

var vpcRef = Ref{Path: "vpcId", Type: awstype.VPC, Blocks: true, Code: "InvalidVpcID.NotFound"}

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

var ec2Types = map[string]Type{
	awstype.VPC: {
		Args: ec2.VpcArgs{},
		ID:   withPrefix("vpc-"),
		Check: func(in Props) []Failure {
			var f []Failure
			checkPrefix(&f, in, "cidrBlock", 16, 28)
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{
				"arn": s.arn("ec2", "vpc/"+id), "ownerId": s.Account,
				"defaultSecurityGroupId": "sg-" + id[4:], "mainRouteTableId": "rtb-" + id[4:], "defaultNetworkAclId": "acl-" + id[4:],
			}
		},
		Created: quota(awstype.VPC, maxVPCs, "VpcLimitExceeded"),
	},
	awstype.Subnet: {
		Args: ec2.SubnetArgs{},
		Refs: []Ref{vpcRef},
		ID:   withPrefix("subnet-"),
		Check: func(in Props) []Failure {
			var f []Failure
			checkPrefix(&f, in, "cidrBlock", 16, 28)
			failIf(&f, in.Has("availabilityZone") && !zoneName.MatchString(in.Str("availabilityZone")),
				"availabilityZone", "%q is not an availability zone", in.Str("availabilityZone"))
			return f
		},
		Outputs: ec2ARN("subnet"),
		Created: subnetFits,
	},
	awstype.InternetGateway: {
		Args: ec2.InternetGatewayArgs{}, Refs: []Ref{vpcRef}, ID: withPrefix("igw-"), Outputs: ec2ARN("internet-gateway"),
		Unique: unique("vpcId", "Resource.AlreadyAssociated"),
	},
	awstype.RouteTable: {
		Args: ec2.RouteTableArgs{}, Refs: []Ref{vpcRef}, ID: withPrefix("rtb-"), Outputs: ec2ARN("route-table"),
	},
	awstype.Route: {
		Args: ec2.RouteArgs{},
		Refs: []Ref{
			{Path: "routeTableId", Type: awstype.RouteTable, Code: "InvalidRouteTableID.NotFound"},
			{Path: "gatewayId", Type: awstype.InternetGateway, Blocks: true, Code: "InvalidGatewayID.NotFound"},
			{Path: "natGatewayId", Type: awstype.NATGateway, Code: "NatGatewayNotFound"},
		},
		Unique: func(in Props) (string, string) {
			return in.Str("routeTableId") + " " + in.Str("destinationCidrBlock"), "RouteAlreadyExists"
		},
		ID: withPrefix("r-rtb-"),
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
		Unique: unique("subnetId", "Resource.AlreadyAssociated"),
		ID:     withPrefix("rtbassoc-"),
	},
	awstype.ElasticIP: {
		Args: ec2.EipArgs{},
		ID:   withPrefix("eipalloc-"),
		Outputs: func(s Site, id string, _ Props) Props {
			// 192.0.2.0/24 is set aside for documentation: no real host is meant.
			address := fmt.Sprintf("192.0.2.%d", 1+int(id[len(id)-1]+id[len(id)-2])%254)
			return Props{"allocationId": id, "publicIp": address, "arn": s.arn("ec2", "elastic-ip/"+id)}
		},
		Created: quota(awstype.ElasticIP, maxElasticIP, "AddressLimitExceeded"),
	},
	awstype.NATGateway: {
		Args: ec2.NatGatewayArgs{},
		Refs: []Ref{
			{Path: "subnetId", Type: awstype.Subnet, Blocks: true, Code: "InvalidSubnetID.NotFound"},
			{Path: "allocationId", Type: awstype.ElasticIP, Blocks: true, Code: "InvalidAllocationID.NotFound"},
		},
		Unique: unique("allocationId", "Resource.AlreadyAssociated"),
		ID:     withPrefix("nat-"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Str("connectivityType") != "private" && in.Get("allocationId") == nil, "allocationId", "is needed by a public NAT gateway")
			return f
		},
	},
	awstype.VPCEndpoint: {
		Args: ec2.VpcEndpointArgs{},
		Refs: []Ref{
			vpcRef,
			{Path: "subnetIds", Type: awstype.Subnet, Blocks: true, Code: "InvalidSubnetId.NotFound"},
			{Path: "routeTableIds", Type: awstype.RouteTable, Code: "InvalidRouteTableId.NotFound"},
			{Path: "securityGroupIds", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidGroup.NotFound"},
		},
		Unique: func(in Props) (string, string) {
			return in.Str("vpcId") + " " + in.Str("serviceName"), "RouteAlreadyExists"
		},
		ID: withPrefix("vpce-"),
		Check: func(in Props) []Failure {
			var f []Failure
			gateway := in.Str("vpcEndpointType") == "Gateway"
			failIf(&f, !oneOf(in, "vpcEndpointType", "Gateway", "Interface", "GatewayLoadBalancer"), "vpcEndpointType", "is not Gateway, Interface or GatewayLoadBalancer")
			failIf(&f, gateway && in.Get("subnetIds") != nil, "subnetIds", "does not go with a Gateway endpoint")
			failIf(&f, !gateway && in.Get("routeTableIds") != nil, "routeTableIds", "goes with a Gateway endpoint only")
			return f
		},
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
		ID: withPrefix("fl-"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "trafficType", "ACCEPT", "REJECT", "ALL"), "trafficType", "is not ACCEPT, REJECT or ALL")
			n, ok := in.Num("maxAggregationInterval")
			failIf(&f, ok && n != 60 && n != 600, "maxAggregationInterval", "is not 60 or 600")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("ec2", "vpc-flow-log/"+id)} },
	},
	awstype.DefaultSecurityGroup: {
		Args: ec2.DefaultSecurityGroupArgs{},
		Refs: []Ref{{Path: "vpcId", Type: awstype.VPC, Code: "InvalidVpcID.NotFound"}},
		ID:   func(in Props, _ string) string { return "sg-" + in.Str("vpcId")[4:] },
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("ec2", "security-group/"+id), "name": "default", "ownerId": s.Account, "description": "default VPC security group"}
		},
	},
	awstype.SecurityGroup: {
		Args: ec2.SecurityGroupArgs{},
		Refs: []Ref{vpcRef},
		Unique: func(in Props) (string, string) {
			return in.Str("vpcId") + " " + in.Str("name"), "InvalidGroup.Duplicate"
		},
		ID: withPrefix("sg-"),
		Check: func(in Props) []Failure {
			var f []Failure
			for _, property := range []string{"name", "description"} {
				failIf(&f, in.Has(property) && !groupName.MatchString(in.Str(property)), property, "has characters that EC2 does not allow in a security group")
			}
			failIf(&f, len(in.Str("name")) > 3 && in.Str("name")[:3] == "sg-", "name", "must not begin with sg-")
			return f
		},
		Outputs: ec2ARN("security-group"),
	},
	awstype.SecurityGroupRule: {
		Args: ec2.SecurityGroupRuleArgs{},
		Refs: []Ref{
			{Path: "securityGroupId", Type: awstype.SecurityGroup, Code: "InvalidGroup.NotFound"},
			{Path: "sourceSecurityGroupId", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidGroup.NotFound"},
		},
		ID: withPrefix("sgrule-"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "type", "ingress", "egress"), "type", "is not ingress or egress")
			checkPorts(&f, in, "protocol")
			return f
		},
		Outputs: func(_ Site, id string, _ Props) Props { return Props{"securityGroupRuleId": "sgr-" + id[7:]} },
	},
	awstype.IngressRule: groupRule(vpc.SecurityGroupIngressRuleArgs{}),
	awstype.EgressRule:  groupRule(vpc.SecurityGroupEgressRuleArgs{}),
	awstype.LaunchTemplate: {
		Args:   ec2.LaunchTemplateArgs{},
		Refs:   []Ref{{Path: "vpcSecurityGroupIds", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidGroup.NotFound"}},
		Unique: unique("name", "InvalidLaunchTemplateName.AlreadyExistsException"),
		ID:     withPrefix("lt-"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, len(in.Str("name")) > 128 || (in.Has("name") && len(in.Str("name")) < 3), "name", "must have 3 to 128 characters")
			failIf(&f, !oneOf(in, "metadataOptions.httpTokens", "optional", "required"), "metadataOptions.httpTokens", "is not optional or required")
			failIf(&f, outOfRange(in, "metadataOptions.httpPutResponseHopLimit", 1, 64), "metadataOptions.httpPutResponseHopLimit", "is outside 1 to 64")
			device := in.Str("blockDeviceMappings[0].deviceName")
			failIf(&f, device != "" && !deviceName.MatchString(device), "blockDeviceMappings[0].deviceName", "%q is not a device name", device)
			failIf(&f, !oneOf(in, "blockDeviceMappings[0].ebs.volumeType", "gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"),
				"blockDeviceMappings[0].ebs.volumeType", "is not an EBS volume type")
			failIf(&f, outOfRange(in, "blockDeviceMappings[0].ebs.volumeSize", 1, 65536), "blockDeviceMappings[0].ebs.volumeSize", "is outside 1 to 65536 GiB")
			return f
		},
		Outputs: func(s Site, id string, in Props) Props {
			return Props{"arn": s.arn("ec2", "launch-template/"+id), "latestVersion": templateVersion(in), "defaultVersion": templateVersion(in)}
		},
	},
}

// templateVersion stands for the version number that EC2 counts up with every change: it differs whenever the template
// does.
func templateVersion(in Props) float64 {
	changed := in.Clone()
	delete(changed, "tags")
	delete(changed, "tagsAll")
	for _, output := range []string{"arn", "latestVersion", "defaultVersion"} {
		delete(changed, output)
	}
	return 1 + float64(checksum(changed)%997)
}

// checkPrefix records why the range at property is none that EC2 takes.
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

func checkPorts(f *[]Failure, in Props, protocol string) {
	failIf(f, outOfRange(in, "fromPort", -1, 65535), "fromPort", "is outside -1 to 65535")
	failIf(f, outOfRange(in, "toPort", -1, 65535), "toPort", "is outside -1 to 65535")
	from, haveFrom := in.Num("fromPort")
	to, haveTo := in.Num("toPort")
	failIf(f, haveFrom && haveTo && from > to, "toPort", "is below fromPort")
	failIf(f, in.Str(protocol) == "-1" && (from > 0 || to > 0), "fromPort", "has no meaning for all protocols")
}

// subnetFits refuses subnets outside their VPC or on top of another. The caller holds mu.
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

// groupRule is one rule of a security group, in or out.
func groupRule(args pulumi.Input) Type {
	return Type{
		Args: args,
		Refs: []Ref{
			{Path: "securityGroupId", Type: awstype.SecurityGroup, Code: "InvalidGroup.NotFound"},
			{Path: "referencedSecurityGroupId", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidGroup.NotFound"},
		},
		ID: withPrefix("sgr-"),
		Check: func(in Props) []Failure {
			var f []Failure
			sides := 0
			for _, side := range []string{"cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"} {
				if in.Get(side) != nil {
					sides++
				}
			}
			failIf(&f, sides != 1, "cidrIpv4", "exactly one of cidrIpv4, cidrIpv6, prefixListId, referencedSecurityGroupId must be set")
			failIf(&f, in.Has("prefixListId") && !prefixListID.MatchString(in.Str("prefixListId")), "prefixListId", "is not a prefix list")
			checkPorts(&f, in, "ipProtocol")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("ec2", "security-group-rule/"+id), "securityGroupRuleId": id}
		},
		Created: func(c *Cloud, o *Object) error {
			rules := ruleWeight(o)
			for _, other := range c.objects {
				if other.Type == o.Type && other.State.Str("securityGroupId") == o.State.Str("securityGroupId") {
					rules += ruleWeight(other)
				}
			}
			if rules > maxRules {
				return apiError("RulesPerSecurityGroupLimitExceeded: %s would have %d rules in one direction, %d are allowed", o.State.Str("securityGroupId"), rules, maxRules)
			}
			return nil
		},
	}
}

// maxRules is the quota of a security group in each direction. A prefix list counts as many as it may have entries.
// Sources: Amazon VPC User Guide, "Amazon VPC quotas"; Amazon CloudFront Developer Guide, "Locations and IP address ranges".
const maxRules = 60

func ruleWeight(o *Object) int {
	if o.State.Has("prefixListId") {
		return 55
	}
	return 1
}
