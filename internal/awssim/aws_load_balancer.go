package awssim

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"

	"groundwork/internal/awstype"
)

var loadBalancerName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)

var loadBalancerTypes = map[string]Type{
	awstype.LoadBalancer: {
		Args: lb.LoadBalancerArgs{},
		Refs: []Ref{
			{Path: "subnets", Type: awstype.Subnet, Blocks: true, Code: "SubnetNotFound"},
			{Path: "securityGroups", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidSecurityGroup"},
			{Path: "accessLogs.bucket", Type: awstype.Bucket, By: "bucket", Code: "InvalidConfigurationRequest"},
		},
		Taken: "DuplicateLoadBalancerName",
		ID: func(in Props, digest string) string {
			return "loadbalancer/app/" + in.Str("name") + "/" + digest[:16]
		},
		Check:   checkLoadBalancer,
		Outputs: loadBalancerOutputs,
		Created: loadBalancerCreated,
		Deleted: loadBalancerDeleted,
	},
	awstype.TargetGroup: {
		Args:  lb.TargetGroupArgs{},
		Refs:  []Ref{vpcRef},
		Taken: "DuplicateTargetGroupName",
		ID:    func(in Props, digest string) string { return "targetgroup/" + in.Str("name") + "/" + digest[:16] },
		Check: checkTargetGroup,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("elasticloadbalancing", id), "arnSuffix": id}
		},
	},
	awstype.Listener: {
		Args:     lb.ListenerArgs{},
		Required: []string{"defaultActions"},
		Refs: []Ref{
			{Path: "loadBalancerArn", Type: awstype.LoadBalancer, By: "arn", Code: "LoadBalancerNotFound"},
			{
				Path: "defaultActions[0].targetGroupArn", Type: awstype.TargetGroup, By: "arn",
				Blocks: true, Code: "TargetGroupNotFound",
			},
			{Path: "certificateArn", Type: awstype.Certificate, By: "arn", Blocks: true, Code: "CertificateNotFound"},
		},
		Taken: "DuplicateListener",
		ID: func(in Props, digest string) string {
			return strings.Replace(in.Str("loadBalancerArn"), ":loadbalancer/", ":listener/", 1) + "/" + digest[:16]
		},
		Check:   checkListener,
		Outputs: func(_ Site, id string, _ Props) Props { return Props{"arn": id} },
		Created: certificateIssued("certificateArn"),
	},
}

func checkLoadBalancerName(f *[]Failure, in Props) {
	failIf(f, mismatch(in, "name", loadBalancerName),
		"name", "%q is not 1 to 32 letters, digits and hyphens", in.Str("name"))
	failIf(f, strings.HasPrefix(in.Str("name"), "internal-"),
		"name", "begins with internal-, which ELB keeps for itself")
}

func checkLoadBalancer(in Props) []Failure {
	var f []Failure
	checkLoadBalancerName(&f, in)
	return f
}

func loadBalancerOutputs(s Site, id string, _ Props) Props {
	return Props{
		"arn":       s.arn("elasticloadbalancing", id),
		"arnSuffix": strings.TrimPrefix(id, "loadbalancer/"),
		"zoneId":    "Z0SANDBOXELB",
	}
}

// loadBalancerCreated gives the load balancer an address that no other ever gets. It refuses subnets that are all in
// one zone, and a log bucket that load balancers cannot write to.
func loadBalancerCreated(c *Cloud, o *Object) error {
	o.State["dnsName"] = fmt.Sprintf("internal-%s-%d.%s.elb.amazonaws.com",
		o.State.Str("name"), checksum(Props{"digest": o.digest}), c.Site.Region)
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
		return apiError("InvalidConfigurationRequest: " +
			"At least two subnets in two different Availability Zones must be specified")
	}
	bucket := o.State.Str("accessLogs.bucket")
	if bucket == "" || !o.State.Flag("accessLogs.enabled") {
		return nil
	}
	return c.loadBalancerLogsTo(bucket)
}

// loadBalancerLogsTo records that a load balancer writes its access logs to a bucket, or refuses as AWS does. The
// caller holds mu.
func (c *Cloud) loadBalancerLogsTo(bucket string) error {
	if region := c.get(awstype.Bucket, bucket).State.Str("region"); region != c.Site.Region {
		return apiError("InvalidConfigurationRequest: the bucket %s is in %s, the load balancer in %s",
			bucket, region, c.Site.Region)
	}
	const algorithm = "rules[0].applyServerSideEncryptionByDefault.sseAlgorithm"
	for _, other := range c.objects {
		if strings.Contains(other.Type, "bucketServerSideEncryption") && other.ID == bucket &&
			other.State.Str(algorithm) != "AES256" {
			return apiError("InvalidConfigurationRequest: load balancers write to buckets with SSE-S3 only, not to %s", bucket)
		}
	}
	return c.logsTo(bucket, "logdelivery.elasticloadbalancing.amazonaws.com", "InvalidConfigurationRequest")
}

func loadBalancerDeleted(_ *Cloud, o *Object) error {
	if o.State.Flag("enableDeletionProtection") {
		return apiError("OperationNotPermitted: Load balancer %s cannot be deleted because deletion protection is enabled",
			o.State.Str("arn"))
	}
	return nil
}

func checkTargetGroup(in Props) []Failure {
	var f []Failure
	checkLoadBalancerName(&f, in)
	failIf(&f, outOfRange(in, "port", 1, 65535), "port", "is outside 1 to 65535")
	failIf(&f, outOfRange(in, "deregistrationDelay", 0, 3600), "deregistrationDelay", "is outside 0 to 3600")
	interval, _ := in.Num("healthCheck.interval")
	timeout, ok := in.Num("healthCheck.timeout")
	failIf(&f, ok && timeout >= interval,
		"healthCheck.timeout", "ValidationError: Health check interval must be greater than the timeout")
	return f
}

func checkListener(in Props) []Failure {
	var f []Failure
	failIf(&f, !oneOf(in, "protocol", "HTTP", "HTTPS"), "protocol", "is not HTTP or HTTPS")
	failIf(&f, in.Str("protocol") == "HTTPS" && in.Get("certificateArn") == nil,
		"certificateArn", "ValidationError: A certificate must be specified for HTTPS listeners")
	failIf(&f, in.Str("protocol") == "HTTP" && in.Has("sslPolicy"), "sslPolicy", "goes with HTTPS only")
	return f
}
