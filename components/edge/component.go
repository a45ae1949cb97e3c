package edge

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:edge:Edge"

// Edge is the path of requests from the internet to the application.
type Edge struct {
	pulumi.ResourceState

	// URL is the URL of the application, such as "https://shop.example.com".
	URL pulumi.StringOutput
	// Host is the host name in URL.
	Host pulumi.StringOutput
	// TargetGroupARN is the target group to which a TargetGroupBinding binds the application's pods. It is known once the
	// listener forwards requests to the group.
	TargetGroupARN pulumi.StringOutput
	// Metrics names the parts of the edge as CloudWatch does.
	Metrics Metrics

	name string
	args *Args
}

// Metrics names the parts of an edge as CloudWatch does.
type Metrics struct {
	// LoadBalancer and TargetGroup are the last parts of their ARNs. LoadBalancer is empty while the environment is
	// parked.
	LoadBalancer pulumi.StringOutput `pulumi:"loadBalancer"`
	TargetGroup  pulumi.StringOutput `pulumi:"targetGroup"`
	// Distribution is the ID of the distribution. Its metrics are in us-east-1.
	Distribution pulumi.StringOutput `pulumi:"distribution"`
}

// New creates an edge. It returns everything wrong with args in one error, before anything is registered.
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
	frontend, err := e.frontend(ctx)
	if err != nil {
		return nil, err
	}
	none := pulumi.String("").ToStringOutput()
	e.TargetGroupARN, e.Metrics = target.Arn, Metrics{LoadBalancer: none, TargetGroup: target.ArnSuffix}
	var origin *cloudfront.DistributionOriginArgs
	var page pulumi.StringInput
	if args.Power.HasLoadBalancer() {
		origin, err = e.loadBalancerOrigin(ctx, frontend, target, certificates)
	} else {
		origin, page, err = e.parkedOrigin(ctx)
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

// inUSEast1 is the option of resources that CloudFront needs in us-east-1.
func (e *Edge) inUSEast1() pulumi.ResourceOption { return pulumi.Provider(e.args.USEast1) }
