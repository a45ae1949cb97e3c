package stacks

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/addons"
	"groundwork/components/cache"
	"groundwork/components/cluster"
	"groundwork/components/delivery"
	"groundwork/components/helm"
	"groundwork/components/network"
)

// WorkloadsOutputs is what the workloads layer tells those who deploy the application.
type WorkloadsOutputs struct {
	// ApplicationValues are the chart's values that only infrastructure knows.
	ApplicationValues pulumi.MapOutput
}

// asleep leaves what is in Kubernetes alone while there is no node on which anything could start or tidy up: releases stay as they
// are, and all of it goes with the control plane, where that goes in the same update.
func asleep(controlPlane pulumi.Resource) pulumi.ResourceTransform {
	return func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		if !strings.HasPrefix(args.Type, "kubernetes:") {
			return nil
		}
		args.Opts.DeletedWith = controlPlane
		if args.Type == helm.ReleaseType {
			args.Opts.IgnoreChanges = append(args.Opts.IgnoreChanges, "values", "version")
		}
		return &pulumi.ResourceTransformResult{Props: args.Props, Opts: args.Opts}
	}
}

// workloads creates what changes every few days: operators, the application's namespace and roles, Argo CD.
func workloads(ctx *pulumi.Context, c *Config, p *PlatformOutputs, s *ServicesOutputs, opts ...pulumi.ResourceOption) (*WorkloadsOutputs, error) {
	provider, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{
		// By name, so that a new endpoint or certificate does not look like another cluster.
		ClusterIdentifier: p.Cluster.Name,
		Kubeconfig: pulumi.All(p.Cluster.Name, p.Cluster.Endpoint, p.Cluster.CertificateAuthority).ApplyT(func(all []any) string {
			return cluster.Kubeconfig(all[0].(string), c.Region, all[1].(string), all[2].(string))
		}).(pulumi.StringOutput),
	})
	if err != nil {
		return nil, err
	}
	opts = append(opts, pulumi.Providers(provider))
	if c.Parked {
		opts = append(opts, pulumi.Transforms([]pulumi.ResourceTransform{asleep(p.ControlPlane)}))
	}
	operators, err := addons.New(ctx, "addons", &addons.Args{
		Spec:              c.Addons,
		Name:              c.Prefix(),
		Region:            c.Region,
		KubernetesVersion: c.Cluster.KubernetesVersion,
		Cluster:           p.Cluster,
		VPCID:             p.Placement.VPCID,
		TargetGroupARN:    s.TargetGroupARN,
		RolePath:          c.RolePath(),
		RoleBoundary:      c.PermissionsBoundary,
	}, opts...)
	if err != nil {
		return nil, err
	}
	plan, err := network.Plan(netip.MustParsePrefix(c.Network.CIDR), c.Network.Zones)
	if err != nil {
		return nil, fmt.Errorf("planning the network: %w", err)
	}
	values := delivery.Values{
		ImageRepository: p.RepositoryURLs[Application],
		Region:          c.Region,
		URL:             s.URL,
		Port:            applicationPort,
		TargetGroupARN:  s.TargetGroupARN,
		VPCID:           p.Placement.VPCID,
		DatabasePort:    s.Database.Port,
		CachePort:       cache.Port,
	}
	for _, zone := range plan {
		values.PrivateCIDRs = append(values.PrivateCIDRs, zone.Private.String())
		values.DataCIDRs = append(values.DataCIDRs, zone.Data.String())
	}
	deployers := ""
	if c.Pipelines.Any() {
		deployers = deployerGroup
	}
	app, err := delivery.New(ctx, Application, &delivery.Args{
		Spec:         c.Delivery,
		Name:         c.Prefix(),
		Application:  Application,
		Environment:  c.Environment,
		RolePath:     c.RolePath(),
		RoleBoundary: c.PermissionsBoundary,
		OIDC:         p.Cluster.OIDC,
		Secrets: delivery.Secrets{
			ARNs: map[string]pulumi.StringOutput{
				"cache": s.SecretARNs["cache"], "database": s.SecretARNs["database"], "session": s.SecretARNs["session"],
				"databaseCredentials": s.Database.SecretARN,
			},
			KeyARNs: []pulumi.StringOutput{s.SecretsKeyARN, s.Database.SecretKeyARN},
		},
		Values:        values,
		ArgoCD:        c.Addons.Chart(addons.ArgoCD, c.Cluster.KubernetesVersion),
		Apps:          c.Addons.Chart(addons.ArgoCDApps, c.Cluster.KubernetesVersion),
		Replicas:      c.Addons.Replicas,
		Serving:       operators.Serving,
		DeployerGroup: deployers,
	}, opts...)
	if err != nil {
		return nil, err
	}
	return &WorkloadsOutputs{ApplicationValues: app.Values}, nil
}
