package awssim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"

	"groundwork/internal/awstype"
)

// globalRegion is the region of CloudFront's control plane.
const globalRegion = "us-east-1"

// managedGroupCapacity is how many of a web ACL's 5000 units each of AWS's rule groups uses.
// Source: AWS WAF Developer Guide, "AWS Managed Rules rule groups list".
var managedGroupCapacity = map[string]int{
	"AWSManagedRulesAmazonIpReputationList": 25,
	"AWSManagedRulesCommonRuleSet":          700,
	"AWSManagedRulesKnownBadInputsRuleSet":  200,
	"AWSManagedRulesSQLiRuleSet":            200,
}

// managedPolicyIDs are the AWS-managed CloudFront policies that a cache behavior may name in the sandbox.
// Source: Amazon CloudFront Developer Guide, "Use managed cache policies" and "Use managed origin request policies".
var managedPolicyIDs = map[string][]string{
	"cachePolicyId": {
		"4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
		"658327ea-f89d-4fab-a63d-7e88639e58f6",
	},
	"originRequestPolicyId": {
		"216adef6-5c7f-47e4-b989-5492eafa07d3",
		"b689b0a8-53d0-40ab-baf2-68738e2966ac",
		"bf0718e1-ba1e-49d1-88b1-f726733018ae",
	},
}

var cloudFrontTypes = map[string]Type{
	awstype.VPCOrigin: {
		Args: cloudfront.VpcOriginArgs{},
		Refs: []Ref{{
			Path: "vpcOriginEndpointConfig.arn", Type: awstype.LoadBalancer, By: "arn",
			AnyRegion: true, Blocks: true, Code: "EntityNotFound",
		}},
		ID:    func(_ Props, digest string) string { return "vo_" + digest[:22] },
		Check: checkVPCOrigin,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.cloudFrontARN("vpcorigin/" + id), "etag": "E" + strings.ToUpper(id[3:16])}
		},
		Created: vpcOriginCreated,
	},
	awstype.CloudFrontFunction: {
		Args:    cloudfront.FunctionArgs{},
		Taken:   "FunctionAlreadyExists",
		ID:      fromName("name"),
		Check:   checkFunction,
		Outputs: functionOutputs,
	},
	awstype.ResponseHeadersPolicy: {
		Args:  cloudfront.ResponseHeadersPolicyArgs{},
		Taken: "ResponseHeadersPolicyAlreadyExists",
		ID:    uuid,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.cloudFrontARN("response-headers-policy/" + id), "etag": "E" + strings.ToUpper(id[:8])}
		},
	},
	awstype.Distribution: {
		Args:     cloudfront.DistributionArgs{},
		Required: []string{"origins"},
		Refs: []Ref{
			{
				Path: "origins[0].vpcOriginConfig.vpcOriginId", Type: awstype.VPCOrigin,
				Blocks: true, Code: "EntityNotFound",
			},
			{
				Path: "webAclId", Type: awstype.WebACL, By: "arn",
				AnyRegion: true, Blocks: true, Code: "InvalidWebACLId",
			},
			{
				Path: "viewerCertificate.acmCertificateArn", Type: awstype.Certificate, By: "arn",
				AnyRegion: true, Blocks: true, Code: "InvalidViewerCertificate",
			},
			{
				Path: "defaultCacheBehavior.functionAssociations[0].functionArn", Type: awstype.CloudFrontFunction, By: "arn",
				AnyRegion: true, Blocks: true, Code: "InvalidFunctionAssociation",
			},
			{
				Path: "defaultCacheBehavior.responseHeadersPolicyId", Type: awstype.ResponseHeadersPolicy,
				Blocks: true, Code: "NoSuchResponseHeadersPolicy",
			},
		},
		ID:      func(_ Props, digest string) string { return "E" + strings.ToUpper(digest[:13]) },
		Check:   checkDistribution,
		Outputs: distributionOutputs,
		Created: distributionCreated,
	},
}

func checkVPCOrigin(in Props) []Failure {
	var f []Failure
	const policy = "vpcOriginEndpointConfig.originProtocolPolicy"
	failIf(&f, !oneOf(in, policy, "http-only", "https-only", "match-viewer"),
		policy, "is not http-only, https-only or match-viewer")
	return f
}

