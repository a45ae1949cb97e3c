package statestore

import (
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/identity"
	"groundwork/components/internal/bucket"
)

// Args are the facts of a state store.
type Args struct {
	// Bucket is the globally unique name of the bucket: 3 to 63 lower-case letters, digits, dots or hyphens. Alias is the
	// alias of the key, without "alias/".
	Bucket, Alias string
	// Facts are the environment's.
	environment.Facts
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := a.Facts.Validate()
	errs.Match("bucket", a.Bucket, bucketName, "a bucket name: 3 to 63 lower-case letters, digits, dots or hyphens")
	if a.Alias == "" {
		errs.Required("alias", "the alias of the key")
	}
	return errs.Err("statestore " + name + ": args: ")
}

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:statestore:Store"

// Store is the bucket and the key of the states of an environment.
type Store struct {
	pulumi.ResourceState

	// BucketARN and KeyARN are the bucket and the key. Readers of states need access to both.
	BucketARN, KeyARN pulumi.StringOutput
}

// oldVersionDays is how long the bucket keeps replaced versions of states. It always keeps the newest minOldVersions.
const (
	oldVersionDays = 90
	minOldVersions = 20
)

// New creates the bucket and the key. It returns everything wrong with args in one error, before anything is
// registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Store, error) {
	if args == nil {
		return nil, fmt.Errorf("statestore %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	s := &Store{}
	if err := ctx.RegisterComponentResource(TypeToken, name, s, opts...); err != nil {
		return nil, fmt.Errorf("registering statestore %s: %w", name, err)
	}
	// States are always protected, and have a key of their own, because they outlive the environment's other keys.
	facts := args.Facts
	facts.Protect, facts.SharedKeyARN = true, nil
	key, err := identity.NewKey(ctx, name, &identity.KeyArgs{
		Alias: args.Alias, Purpose: "states and their secrets in " + args.Bucket, Facts: facts,
	}, pulumi.Parent(s))
	if err != nil {
		return nil, err
	}
	states, err := bucket.New(ctx, name, &bucket.Args{
		Name: args.Bucket, KeyARN: key.ARN, KeepVersions: minOldVersions, OldVersionDays: oldVersionDays,
		Policy: func(arn string) identity.Document { return identity.NewDocument(identity.TLSOnly(arn)) },
	}, []pulumi.ResourceOption{pulumi.Protect(true)}, pulumi.Parent(s))
	if err != nil {
		return nil, err
	}
	s.BucketARN, s.KeyARN = states.Arn, key.ARN
	if err := ctx.RegisterResourceOutputs(s, pulumi.Map{"bucketArn": s.BucketARN, "keyArn": s.KeyARN}); err != nil {
		return nil, fmt.Errorf("registering outputs of statestore %s: %w", name, err)
	}
	return s, nil
}
