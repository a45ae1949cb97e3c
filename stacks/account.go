package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
	"groundwork/components/statestore"
)

// AccountOutputs is what people and pipelines have to know before there is anything else.
type AccountOutputs struct {
	// PreviewRoleARN and DeployRoleARN are worn by pipelines; empty where there are none.
	PreviewRoleARN, DeployRoleARN pulumi.StringOutput
	StateKeyARN                   pulumi.StringOutput
}

// account creates what has to be there before everything else, once: where states are kept, and who may deploy from a
// pipeline. It is never part of an environment's own stack: that one's state is kept here.
func account(ctx *pulumi.Context, c *Config, opts ...pulumi.ResourceOption) (*AccountOutputs, error) {
	store, err := statestore.New(ctx, "state", &statestore.Args{Bucket: c.StateBucket(), Alias: c.StateKeyAlias(), AccountID: c.AccountID}, opts...)
	if err != nil {
		return nil, err
	}
	out := &AccountOutputs{StateKeyARN: store.KeyARN}
	if !c.Pipelines.Any() {
		return out, nil
	}
	var repositories []string
	for _, repository := range c.Registry.Repositories {
		repositories = append(repositories, c.Prefix()+"/"+repository)
	}
	pipelines, err := identity.NewPipelines(ctx, "pipelines", &identity.PipelinesArgs{
		PipelinesSpec: c.Pipelines,
		Name:          c.Prefix(), Path: c.RolePath(), Boundary: c.PermissionsBoundary, AccountID: c.AccountID,
		Region: c.Region, Cluster: c.ClusterName(), Repositories: repositories,
		StateBucketARN: store.BucketARN, StateKeyARN: store.KeyARN,
	}, opts...)
	if err != nil {
		return nil, err
	}
	out.PreviewRoleARN, out.DeployRoleARN = pipelines.PreviewRole.ARN, pipelines.DeployRole.ARN
	return out, nil
}
