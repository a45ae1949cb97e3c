package edge

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// certificates are the ARNs of the validated certificates of the domain.
type certificates struct {
	// viewer is in us-east-1, where CloudFront needs it; loadBalancer is in the region of the load balancer.
	viewer, loadBalancer pulumi.StringOutput
}

// certificates creates and validates the two certificates of the domain. Without a domain it returns nil. ACM validates
// a name once in an account, so both certificates share one DNS record.
func (e *Edge) certificates(ctx *pulumi.Context) (*certificates, error) {
	if e.args.Domain == "" {
		return nil, nil
	}
	viewer, err := e.certificate(ctx, e.name+"-viewer", e.inUSEast1())
	if err != nil {
		return nil, err
	}
	loadBalancer, err := e.certificate(ctx, e.name+"-balancer")
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
		return nil, fmt.Errorf("creating the validation record of %s: %w", e.args.Domain, err)
	}
	validated := &certificates{}
	if validated.viewer, err = e.validated(ctx, e.name+"-viewer", viewer, record, e.inUSEast1()); err != nil {
		return nil, err
	}
	if validated.loadBalancer, err = e.validated(ctx, e.name+"-balancer", loadBalancer, record); err != nil {
		return nil, err
	}
	return validated, nil
}

func (e *Edge) certificate(
	ctx *pulumi.Context,
	logical string,
	opts ...pulumi.ResourceOption,
) (*acm.Certificate, error) {
	certificate, err := acm.NewCertificate(ctx, logical, &acm.CertificateArgs{
		DomainName:       pulumi.String(e.args.Domain),
		ValidationMethod: pulumi.String("DNS"),
		KeyAlgorithm:     pulumi.String("EC_prime256v1"),
	}, e.childOpts(opts...)...)
	if err != nil {
		return nil, fmt.Errorf("creating certificate %s: %w", logical, err)
	}
	return certificate, nil
}

// validated returns the ARN of a certificate, which is known once ACM has validated the certificate.
func (e *Edge) validated(
	ctx *pulumi.Context,
	logical string,
	certificate *acm.Certificate,
	record *route53.Record,
	opts ...pulumi.ResourceOption,
) (pulumi.StringOutput, error) {
	validation, err := acm.NewCertificateValidation(ctx, logical, &acm.CertificateValidationArgs{
		CertificateArn: certificate.Arn, ValidationRecordFqdns: pulumi.StringArray{record.Fqdn},
	}, e.childOpts(opts...)...)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("validating certificate %s: %w", logical, err)
	}
	return validation.CertificateArn, nil
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
			return fmt.Errorf("creating the %s record of %s: %w", kind, e.args.Domain, err)
		}
	}
	return nil
}
