package edge

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
	"groundwork/components/internal/bucket"
)

// logBucket creates a bucket that only one log service writes to, and returns its policy: what sends logs takes the
// bucket's name from there, so that it never starts before it may write. The name ends in a suffix of its own each
// time: a bucket that was kept does not stand in the way of the next environment. Encryption is S3's own (SSE-S3), the
// only kind that load balancers write to.
func (e *Edge) logBucket(
	ctx *pulumi.Context,
	logical, prefix string,
	policy func(bucketARN string) identity.Document,
	opts ...pulumi.ResourceOption,
) (*s3.BucketPolicy, error) {
	keep := e.args.AccessLogs == AccessLogsKeep
	// Everything about a kept bucket is kept with it, its expiry and its closed doors above all.
	logs, err := bucket.New(ctx, logical, &bucket.Args{
		Prefix: prefix, ForceDestroy: !keep, ExpireDays: e.args.LogRetentionDays, Policy: policy,
	}, nil, e.childOpts(append(opts, pulumi.RetainOnDelete(keep))...)...)
	if err != nil {
		return nil, err
	}
	return logs.Policy, nil
}

// BalancerLogPolicy lets the load balancers of an account and region write their access logs, over TLS only.
func BalancerLogPolicy(bucketARN, account, region string) identity.Document {
	return identity.NewDocument(identity.TLSOnly(bucketARN), identity.Statement{
		Sid: "LoadBalancersWrite", Effect: identity.Allow,
		Principal: identity.Services("logdelivery.elasticloadbalancing.amazonaws.com"),
		Action:    identity.Strings{"s3:PutObject"},
		Resource:  identity.Strings{bucketARN + "/AWSLogs/" + account + "/*"},
		// The ARN says the account too; a condition that the service does not send would refuse every log.
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
