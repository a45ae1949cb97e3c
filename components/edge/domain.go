package edge

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// certificates are the ARNs of validated certificates for the domain.
type certificates struct {
	// viewer is in us-east-1, where CloudFront takes it from; balancer is in the load balancer's region.
	viewer, balancer pulumi.StringOutput
}

// certificates creates and validates the two certificates of the domain; without a domain there are none. ACM proves a
// name in an account once, so both share one DNS record.
func (e *Edge) certificates(ctx *pulumi.Context) (*certificates, error) {
	if e.args.Domain == "" {
		return nil, nil
	}
	certificate := func(logical string, opts ...pulumi.ResourceOption) (*acm.Certificate, error) {
		return acm.NewCertificate(ctx, logical, &acm.CertificateArgs{
			DomainName: pulumi.String(
				e.args.Domain,
			), ValidationMethod: pulumi.String("DNS"), KeyAlgorithm: pulumi.String("EC_prime256v1"),
		}, e.childOpts(opts...)...)
	}
	viewer, err := certificate(e.name+"-viewer", e.inUSEast1())
	if err != nil {
		return nil, err
	}
	balancer, err := certificate(e.name + "-balancer")
	if err != nil {
		return nil, err
	}
	proof := viewer.DomainValidationOptions.Index(pulumi.Int(0))
	record, err := route53.NewRecord(ctx, e.name+"-validation", &route53.RecordArgs{
		ZoneId: pulumi.String(e.args.HostedZoneID), Ttl: pulumi.Int(300),
		Name:    proof.ResourceRecordName().Elem(),
		Type:    proof.ResourceRecordType().Elem(),
		Records: pulumi.StringArray{proof.ResourceRecordValue().Elem()},
	}, e.childOpts()...)
	if err != nil {
		return nil, err
	}
	validated := func(logical string, c *acm.Certificate, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
		v, err := acm.NewCertificateValidation(ctx, logical, &acm.CertificateValidationArgs{
			CertificateArn: c.Arn, ValidationRecordFqdns: pulumi.StringArray{record.Fqdn},
		}, e.childOpts(opts...)...)
		if err != nil {
			return pulumi.StringOutput{}, err
		}
		return v.CertificateArn, nil
	}
	out := &certificates{}
	if out.viewer, err = validated(e.name+"-viewer", viewer, e.inUSEast1()); err != nil {
		return nil, err
	}
	if out.balancer, err = validated(e.name+"-balancer", balancer); err != nil {
		return nil, err
	}
	return out, nil
}

// aliases points the domain at the distribution, over IPv4 and IPv6.
func (e *Edge) aliases(ctx *pulumi.Context, distribution *cloudfront.Distribution) error {
	if e.args.Domain == "" {
		return nil
	}
	for _, kind := range []string{"A", "AAAA"} {
		if _, err := route53.NewRecord(ctx, e.name+"-"+kind, &route53.RecordArgs{
			ZoneId: pulumi.String(e.args.HostedZoneID), Name: pulumi.String(e.args.Domain), Type: pulumi.String(kind),
			Aliases: route53.RecordAliasArray{&route53.RecordAliasArgs{
				Name: distribution.DomainName, ZoneId: distribution.HostedZoneId, EvaluateTargetHealth: pulumi.Bool(false),
			}},
		}, e.childOpts()...); err != nil {
			return err
		}
	}
	return nil
}
