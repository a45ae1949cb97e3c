package edge

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:edge:Edge"

// Edge is the way from the internet to the application.
type Edge struct {
	pulumi.ResourceState

	// URL is where the application answers: "https://shop.example.com".
	URL pulumi.StringOutput
	// Host is the host name in URL.
	Host pulumi.StringOutput
	// TargetGroupARN is what a TargetGroupBinding ties the application's pods to; it is known once requests reach it.
	TargetGroupARN pulumi.StringOutput
	// Metrics is how metrics name the parts.
	Metrics Metrics

	name string
	args *Args
}

// Metrics names the parts of an edge as CloudWatch does.
type Metrics struct {
	// LoadBalancer and TargetGroup are the last parts of their ARNs.
	LoadBalancer pulumi.StringOutput `pulumi:"loadBalancer"`
	TargetGroup  pulumi.StringOutput `pulumi:"targetGroup"`
	// Distribution is its ID; its metrics are in us-east-1.
	Distribution pulumi.StringOutput `pulumi:"distribution"`
}

// New creates an edge. It returns every problem of args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Edge, error) {
	if args == nil {
		return nil, fmt.Errorf("edge %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	e := &Edge{name: name, args: args}
	if err := ctx.RegisterComponentResource(TypeToken, name, e, opts...); err != nil {
		return nil, fmt.Errorf("registering edge %s: %w", name, err)
	}
	certificates, err := e.certificates(ctx)
	if err != nil {
		return nil, err
	}
	target, err := e.targetGroup(ctx)
	if err != nil {
		return nil, err
	}
	doors, err := e.doors(ctx)
	if err != nil {
		return nil, err
	}
	none := pulumi.String("").ToStringOutput()
	e.TargetGroupARN, e.Metrics = target.Arn, Metrics{LoadBalancer: none, TargetGroup: target.ArnSuffix}
	var origin *cloudfront.DistributionOriginArgs
	var page pulumi.StringInput
	if !args.Power.HasLoadBalancer() {
		origin, page, err = e.parkedOrigin(ctx)
	} else {
		origin, err = e.balancerOrigin(ctx, doors, target, certificates)
	}
	if err != nil {
		return nil, err
	}
	distribution, err := e.distribution(ctx, origin, page, certificates)
	if err != nil {
		return nil, err
	}
	e.Metrics.Distribution = distribution.ID().ToStringOutput()
	if err := e.aliases(ctx, distribution); err != nil {
		return nil, err
	}
	e.Host = distribution.DomainName
	if args.Domain != "" {
		e.Host = pulumi.String(args.Domain).ToStringOutput()
	}
	e.URL = pulumi.Sprintf("https://%s", e.Host)
	if err := ctx.RegisterResourceOutputs(e, pulumi.Map{"url": e.URL, "targetGroupArn": e.TargetGroupARN}); err != nil {
		return nil, fmt.Errorf("registering outputs of edge %s: %w", name, err)
	}
	return e, nil
}

func (e *Edge) childOpts(extra ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(e)}, extra...)
}

// inUSEast1 are the options of what CloudFront looks for in us-east-1.
func (e *Edge) inUSEast1() pulumi.ResourceOption { return pulumi.Provider(e.args.USEast1) }

// entry is how requests come in at the load balancer. Its protocol is part of logical names: what serves the new one is
// there before what served the old one goes, so a domain can be added to an environment in use.
type entry struct {
	protocol string
	port     int
}

func (e *Edge) entryName() string { return e.name + "-" + strings.ToLower(e.entry().protocol) }

func (e *Edge) entry() entry {
	if e.args.Domain != "" {
		return entry{"HTTPS", 443}
	}
	return entry{"HTTP", 80}
}

// doors is what is around the load balancer and stays when it goes.
type doors struct {
	group *ec2.SecurityGroup
	logs  *s3.BucketPolicy
}

// doors creates the group of the load balancer, in from CloudFront and out to the pods' port, and the bucket of its
// logs.
func (e *Edge) doors(ctx *pulumi.Context) (*doors, error) {
	name := pulumi.String(e.args.Name + "-web")
	group, err := ec2.NewSecurityGroup(ctx, e.name, &ec2.SecurityGroupArgs{
		Name:        name,
		Description: pulumi.String("Load balancer: in from CloudFront, out to the pods of the application"),
		VpcId:       e.args.Placement.VPCID,
		Tags:        pulumi.StringMap{"Name": name},
	}, e.childOpts()...)
	if err != nil {
		return nil, err
	}
	if err := e.admissions(ctx, group); err != nil {
		return nil, err
	}
	logs, err := e.logBucket(
		ctx,
		e.name+"-balancer-logs",
		e.args.Name+"-balancer-",
		func(bucketARN string) identity.Document {
			return BalancerLogPolicy(bucketARN, e.args.AccountID, e.args.Region)
		},
	)
	return &doors{group, logs}, err
}

