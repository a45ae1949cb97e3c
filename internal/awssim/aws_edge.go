package awssim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"

	"groundwork/components/edge"
	"groundwork/internal/awstype"
)

// globalRegion is where the control plane of CloudFront is.
const globalRegion = "us-east-1"

var balancerName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)

// managedGroupCapacity is what AWS's rule groups take of a web ACL's 5000 units.
// Source: AWS WAF Developer Guide, "AWS Managed Rules rule groups list".
var managedGroupCapacity = map[string]int{
	"AWSManagedRulesAmazonIpReputationList": 25, "AWSManagedRulesCommonRuleSet": 700,
	"AWSManagedRulesKnownBadInputsRuleSet": 200, "AWSManagedRulesSQLiRuleSet": 200,
}

// managedPolicyIDs are the CloudFront policies that AWS keeps, as far as the sandbox knows them.
// Source: Amazon CloudFront Developer Guide, "Use managed cache policies" and "Use managed origin request policies".
var managedPolicyIDs = map[string][]string{
	"cachePolicyId":         {"4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6"},
	"originRequestPolicyId": {"216adef6-5c7f-47e4-b989-5492eafa07d3", "b689b0a8-53d0-40ab-baf2-68738e2966ac", "bf0718e1-ba1e-49d1-88b1-f726733018ae"},
}