// vpcOriginCreated refuses a load balancer that CloudFront cannot reach.
func vpcOriginCreated(c *Cloud, o *Object) error {
	arn := o.State.Str("vpcOriginEndpointConfig.arn")
	loadBalancer := c.find(Ref{Type: awstype.LoadBalancer, By: "arn", AnyRegion: true}, arn)
	gateway, listening := false, false
	for _, other := range c.objects {
		switch other.Type {
		case awstype.InternetGateway:
			gateway = gateway || other.State.Str("vpcId") == loadBalancer.State.Str("vpcId")
		case awstype.Listener:
			listening = listening || other.State.Str("loadBalancerArn") == loadBalancer.State.Str("arn")
		}
	}
	if !gateway {
		return apiError("InvalidArgument: the VPC of %s has no internet gateway, "+
			"which marks it as one that may be reached from outside", loadBalancer.ID)
	}
	if !listening {
		return apiError("InvalidArgument: %s has no listener", loadBalancer.ID)
	}
	return nil
}

func checkFunction(in Props) []Failure {
	var f []Failure
	failIf(&f, len(in.Str("code")) > 10*1024, "code", "FunctionSizeLimitExceeded: has more than 10 KB")
	return f
}

func functionOutputs(s Site, id string, _ Props) Props {
	return Props{
		"arn":    s.cloudFrontARN("function/" + id),
		"status": "DEPLOYED",
		"etag":   "E" + hex8(checksum(Props{"function": id})),
	}
}

func checkDistribution(in Props) []Failure {
	var f []Failure
	behaviors := []Props{in.Object("defaultCacheBehavior")}
	if ordered, ok := in.Get("orderedCacheBehaviors").([]any); ok {
		for _, b := range ordered {
			behaviors = append(behaviors, Props(b.(map[string]any)))
		}
	}
	for i, b := range behaviors {
		checkBehavior(&f, in, fmt.Sprintf("behavior %d", i), b)
	}
	own := in.Has("viewerCertificate.acmCertificateArn")
	failIf(&f, own && !in.Has("viewerCertificate.sslSupportMethod"),
		"viewerCertificate.sslSupportMethod", "is needed with a certificate")
	failIf(&f, len(in.Strs("aliases")) > 0 && in.Get("viewerCertificate.acmCertificateArn") == nil,
		"aliases", "InvalidViewerCertificate: need a certificate that covers them")
	return f
}

func checkBehavior(f *[]Failure, distribution Props, at string, behavior Props) {
	origin := behavior.Str("targetOriginId")
	failIf(f, origin != distribution.Str("origins[0].originId"), at, "NoSuchOrigin: %q", origin)
	failIf(f, !oneOf(behavior, "viewerProtocolPolicy", "allow-all", "https-only", "redirect-to-https"),
		at, "viewerProtocolPolicy is not one that CloudFront knows")
	for property, known := range managedPolicyIDs {
		failIf(f, !oneOf(behavior, property, known...),
			at, "the sandbox knows no %s %s (internal/awssim/aws_edge.go)", property, behavior.Str(property))
	}
}

func distributionOutputs(s Site, id string, _ Props) Props {
	return Props{
		"arn":          s.cloudFrontARN("distribution/" + id),
		"hostedZoneId": "Z2FDTNDATAQYW2",
		"status":       "Deployed",
		"domainName":   "d" + strings.ToLower(id[1:]) + ".cloudfront.net",
		"etag":         "E" + id[1:8],
	}
}

// distributionCreated refuses certificates and firewalls of other regions than us-east-1, and names that another
// distribution has.
func distributionCreated(c *Cloud, o *Object) error {
	for _, arn := range []string{o.State.Str("webAclId"), o.State.Str("viewerCertificate.acmCertificateArn")} {
		if arn != "" && !strings.Contains(arn, ":"+globalRegion+":") {
			return apiError("InvalidArgument: %s is not in us-east-1", arn)
		}
	}
	for _, other := range c.objects {
		for _, alias := range o.State.Strs("aliases") {
			if other.Type == awstype.Distribution && slices.Contains(other.State.Strs("aliases"), alias) {
				return apiError("CNAMEAlreadyExists: %s belongs to %s", alias, other.ID)
			}
		}
	}
	return certificateIssued("viewerCertificate.acmCertificateArn")(c, o)
}
