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

// ServicesOutputs are the outputs of the services layer for the layers above. Stack outputs have the names of the tags.
type ServicesOutputs struct {
	// Database says how to connect to the database.
	Database database.Connection `pulumi:"database"`
	// DatabaseIdentifier is the instance identifier of the database.
	DatabaseIdentifier pulumi.StringOutput `pulumi:"databaseIdentifier"`
	// CacheNodeIDs are the nodes of the cache, by number.
	CacheNodeIDs map[string]pulumi.StringOutput `pulumi:"cacheNodeIds"`
	// SecretARNs are the secrets of the application, by kind.
	SecretARNs map[string]pulumi.StringOutput `pulumi:"secretArns"`
	// SecretsKeyARN is the key that encrypts the secrets.
	SecretsKeyARN pulumi.StringOutput `pulumi:"secretsKeyArn"`
	// URL is the URL of the application.
	URL pulumi.StringOutput `pulumi:"url"`
	// TargetGroupARN is the target group of the application's pods.
	TargetGroupARN pulumi.StringOutput `pulumi:"targetGroupArn"`
	// EdgeMetrics names the parts of the edge as CloudWatch does.
	EdgeMetrics edge.Metrics `pulumi:"edgeMetrics"`
	// CacheFinalSnapshot is the name of the snapshot that ElastiCache takes when the cache is deleted.
	CacheFinalSnapshot pulumi.StringOutput `pulumi:"-"`
}

// services declares the layer that changes every few weeks: database, cache, secrets, edge, schedule.
func (d *deployment) services() error {
	c, p := d.config, d.platformOutputs
	facts := d.facts(p.LogsKeyARN)
	databasePending, cachePending, err := d.pending(d.deferrables())
	if err != nil {
		return err
	}
	db, err := database.New(d.ctx, "database", &database.Args{
		Facts: facts, Spec: c.Database, Identifier: c.DatabaseName(), Placement: p.Placement,
		NodeSecurityGroupID: p.Cluster.NodeSecurityGroupID, Pending: databasePending, Life: d.lives[databaseLife],
	}, d.regional)
	if err != nil {
		return err
	}
	store, err := cache.New(d.ctx, "cache", &cache.Args{
		Facts: facts, Spec: c.Cache, GroupID: c.CacheName(), Placement: p.Placement,
		NodeSecurityGroupID: p.Cluster.NodeSecurityGroupID, Pending: cachePending, Life: d.lives[cacheLife],
		NewEngine:    d.changes(cacheEngineKey),
		RestoreFrom:  d.restoreFrom(),
		RestoredFrom: d.previous.restoredFrom(d.power),
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
		Database:           db.Connection,
		DatabaseIdentifier: db.Identifier,
		CacheNodeIDs:       store.NodeIDs,
		SecretARNs:         application.ARNs,
		SecretsKeyARN:      application.KeyARN,
		URL:                frontend.URL,
		TargetGroupARN:     frontend.TargetGroupARN,
		EdgeMetrics:        frontend.Metrics,
		CacheFinalSnapshot: store.FinalSnapshot,
	}
	d.ctx.Export(databaseKey, db.Connection.Host)
	d.ctx.Export("databaseSecretArn", db.Connection.SecretARN)
	d.ctx.Export("secretArns", stringMap(application.ARNs))
	d.ctx.Export("targetGroupArn", frontend.TargetGroupARN)
	d.ctx.Export("url", frontend.URL)
	return nil
}

// parking declares what stops and starts database and nodes. A protected environment has no parking.
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
