package stacks

import (
	"fmt"
	"slices"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Deploy declares what a stack is: one whole environment, its layers in order, each fed by the outputs of those below it;
// or one layer of it, which reads those below from their own stacks.
func Deploy(ctx *pulumi.Context) error { return DeployAt(time.Now())(ctx) }

// DeployAt returns Deploy as of a given day, which decides what AWS still supports.
func DeployAt(today time.Time) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		raw, err := rawConfig(ctx)
		if err != nil {
			return err
		}
		config, err := Load(raw, ctx.Stack(), today)
		if err != nil {
			return err
		}
		return (&deployment{ctx: ctx, config: config}).deploy()
	}
}

// deployment is one run of the program.
type deployment struct {
	ctx      *pulumi.Context
	config   *Config
	regional pulumi.ResourceOption
	usEast1  pulumi.ProviderResource
	memory   memory

	platform PlatformOutputs
	services ServicesOutputs
}

// reads says which layers a layer reads.
var reads = map[string][]string{
	LayerServices:      {LayerPlatform},
	LayerWorkloads:     {LayerPlatform, LayerServices},
	LayerObservability: {LayerPlatform, LayerServices},
}

func (d *deployment) deploy() error {
	provider, err := newProvider(d.ctx, d.config, "aws", d.config.Region)
	if err != nil {
		return err
	}
	d.regional = pulumi.Provider(provider)
	if d.config.Layer == LayerAccount {
		return d.declare(LayerAccount)
	}
	if d.usEast1, err = newProvider(d.ctx, d.config, "aws-us-east-1", "us-east-1"); err != nil {
		return err
	}
	if d.memory, err = remember(d.ctx, d.config); err != nil {
		return err
	}
	if err := d.memory.refuse(d.config, d.config.Today); err != nil {
		return err
	}
	// Only the services layer has a cache that could leave one.
	d.services.CacheFinalSnapshot = pulumi.String("").ToStringOutput()
	for _, layer := range Layers {
		switch own := d.config.Layer; {
		case own == "" || own == layer:
			if err := d.declare(layer); err != nil {
				return fmt.Errorf("declaring %s: %w", layer, err)
			}
		case slices.Contains(reads[own], layer):
			if err := readContract(d.ctx, d.config, layer, d.outputs(layer)); err != nil {
				return err
			}
		}
	}
	d.ctx.Export(memoryKey, d.memory.memorize(d.config, d.services.CacheFinalSnapshot))
	return nil
}

// outputs is where the outputs of a layer that others read are kept.
func (d *deployment) outputs(layer string) any {
	if layer == LayerPlatform {
		return &d.platform
	}
	return &d.services
}

// declare registers a layer and exports what people and other stacks want to know of it.
func (d *deployment) declare(layer string) error {
	switch layer {
	case LayerAccount:
		a, err := account(d.ctx, d.config, d.regional)
		if err != nil {
			return err
		}
		d.ctx.Export("backend", pulumi.String(d.config.Backend()))
		d.ctx.Export("secretsProvider", pulumi.String(d.config.SecretsProvider()))
		d.ctx.Export("stateKeyArn", a.StateKeyARN)
		if d.config.Pipelines.Any() {
			d.ctx.Export("previewRoleArn", a.PreviewRoleARN)
			d.ctx.Export("deployRoleArn", a.DeployRoleARN)
		}
	case LayerPlatform:
		p, err := platform(d.ctx, d.config, d.memory, d.regional)
		if err != nil {
			return err
		}
		d.platform = *p
		d.ctx.Export("repositoryUrls", stringMap(p.RepositoryURLs))
		if d.config.Hibernated {
			break
		}
		d.ctx.Export("clusterName", p.Cluster.Name)
		d.ctx.Export("clusterEndpoint", p.Cluster.Endpoint)
		d.ctx.Export("kubeconfigCommand", pulumi.Sprintf("aws eks update-kubeconfig --region %s --name %s", d.config.Region, p.Cluster.Name))
		d.ctx.Export("breakGlassRoleArn", p.BreakGlassRoleARN)
	case LayerServices:
		s, err := services(d.ctx, d.config, d.memory, &d.platform, d.usEast1, d.regional)
		if err != nil {
			return err
		}
		d.services = *s
		d.ctx.Export("databaseHost", s.Database.Host)
		d.ctx.Export("databaseSecretArn", s.Database.SecretARN)
		d.ctx.Export("secretArns", stringMap(s.SecretARNs))
		d.ctx.Export("targetGroupArn", s.TargetGroupARN)
		d.ctx.Export("url", s.URL)
	case LayerWorkloads:
		if d.config.Hibernated || d.memory.bare(d.config) {
			return nil
		}
		w, err := workloads(d.ctx, d.config, &d.platform, &d.services, d.regional)
		if err != nil {
			return err
		}
		d.ctx.Export("applicationValues", w.ApplicationValues)
	case LayerObservability:
		o, err := observe(d.ctx, d.config, &d.platform, &d.services, d.usEast1, d.regional)
		if err != nil {
			return err
		}
		if !d.config.Mode().Down() {
			d.ctx.Export("dashboardUrl", o.DashboardURL)
		}
		d.ctx.Export("alarmTopicArn", o.TopicARN)
	}
	if d.config.Layer != "" && contractVersions[layer] > 0 {
		d.ctx.Export(layer, contractOf(layer, d.outputs(layer)))
	}
	return nil
}

func stringMap(outputs map[string]pulumi.StringOutput) pulumi.StringMap {
	m := pulumi.StringMap{}
	for key, output := range outputs {
		m[key] = output
	}
	return m
}

// newProvider is the AWS provider of a region. It refuses any account but the configured one and tags everything.
func newProvider(ctx *pulumi.Context, c *Config, name, region string) (*aws.Provider, error) {
	return aws.NewProvider(ctx, name, &aws.ProviderArgs{
		Region:            pulumi.String(region),
		AllowedAccountIds: pulumi.StringArray{pulumi.String(c.AccountID)},
		DefaultTags:       &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(c.AllTags())},
	})
}
