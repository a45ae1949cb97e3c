package edge

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

//go:embed parked.js
var parkedCode string

// noOrigin is the origin of a distribution that has none: a host name that is reserved and never exists.
// Source: RFC 2606, "Reserved Top Level DNS Names".
const noOrigin = "parked.invalid"

// ParkedPage is the code of the CloudFront function that answers all requests while the environment is parked.
func ParkedPage(name string) string { return strings.ReplaceAll(parkedCode, "{{name}}", name) }

// parkedOrigin creates the function and returns its ARN, with an origin that no request reaches.
func (e *Edge) parkedOrigin(ctx *pulumi.Context) (*cloudfront.DistributionOriginArgs, pulumi.StringInput, error) {
	page, err := cloudfront.NewFunction(ctx, e.name+"-parked", &cloudfront.FunctionArgs{
		Name:    pulumi.String(e.args.Name + "-parked"),
		Comment: pulumi.String("Says that " + e.args.Name + " is parked"),
		Runtime: pulumi.String("cloudfront-js-2.0"),
		Code:    pulumi.String(ParkedPage(e.args.Name)),
		Publish: pulumi.Bool(true),
	}, e.childOpts()...)
	if err != nil {
		return nil, nil, fmt.Errorf("creating the function of the parked page: %w", err)
	}
	return &cloudfront.DistributionOriginArgs{
		OriginId: pulumi.String(originID), DomainName: pulumi.String(noOrigin),
		CustomOriginConfig: &cloudfront.DistributionOriginCustomOriginConfigArgs{
			HttpPort: pulumi.Int(80), HttpsPort: pulumi.Int(443),
			OriginProtocolPolicy: pulumi.String("https-only"), OriginSslProtocols: pulumi.StringArray{pulumi.String("TLSv1.2")},
		},
	}, page.Arn, nil
}
