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
	"groundwork/components/delivery"
	"groundwork/components/helm"
	"groundwork/components/network"
)

// whileSuspended keeps Pulumi from changing objects in Kubernetes while there are no nodes on which pods could start:
// releases keep their values and versions. If the same update deletes the control plane, the objects are deleted with
// it.
func whileSuspended(controlPlane pulumi.Resource) pulumi.ResourceTransform {
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

// workloads declares the layer that changes every few days: operators, the application's namespace and roles, Argo CD.
// It is empty if the cluster never had nodes.
func (d *deployment) workloads() error {
	if !d.power.HadNodesEver() {
		return nil
	}
	c, p, s := d.config, d.platformOutputs, d.servicesOutputs
	provider, err := d.kubernetesProvider()
	if err != nil {
		return err
	}
	opts := []pulumi.ResourceOption{d.regional, pulumi.Providers(provider)}
	if !d.power.HasNodes() {
		opts = append(opts, pulumi.Transforms([]pulumi.ResourceTransform{whileSuspended(p.ControlPlane)}))
	}
	facts := d.facts(p.LogsKeyARN)
	operators, err := addons.New(d.ctx, "addons", &addons.Args{
		Facts: facts, Spec: c.Addons, KubernetesVersion: c.Cluster.KubernetesVersion,
		Cluster: p.Cluster, VPCID: p.Placement.VPCID, TargetGroupARN: s.TargetGroupARN,
	}, opts...)
	if err != nil {
		return err
	}
	values, err := d.applicationValues()
	if err != nil {
		return err
	}
	args := &delivery.Args{
		Facts: facts, Spec: c.Delivery, Application: Application, Environment: c.Environment, OIDC: p.Cluster.OIDC,
		Secrets: delivery.Secrets{
			ARNs: map[string]pulumi.StringOutput{
				"cache": s.SecretARNs["cache"], "database": s.SecretARNs["database"], "session": s.SecretARNs["session"],
				"databaseCredentials": s.Database.SecretARN,
			},
			KeyARNs: []pulumi.StringOutput{s.SecretsKeyARN, s.Database.SecretKeyARN},
		},
		Values:   *values,
		ArgoCD:   c.Addons.Chart(addons.ArgoCD, c.Cluster.KubernetesVersion),
		Apps:     c.Addons.Chart(addons.ArgoCDApps, c.Cluster.KubernetesVersion),
		Replicas: c.Addons.Replicas,
		Serving:  operators.Serving,
	}
	if c.Pipelines.Any() {
		args.DeployerGroup = deployerGroup
	}
	app, err := delivery.New(d.ctx, Application, args, opts...)
	if err != nil {
		return err
	}
	d.ctx.Export("applicationValues", app.Values)
	return nil
}

// kubernetesProvider registers the provider of objects in the cluster.
func (d *deployment) kubernetesProvider() (*kubernetes.Provider, error) {
	c := d.platformOutputs.Cluster
	client := d.config.KubernetesClient()
	provider, err := kubernetes.NewProvider(d.ctx, "kubernetes", &kubernetes.ProviderArgs{
		// The name identifies the cluster, so that a new endpoint or certificate does not look like another cluster.
		ClusterIdentifier: c.Name,
		Kubeconfig: pulumi.All(c.Endpoint, c.CertificateAuthority).ApplyT(func(all []any) string {
			return client.Kubeconfig(all[0].(string), all[1].(string))
		}).(pulumi.StringOutput),
	}, pulumi.DependsOn(d.platformOutputs.APIPath))
	if err != nil {
		return nil, fmt.Errorf("registering the Kubernetes provider: %w", err)
	}
	return provider, nil
}

// applicationValues returns the values of the application's chart that only infrastructure knows.
func (d *deployment) applicationValues() (*delivery.Values, error) {
	c, p, s := d.config, d.platformOutputs, d.servicesOutputs
	plan, err := network.Plan(netip.MustParsePrefix(c.Network.CIDR), c.Network.Zones)
	if err != nil {
		return nil, fmt.Errorf("planning the network: %w", err)
	}
	values := &delivery.Values{
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
	return values, nil
}
