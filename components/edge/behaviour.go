package edge

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// originID is how the behaviours of the distribution name the load balancer.
const originID = "web"

// usEast1 is the region that CloudFront looks in.
const usEast1 = "us-east-1"

// Policies that AWS manages, the same in every account.
// Source: Amazon CloudFront Developer Guide, "Use managed cache policies" and "Use managed origin request policies".
const (
	cachingDisabled  = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	cachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
	allViewer        = "216adef6-5c7f-47e4-b989-5492eafa07d3"
	hostHeaderOnly   = "bf0718e1-ba1e-49d1-88b1-f726733018ae"
)

// Behaviour is what CloudFront does with the requests of some paths.
type Behaviour struct {
	// Paths is a path pattern; empty for all other paths.
	Paths string
	// Cached responses are answered without the application, for as long as it said, or for a day where it said nothing.
	Cached bool
	// Methods are the HTTP methods let through.
	Methods []string
}

var (
	reading = []string{"GET", "HEAD", "OPTIONS"}
	all     = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
)

// Behaviours lists what CloudFront does, the last for all other paths. Pages are made for whoever is signed in, so only
// static files, whose names change with their content, are cached.
var Behaviours = []Behaviour{
	{Paths: "/api/*", Methods: all},
	{Paths: "/static/*", Cached: true, Methods: reading},
	{Methods: all},
}

// serverErrors are never cached: CloudFront would otherwise repeat each for ten seconds.
var serverErrors = []int{500, 502, 503, 504}

// behave writes the behaviours into the arguments of a distribution. With a page every request is answered by that
// function.
func behave(args *cloudfront.DistributionArgs, headers pulumi.StringInput, page pulumi.StringInput) {
	ordered := cloudfront.DistributionOrderedCacheBehaviorArray{}
	for _, b := range Behaviours {
		cache := pulumi.String(cachingDisabled)
		// Caches share answers, so they must not depend on who asks; everything else reaches the application. The host is
		// always sent on: it is what CloudFront compares the load balancer's certificate with.
		forwarded := pulumi.String(allViewer)
		if b.Cached {
			cache, forwarded = pulumi.String(cachingOptimized), pulumi.String(hostHeaderOnly)
		}
		if b.Paths == "" {
			behaviour := &cloudfront.DistributionDefaultCacheBehaviorArgs{
				TargetOriginId: pulumi.String(originID), ViewerProtocolPolicy: pulumi.String("redirect-to-https"),
				AllowedMethods: pulumi.ToStringArray(b.Methods), CachedMethods: pulumi.ToStringArray(reading[:2]),
				CachePolicyId: cache, OriginRequestPolicyId: forwarded,
				ResponseHeadersPolicyId: headers.ToStringOutput().ToStringPtrOutput(),
				Compress:                pulumi.Bool(true),
			}
			if page != nil {
				behaviour.FunctionAssociations = cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArray{
					&cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs{
						EventType:   pulumi.String("viewer-request"),
						FunctionArn: page,
					},
				}
			}
			args.DefaultCacheBehavior = behaviour
			continue
		}
		behaviour := &cloudfront.DistributionOrderedCacheBehaviorArgs{
			PathPattern:    pulumi.String(b.Paths),
			TargetOriginId: pulumi.String(originID), ViewerProtocolPolicy: pulumi.String("redirect-to-https"),
			AllowedMethods: pulumi.ToStringArray(b.Methods), CachedMethods: pulumi.ToStringArray(reading[:2]),
			CachePolicyId: cache, OriginRequestPolicyId: forwarded,
			ResponseHeadersPolicyId: headers.ToStringOutput().ToStringPtrOutput(),
			Compress:                pulumi.Bool(true),
		}
		if page != nil {
			behaviour.FunctionAssociations = cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArray{
				&cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArgs{
					EventType:   pulumi.String("viewer-request"),
					FunctionArn: page,
				},
			}
		}
		ordered = append(ordered, behaviour)
	}
	args.OrderedCacheBehaviors = ordered
	errors := cloudfront.DistributionCustomErrorResponseArray{}
	for _, code := range serverErrors {
		errors = append(errors, &cloudfront.DistributionCustomErrorResponseArgs{
			ErrorCode: pulumi.Int(code), ErrorCachingMinTtl: pulumi.Int(0),
		})
	}
	args.CustomErrorResponses = errors
}

// headers creates the security headers of every response. The content security policy is the application's: only it
// knows its own pages.
func (e *Edge) headers(ctx *pulumi.Context) (*cloudfront.ResponseHeadersPolicy, error) {
	return cloudfront.NewResponseHeadersPolicy(ctx, e.name, &cloudfront.ResponseHeadersPolicyArgs{
		Name:    pulumi.String(e.args.Name + "-web"),
		Comment: pulumi.String("Security headers of " + e.args.Name),
		SecurityHeadersConfig: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs{
			StrictTransportSecurity: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs{
				AccessControlMaxAgeSec: pulumi.Int(31536000), Override: pulumi.Bool(true),
			},
			ContentTypeOptions: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs{
				Override: pulumi.Bool(true),
			},
			FrameOptions: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigFrameOptionsArgs{
				FrameOption: pulumi.String("DENY"), Override: pulumi.Bool(true),
			},
			ReferrerPolicy: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigReferrerPolicyArgs{
				ReferrerPolicy: pulumi.String("strict-origin-when-cross-origin"), Override: pulumi.Bool(true),
			},
		},
	}, e.childOpts()...)
}

// accessLogs has CloudWatch deliver the distribution's access logs to the bucket.
func (e *Edge) accessLogs(ctx *pulumi.Context, distribution *cloudfront.Distribution, bucket *s3.BucketPolicy) error {
	source, err := cloudwatch.NewLogDeliverySource(ctx, e.name, &cloudwatch.LogDeliverySourceArgs{
		Name: pulumi.String(e.args.Name + "-web"), LogType: pulumi.String("ACCESS_LOGS"), ResourceArn: distribution.Arn,
	}, e.childOpts(e.inUSEast1())...)
	if err != nil {
		return err
	}
	destination, err := cloudwatch.NewLogDeliveryDestination(ctx, e.name, &cloudwatch.LogDeliveryDestinationArgs{
		Name: pulumi.String(e.args.Name + "-web"), OutputFormat: pulumi.String("json"),
		DeliveryDestinationConfiguration: &cloudwatch.LogDeliveryDestinationDeliveryDestinationConfigurationArgs{
			DestinationResourceArn: pulumi.Sprintf("arn:aws:s3:::%s", bucket.Bucket),
		},
	}, e.childOpts(e.inUSEast1())...)
	if err != nil {
		return err
	}
	_, err = cloudwatch.NewLogDelivery(ctx, e.name, &cloudwatch.LogDeliveryArgs{
		DeliverySourceName: source.Name, DeliveryDestinationArn: destination.Arn,
	}, e.childOpts(e.inUSEast1())...)
	return err
}
