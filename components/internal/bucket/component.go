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
	// Name is the name of the bucket. If it is empty, the name is Prefix and a random suffix.
	Name, Prefix string
	// ForceDestroy lets Pulumi delete the bucket with its contents. It applies only to a bucket without Name.
	ForceDestroy bool
	// KeyARN is the key that encrypts objects; nil for S3's own keys (SSE-S3), the only kind that load balancers support.
	KeyARN pulumi.StringInput
	// ExpireDays is the age at which objects are deleted, in days; 0 for never.
	ExpireDays int
	// KeepVersions is how many replaced versions of an object are always kept; 0 for none. Other replaced versions are
	// kept for OldVersionDays.
	KeepVersions, OldVersionDays int
	// Policy returns the policy of the bucket from its ARN. It must deny requests without TLS. Required.
	Policy func(arn string) identity.Document
}

// Bucket is a bucket with all its settings.
type Bucket struct {
	*s3.BucketV2
	// Policy is the policy of the bucket. Writers get the name of the bucket from it, so that they never start before they
	// may write.
	Policy *s3.BucketPolicy
}

// New creates a bucket under the parent given in opts. own are options of the bucket alone, not of the resources with
// its settings.
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
		return nil, fmt.Errorf("creating bucket %s: %w", name, err)
	}
	block, err := s3.NewBucketPublicAccessBlock(ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.Bucket,
		BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("blocking public access to bucket %s: %w", name, err)
	}
	if _, err := s3.NewBucketOwnershipControls(ctx, name, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.Bucket,
		Rule:   &s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, opts...); err != nil {
		return nil, fmt.Errorf("setting the ownership controls of bucket %s: %w", name, err)
	}
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name,
		&s3.BucketServerSideEncryptionConfigurationV2Args{
			Bucket: bucket.Bucket,
			Rules:  s3.BucketServerSideEncryptionConfigurationV2RuleArray{args.encryption()},
		}, opts...); err != nil {
		return nil, fmt.Errorf("setting the encryption of bucket %s: %w", name, err)
	}
	if err := args.lifecycle(ctx, name, bucket, opts); err != nil {
		return nil, err
	}
	policy, err := s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{
		// After the public access block: S3 answers two simultaneous changes of a bucket's access with a conflict.
		Bucket: block.Bucket,
		Policy: bucket.Arn.ApplyT(func(arn string) string { return args.Policy(arn).JSON() }).(pulumi.StringOutput),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("creating the policy of bucket %s: %w", name, err)
	}
	return &Bucket{bucket, policy}, nil
}

// byDefault is the encryption of objects whose upload requests none.
type byDefault = s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs

func (a *Args) encryption() *s3.BucketServerSideEncryptionConfigurationV2RuleArgs {
	if a.KeyARN == nil {
		return &s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			ApplyServerSideEncryptionByDefault: &byDefault{SseAlgorithm: pulumi.String("AES256")},
		}
	}
	return &s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
		// One data key for many objects. Otherwise every read would call KMS.
		BucketKeyEnabled: pulumi.Bool(true),
		ApplyServerSideEncryptionByDefault: &byDefault{
			SseAlgorithm:   pulumi.String("aws:kms"),
			KmsMasterKeyId: a.KeyARN.ToStringOutput(),
		},
	}
}

// lifecycle makes S3 delete old objects and old versions of objects. It enables versioning if versions are kept.
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
			return fmt.Errorf("enabling versioning of bucket %s: %w", name, err)
		}
		// S3 refuses rules about versions on a bucket without versioning.
		on = versioned.Bucket
		rule.NoncurrentVersionExpiration = &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
			NoncurrentDays: pulumi.Int(a.OldVersionDays), NewerNoncurrentVersions: pulumi.Int(a.KeepVersions),
		}
	}
	if _, err := s3.NewBucketLifecycleConfigurationV2(ctx, name, &s3.BucketLifecycleConfigurationV2Args{
		Bucket: on, Rules: s3.BucketLifecycleConfigurationV2RuleArray{rule},
	}, opts...); err != nil {
		return fmt.Errorf("creating the lifecycle configuration of bucket %s: %w", name, err)
	}
	return nil
}
