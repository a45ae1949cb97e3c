package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/database"
)

// ServicesOutputs is what the services layer hands to the layers above it.
type ServicesOutputs struct {
	// Database is how to reach the database.
	Database database.Connection
	// DatabaseIdentifier is how metrics and events name it.
	DatabaseIdentifier pulumi.StringOutput
}

// services creates what changes every few weeks: the data stores.
func services(ctx *pulumi.Context, c *Config, p *PlatformOutputs, opts ...pulumi.ResourceOption) (*ServicesOutputs, error) {
	db, err := database.New(ctx, "database", &database.Args{
		Spec:                  c.Database,
		Name:                  c.DatabaseName(),
		AccountID:             c.AccountID,
		Placement:             p.Placement,
		ClientSecurityGroupID: p.Cluster.NodeSecurityGroupID,
		RolePath:              c.RolePath(),
		RoleBoundary:          c.PermissionsBoundary,
		LogsKeyARN:            p.LogsKeyARN,
		LogRetentionDays:      c.LogRetentionDays,
		Protect:               c.Protect,
	}, opts...)
	if err != nil {
		return nil, err
	}
	return &ServicesOutputs{Database: db.Connection, DatabaseIdentifier: db.Identifier}, nil
}
