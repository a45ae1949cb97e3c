package awssim

import (
	"regexp"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
)

var (
	bucketPrefix = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,36}$`)
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

// archiveTypes are the buckets that logs go to, and what carries CloudFront's there.
var archiveTypes = map[string]Type{
	awstype.Bucket: {
		Args:   s3.BucketV2Args{},
		Unique: unique("bucket", "BucketAlreadyExists"),
		ID: func(in Props, digest string) string {
			if in.Has("bucket") {
				return in.Str("bucket")
			}
			return in.Str("bucketPrefix") + digest[:26]
		},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("bucketPrefix") && !bucketPrefix.MatchString(in.Str("bucketPrefix")), "bucketPrefix", "%q is not the beginning of a bucket name, at most 37 characters", in.Str("bucketPrefix"))
			failIf(&f, in.Has("bucket") && !bucketName.MatchString(in.Str("bucket")), "bucket", "%q is not a bucket name of 3 to 63 lower-case letters, digits, dots or hyphens", in.Str("bucket"))
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"bucket": id, "arn": "arn:aws:s3:::" + id, "region": s.Region, "bucketDomainName": id + ".s3.amazonaws.com"}
		},
		Deleted: func(_ *Cloud, o *Object) error {
			if o.Contents != "" && !o.State.Flag("forceDestroy") {
				return apiError("BucketNotEmpty: The bucket you tried to delete is not empty: %s", o.ID)
			}
			return nil
		},
	},
	awstype.BucketPublicAccessBlock: ofBucket(Type{Args: s3.BucketPublicAccessBlockArgs{}}),
	awstype.BucketOwnershipControls: ofBucket(Type{Args: s3.BucketOwnershipControlsArgs{}}),
	awstype.BucketLifecycle: ofBucket(Type{
		Args: s3.BucketLifecycleConfigurationV2Args{},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, outOfRange(in, "rules[0].expiration.days", 1, 1<<31-1), "rules[0].expiration.days", "is below 1")
			return f
		},
	}),
	awstype.BucketEncryption: ofBucket(Type{
		Args: s3.BucketServerSideEncryptionConfigurationV2Args{},
	}),
	awstype.BucketVersioning: ofBucket(Type{
		Args: s3.BucketVersioningV2Args{},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "versioningConfiguration.status", "Enabled", "Suspended", "Disabled"), "versioningConfiguration.status", "is not Enabled, Suspended or Disabled")
			return f
		},
	}),
	awstype.BucketPolicy: ofBucket(Type{
		Args: s3.BucketPolicyArgs{},
		Check: func(in Props) []Failure {
			var f []Failure
			checkPolicy(&f, in, "policy", 20480)
			return f
		},
	}),
	awstype.LogDeliverySource: {
		Args:   cloudwatch.LogDeliverySourceArgs{},
		Refs:   []Ref{{Path: "resourceArn", Type: awstype.Distribution, By: "arn", Blocks: true, Code: "ResourceNotFoundException"}},
		Unique: unique("name", "ConflictException"),
		ID:     fromName("name"),
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("logs", "delivery-source:"+id), "service": "cloudfront"}
		},
		Created: func(c *Cloud, _ *Object) error {
			if c.Site.Region != globalRegion {
				return apiError("ValidationException: CloudFront's logs are delivered from us-east-1, not from %s", c.Site.Region)
			}
			return nil
		},
	},
	awstype.LogDeliveryDestination: {
		Args:   cloudwatch.LogDeliveryDestinationArgs{},
		Refs:   []Ref{{Path: "deliveryDestinationConfiguration.destinationResourceArn", Type: awstype.Bucket, By: "arn", Code: "ResourceNotFoundException"}},
		Unique: unique("name", "ConflictException"),
		ID:     fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "outputFormat", "json", "plain", "w3c", "raw", "parquet"), "outputFormat", "is not json, plain, w3c, raw or parquet")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("logs", "delivery-destination:"+id), "deliveryDestinationType": "S3"}
		},
		Created: func(c *Cloud, o *Object) error {
			return c.logsTo(strings.TrimPrefix(o.State.Str("deliveryDestinationConfiguration.destinationResourceArn"), "arn:aws:s3:::"), "delivery.logs.amazonaws.com", "AccessDeniedException")
		},
	},
	awstype.LogDelivery: {
		Args: cloudwatch.LogDeliveryArgs{},
		Refs: []Ref{
			{Path: "deliverySourceName", Type: awstype.LogDeliverySource, By: "name", Blocks: true, Code: "ResourceNotFoundException"},
			{Path: "deliveryDestinationArn", Type: awstype.LogDeliveryDestination, By: "arn", Blocks: true, Code: "ResourceNotFoundException"},
		},
		ID:      func(_ Props, digest string) string { return digest[:16] },
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("logs", "delivery:"+id)} },
	},
}

// ofBucket completes a type that sets one aspect of a bucket.
func ofBucket(t Type) Type {
	t.Refs = []Ref{{Path: "bucket", Type: awstype.Bucket, By: "bucket", Code: "NoSuchBucket"}}
	t.ID = fromName("bucket")
	return t
}

// logsTo notes that a service writes logs to a bucket, or refuses as AWS does when the bucket's policy does not let it.
// The caller holds mu.
func (c *Cloud) logsTo(bucket, service, code string) error {
	policy := c.find(Ref{Type: awstype.BucketPolicy, AnyRegion: true}, bucket)
	if policy == nil || !strings.Contains(policy.State.Str("policy"), `"`+service+`"`) {
		return apiError("%s: Access Denied for bucket: %s. Please check S3bucket permission", code, bucket)
	}
	// The first object is there at once: services try whether they may write.
	c.get(awstype.Bucket, bucket).Contents = "access logs"
	return nil
}
