package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/cache"
	"groundwork/components/database"
	"groundwork/components/edge"
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
	// CacheFinalSnapshot is what the snapshot is called that the cache leaves behind when it goes.
	CacheFinalSnapshot pulumi.StringOutput `pulumi:"-"`
}

// services creates what changes every few weeks: the data stores, and what an application must know of them.
func services(ctx *pulumi.Context, c *Config, m memory, p *PlatformOutputs, usEast1 pulumi.ProviderResource, opts ...pulumi.ResourceOption) (*ServicesOutputs, error) {
	down := c.Mode().Down()
	var clients pulumi.StringInput = p.Cluster.NodeSecurityGroupID
	if c.Mode() == parking.Hibernated {
		clients = nil
	}
	backup, maintenance := c.Schedule.Windows()
	db, err := database.New(ctx, "database", &database.Args{
		Spec:                  c.Database,
		Name:                  c.DatabaseName(),
		AccountID:             c.AccountID,
		Placement:             p.Placement,
		ClientSecurityGroupID: clients,
		RolePath:              c.RolePath(),
		RoleBoundary:          c.PermissionsBoundary,
		LogsKeyARN:            p.LogsKeyARN,
		LogRetentionDays:      c.LogRetentionDays,
		SharedKeyARN:          p.sharedKey(c),
		BackupWindow:          backup,
		MaintenanceWindow:     maintenance,
		Protect:               c.Protect,
	}, opts...)
	if err != nil {
		return nil, err
	}
	store, err := cache.New(ctx, "cache", &cache.Args{
		Spec:                  c.Cache,
		Name:                  c.CacheName(),
		AccountID:             c.AccountID,
		Placement:             p.Placement,
		ClientSecurityGroupID: clients,
		LogsKeyARN:            p.LogsKeyARN,
		LogRetentionDays:      c.LogRetentionDays,
		SharedKeyARN:          p.sharedKey(c),
		Down:                  down,
		RestoreFrom:           m.restoreFrom(c),
		RestoredFrom:          m.restoredFrom(c),
		Protect:               c.Protect,
	}, opts...)
	if err != nil {
		return nil, err
	}
	kept, err := secrets.New(ctx, "secrets", &secrets.Args{
		Name:         c.Prefix(),
		Application:  Application,
		AccountID:    c.AccountID,
		Database:     db.Connection,
		Cache:        store.Connection,
		CacheDown:    down,
		SharedKeyARN: p.sharedKey(c),
		RecoveryDays: c.SecretRecoveryDays,
		Protect:      c.Protect,
	}, opts...)
	if err != nil {
		return nil, err
	}
	front, err := edge.New(ctx, "edge", &edge.Args{
		Spec:               c.Edge,
		Name:               c.Prefix(),
		Region:             c.Region,
		AccountID:          c.AccountID,
		USEast1:            usEast1,
		Placement:          p.Placement,
		PodSecurityGroupID: clients,
		Application:        edge.Application{Port: applicationPort, ReadinessPath: readinessPath},
		LogRetentionDays:   c.LogRetentionDays,
		Down:               down,
		Protect:            c.Protect,
	}, opts...)
	if err != nil {
		return nil, err
	}
	if err := rest(ctx, c, p, db, opts...); err != nil {
		return nil, err
	}
	return &ServicesOutputs{
		CacheFinalSnapshot: store.FinalSnapshot,
		Database:           db.Connection,
		DatabaseIdentifier: db.Identifier,
		CacheNodeIDs:       store.NodeIDs,
		SecretARNs:         kept.ARNs,
		SecretsKeyARN:      kept.KeyARN,
		URL:                front.URL,
		TargetGroupARN:     front.TargetGroupARN,
		EdgeMetrics:        front.Metrics,
	}, nil
}

// rest creates what starts and stops database and nodes. A protected environment never rests.
func rest(ctx *pulumi.Context, c *Config, p *PlatformOutputs, db *database.Database, opts ...pulumi.ResourceOption) error {
	if c.Protect {
		return nil
	}
	groups := map[string]parking.NodeGroup{}
	for name, physical := range p.NodeGroups {
		sizes := c.Cluster.NodeGroups[name]
		groups[name] = parking.NodeGroup{
			Name: physical, AutoScalingGroup: p.AutoScalingGroups[name], Min: sizes.MinSize, Desired: sizes.DesiredSize, Max: sizes.MaxSize,
		}
	}
	_, err := parking.New(ctx, "parking", &parking.Args{
		Schedule:           c.Schedule,
		Mode:               c.Mode(),
		Name:               c.Prefix(),
		AccountID:          c.AccountID,
		Region:             c.Region,
		RolePath:           c.RolePath(),
		RoleBoundary:       c.PermissionsBoundary,
		DatabaseIdentifier: db.Identifier,
		DatabaseName:       c.DatabaseName(),
		ClusterName:        c.ClusterName(),
		NodeGroups:         groups,
	}, opts...)
	return err
}
