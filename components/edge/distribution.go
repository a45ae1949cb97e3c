package edge

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// distribution creates the distribution of an origin. If page is not nil, that function answers in place of the origin.
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
	policy := func(bucketARN string) identity.Document {
		return DeliveryLogPolicy(bucketARN, e.args.AccountID, usEast1)
	}
	// AWS WAF writes only to buckets with this prefix. CloudFront shares the bucket.
	logs, err := e.logBucket(ctx, e.name+"-logs", "aws-waf-logs-"+e.args.Name+"-", policy, e.inUSEast1())
	if err != nil {
		return nil, err
	}
	args := e.distributionArgs(origin, certificates)
	setBehaviors(args, headers.ID(), page)
	if e.args.Firewall == FirewallManaged {
		firewall, err := e.firewall(ctx, logs)
		if err != nil {
			return nil, err
		}
		args.WebAclId = firewall.ARN
	}
	distribution, err := cloudfront.NewDistribution(ctx, e.name, args, e.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating the distribution of %s: %w", e.args.Name, err)
	}
	if err := e.accessLogs(ctx, distribution, logs); err != nil {
		return nil, err
	}
	return distribution, nil
}

// distributionArgs are the inputs of the distribution that follow from the settings, the origin and the certificates.
func (e *Edge) distributionArgs(
	origin *cloudfront.DistributionOriginArgs,
	certificates *certificates,
) *cloudfront.DistributionArgs {
	args := &cloudfront.DistributionArgs{
		Comment:       pulumi.String(e.args.Name),
		Enabled:       pulumi.Bool(true),
		HttpVersion:   pulumi.String("http2and3"),
		IsIpv6Enabled: pulumi.Bool(true),
		// Europe and North America. Other edge locations cost up to twice as much.
		PriceClass: pulumi.String("PriceClass_100"),
		Origins:    cloudfront.DistributionOriginArray{origin},
		Restrictions: &cloudfront.DistributionRestrictionsArgs{
			GeoRestriction: &cloudfront.DistributionRestrictionsGeoRestrictionArgs{RestrictionType: pulumi.String("none")},
		},
		// With CloudFront's own certificate the minimum TLS version is 1.0. Only another certificate can change it.
		ViewerCertificate: &cloudfront.DistributionViewerCertificateArgs{CloudfrontDefaultCertificate: pulumi.Bool(true)},
	}
	if certificates != nil {
		args.Aliases = pulumi.StringArray{pulumi.String(e.args.Domain)}
		args.ViewerCertificate = &cloudfront.DistributionViewerCertificateArgs{
			AcmCertificateArn:      certificates.viewer,
			SslSupportMethod:       pulumi.String("sni-only"),
			MinimumProtocolVersion: pulumi.String("TLSv1.2_2021"),
		}
	}
	return args
}