func (e *Edge) loadBalancer(ctx *pulumi.Context, d *doors) (*lb.LoadBalancer, error) {
	return lb.NewLoadBalancer(ctx, e.name, &lb.LoadBalancerArgs{
		Name:                     pulumi.String(e.args.Name + "-web"),
		LoadBalancerType:         pulumi.String("application"),
		Internal:                 pulumi.Bool(true),
		Subnets:                  e.args.Placement.PrivateSubnetIDs,
		SecurityGroups:           pulumi.StringArray{d.group.ID()},
		DropInvalidHeaderFields:  pulumi.Bool(true),
		DesyncMitigationMode:     pulumi.String("defensive"),
		EnableDeletionProtection: pulumi.Bool(e.args.Protect),
		AccessLogs:               &lb.LoadBalancerAccessLogsArgs{Enabled: pulumi.Bool(true), Bucket: d.logs.Bucket},
	}, e.childOpts()...)
}

// admissions are the rules of the load balancer's group, and the one that lets it in at the nodes. Each is a resource
// of its own, so that the load balancer does not wait for the cluster.
func (e *Edge) admissions(ctx *pulumi.Context, balancer *ec2.SecurityGroup) error {
	// VPC origins come from inside the VPC, with the addresses of this list. The group that CloudFront makes for them
	// would say the same, but does not exist before the first of them.
	cloudFront := ec2.LookupManagedPrefixListOutput(ctx, ec2.LookupManagedPrefixListOutputArgs{
		Name: pulumi.String("com.amazonaws.global.cloudfront.origin-facing"),
	}, pulumi.Parent(e))
	// One rule for either protocol: the list counts as 55 of a group's 60 rules, so there is no room for a second one, not
	// even while a domain is being added. Only one of the ports has a listener.
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, e.name+"-from-cloudfront", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: balancer.ID(),
		Description:     pulumi.String("Requests from CloudFront"),
		PrefixListId:    cloudFront.Id(),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(80),
		ToPort:          pulumi.Int(443),
	}, e.childOpts()...); err != nil {
		return err
	}
	if !e.args.Power.HasCluster() {
		return nil
	}
	if _, err := vpc.NewSecurityGroupEgressRule(ctx, e.name+"-to-pods", &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId:           balancer.ID(),
		Description:               pulumi.String("Requests to the pods of the application"),
		ReferencedSecurityGroupId: e.args.NodeSecurityGroupID,
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(e.args.Application.Port),
		ToPort:                    pulumi.Int(e.args.Application.Port),
	}, e.childOpts()...); err != nil {
		return err
	}
	_, err := vpc.NewSecurityGroupIngressRule(ctx, e.name+"-at-pods", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           e.args.NodeSecurityGroupID,
		Description:               pulumi.String("Requests from the load balancer to the pods of the application"),
		ReferencedSecurityGroupId: balancer.ID(),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(e.args.Application.Port),
		ToPort:                    pulumi.Int(e.args.Application.Port),
	}, e.childOpts()...)
	return err
}

// targetGroup creates what the application's pods are bound to. It costs nothing and stays, so that its ARN does.
func (e *Edge) targetGroup(ctx *pulumi.Context) (*lb.TargetGroup, error) {
	return lb.NewTargetGroup(ctx, e.name, &lb.TargetGroupArgs{
		// The port cannot be changed in place: in the name, it lets the new group exist beside the old one.
		Name:       pulumi.String(fmt.Sprintf("%s-web-%d", e.args.Name, e.args.Application.Port)),
		VpcId:      e.args.Placement.VPCID,
		TargetType: pulumi.String("ip"),
		Protocol:   pulumi.String("HTTP"),
		Port:       pulumi.Int(e.args.Application.Port),
		// A stopping pod turns unready first and then finishes what it has begun.
		DeregistrationDelay:        pulumi.Int(30),
		LoadBalancingAlgorithmType: pulumi.String("least_outstanding_requests"),
		HealthCheck: &lb.TargetGroupHealthCheckArgs{
			Path: pulumi.String(e.args.Application.ReadinessPath), Matcher: pulumi.String("200"),
			Interval: pulumi.Int(10), Timeout: pulumi.Int(5), HealthyThreshold: pulumi.Int(2), UnhealthyThreshold: pulumi.Int(3),
		},
	}, e.childOpts()...)
}

// listener creates the one listener, which forwards to the target group.
func (e *Edge) listener(
	ctx *pulumi.Context,
	balancer *lb.LoadBalancer,
	group *lb.TargetGroup,
	certificates *certificates,
) (*lb.Listener, error) {
	args := &lb.ListenerArgs{
		LoadBalancerArn: balancer.Arn,
		Protocol:        pulumi.String(e.entry().protocol),
		Port:            pulumi.Int(e.entry().port),
		DefaultActions: lb.ListenerDefaultActionArray{&lb.ListenerDefaultActionArgs{
			Type: pulumi.String("forward"), TargetGroupArn: group.Arn,
		}},
	}
	if certificates != nil {
		args.CertificateArn = certificates.balancer
		args.SslPolicy = pulumi.String("ELBSecurityPolicy-TLS13-1-2-Res-2021-06")
	}
	return lb.NewListener(ctx, e.entryName(), args, e.childOpts()...)
}

