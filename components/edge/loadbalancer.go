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

// entry is the protocol and port of the listener. The protocol is part of logical names: listener and origin of a new
// protocol exist before those of the old one are deleted, so a domain can be added to an environment in use.
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

// frontend are the resources that the load balancer needs and that exist in every state of Power.
type frontend struct {
	group *ec2.SecurityGroup
	logs  *s3.BucketPolicy
}

// frontend creates the security group of the load balancer, which allows requests from CloudFront and to the pods, and
// the bucket of its access logs.
func (e *Edge) frontend(ctx *pulumi.Context) (*frontend, error) {
	name := e.args.Name + "-web"
	group, err := ec2.NewSecurityGroup(ctx, e.name, &ec2.SecurityGroupArgs{
		Name:        pulumi.String(name),
		Description: pulumi.String("Load balancer: in from CloudFront, out to the pods of the application"),
		VpcId:       e.args.Placement.VPCID,
		Tags:        pulumi.StringMap{"Name": pulumi.String(name)},
	}, e.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating security group %s: %w", name, err)
	}
	if err := e.ingressRules(ctx, group); err != nil {
		return nil, err
	}
	policy := func(bucketARN string) identity.Document {
		return BalancerLogPolicy(bucketARN, e.args.AccountID, e.args.Region)
	}
	logs, err := e.logBucket(ctx, e.name+"-balancer-logs", e.args.Name+"-balancer-", policy)
	if err != nil {
		return nil, err
	}
	return &frontend{group, logs}, nil
}

// ingressRules creates the rules of the load balancer's security group, and the rule of the nodes' group that allows
// its requests. Each is a resource of its own, so that the load balancer does not wait for the cluster.
func (e *Edge) ingressRules(ctx *pulumi.Context, group *ec2.SecurityGroup) error {
	// Requests of a VPC origin come from inside the VPC, from addresses of this prefix list. The security group that
	// CloudFront creates for VPC origins would match them too, but it does not exist before the first VPC origin.
	cloudFront := ec2.LookupManagedPrefixListOutput(ctx, ec2.LookupManagedPrefixListOutputArgs{
		Name: pulumi.String("com.amazonaws.global.cloudfront.origin-facing"),
	}, pulumi.Parent(e))
	// One rule for both protocols: the prefix list counts as 55 of the 60 rules that a group may have, so a second rule
	// does not fit, not even while a domain is being added. Only one of the ports has a listener.
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, e.name+"-from-cloudfront", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: group.ID(),
		Description:     pulumi.String("Requests from CloudFront"),
		PrefixListId:    cloudFront.Id(),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(80),
		ToPort:          pulumi.Int(443),
	}, e.childOpts()...); err != nil {
		return fmt.Errorf("creating the ingress rule from CloudFront to the load balancer: %w", err)
	}
	if !e.args.Power.HasCluster() {
		return nil
	}
	if _, err := vpc.NewSecurityGroupEgressRule(ctx, e.name+"-to-pods", &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId:           group.ID(),
		Description:               pulumi.String("Requests to the pods of the application"),
		ReferencedSecurityGroupId: e.args.NodeSecurityGroupID,
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(e.args.Application.Port),
		ToPort:                    pulumi.Int(e.args.Application.Port),
	}, e.childOpts()...); err != nil {
		return fmt.Errorf("creating the egress rule from the load balancer to the pods: %w", err)
	}
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, e.name+"-at-pods", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           e.args.NodeSecurityGroupID,
		Description:               pulumi.String("Requests from the load balancer to the pods of the application"),
		ReferencedSecurityGroupId: group.ID(),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(e.args.Application.Port),
		ToPort:                    pulumi.Int(e.args.Application.Port),
	}, e.childOpts()...); err != nil {
		return fmt.Errorf("creating the ingress rule from the load balancer to the pods: %w", err)
	}
	return nil
}

// targetGroup creates the target group of the application's pods. It costs nothing and exists in every state of Power,
// so that its ARN stays the same.
func (e *Edge) targetGroup(ctx *pulumi.Context) (*lb.TargetGroup, error) {
	// The port cannot be changed in place. In the name, it lets the new group exist beside the old one.
	name := fmt.Sprintf("%s-web-%d", e.args.Name, e.args.Application.Port)
	group, err := lb.NewTargetGroup(ctx, e.name, &lb.TargetGroupArgs{
		Name:       pulumi.String(name),
		VpcId:      e.args.Placement.VPCID,
		TargetType: pulumi.String("ip"),
		Protocol:   pulumi.String("HTTP"),
		Port:       pulumi.Int(e.args.Application.Port),
		// A pod that stops first becomes unready, and then finishes the requests that it has begun.
		DeregistrationDelay:        pulumi.Int(30),
		LoadBalancingAlgorithmType: pulumi.String("least_outstanding_requests"),
		HealthCheck: &lb.TargetGroupHealthCheckArgs{
			Path:               pulumi.String(e.args.Application.ReadinessPath),
			Matcher:            pulumi.String("200"),
			Interval:           pulumi.Int(10),
			Timeout:            pulumi.Int(5),
			HealthyThreshold:   pulumi.Int(2),
			UnhealthyThreshold: pulumi.Int(3),
		},
	}, e.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating target group %s: %w", name, err)
	}
	return group, nil
}

