package awssim

import (
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
)

// logDeliveryTypes deliver CloudFront's logs to a bucket.
var logDeliveryTypes = map[string]Type{
	awstype.LogDeliverySource: {
		Args: cloudwatch.LogDeliverySourceArgs{},
		Refs: []Ref{{
			Path: "resourceArn", Type: awstype.Distribution, By: "arn",
			Blocks: true, Code: "ResourceNotFoundException",
		}},
		Taken: "ConflictException",
		ID:    fromName("name"),
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("logs", "delivery-source:"+id), "service": "cloudfront"}
		},
		Created: deliverySourceCreated,
	},
	awstype.LogDeliveryDestination: {
		Args: cloudwatch.LogDeliveryDestinationArgs{},
		Refs: []Ref{{
			Path: "deliveryDestinationConfiguration.destinationResourceArn", Type: awstype.Bucket, By: "arn",
			Code: "ResourceNotFoundException",
		}},
		Taken: "ConflictException",
		ID:    fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "outputFormat", "json", "plain", "w3c", "raw", "parquet"),
				"outputFormat", "is not json, plain, w3c, raw or parquet")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("logs", "delivery-destination:"+id), "deliveryDestinationType": "S3"}
		},
		Created: deliveryDestinationCreated,
	},
	awstype.LogDelivery: {
		Args: cloudwatch.LogDeliveryArgs{},
		Refs: []Ref{
			{
				Path: "deliverySourceName", Type: awstype.LogDeliverySource, By: "name",
				Blocks: true, Code: "ResourceNotFoundException",
			},
			{
				Path: "deliveryDestinationArn", Type: awstype.LogDeliveryDestination, By: "arn",
				Blocks: true, Code: "ResourceNotFoundException",
			},
		},
		ID:      func(_ Props, digest string) string { return digest[:16] },
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("logs", "delivery:"+id)} },
	},
}

func deliverySourceCreated(c *Cloud, _ *Object) error {
	if c.Site.Region != globalRegion {
		return apiError("ValidationException: CloudFront's logs are delivered from us-east-1, not from %s", c.Site.Region)
	}
	return nil
}

func deliveryDestinationCreated(c *Cloud, o *Object) error {
	arn := o.State.Str("deliveryDestinationConfiguration.destinationResourceArn")
	bucket := strings.TrimPrefix(arn, "arn:aws:s3:::")
	return c.logsTo(bucket, "delivery.logs.amazonaws.com", "AccessDeniedException")
}
