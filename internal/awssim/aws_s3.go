package awssim

import (
	"regexp"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
)

var (
	bucketPrefix = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,36}$`)
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

var bucketTypes = map[string]Type{
	awstype.Bucket: {
		Args:  s3.BucketV2Args{},
		Taken: "BucketAlreadyExists",
		ID: func(in Props, digest string) string {
			if in.Has("bucket") {
				return in.Str("bucket")
			}
			return in.Str("bucketPrefix") + digest[:26]
		},
		Check:   checkBucket,
		Outputs: bucketOutputs,
		Deleted: bucketDeleted,
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
	awstype.BucketEncryption: ofBucket(Type{Args: s3.BucketServerSideEncryptionConfigurationV2Args{}}),
	awstype.BucketVersioning: ofBucket(Type{
		Args: s3.BucketVersioningV2Args{},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "versioningConfiguration.status", "Enabled", "Suspended", "Disabled"),
				"versioningConfiguration.status", "is not Enabled, Suspended or Disabled")
			return f
		},
	}),
	awstype.BucketPolicy: ofBucket(Type{
		Args:  s3.BucketPolicyArgs{},
		Check: policyCheck(20480),
	}),
}

// ofBucket completes a type that configures one aspect of a bucket.
func ofBucket(t Type) Type {
	t.Refs = []Ref{{Path: "bucket", Type: awstype.Bucket, By: "bucket", Code: "NoSuchBucket"}}
	t.ID = fromName("bucket")
	return t
}

func checkBucket(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "bucketPrefix", bucketPrefix), "bucketPrefix",
		"%q is not the beginning of a bucket name, at most 37 characters", in.Str("bucketPrefix"))
	failIf(&f, mismatch(in, "bucket", bucketName), "bucket",
		"%q is not a bucket name of 3 to 63 lower-case letters, digits, dots or hyphens", in.Str("bucket"))
	return f
}

func bucketOutputs(s Site, id string, _ Props) Props {
	return Props{
		"bucket":           id,
		"arn":              "arn:aws:s3:::" + id,
		"region":           s.Region,
		"bucketDomainName": id + ".s3.amazonaws.com",
	}
}

func bucketDeleted(_ *Cloud, o *Object) error {
	if o.Contents != "" && !o.State.Flag("forceDestroy") {
		return apiError("BucketNotEmpty: The bucket you tried to delete is not empty: %s", o.ID)
	}
	return nil
}

// logsTo records that a service writes logs to a bucket. Like AWS, it refuses when the bucket's policy does not allow
// the service. The caller holds mu.
func (c *Cloud) logsTo(bucket, service, code string) error {
	policy := c.find(Ref{Type: awstype.BucketPolicy, AnyRegion: true}, bucket)
	if policy == nil || !strings.Contains(policy.State.Str("policy"), `"`+service+`"`) {
		return apiError("%s: Access Denied for bucket: %s. Please check S3bucket permission", code, bucket)
	}
	// The bucket has contents at once, because services write a test object.
	c.get(awstype.Bucket, bucket).Contents = "access logs"
	return nil
}