var edgeTypes = map[string]Type{
	awstype.LoadBalancer: {
		Args: lb.LoadBalancerArgs{},
		Refs: []Ref{
			{Path: "subnets", Type: awstype.Subnet, Blocks: true, Code: "SubnetNotFound"},
			{Path: "securityGroups", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidSecurityGroup"},
			{Path: "accessLogs.bucket", Type: awstype.Bucket, By: "bucket", Code: "InvalidConfigurationRequest"},
		},
		Unique: unique("name", "DuplicateLoadBalancerName"),
		ID:     func(in Props, digest string) string { return "loadbalancer/app/" + in.Str("name") + "/" + digest[:16] },
		Check:  checkBalancer,
		Outputs: func(s Site, id string, in Props) Props {
			return Props{
				"arn": s.arn("elasticloadbalancing", id), "arnSuffix": strings.TrimPrefix(id, "loadbalancer/"), "zoneId": "Z0SANDBOXELB",
				"dnsName": fmt.Sprintf("internal-%s-%d.%s.elb.amazonaws.com", in.Str("name"), checksum(Props{"id": id}), s.Region),
			}
		},
		Created: balancerCreated,
		Deleted: func(_ *Cloud, o *Object) error {
			if o.State.Flag("enableDeletionProtection") {
				return apiError("OperationNotPermitted: Load balancer %s cannot be deleted because deletion protection is enabled", o.State.Str("arn"))
			}
			return nil
		},
	},
	awstype.TargetGroup: {
		Args:   lb.TargetGroupArgs{},
		Refs:   []Ref{vpcRef},
		Unique: unique("name", "DuplicateTargetGroupName"),
		ID:     func(in Props, digest string) string { return "targetgroup/" + in.Str("name") + "/" + digest[:16] },
		Check: func(in Props) []Failure {
			var f []Failure
			checkBalancerName(&f, in)
			failIf(&f, outOfRange(in, "port", 1, 65535), "port", "is outside 1 to 65535")
			failIf(&f, !oneOf(in, "targetType", "instance", "ip", "lambda", "alb"), "targetType", "is not instance, ip, lambda or alb")
			failIf(&f, outOfRange(in, "deregistrationDelay", 0, 3600), "deregistrationDelay", "is outside 0 to 3600")
			interval, _ := in.Num("healthCheck.interval")
			timeout, ok := in.Num("healthCheck.timeout")
			failIf(&f, ok && timeout >= interval, "healthCheck.timeout", "ValidationError: Health check interval must be greater than the timeout")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("elasticloadbalancing", id), "arnSuffix": id}
		},
	},
	awstype.Listener: {
		Args:     lb.ListenerArgs{},
		Required: []string{"defaultActions"},
		Refs: []Ref{
			{Path: "loadBalancerArn", Type: awstype.LoadBalancer, By: "arn", Code: "LoadBalancerNotFound"},
			{Path: "defaultActions[0].targetGroupArn", Type: awstype.TargetGroup, By: "arn", Blocks: true, Code: "TargetGroupNotFound"},
			{Path: "certificateArn", Type: awstype.Certificate, By: "arn", Blocks: true, Code: "CertificateNotFound"},
		},
		Unique: func(in Props) (string, string) {
			port, _ := in.Num("port")
			return fmt.Sprintf("%s:%v", in.Str("loadBalancerArn"), port), "DuplicateListener"
		},
		ID: func(in Props, digest string) string {
			return strings.Replace(in.Str("loadBalancerArn"), ":loadbalancer/", ":listener/", 1) + "/" + digest[:16]
		},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "protocol", "HTTP", "HTTPS"), "protocol", "is not HTTP or HTTPS")
			failIf(&f, in.Str("protocol") == "HTTPS" && in.Get("certificateArn") == nil, "certificateArn", "ValidationError: A certificate must be specified for HTTPS listeners")
			failIf(&f, in.Str("protocol") == "HTTP" && in.Has("sslPolicy"), "sslPolicy", "goes with HTTPS only")
			return f
		},
		Outputs: func(_ Site, id string, _ Props) Props { return Props{"arn": id} },
		Created: certificateIssued("certificateArn"),
	},
	awstype.VPCOrigin: {
		Args: cloudfront.VpcOriginArgs{},
		Refs: []Ref{{Path: "vpcOriginEndpointConfig.arn", Type: awstype.LoadBalancer, By: "arn", AnyRegion: true, Blocks: true, Code: "EntityNotFound"}},
		ID:   func(_ Props, digest string) string { return "vo_" + digest[:22] },
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "vpcOriginEndpointConfig.originProtocolPolicy", "http-only", "https-only", "match-viewer"),
				"vpcOriginEndpointConfig.originProtocolPolicy", "is not http-only, https-only or match-viewer")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": "arn:aws:cloudfront::" + s.Account + ":vpcorigin/" + id, "etag": "E" + strings.ToUpper(id[3:16])}
		},
		Created: vpcOriginCreated,
	},
	awstype.CloudFrontFunction: {
		Args:   cloudfront.FunctionArgs{},
		Unique: unique("name", "FunctionAlreadyExists"),
		ID:     fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "runtime", "cloudfront-js-1.0", "cloudfront-js-2.0"), "runtime", "is not a runtime of CloudFront functions")
			failIf(&f, len(in.Str("code")) > 10*1024, "code", "FunctionSizeLimitExceeded: has more than 10 KB")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": "arn:aws:cloudfront::" + s.Account + ":function/" + id, "status": "DEPLOYED", "etag": "E" + hex8(checksum(Props{"function": id}))}
		},
	},
	awstype.ResponseHeadersPolicy: {
		Args: cloudfront.ResponseHeadersPolicyArgs{}, Unique: unique("name", "ResponseHeadersPolicyAlreadyExists"),
		ID: func(_ Props, digest string) string {
			return digest[:8] + "-" + digest[8:12] + "-" + digest[12:16] + "-" + digest[16:20] + "-" + digest[20:32]
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": "arn:aws:cloudfront::" + s.Account + ":response-headers-policy/" + id, "etag": "E" + strings.ToUpper(id[:8])}
		},
	},
	awstype.Distribution: {
		Args:     cloudfront.DistributionArgs{},
		Required: []string{"origins"},
		Refs: []Ref{
			{Path: "origins[0].vpcOriginConfig.vpcOriginId", Type: awstype.VPCOrigin, Blocks: true, Code: "EntityNotFound"},
			{Path: "webAclId", Type: awstype.WebACL, By: "arn", AnyRegion: true, Blocks: true, Code: "InvalidWebACLId"},
			{Path: "viewerCertificate.acmCertificateArn", Type: awstype.Certificate, By: "arn", AnyRegion: true, Blocks: true, Code: "InvalidViewerCertificate"},
			{Path: "defaultCacheBehavior.functionAssociations[0].functionArn", Type: awstype.CloudFrontFunction, By: "arn", AnyRegion: true, Blocks: true, Code: "InvalidFunctionAssociation"},
			{Path: "defaultCacheBehavior.responseHeadersPolicyId", Type: awstype.ResponseHeadersPolicy, Blocks: true, Code: "NoSuchResponseHeadersPolicy"},
		},
		ID:    func(_ Props, digest string) string { return "E" + strings.ToUpper(digest[:13]) },
		Check: checkDistribution,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{
				"arn": "arn:aws:cloudfront::" + s.Account + ":distribution/" + id, "hostedZoneId": "Z2FDTNDATAQYW2", "status": "Deployed",
				"domainName": "d" + strings.ToLower(id[1:]) + ".cloudfront.net", "etag": "E" + id[1:8],
			}
		},
		Created: distributionCreated,
	},
	awstype.WebACL: {
		Args:   edge.WebACLArgs{},
		Unique: unique("name", "WAFDuplicateItemException"),
		ID: func(_ Props, digest string) string {
			return digest[:8] + "-" + digest[8:12] + "-" + digest[12:16] + "-" + digest[16:20] + "-" + digest[20:32]
		},
		Check: checkWebACL,
		Outputs: func(s Site, id string, in Props) Props {
			return Props{"arn": s.arn("wafv2", "global/webacl/"+in.Str("name")+"/"+id)}
		},
		Created: func(c *Cloud, o *Object) error {
			if o.State.Str("scope") == "CLOUDFRONT" && c.Site.Region != globalRegion {
				return apiError("WAFInvalidParameterException: The scope is not valid., field: SCOPE_VALUE, parameter: CLOUDFRONT, in %s", c.Site.Region)
			}
			return nil
		},
	},
	awstype.WebACLLogging: {
		Args: edge.WebACLLoggingArgs{},
		Refs: []Ref{{Path: "resourceArn", Type: awstype.WebACL, By: "arn", Code: "WAFNonexistentItemException"}},
		ID:   fromName("resourceArn"),
		Check: func(in Props) []Failure {
			var f []Failure
			for _, arn := range in.Strs("logDestinationConfigs") {
				failIf(&f, !strings.Contains(arn, ":aws-waf-logs-"), "logDestinationConfigs", "WAFInvalidParameterException: %s does not begin with aws-waf-logs-", arn)
			}
			return f
		},
		Created: func(c *Cloud, o *Object) error {
			return c.logsTo(strings.TrimPrefix(o.State.Strs("logDestinationConfigs")[0], "arn:aws:s3:::"), "delivery.logs.amazonaws.com", "WAFLogDestinationPermissionIssueException")
		},
	},
	awstype.Certificate: {
		Args: acm.CertificateArgs{},
		ID: func(_ Props, digest string) string {
			return "certificate/" + digest[:8] + "-" + digest[8:12] + "-" + digest[12:16] + "-" + digest[16:20] + "-" + digest[20:32]
		},
		Outputs: func(s Site, id string, in Props) Props {
			// ACM asks for the same record for a name in every region of an account.
			proof := hex8(checksum(Props{"domain": in.Str("domainName"), "account": s.Account}))
			return Props{"arn": s.arn("acm", id), "domainValidationOptions": []any{map[string]any{
				"domainName": in.Str("domainName"), "resourceRecordType": "CNAME",
				"resourceRecordName": "_" + proof + "." + in.Str("domainName") + ".", "resourceRecordValue": "_" + proof + ".acm-validations.aws.",
			}}}
		},
	},
	awstype.CertificateValidation: {
		Args: acm.CertificateValidationArgs{},
		Refs: []Ref{
			{Path: "certificateArn", Type: awstype.Certificate, By: "arn", Code: "ResourceNotFoundException"},
			{Path: "validationRecordFqdns", Type: awstype.DNSRecord, By: "fqdn", Code: "timeout while waiting for state to become 'ISSUED'"},
		},
		ID: func(_ Props, digest string) string { return digest[:32] },
		Created: func(c *Cloud, o *Object) error {
			c.find(Ref{Type: awstype.Certificate, By: "arn"}, o.State.Str("certificateArn")).State["status"] = "ISSUED"
			return nil
		},
	},
	awstype.DNSRecord: {
		Args: route53.RecordArgs{},
		Unique: func(in Props) (string, string) {
			return in.Str("zoneId") + " " + in.Str("name") + " " + in.Str("type"), "InvalidChangeBatch"
		},
		ID:      func(in Props, _ string) string { return in.Str("zoneId") + "_" + in.Str("name") + "_" + in.Str("type") },
		Outputs: func(_ Site, _ string, in Props) Props { return Props{"fqdn": strings.TrimSuffix(in.Str("name"), ".")} },
	},
}

