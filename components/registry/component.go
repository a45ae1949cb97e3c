package registry

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:registry:Registry"

// Registry holds the image repositories of one environment.
type Registry struct {
	pulumi.ResourceState

	// URLs are the URLs of the repositories, by name as in Spec.
	URLs map[string]pulumi.StringOutput
}

// New creates a registry. It returns everything wrong with args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Registry, error) {
	if args == nil {
		return nil, fmt.Errorf("registry %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	r := &Registry{URLs: map[string]pulumi.StringOutput{}}
	if err := ctx.RegisterComponentResource(TypeToken, name, r, opts...); err != nil {
		return nil, fmt.Errorf("registering registry %s: %w", name, err)
	}
	key, err := identity.NewKey(ctx, name+"-images", &identity.KeyArgs{
		Alias:   args.Name + "-images",
		Purpose: "container images of " + args.Name,
		Facts:   args.Facts,
	}, pulumi.Parent(r))
	if err != nil {
		return nil, err
	}
	urls := pulumi.StringMap{}
	for _, repository := range args.Repositories {
		created, err := r.repository(ctx, name+"-"+repository, args.Name+"/"+repository, key, args)
		if err != nil {
			return nil, err
		}
		r.URLs[repository] = created.RepositoryUrl
		urls[repository] = created.RepositoryUrl
	}
	if err := ctx.RegisterResourceOutputs(r, pulumi.Map{"urls": urls}); err != nil {
		return nil, fmt.Errorf("registering outputs of registry %s: %w", name, err)
	}
	return r, nil
}

// repository creates one repository with its lifecycle policy.
func (r *Registry) repository(
	ctx *pulumi.Context,
	logical, physical string,
	key *identity.Key,
	args *Args,
) (*ecr.Repository, error) {
	repository, err := ecr.NewRepository(ctx, logical, &ecr.RepositoryArgs{
		Name:                       pulumi.String(physical),
		ImageTagMutability:         pulumi.String("IMMUTABLE"),
		ImageScanningConfiguration: &ecr.RepositoryImageScanningConfigurationArgs{ScanOnPush: pulumi.Bool(true)},
		EncryptionConfigurations: ecr.RepositoryEncryptionConfigurationArray{
			&ecr.RepositoryEncryptionConfigurationArgs{EncryptionType: pulumi.String("KMS"), KmsKey: key.ARN},
		},
		ForceDelete: pulumi.Bool(!args.Protect),
	}, pulumi.Parent(r))
	if err != nil {
		return nil, fmt.Errorf("creating repository %s: %w", physical, err)
	}
	if _, err := ecr.NewLifecyclePolicy(ctx, logical, &ecr.LifecyclePolicyArgs{
		Repository: repository.Name,
		Policy:     pulumi.String(LifecyclePolicy(args.KeepImages)),
		// The provider replaces a policy that changes. A repository has one: deleting the old one would delete the new one.
	}, pulumi.Parent(r), pulumi.DeleteBeforeReplace(true)); err != nil {
		return nil, fmt.Errorf("creating the lifecycle policy of repository %s: %w", physical, err)
	}
	return repository, nil
}
