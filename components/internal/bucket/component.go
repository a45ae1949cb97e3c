package bucket

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// Args describe a bucket.
type Args struct {
	// Name is the bucket's name. Where it is empty the name begins with Prefix and ends in a suffix of its own each time.
	Name, Prefix string
	// ForceDestroy lets the bucket be deleted with what is in it.
	ForceDestroy bool
	// KeyARN encrypts what is in it; nil for S3's own keys (SSE-S3), the only kind that load balancers write to.
	KeyARN pulumi.StringInput
	// ExpireDays is when objects are deleted; 0 for never.
	ExpireDays int
	// KeepVersions keeps what is replaced: at least so many versions, and for OldVersionDays. 0 for no versions.
	KeepVersions, OldVersionDays int
	// Policy is the bucket's policy, which says TLS only among others, from its ARN.
	Policy func(arn string) identity.Document
}

// Bucket is a bucket that is ready to be used.
type Bucket struct {
	*s3.BucketV2
	// Policy is its policy: whoever writes to the bucket takes its name from there, so that it never starts before it may.
	Policy *s3.BucketPolicy
}

// New creates a bucket under the parent given in opts. own are options of the bucket itself and of none of its
// settings.
func New(
	ctx *pulumi.Context,
	name string,
	args *Args,
	own []pulumi.ResourceOption,
	opts ...pulumi.ResourceOption,
) (*Bucket, error) {
	if args == nil || args.Policy == nil {
		return nil, fmt.Errorf("bucket %s: args or its policy is nil", name)
	}
	ba := &s3.BucketV2Args{}
	if args.Name != "" {
		ba.Bucket = pulumi.String(args.Name)
	} else {
		ba.BucketPrefix, ba.ForceDestroy = pulumi.String(args.Prefix), pulumi.Bool(args.ForceDestroy)
	}
	bucket, err := s3.NewBucketV2(ctx, name, ba, slices.Concat(opts, own)...)
	if err != nil {
		return nil, err
	}
	closed, err := s3.NewBucketPublicAccessBlock(ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.Bucket,
		BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, opts...)
	if err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketOwnershipControls(ctx, name, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.Bucket,
		Rule:   &s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, opts...); err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name,
		&s3.BucketServerSideEncryptionConfigurationV2Args{
			Bucket: bucket.Bucket,
			Rules:  s3.BucketServerSideEncryptionConfigurationV2RuleArray{args.encryption()},
		}, opts...); err != nil {
		return nil, err
	}
	if err := args.lifecycle(ctx, name, bucket, opts); err != nil {
		return nil, err
	}
	policy, err := s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{
		// S3 answers two changes of one bucket's access at the same time with a conflict.
		Bucket: closed.Bucket,
		Policy: bucket.Arn.ApplyT(func(arn string) string { return args.Policy(arn).JSON() }).(pulumi.StringOutput),
	}, opts...)
	return &Bucket{bucket, policy}, err
}

// byDefault is the encryption of objects that ask for none.
type byDefault = s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs

func (a *Args) encryption() *s3.BucketServerSideEncryptionConfigurationV2RuleArgs {
	if a.KeyARN == nil {
		return &s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			ApplyServerSideEncryptionByDefault: &byDefault{
				SseAlgorithm: pulumi.String("AES256"),
			},
		}
	}
	return &s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
		// One data key for many objects, or every read would be a call to KMS.
		BucketKeyEnabled: pulumi.Bool(true),
		ApplyServerSideEncryptionByDefault: &byDefault{
			SseAlgorithm:   pulumi.String("aws:kms"),
			KmsMasterKeyId: a.KeyARN.ToStringOutput(),
		},
	}
}

// lifecycle says when objects, or the versions that they replaced, are deleted.
func (a *Args) lifecycle(ctx *pulumi.Context, name string, bucket *s3.BucketV2, opts []pulumi.ResourceOption) error {
	on := bucket.Bucket
	rule := &s3.BucketLifecycleConfigurationV2RuleArgs{
		Id: pulumi.String("expire"), Status: pulumi.String("Enabled"),
		Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")},
		AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
			DaysAfterInitiation: pulumi.Int(7),
		},
	}
	if a.ExpireDays > 0 {
		rule.Expiration = &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{Days: pulumi.Int(a.ExpireDays)}
	}
	if a.KeepVersions > 0 {
		versioned, err := s3.NewBucketVersioningV2(ctx, name, &s3.BucketVersioningV2Args{
			Bucket:                  bucket.Bucket,
			VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
		}, opts...)
		if err != nil {
			return err
		}
		// S3 refuses rules about versions on a bucket that keeps none yet.
		on = versioned.Bucket
		rule.NoncurrentVersionExpiration = &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
			NoncurrentDays: pulumi.Int(a.OldVersionDays), NewerNoncurrentVersions: pulumi.Int(a.KeepVersions),
		}
	}
	_, err := s3.NewBucketLifecycleConfigurationV2(ctx, name, &s3.BucketLifecycleConfigurationV2Args{
		Bucket: on, Rules: s3.BucketLifecycleConfigurationV2RuleArray{rule},
	}, opts...)
	return err
}