func checkBalancerName(f *[]Failure, in Props) {
	name := in.Str("name")
	failIf(f, name != "" && !balancerName.MatchString(name), "name", "%q is not 1 to 32 letters, digits and hyphens", name)
	failIf(f, strings.HasPrefix(name, "internal-"), "name", "begins with internal-, which ELB keeps for itself")
}

func checkBalancer(in Props) []Failure {
	var f []Failure
	checkBalancerName(&f, in)
	failIf(&f, !oneOf(in, "loadBalancerType", "application", "network", "gateway"), "loadBalancerType", "is not application, network or gateway")
	failIf(&f, !oneOf(in, "desyncMitigationMode", "monitor", "defensive", "strictest"), "desyncMitigationMode", "is not monitor, defensive or strictest")
	return f
}

// balancerCreated refuses subnets of one zone only, and a log bucket that load balancers cannot write to.
func balancerCreated(c *Cloud, o *Object) error {
	zones := map[string]bool{}
	for _, id := range o.State.Strs("subnets") {
		zone := c.get(awstype.Subnet, id).State.Str("availabilityZone")
		if zones[zone] {
			return apiError("InvalidConfigurationRequest: two subnets are in %s", zone)
		}
		zones[zone] = true
		o.State["vpcId"] = c.get(awstype.Subnet, id).State.Str("vpcId")
	}
	if len(zones) < 2 {
		return apiError("InvalidConfigurationRequest: At least two subnets in two different Availability Zones must be specified")
	}
	bucket := o.State.Str("accessLogs.bucket")
	if bucket == "" || !o.State.Flag("accessLogs.enabled") {
		return nil
	}
	if region := c.get(awstype.Bucket, bucket).State.Str("region"); region != c.Site.Region {
		return apiError("InvalidConfigurationRequest: the bucket %s is in %s, the load balancer in %s", bucket, region, c.Site.Region)
	}
	for _, other := range c.objects {
		if strings.Contains(other.Type, "bucketServerSideEncryption") && other.ID == bucket && other.State.Str("rules[0].applyServerSideEncryptionByDefault.sseAlgorithm") != "AES256" {
			return apiError("InvalidConfigurationRequest: load balancers write to buckets with SSE-S3 only, not to %s", bucket)
		}
	}
	return c.logsTo(bucket, "logdelivery.elasticloadbalancing.amazonaws.com", "InvalidConfigurationRequest")
}

