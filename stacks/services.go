package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/cache"
	"groundwork/components/database"
	"groundwork/components/edge"
	"groundwork/components/environment"
	"groundwork/components/parking"
	"groundwork/components/secrets"
)

// ServicesOutputs is what the services layer hands to the layers above it; between stacks, under the names of the tags.
type ServicesOutputs struct {
	// Database is how to reach the database.
	Database database.Connection `pulumi:"database"`
	// DatabaseIdentifier is how metrics and events name it.
	DatabaseIdentifier pulumi.StringOutput `pulumi:"databaseIdentifier"`
	// CacheNodeIDs are how metrics name the cache's nodes, by number.
	CacheNodeIDs map[string]pulumi.StringOutput `pulumi:"cacheNodeIds"`
	// SecretARNs are the application's secrets, by kind.
	SecretARNs map[string]pulumi.StringOutput `pulumi:"secretArns"`
	// SecretsKeyARN encrypts them.
	SecretsKeyARN pulumi.StringOutput `pulumi:"secretsKeyArn"`
	// URL is where the application answers.
	URL pulumi.StringOutput `pulumi:"url"`
	// TargetGroupARN is what the application's pods are bound to.
	TargetGroupARN pulumi.StringOutput `pulumi:"targetGroupArn"`
	// EdgeMetrics is how metrics name the parts of the edge.
	EdgeMetrics edge.Metrics `pulumi:"edgeMetrics"`
	// CacheFinalSnapshot is the name of the snapshot that the cache leaves when its nodes go.
	CacheFinalSnapshot pulumi.StringOutput `pulumi:"-"`
}

// services creates what changes every few weeks: the data stores, and what an application must know of them.
func (d *deployment) services() error {
	c, p := d.config, d.platformOutputs
	facts := d.facts(p.LogsKeyARN)
	db, err := database.New(d.ctx, "database", &database.Args{
		Facts: facts, Spec: c.Database, Identifier: c.DatabaseName(), Placement: p.Placement,
		NodeSecurityGroupID: p.Cluster.NodeSecurityGroupID,
	}, d.regional)
	if err != nil {
		return err
	}
	store, err := cache.New(d.ctx, "cache", &cache.Args{
		Facts: facts, Spec: c.Cache, GroupID: c.CacheName(), Placement: p.Placement,
		NodeSecurityGroupID: p.Cluster.NodeSecurityGroupID,
		RestoreFrom:         d.previous.restoreFrom(d.power),
		RestoredFrom:        d.previous.restoredFrom(d.power),
	}, d.regional)
	if err != nil {
		return err
	}
	application, err := secrets.New(d.ctx, "secrets", &secrets.Args{
		Facts: facts, Application: Application, Database: db.Connection, Cache: store.Connection,
		RecoveryDays: c.SecretRecoveryDays,
	}, d.regional)
	if err != nil {
		return err
	}
	frontend, err := edge.New(d.ctx, "edge", &edge.Args{
		Facts: facts, Spec: c.Edge, USEast1: d.usEast1, Placement: p.Placement,
		NodeSecurityGroupID: p.Cluster.NodeSecurityGroupID,
		Application:         edge.Application{Port: applicationPort, ReadinessPath: readinessPath},
	}, d.regional)
	if err != nil {
		return err
	}
	if err := d.parking(facts, db); err != nil {
		return err
	}
	d.servicesOutputs = ServicesOutputs{
		CacheFinalSnapshot: store.FinalSnapshot,
		Database:           db.Connection,
		DatabaseIdentifier: db.Identifier,
		CacheNodeIDs:       store.NodeIDs,
		SecretARNs:         application.ARNs,
		SecretsKeyARN:      application.KeyARN,
		URL:                frontend.URL,
		TargetGroupARN:     frontend.TargetGroupARN,
		EdgeMetrics:        frontend.Metrics,
	}
	d.ctx.Export("databaseHost", db.Connection.Host)
	d.ctx.Export("databaseSecretArn", db.Connection.SecretARN)
	d.ctx.Export("secretArns", stringMap(application.ARNs))
	d.ctx.Export("targetGroupArn", frontend.TargetGroupARN)
	d.ctx.Export("url", frontend.URL)
	return nil
}

// parking creates what starts and stops database and nodes. A protected environment is never parked.
func (d *deployment) parking(facts environment.Facts, db *database.Database) error {
	c, p := d.config, d.platformOutputs
	if c.Protect {
		return nil
	}
	groups := map[string]parking.NodeGroup{}
	for name, physical := range p.NodeGroups {
		sizes := c.Cluster.NodeGroups[name]
		groups[name] = parking.NodeGroup{
			Name: physical, AutoScalingGroup: p.AutoScalingGroups[name],
			Min: sizes.MinSize, Desired: sizes.DesiredSize, Max: sizes.MaxSize,
		}
	}
	_, err := parking.New(d.ctx, "parking", &parking.Args{
		Facts: facts, DatabaseIdentifier: db.Identifier, DatabaseName: c.DatabaseName(),
		ClusterName: c.ClusterName(), NodeGroups: groups,
	}, d.regional)
	return err
}
