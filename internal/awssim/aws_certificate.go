package awssim

import (
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"

	"groundwork/internal/awstype"
)

// certificateTypes are certificates and the DNS records that validate them.
var certificateTypes = map[string]Type{
	awstype.Certificate: {
		Args:    acm.CertificateArgs{},
		ID:      func(in Props, digest string) string { return "certificate/" + uuid(in, digest) },
		Outputs: certificateOutputs,
	},
	awstype.CertificateValidation: {
		Args: acm.CertificateValidationArgs{},
		Refs: []Ref{
			{Path: "certificateArn", Type: awstype.Certificate, By: "arn", Code: "ResourceNotFoundException"},
			{
				Path: "validationRecordFqdns", Type: awstype.DNSRecord, By: "fqdn",
				Code: "timeout while waiting for state to become 'ISSUED'",
			},
		},
		ID:      func(_ Props, digest string) string { return digest[:32] },
		Created: validationCreated,
	},
	awstype.DNSRecord: {
		Args:  route53.RecordArgs{},
		Taken: "InvalidChangeBatch",
		ID: func(in Props, _ string) string {
			return in.Str("zoneId") + "_" + in.Str("name") + "_" + in.Str("type")
		},
		Outputs: func(_ Site, _ string, in Props) Props {
			return Props{"fqdn": strings.TrimSuffix(in.Str("name"), ".")}
		},
	},
}

func certificateOutputs(s Site, id string, in Props) Props {
	// ACM requires the same record for a name in every region of an account.
	domain := in.Str("domainName")
	proof := "_" + hex8(checksum(Props{"domain": domain, "account": s.Account}))
	return Props{"arn": s.arn("acm", id), "domainValidationOptions": []any{map[string]any{
		"domainName":          domain,
		"resourceRecordType":  "CNAME",
		"resourceRecordName":  proof + "." + domain + ".",
		"resourceRecordValue": proof + ".acm-validations.aws.",
	}}}
}

// validationCreated marks the certificate as issued.
func validationCreated(c *Cloud, o *Object) error {
	certificate := c.find(Ref{Type: awstype.Certificate, By: "arn"}, o.State.Str("certificateArn"))
	certificate.State["status"] = "ISSUED"
	return nil
}

// certificateIssued returns a Created hook that refuses a certificate, named at path, that has not been validated.
func certificateIssued(path string) func(*Cloud, *Object) error {
	return func(c *Cloud, o *Object) error {
		certificate := c.find(Ref{Type: awstype.Certificate, By: "arn", AnyRegion: true}, o.State.Str(path))
		if certificate != nil && certificate.State.Str("status") != "ISSUED" {
			return apiError("UnsupportedCertificate: "+
				"The certificate %s must have a fully-qualified domain name and be issued", certificate.State.Str("arn"))
		}
		return nil
	}
}
