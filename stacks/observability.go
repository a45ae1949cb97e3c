package stacks

import (
	"groundwork/components/delivery"
	"groundwork/components/observability"
)

// observability declares the layer that may change at any time: alarms, dashboard, budget.
func (d *deployment) observability() error {
	c, p, s := d.config, d.platformOutputs, d.servicesOutputs
	o, err := observability.New(d.ctx, "observability", &observability.Args{
		Facts: d.facts(p.LogsKeyARN), Spec: c.Observability, USEast1: d.usEast1,
		Targets: observability.Targets{
			ClusterName:        p.Cluster.Name,
			AutoScalingGroups:  p.AutoScalingGroups,
			NATGatewayIDs:      p.NATGatewayIDs,
			DatabaseIdentifier: s.DatabaseIdentifier,
			DatabaseClass:      d.runningClass(),
			DatabaseStorageGiB: d.runningStorage(),
			CacheNodeIDs:       s.CacheNodeIDs,
			CacheNodeType:      d.runningNodeType(),
			Edge:               s.EdgeMetrics,
			ContainerLogGroup:  p.ContainerLogGroup,
			ArgoCD:             c.Delivery.Owner == delivery.OwnerArgoCD,
		},
	}, d.regional)
	if err != nil {
		return err
	}
	if d.power.HasDashboard() {
		d.ctx.Export("dashboardUrl", o.DashboardURL)
	}
	d.ctx.Export("alarmTopicArn", o.TopicARN)
	return nil
}
