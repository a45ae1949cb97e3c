package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/bastion"
	"groundwork/components/identity"
	"groundwork/components/statestore"
)

// account creates what must exist before everything else: the bucket of the states, and the roles of the pipelines. It
// is never part of the environment's own stack, whose state is in that bucket.
func (d *deployment) account() error {
	c := d.config
	store, err := statestore.New(d.ctx, "state", &statestore.Args{
		Facts: d.facts(nil), Bucket: c.StateBucket(), Alias: c.StateKeyAlias(),
	}, d.regional)
	if err != nil {
		return err
	}
	d.ctx.Export("backend", pulumi.String(c.Backend()))
	d.ctx.Export("secretsProvider", pulumi.String(c.SecretsProvider()))
	d.ctx.Export("stateKeyArn", store.KeyARN)
	if !c.Pipelines.Any() {
		return nil
	}
	var repositories []string
	for _, repository := range c.Registry.Repositories {
		repositories = append(repositories, c.Prefix()+"/"+repository)
	}
	through := ""
	if c.Cluster.Tunneled() {
		through = bastion.Name(c.Prefix())
	}
	pipelines, err := identity.NewPipelines(d.ctx, "pipelines", &identity.PipelinesArgs{
		PipelinesSpec: c.Pipelines, Facts: d.facts(nil),
		Cluster: c.ClusterName(), Bastion: through, Repositories: repositories,
		StateBucketARN: store.BucketARN, StateKeyARN: store.KeyARN,
	}, d.regional)
	if err != nil {
		return err
	}
	d.ctx.Export("previewRoleArn", pipelines.PreviewRole.ARN)
	d.ctx.Export("deployRoleArn", pipelines.DeployRole.ARN)
	return nil
}
