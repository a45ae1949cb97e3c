package statestore

import (
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
	"groundwork/components/spec"
)

// Args are the facts of a state store.
type Args struct {
	// Bucket is the bucket's name, unique in the world; Alias is the key's, without "alias/".
	Bucket, Alias string
	// AccountID is the account that administers the key.
	AccountID string
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	var p spec.Problems
	p.Match("bucket", a.Bucket, bucketName, "a bucket name: 3 to 63 lower-case letters, digits, dots or hyphens")
	if a.Alias == "" {
		p.Missing("alias", "the alias of the key")
	}
	identity.CheckAccountID(&p, "accountId", a.AccountID)
	return p.Err("statestore " + name + ": args: ")
}

// Store is the bucket and the key of an environment's states.
type Store struct {
	pulumi.ResourceState

	// BucketARN and KeyARN are what readers of states have to be let to.
	BucketARN, KeyARN pulumi.StringOutput
}

// oldVersionDays is how long a state that was replaced can be brought back from the bucket's versions, and minOldVersions how many always can.
const (
	oldVersionDays = 90
	minOldVersions = 20
)

// New creates the bucket and the key.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Store, error) {
	if args == nil {
		return nil, fmt.Errorf("statestore %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	s := &Store{}
	if err := ctx.RegisterComponentResource("groundwork:statestore:Store", name, s, opts...); err != nil {
		return nil, fmt.Errorf("registering statestore %s: %w", name, err)
	}
	key, err := identity.NewKey(ctx, name, &identity.KeyArgs{
		Alias: args.Alias, Purpose: "states and their secrets in " + args.Bucket, AccountID: args.AccountID, Protect: true,
	}, pulumi.Parent(s))
	if err != nil {
		return nil, err
	}
	bucket, err := s.bucket(ctx, name, args, key)
	if err != nil {
		return nil, err
	}
	s.BucketARN, s.KeyARN = bucket.Arn, key.ARN
	if err := ctx.RegisterResourceOutputs(s, pulumi.Map{"bucketArn": s.BucketARN, "keyArn": s.KeyARN}); err != nil {
		return nil, fmt.Errorf("registering outputs of statestore %s: %w", name, err)
	}
	return s, nil
}

func (s *Store) bucket(ctx *pulumi.Context, name string, args *Args, key *identity.Key) (*s3.BucketV2, error) {
	child := pulumi.Parent(s)
	bucket, err := s3.NewBucketV2(ctx, name, &s3.BucketV2Args{Bucket: pulumi.String(args.Bucket)}, child, pulumi.Protect(true))
	if err != nil {
		return nil, err
	}
	closed, err := s3.NewBucketPublicAccessBlock(ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.Bucket,
		BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, child)
	if err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketOwnershipControls(ctx, name, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.Bucket,
		Rule:   &s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, child); err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name, &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket.Bucket,
		Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{&s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			// One data key for many objects, or every read of a state would be a call to KMS.
			BucketKeyEnabled: pulumi.Bool(true),
			ApplyServerSideEncryptionByDefault: &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
				SseAlgorithm: pulumi.String("aws:kms"), KmsMasterKeyId: key.ARN,
			},
		}},
	}, child); err != nil {
		return nil, err
	}
	versioned, err := s3.NewBucketVersioningV2(ctx, name, &s3.BucketVersioningV2Args{
		Bucket:                  bucket.Bucket,
		VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	}, child)
	if err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketLifecycleConfigurationV2(ctx, name, &s3.BucketLifecycleConfigurationV2Args{
		// S3 refuses rules about versions on a bucket that keeps none yet.
		Bucket: versioned.Bucket,
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{&s3.BucketLifecycleConfigurationV2RuleArgs{
			Id: pulumi.String("forget-old-versions"), Status: pulumi.String("Enabled"),
			Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")},
			NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
				NoncurrentDays: pulumi.Int(oldVersionDays), NewerNoncurrentVersions: pulumi.Int(minOldVersions),
			},
			AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{DaysAfterInitiation: pulumi.Int(7)},
		}},
	}, child); err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{
		// S3 answers two changes of one bucket's access at the same time with a conflict.
		Bucket: closed.Bucket,
		Policy: bucket.Arn.ApplyT(func(arn string) string { return identity.NewDocument(identity.TLSOnly(arn)).JSON() }).(pulumi.StringOutput),
	}, child); err != nil {
		return nil, err
	}
	return bucket, nil
}