// vpcOriginCreated refuses load balancers that CloudFront could not reach.
func vpcOriginCreated(c *Cloud, o *Object) error {
	balancer := c.find(Ref{Type: awstype.LoadBalancer, By: "arn", AnyRegion: true}, o.State.Str("vpcOriginEndpointConfig.arn"))
	gateway, listening := false, false
	for _, other := range c.objects {
		gateway = gateway || other.Type == awstype.InternetGateway && other.State.Str("vpcId") == balancer.State.Str("vpcId")
		listening = listening || other.Type == awstype.Listener && other.State.Str("loadBalancerArn") == balancer.State.Str("arn")
	}
	if !gateway {
		return apiError("InvalidArgument: the VPC of %s has no internet gateway, which marks it as one that may be reached from outside", balancer.ID)
	}
	if !listening {
		return apiError("InvalidArgument: %s has no listener", balancer.ID)
	}
	return nil
}

func checkDistribution(in Props) []Failure {
	var f []Failure
	behaviours := []Props{in.Object("defaultCacheBehavior")}
	if ordered, ok := in.Get("orderedCacheBehaviors").([]any); ok {
		for _, b := range ordered {
			behaviours = append(behaviours, Props(b.(map[string]any)))
		}
	}
	for i, b := range behaviours {
		at := fmt.Sprintf("behaviour %d", i)
		failIf(&f, b.Str("targetOriginId") != in.Str("origins[0].originId"), at, "NoSuchOrigin: %q", b.Str("targetOriginId"))
		failIf(&f, !oneOf(b, "viewerProtocolPolicy", "allow-all", "https-only", "redirect-to-https"), at, "viewerProtocolPolicy is not one that CloudFront knows")
		for property, known := range managedPolicyIDs {
			failIf(&f, !oneOf(b, property, known...), at, "the sandbox knows no %s %s (internal/awssim/aws_edge.go)", property, b.Str(property))
		}
	}
	failIf(&f, !oneOf(in, "priceClass", "PriceClass_100", "PriceClass_200", "PriceClass_All"), "priceClass", "is not a price class")
	failIf(&f, !oneOf(in, "httpVersion", "http1.1", "http2", "http2and3", "http3"), "httpVersion", "is not an HTTP version")
	own := in.Has("viewerCertificate.acmCertificateArn")
	failIf(&f, own && !in.Has("viewerCertificate.sslSupportMethod"), "viewerCertificate.sslSupportMethod", "is needed with a certificate")
	failIf(&f, len(in.Strs("aliases")) > 0 && in.Get("viewerCertificate.acmCertificateArn") == nil, "aliases", "InvalidViewerCertificate: need a certificate that covers them")
	return f
}

