package cache

import (
	"regexp"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
	"groundwork/components/hardware"
	"groundwork/components/network"
)

// Port is the TCP port of every cache.
const Port = 6379

// MaintenanceWindow is when AWS changes a cache that is not changed immediately, in UTC.
const MaintenanceWindow = "sun:05:00-sun:06:00"

// Spec is what a stack chooses about its cache.
type Spec struct {
	// Engine is valkey or redis; default valkey.
	Engine Engine `json:"engine"`
	// NodeType is one of NodeTypes. Required.
	NodeType string `json:"nodeType"`
	// Nodes is the number of nodes, 1 to 6: one primary and its replicas, in different zones; default 1. With two or more,
	// a replica takes over automatically if the primary fails.
	Nodes int `json:"nodes"`
	// SnapshotRetentionDays is how long daily snapshots are kept, 0 to 35 days, 7 or more in a protected environment;
	// default 1.
	SnapshotRetentionDays int `json:"snapshotRetentionDays"`
	// ApplyImmediately applies changes at once instead of in the maintenance window; default false.
	ApplyImmediately bool `json:"applyImmediately"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *Spec) SetDefaults() { s.Engine, s.Nodes, s.SnapshotRetentionDays = Valkey, 1, 1 }

var groupID = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)

// Validate returns everything wrong with s. A protected cache must keep snapshots for a week or longer.
func (s Spec) Validate(protected bool) field.Errors {
	var errs field.Errors
	field.OneOf(&errs, "engine", s.Engine, Valkey, Redis)
	if _, known := hardware.Find(hardware.ElastiCache, s.NodeType); !known {
		errs.Add("nodeType", s.NodeType, "%s", hardware.Unknown(hardware.ElastiCache, s.NodeType))
	}
	errs.Range("nodes", s.Nodes, 1, 6)
	least := 0
	if protected {
		least = 7
	}
	errs.Range("snapshotRetentionDays", s.SnapshotRetentionDays, least, 35)
	return errs
}

// Args are the facts and choices of one cache.
type Args struct {
	environment.Facts
	Spec
	// GroupID is the replication group ID: 1 to 40 lower-case letters, digits and single hyphens, a letter first.
	GroupID string
	// Placement is the VPC and the subnets of the nodes.
	Placement network.Placement
	// NodeSecurityGroupID is the security group whose members may connect. Without a cluster, nobody may connect.
	NodeSecurityGroupID pulumi.StringInput
	// Pending are inputs of the nodes whose change waits for the maintenance window. They are left alone.
	Pending []string
	// Life tells the caches apart that have GroupID one after another; empty for the first. Each needs another name for
	// its final snapshot.
	Life string
	// NewEngine is true if this update moves the existing nodes to another engine. The version of a cache is set when it
	// is created and when its engine changes. In between, AWS raises it, and the provider would take the version of the
	// program for a downgrade, which replaces the cache.
	NewEngine bool
	// RestoreFrom is the snapshot that the nodes are created from, if they do not exist yet; empty for none.
	RestoreFrom string
	// RestoredFrom is the snapshot that the current nodes were created from; its name cannot be used again. Empty for
	// none.
	RestoredFrom string
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := slices.Concat(a.Spec.Validate(a.Protect), a.Facts.Validate(), a.ValidateLogs())
	if !groupID.MatchString(a.GroupID) || len(a.GroupID) > 40 {
		errs.Add("groupId", a.GroupID, "is not 1 to 40 lower-case letters, digits and single hyphens, a letter first")
	}
	return errs.Err("cache " + name + ": args: ")
}
