package edge

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// originID is the name of the load balancer in the distribution.
const originID = "web"

// usEast1 is the region in which CloudFront needs its resources.
const usEast1 = "us-east-1"

// Policies that AWS manages. Their IDs are the same in every account.
// Source: Amazon CloudFront Developer Guide, "Use managed cache policies" and "Use managed origin request policies".
const (
	cachingDisabled  = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	cachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
	allViewer        = "216adef6-5c7f-47e4-b989-5492eafa07d3"
	hostHeaderOnly   = "bf0718e1-ba1e-49d1-88b1-f726733018ae"
)

// Behavior is how CloudFront handles requests for some paths.
type Behavior struct {
	// Paths is a path pattern; empty for all other paths.
	Paths string
	// Cached lets CloudFront answer from its cache, for as long as the application's response says, or else for a day.
	Cached bool
	// Methods are the HTTP methods that CloudFront accepts.
	Methods []string
}

var (
	reading = []string{"GET", "HEAD", "OPTIONS"}
	all     = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
)

// Behaviors are the behaviors of the distribution. The last one handles all other paths. Pages depend on who is signed
// in, so CloudFront caches only static files, whose names change with their contents.
var Behaviors = []Behavior{
	{Paths: "/api/*", Methods: all},
	{Paths: "/static/*", Cached: true, Methods: reading},
	{Methods: all},
}

// policies returns the cache policy and the origin request policy of a behavior.
func (b Behavior) policies() (cache, forwarded pulumi.String) {
	// Cached responses are shared, so they must not depend on who asks. All other requests reach the application whole.
	// CloudFront always forwards the host, because it compares the load balancer's certificate with it.
	if b.Cached {
		return pulumi.String(cachingOptimized), pulumi.String(hostHeaderOnly)
	}
	return pulumi.String(cachingDisabled), pulumi.String(allViewer)
}

// serverErrors are the status codes that CloudFront must not cache. By default it caches each for ten seconds.
var serverErrors = []int{500, 502, 503, 504}

// setBehaviors sets the behaviors of a distribution. If page is not nil, that CloudFront function answers every
// request.
func setBehaviors(args *cloudfront.DistributionArgs, headers, page pulumi.StringInput) {
	ordered := cloudfront.DistributionOrderedCacheBehaviorArray{}
	for _, b := range Behaviors {
		if b.Paths == "" {
			args.DefaultCacheBehavior = b.defaultArgs(headers, page)
		} else {
			ordered = append(ordered, b.orderedArgs(headers, page))
		}
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

func (b Behavior) defaultArgs(headers, page pulumi.StringInput) *cloudfront.DistributionDefaultCacheBehaviorArgs {
	cache, forwarded := b.policies()
	args := &cloudfront.DistributionDefaultCacheBehaviorArgs{
		TargetOriginId: pulumi.String(originID), ViewerProtocolPolicy: pulumi.String("redirect-to-https"),
		AllowedMethods: pulumi.ToStringArray(b.Methods), CachedMethods: pulumi.ToStringArray(reading[:2]),
		CachePolicyId: cache, OriginRequestPolicyId: forwarded,
		ResponseHeadersPolicyId: headers.ToStringOutput().ToStringPtrOutput(),
		Compress:                pulumi.Bool(true),
	}
	if page != nil {
		args.FunctionAssociations = cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArray{
			&cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs{
				EventType:   pulumi.String("viewer-request"),
				FunctionArn: page,
			},
		}
	}
	return args
}

func (b Behavior) orderedArgs(headers, page pulumi.StringInput) *cloudfront.DistributionOrderedCacheBehaviorArgs {
	cache, forwarded := b.policies()
	args := &cloudfront.DistributionOrderedCacheBehaviorArgs{
		PathPattern:    pulumi.String(b.Paths),
		TargetOriginId: pulumi.String(originID), ViewerProtocolPolicy: pulumi.String("redirect-to-https"),
		AllowedMethods: pulumi.ToStringArray(b.Methods), CachedMethods: pulumi.ToStringArray(reading[:2]),
		CachePolicyId: cache, OriginRequestPolicyId: forwarded,
		ResponseHeadersPolicyId: headers.ToStringOutput().ToStringPtrOutput(),
		Compress:                pulumi.Bool(true),
	}
	if page != nil {
		args.FunctionAssociations = cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArray{
			&cloudfront.DistributionOrderedCacheBehaviorFunctionAssociationArgs{
				EventType:   pulumi.String("viewer-request"),
				FunctionArn: page,
			},
		}
	}
	return args
}

// headers creates the policy of the security headers that every response gets. The application sets the content
// security policy, because only it knows its pages.
func (e *Edge) headers(ctx *pulumi.Context) (*cloudfront.ResponseHeadersPolicy, error) {
	policy, err := cloudfront.NewResponseHeadersPolicy(ctx, e.name, &cloudfront.ResponseHeadersPolicyArgs{
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
	if err != nil {
		return nil, fmt.Errorf("creating the response headers policy: %w", err)
	}
	return policy, nil
}
