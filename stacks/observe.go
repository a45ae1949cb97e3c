package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/database"
	"groundwork/components/delivery"
	"groundwork/components/observability"
)

// observe creates what may change at any time: alarms, dashboard, budget.
func observe(ctx *pulumi.Context, c *Config, p *PlatformOutputs, s *ServicesOutputs, usEast1 pulumi.ProviderResource, opts ...pulumi.ResourceOption) (*observability.Observability, error) {
	return observability.New(ctx, "observability", &observability.Args{
		Spec:      c.Observability,
		Name:      c.Prefix(),
		AccountID: c.AccountID,
		Region:    c.Region,
		USEast1:   usEast1,
		Targets: observability.Targets{
			ClusterName:        p.Cluster.Name,
			AutoScalingGroups:  p.AutoScalingGroups,
			NATGatewayIDs:      p.NATGatewayIDs,
			DatabaseIdentifier: s.DatabaseIdentifier,
			DatabaseClass:      database.Classes[c.Database.InstanceClass],
			DatabaseStorageGiB: c.Database.StorageGiB,
			CacheNodeIDs:       s.CacheNodeIDs,
			Edge:               s.EdgeMetrics,
			ContainerLogGroup:  p.ContainerLogGroup,
			ArgoCD:             c.Delivery.Owner == delivery.OwnerArgoCD,
		},
		Mode:         c.Mode(),
		Schedule:     c.Schedule,
		RolePath:     c.RolePath(),
		RoleBoundary: c.PermissionsBoundary,
		SharedKeyARN: p.sharedKey(c),
		Protect:      c.Protect,
	}, opts...)
}
