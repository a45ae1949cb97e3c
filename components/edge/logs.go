package edge

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
	"groundwork/components/internal/bucket"
)

// logBucket creates a bucket that only one log service may write to, and returns its policy. The log service gets the
// name of the bucket from the policy, so that it never starts before it may write. The name ends in a random suffix: a
// bucket that was kept does not conflict with the bucket of the next environment. Encryption is SSE-S3, the only kind
// that load balancers support.
func (e *Edge) logBucket(
	ctx *pulumi.Context,
	logical, prefix string,
	policy func(bucketARN string) identity.Document,
	opts ...pulumi.ResourceOption,
) (*s3.BucketPolicy, error) {
	keep := e.args.AccessLogs == AccessLogsKeep
	// A bucket is kept with all its settings, above all its expiry and its public access block.
	logs, err := bucket.New(ctx, logical, &bucket.Args{
		Prefix: prefix, ForceDestroy: !keep, ExpireDays: e.args.LogRetentionDays, Policy: policy,
	}, nil, e.childOpts(append(opts, pulumi.RetainOnDelete(keep))...)...)
	if err != nil {
		return nil, err
	}
	return logs.Policy, nil
}

// accessLogs makes CloudWatch deliver the access logs of the distribution to the bucket. Source and destination have
// fixed names, and a source can be put over an existing one, so a replacement deletes the old one first.
func (e *Edge) accessLogs(ctx *pulumi.Context, distribution *cloudfront.Distribution, bucket *s3.BucketPolicy) error {
	source, err := cloudwatch.NewLogDeliverySource(ctx, e.name, &cloudwatch.LogDeliverySourceArgs{
		Name: pulumi.String(e.args.Name + "-web"), LogType: pulumi.String("ACCESS_LOGS"), ResourceArn: distribution.Arn,
	}, e.childOpts(e.inUSEast1(), pulumi.DeleteBeforeReplace(true))...)
	if err != nil {
		return fmt.Errorf("creating the source of the access logs: %w", err)
	}
	destination, err := cloudwatch.NewLogDeliveryDestination(ctx, e.name, &cloudwatch.LogDeliveryDestinationArgs{
		Name: pulumi.String(e.args.Name + "-web"), OutputFormat: pulumi.String("json"),
		DeliveryDestinationConfiguration: &cloudwatch.LogDeliveryDestinationDeliveryDestinationConfigurationArgs{
			DestinationResourceArn: pulumi.Sprintf("arn:aws:s3:::%s", bucket.Bucket),
		},
	}, e.childOpts(e.inUSEast1(), pulumi.DeleteBeforeReplace(true))...)
	if err != nil {
		return fmt.Errorf("creating the destination of the access logs: %w", err)
	}
	if _, err := cloudwatch.NewLogDelivery(ctx, e.name, &cloudwatch.LogDeliveryArgs{
		DeliverySourceName: source.Name, DeliveryDestinationArn: destination.Arn,
	}, e.childOpts(e.inUSEast1())...); err != nil {
		return fmt.Errorf("creating the delivery of the access logs: %w", err)
	}
	return nil
}

// BalancerLogPolicy lets the load balancers of an account in a region write their access logs, over TLS only.
func BalancerLogPolicy(bucketARN, account, region string) identity.Document {
	return identity.NewDocument(identity.TLSOnly(bucketARN), identity.Statement{
		Sid: "LoadBalancersWrite", Effect: identity.Allow,
		Principal: identity.Services("logdelivery.elasticloadbalancing.amazonaws.com"),
		Action:    identity.Strings{"s3:PutObject"},
		Resource:  identity.Strings{bucketARN + "/AWSLogs/" + account + "/*"},
		// The ARN includes the account. A condition on a key that the service does not send would refuse every log.
		Condition: identity.Condition{
			"ArnLike": {"aws:SourceArn": {"arn:aws:elasticloadbalancing:" + region + ":" + account + ":loadbalancer/*"}},
		},
	})
}

// DeliveryLogPolicy lets CloudWatch's log delivery, which carries the logs of CloudFront and AWS WAF, write to a
// bucket, over TLS only.
func DeliveryLogPolicy(bucketARN, account, region string) identity.Document {
	from := identity.Condition{
		"StringEquals": {"aws:SourceAccount": {account}},
		"ArnLike":      {"aws:SourceArn": {"arn:aws:logs:" + region + ":" + account + ":*"}},
	}
	return identity.NewDocument(identity.TLSOnly(bucketARN), identity.Statement{
		Sid: "LogDeliveryWrites", Effect: identity.Allow,
		Principal: identity.Services("delivery.logs.amazonaws.com"),
		Action:    identity.Strings{"s3:PutObject"},
		Resource:  identity.Strings{bucketARN + "/AWSLogs/" + account + "/*"},
		Condition: identity.Condition{
			"StringEquals": {"aws:SourceAccount": {account}, "s3:x-amz-acl": {"bucket-owner-full-control"}},
			"ArnLike":      from["ArnLike"],
		},
	}, identity.Statement{
		Sid: "LogDeliveryLooksFirst", Effect: identity.Allow,
		Principal: identity.Services("delivery.logs.amazonaws.com"),
		Action:    identity.Strings{"s3:GetBucketAcl", "s3:ListBucket"},
		Resource:  identity.Strings{bucketARN},
		Condition: from,
	})
}