// distributionCreated refuses certificates and firewalls from elsewhere than us-east-1, and names that another
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

// certificateIssued refuses a certificate that nobody has validated yet.
func certificateIssued(path string) func(*Cloud, *Object) error {
	return func(c *Cloud, o *Object) error {
		certificate := c.find(Ref{Type: awstype.Certificate, By: "arn", AnyRegion: true}, o.State.Str(path))
		if certificate != nil && certificate.State.Str("status") != "ISSUED" {
			return apiError("UnsupportedCertificate: The certificate %s must have a fully-qualified domain name and be issued", certificate.State.Str("arn"))
		}
		return nil
	}
}

func checkWebACL(in Props) []Failure {
	var f []Failure
	failIf(&f, !oneOf(in, "scope", "CLOUDFRONT", "REGIONAL"), "scope", "is not CLOUDFRONT or REGIONAL")
	taken, capacity := map[float64]bool{}, 0
	rules, _ := in.Get("rules").([]any)
	for _, r := range rules {
		rule := Props(r.(map[string]any))
		priority, _ := rule.Num("priority")
		failIf(&f, taken[priority], "rules", "WAFInvalidParameterException: priority %v is taken", priority)
		taken[priority] = true
		if group := rule.Str("statement.managedRuleGroupStatement.name"); group != "" {
			units, known := managedGroupCapacity[group]
			failIf(&f, !known, "rules", "the sandbox knows no managed rule group %s (internal/awssim/aws_edge.go)", group)
			failIf(&f, rule.Get("overrideAction") == nil, "rules", "WAFInvalidParameterException: %s needs an override action", group)
			capacity += units
		}
		if rule.Get("statement.rateBasedStatement") != nil {
			failIf(&f, outOfRange(rule, "statement.rateBasedStatement.limit", 10, 2e9), "rules", "WAFInvalidParameterException: the rate is outside 10 to 2000000000")
			failIf(&f, rule.Get("action") == nil, "rules", "WAFInvalidParameterException: a rate needs an action")
			capacity += 2
		}
	}
	failIf(&f, capacity > 5000, "rules", "WAFLimitsExceededException: %d units are more than 5000", capacity)
	return f
}