// balancerOrigin creates the load balancer with its listener, and the VPC origin by which CloudFront reaches it. The
// target group's ARN is then known once requests reach it.
func (e *Edge) balancerOrigin(
	ctx *pulumi.Context,
	d *doors,
	target *lb.TargetGroup,
	certificates *certificates,
) (*cloudfront.DistributionOriginArgs, error) {
	balancer, err := e.loadBalancer(ctx, d)
	if err != nil {
		return nil, err
	}
	e.Metrics.LoadBalancer = balancer.ArnSuffix
	listener, err := e.listener(ctx, balancer, target, certificates)
	if err != nil {
		return nil, err
	}
	e.TargetGroupARN = listener.DefaultActions.Index(pulumi.Int(0)).TargetGroupArn().Elem()
	originPolicy := "http-only"
	if certificates != nil {
		originPolicy = "https-only"
	}
	origin, err := cloudfront.NewVpcOrigin(ctx, e.entryName(), &cloudfront.VpcOriginArgs{
		// One in ten takes longer than the provider's quarter of an hour.
		Timeouts: &cloudfront.VpcOriginTimeoutsArgs{
			Create: pulumi.String("30m"),
			Update: pulumi.String("30m"),
			Delete: pulumi.String("30m"),
		},
		VpcOriginEndpointConfig: &cloudfront.VpcOriginVpcOriginEndpointConfigArgs{
			Name: pulumi.String(e.args.Name + "-web-" + strings.ToLower(e.entry().protocol)),
			// CloudFront checks that something listens, so the listener comes first.
			Arn:                  listener.LoadBalancerArn,
			HttpPort:             pulumi.Int(80),
			HttpsPort:            pulumi.Int(443),
			OriginProtocolPolicy: pulumi.String(originPolicy),
			OriginSslProtocols: &cloudfront.VpcOriginVpcOriginEndpointConfigOriginSslProtocolsArgs{
				Items: pulumi.StringArray{pulumi.String("TLSv1.2")}, Quantity: pulumi.Int(1),
			},
		},
	}, e.childOpts()...)
	if err != nil {
		return nil, err
	}
	return &cloudfront.DistributionOriginArgs{
		OriginId:        pulumi.String(originID),
		DomainName:      balancer.DnsName,
		VpcOriginConfig: &cloudfront.DistributionOriginVpcOriginConfigArgs{VpcOriginId: origin.ID()},
	}, nil
}

// distribution creates the distribution in front of an origin, or of a page that answers in its place.
func (e *Edge) distribution(
	ctx *pulumi.Context,
	origin *cloudfront.DistributionOriginArgs,
	page pulumi.StringInput,
	certificates *certificates,
) (*cloudfront.Distribution, error) {
	headers, err := e.headers(ctx)
	if err != nil {
		return nil, err
	}
	// AWS WAF writes to buckets of such names only; CloudFront shares it.
	logs, err := e.logBucket(
		ctx,
		e.name+"-logs",
		"aws-waf-logs-"+e.args.Name+"-",
		func(bucketARN string) identity.Document {
			return DeliveryLogPolicy(bucketARN, e.args.AccountID, usEast1)
		},
		e.inUSEast1(),
	)
	if err != nil {
		return nil, err
	}
	args := &cloudfront.DistributionArgs{
		Comment:       pulumi.String(e.args.Name),
		Enabled:       pulumi.Bool(true),
		HttpVersion:   pulumi.String("http2and3"),
		IsIpv6Enabled: pulumi.Bool(true),
		// Europe and North America; the other edge locations cost up to twice as much.
		PriceClass: pulumi.String("PriceClass_100"),
		Origins:    cloudfront.DistributionOriginArray{origin},
		Restrictions: &cloudfront.DistributionRestrictionsArgs{
			GeoRestriction: &cloudfront.DistributionRestrictionsGeoRestrictionArgs{RestrictionType: pulumi.String("none")},
		},
		// It fixes the oldest TLS version at 1.0; only a certificate of one's own can set another.
		ViewerCertificate: &cloudfront.DistributionViewerCertificateArgs{CloudfrontDefaultCertificate: pulumi.Bool(true)},
	}
	behave(args, headers.ID(), page)
	if certificates != nil {
		args.Aliases = pulumi.StringArray{pulumi.String(e.args.Domain)}
		args.ViewerCertificate = &cloudfront.DistributionViewerCertificateArgs{
			AcmCertificateArn:      certificates.viewer,
			SslSupportMethod:       pulumi.String("sni-only"),
			MinimumProtocolVersion: pulumi.String("TLSv1.2_2021"),
		}
	}
	if e.args.Firewall == FirewallManaged {
		firewall, err := e.firewall(ctx, logs)
		if err != nil {
			return nil, err
		}
		args.WebAclId = firewall.ARN
	}
	distribution, err := cloudfront.NewDistribution(ctx, e.name, args, e.childOpts()...)
	if err != nil {
		return nil, err
	}
	return distribution, e.accessLogs(ctx, distribution, logs)
}
