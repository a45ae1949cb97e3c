package awssim

import (
	"regexp"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// maxRules is the quota of a security group in each direction. A prefix list counts as many as it may have entries.
// Sources: Amazon VPC User Guide, "Amazon VPC quotas"; Amazon CloudFront Developer Guide, "Locations and IP address
// ranges".
const maxRules = 60

var (
	groupName    = regexp.MustCompile(`^[0-9A-Za-z ._:/()#,@\[\]+=&;{}!$*-]{1,255}$`)
	prefixListID = regexp.MustCompile(`^pl-[0-9a-f]{8,17}$`)
)

var securityGroupTypes = map[string]Type{
	awstype.DefaultSecurityGroup: {
		Args:    ec2.DefaultSecurityGroupArgs{},
		Refs:    []Ref{{Path: "vpcId", Type: awstype.VPC, Code: "InvalidVpcID.NotFound"}},
		ID:      func(in Props, _ string) string { return "sg-" + in.Str("vpcId")[4:] },
		Outputs: defaultSecurityGroupOutputs,
	},
	awstype.SecurityGroup: {
		Args:    ec2.SecurityGroupArgs{},
		Refs:    []Ref{vpcRef},
		Taken:   "InvalidGroup.Duplicate",
		ID:      withPrefix("sg-"),
		Check:   checkSecurityGroup,
		Outputs: ec2ARN("security-group"),
	},
	awstype.SecurityGroupRule: {
		Args: ec2.SecurityGroupRuleArgs{},
		Refs: []Ref{
			{Path: "securityGroupId", Type: awstype.SecurityGroup, Code: "InvalidGroup.NotFound"},
			{Path: "sourceSecurityGroupId", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidGroup.NotFound"},
		},
		ID:      withPrefix("sgrule-"),
		Check:   checkSecurityGroupRule,
		Outputs: func(_ Site, id string, _ Props) Props { return Props{"securityGroupRuleId": "sgr-" + id[7:]} },
	},
	awstype.IngressRule: groupRule(vpc.SecurityGroupIngressRuleArgs{}),
	awstype.EgressRule:  groupRule(vpc.SecurityGroupEgressRuleArgs{}),
}

func defaultSecurityGroupOutputs(s Site, id string, _ Props) Props {
	return Props{
		"arn":         s.arn("ec2", "security-group/"+id),
		"name":        "default",
		"ownerId":     s.Account,
		"description": "default VPC security group",
	}
}

func checkSecurityGroup(in Props) []Failure {
	var f []Failure
	for _, property := range []string{"name", "description"} {
		failIf(&f, mismatch(in, property, groupName),
			property, "has characters that EC2 does not allow in a security group")
	}
	failIf(&f, len(in.Str("name")) > 3 && in.Str("name")[:3] == "sg-", "name", "must not begin with sg-")
	return f
}

func checkSecurityGroupRule(in Props) []Failure {
	var f []Failure
	checkPorts(&f, in, "protocol")
	return f
}

func checkPorts(f *[]Failure, in Props, protocol string) {
	failIf(f, outOfRange(in, "fromPort", -1, 65535), "fromPort", "is outside -1 to 65535")
	failIf(f, outOfRange(in, "toPort", -1, 65535), "toPort", "is outside -1 to 65535")
	from, haveFrom := in.Num("fromPort")
	to, haveTo := in.Num("toPort")
	failIf(f, haveFrom && haveTo && from > to, "toPort", "is below fromPort")
	failIf(f, in.Str(protocol) == "-1" && (from > 0 || to > 0), "fromPort", "has no meaning for all protocols")
}

// groupRule returns the type of a rule of a security group, in one direction.
func groupRule(args pulumi.Input) Type {
	return Type{
		Args: args,
		Refs: []Ref{
			{Path: "securityGroupId", Type: awstype.SecurityGroup, Code: "InvalidGroup.NotFound"},
			{Path: "referencedSecurityGroupId", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidGroup.NotFound"},
		},
		ID:    withPrefix("sgr-"),
		Check: checkGroupRule,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("ec2", "security-group-rule/"+id), "securityGroupRuleId": id}
		},
		Created: groupRuleCreated,
	}
}

func checkGroupRule(in Props) []Failure {
	var f []Failure
	sources := 0
	for _, source := range []string{"cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"} {
		if in.Get(source) != nil {
			sources++
		}
	}
	failIf(&f, sources != 1,
		"cidrIpv4", "exactly one of cidrIpv4, cidrIpv6, prefixListId, referencedSecurityGroupId must be set")
	failIf(&f, mismatch(in, "prefixListId", prefixListID), "prefixListId", "is not a prefix list")
	checkPorts(&f, in, "ipProtocol")
	return f
}

// groupRuleCreated refuses more rules in one direction than the quota allows.
func groupRuleCreated(c *Cloud, o *Object) error {
	group := o.State.Str("securityGroupId")
	rules := ruleWeight(o)
	for _, other := range c.objects {
		if other.Type == o.Type && other.State.Str("securityGroupId") == group {
			rules += ruleWeight(other)
		}
	}
	if rules > maxRules {
		return apiError("RulesPerSecurityGroupLimitExceeded: %s would have %d rules in one direction, %d are allowed",
			group, rules, maxRules)
	}
	return nil
}

// ruleWeight returns how many rules of the quota a rule uses: 55 for CloudFront's prefix list.
func ruleWeight(o *Object) int {
	if o.State.Has("prefixListId") {
		return 55
	}
	return 1
}