// loadBalancerOrigin creates the load balancer with its listener, and the VPC origin through which CloudFront reaches
// it. From then on TargetGroupARN is known once the listener forwards requests to the group.
func (e *Edge) loadBalancerOrigin(
	ctx *pulumi.Context,
	f *frontend,
	target *lb.TargetGroup,
	certificates *certificates,
) (*cloudfront.DistributionOriginArgs, error) {
	loadBalancer, err := e.loadBalancer(ctx, f)
	if err != nil {
		return nil, err
	}
	e.Metrics.LoadBalancer = loadBalancer.ArnSuffix
	listener, err := e.listener(ctx, loadBalancer, target, certificates)
	if err != nil {
		return nil, err
	}
	e.TargetGroupARN = listener.DefaultActions.Index(pulumi.Int(0)).TargetGroupArn().Elem()
	origin, err := e.vpcOrigin(ctx, listener, certificates)
	if err != nil {
		return nil, err
	}
	return &cloudfront.DistributionOriginArgs{
		OriginId:        pulumi.String(originID),
		DomainName:      loadBalancer.DnsName,
		VpcOriginConfig: &cloudfront.DistributionOriginVpcOriginConfigArgs{VpcOriginId: origin.ID()},
	}, nil
}

func (e *Edge) loadBalancer(ctx *pulumi.Context, f *frontend) (*lb.LoadBalancer, error) {
	name := e.args.Name + "-web"
	loadBalancer, err := lb.NewLoadBalancer(ctx, e.name, &lb.LoadBalancerArgs{
		Name:                     pulumi.String(name),
		LoadBalancerType:         pulumi.String("application"),
		Internal:                 pulumi.Bool(true),
		Subnets:                  e.args.Placement.PrivateSubnetIDs,
		SecurityGroups:           pulumi.StringArray{f.group.ID()},
		DropInvalidHeaderFields:  pulumi.Bool(true),
		DesyncMitigationMode:     pulumi.String("defensive"),
		EnableDeletionProtection: pulumi.Bool(e.args.Protect),
		AccessLogs:               &lb.LoadBalancerAccessLogsArgs{Enabled: pulumi.Bool(true), Bucket: f.logs.Bucket},
	}, e.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating load balancer %s: %w", name, err)
	}
	return loadBalancer, nil
}

// listener creates the only listener. It forwards requests to the target group.
func (e *Edge) listener(
	ctx *pulumi.Context,
	loadBalancer *lb.LoadBalancer,
	group *lb.TargetGroup,
	certificates *certificates,
) (*lb.Listener, error) {
	args := &lb.ListenerArgs{
		LoadBalancerArn: loadBalancer.Arn,
		Protocol:        pulumi.String(e.entry().protocol),
		Port:            pulumi.Int(e.entry().port),
		DefaultActions: lb.ListenerDefaultActionArray{&lb.ListenerDefaultActionArgs{
			Type: pulumi.String("forward"), TargetGroupArn: group.Arn,
		}},
	}
	if certificates != nil {
		args.CertificateArn = certificates.loadBalancer
		args.SslPolicy = pulumi.String("ELBSecurityPolicy-TLS13-1-2-Res-2021-06")
	}
	listener, err := lb.NewListener(ctx, e.entryName(), args, e.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating the %s listener of the load balancer: %w", e.entry().protocol, err)
	}
	return listener, nil
}

// vpcOrigin creates the VPC origin of the load balancer.
func (e *Edge) vpcOrigin(
	ctx *pulumi.Context,
	listener *lb.Listener,
	certificates *certificates,
) (*cloudfront.VpcOrigin, error) {
	protocolPolicy := "http-only"
	if certificates != nil {
		protocolPolicy = "https-only"
	}
	name := e.args.Name + "-web-" + strings.ToLower(e.entry().protocol)
	origin, err := cloudfront.NewVpcOrigin(ctx, e.entryName(), &cloudfront.VpcOriginArgs{
		// One in ten takes longer than the 15 minutes for which the provider waits by default.
		Timeouts: &cloudfront.VpcOriginTimeoutsArgs{
			Create: pulumi.String("30m"),
			Update: pulumi.String("30m"),
			Delete: pulumi.String("30m"),
		},
		VpcOriginEndpointConfig: &cloudfront.VpcOriginVpcOriginEndpointConfigArgs{
			Name: pulumi.String(name),
			// CloudFront verifies that the load balancer has a listener, so the listener comes first.
			Arn:                  listener.LoadBalancerArn,
			HttpPort:             pulumi.Int(80),
			HttpsPort:            pulumi.Int(443),
			OriginProtocolPolicy: pulumi.String(protocolPolicy),
			OriginSslProtocols: &cloudfront.VpcOriginVpcOriginEndpointConfigOriginSslProtocolsArgs{
				Items: pulumi.StringArray{pulumi.String("TLSv1.2")}, Quantity: pulumi.Int(1),
			},
		},
	}, e.childOpts(pulumi.DependsOn(e.args.Placement.InternetGateway))...)
	if err != nil {
		return nil, fmt.Errorf("creating VPC origin %s: %w", name, err)
	}
	return origin, nil
}
