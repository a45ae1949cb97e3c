package stacks

import (
	"fmt"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Deploy declares one whole environment: the layers in order, each fed by the outputs of those below it.
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
		return compose(ctx, config)
	}
}

func compose(ctx *pulumi.Context, c *Config) error {
	provider, err := newProvider(ctx, c, "aws", c.Region)
	if err != nil {
		return err
	}
	usEast1, err := newProvider(ctx, c, "aws-us-east-1", "us-east-1")
	if err != nil {
		return err
	}
	opts := []pulumi.ResourceOption{pulumi.Provider(provider)}
	p, err := platform(ctx, c, opts...)
	if err != nil {
		return fmt.Errorf("declaring platform: %w", err)
	}
	s, err := services(ctx, c, p, usEast1, opts...)
	if err != nil {
		return fmt.Errorf("declaring services: %w", err)
	}
	w, err := workloads(ctx, c, p, s, opts...)
	if err != nil {
		return fmt.Errorf("declaring workloads: %w", err)
	}
	o, err := observe(ctx, c, p, s, opts...)
	if err != nil {
		return fmt.Errorf("declaring observability: %w", err)
	}

	urls := pulumi.StringMap{}
	for name, url := range p.RepositoryURLs {
		urls[name] = url
	}
	ctx.Export("clusterName", p.Cluster.Name)
	ctx.Export("clusterEndpoint", p.Cluster.Endpoint)
	ctx.Export("kubeconfigCommand", pulumi.Sprintf("aws eks update-kubeconfig --region %s --name %s", c.Region, p.Cluster.Name))
	ctx.Export("breakGlassRoleArn", p.BreakGlassRoleARN)
	ctx.Export("repositoryUrls", urls)
	ctx.Export("databaseHost", s.Database.Host)
	ctx.Export("databaseSecretArn", s.Database.SecretARN)
	secretARNs := pulumi.StringMap{}
	for kind, arn := range s.SecretARNs {
		secretARNs[kind] = arn
	}
	ctx.Export("secretArns", secretARNs)
	ctx.Export("url", s.URL)
	ctx.Export("targetGroupArn", s.TargetGroupARN)
	ctx.Export("applicationValues", w.ApplicationValues)
	ctx.Export("dashboardUrl", o.DashboardURL)
	ctx.Export("alarmTopicArn", o.TopicARN)
	return nil
}

// newProvider is the AWS provider of a region. It refuses any account but the configured one and tags everything.
func newProvider(ctx *pulumi.Context, c *Config, name, region string) (*aws.Provider, error) {
	return aws.NewProvider(ctx, name, &aws.ProviderArgs{
		Region:            pulumi.String(region),
		AllowedAccountIds: pulumi.StringArray{pulumi.String(c.AccountID)},
		DefaultTags:       &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(c.AllTags())},
	})
}
