package edge

import (
	_ "embed"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

//go:embed parked.js
var parkedCode string

// noOrigin stands where a distribution must have an origin and there is none: a name that is reserved never to exist.
// Source: RFC 2606, "Reserved Top Level DNS Names".
const noOrigin = "parked.invalid"

// ParkedPage is the code of the CloudFront function that answers for an environment while it is parked.
func ParkedPage(name string) string { return strings.ReplaceAll(parkedCode, "{{name}}", name) }

// parkedOrigin creates the function, and the origin that it never lets a request through to.
func (e *Edge) parkedOrigin(ctx *pulumi.Context) (*cloudfront.DistributionOriginArgs, pulumi.StringInput, error) {
	page, err := cloudfront.NewFunction(ctx, e.name+"-parked", &cloudfront.FunctionArgs{
		Name:    pulumi.String(e.args.Name + "-parked"),
		Comment: pulumi.String("Says that " + e.args.Name + " is parked"),
		Runtime: pulumi.String("cloudfront-js-2.0"),
		Code:    pulumi.String(ParkedPage(e.args.Name)),
		Publish: pulumi.Bool(true),
	}, e.childOpts()...)
	if err != nil {
		return nil, nil, err
	}
	return &cloudfront.DistributionOriginArgs{
		OriginId: pulumi.String(originID), DomainName: pulumi.String(noOrigin),
		CustomOriginConfig: &cloudfront.DistributionOriginCustomOriginConfigArgs{
			HttpPort: pulumi.Int(80), HttpsPort: pulumi.Int(443),
			OriginProtocolPolicy: pulumi.String("https-only"), OriginSslProtocols: pulumi.StringArray{pulumi.String("TLSv1.2")},
		},
	}, page.Arn, nil
}
