package cache

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/network"
	"groundwork/components/field"
)

// Port is where every cache listens.
const Port = 6379

// Spec is what a stack chooses about its cache.
type Spec struct {
	// Engine is valkey or redis; default valkey.
	Engine Engine `json:"engine"`
	// NodeType is one of NodeTypes.
	NodeType string `json:"nodeType"`
	// Nodes is 1 to 6: one primary and its replicas, in different zones. With two or more a replica takes over by itself.
	// Default 1.
	Nodes int `json:"nodes"`
	// SnapshotRetentionDays is 0 to 35; default 1.
	SnapshotRetentionDays int `json:"snapshotRetentionDays"`
	// ApplyImmediately makes changes at once instead of in the maintenance window.
	ApplyImmediately bool `json:"applyImmediately"`
}

// SetDefaults sets what a stack may leave out; it comes before the stack's own values.
func (s *Spec) SetDefaults() { s.Engine, s.Nodes, s.SnapshotRetentionDays = Valkey, 1, 1 }

var groupID = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)

// Problems returns everything wrong with s. A protected cache must keep snapshots for a week or longer.
func (s Spec) Problems(protected bool) spec.Problems {
	var p spec.Problems
	spec.OneOf(&p, "engine", s.Engine, Valkey, Redis)
	if _, ok := NodeTypes[s.NodeType]; !ok {
		p.Add("nodeType", s.NodeType, "is not one of %s", strings.Join(KnownNodeTypes(), ", "))
	}
	p.Range("nodes", s.Nodes, 1, 6)
	least := 0
	if protected {
		least = 7
	}
	p.Range("snapshotRetentionDays", s.SnapshotRetentionDays, least, 35)
	return p
}

// Args are the facts and choices of one cache.
type Args struct {
	Spec
	// Name is the replication group ID: 1 to 40 lower-case letters, digits and single hyphens, a letter first.
	Name string
	// AccountID owns the key.
	AccountID string
	// Placement is where the nodes go.
	Placement network.Placement
	// ClientSecurityGroupID is the one group whose members may connect; nil while there is nobody.
	ClientSecurityGroupID pulumi.StringInput
	// LogsKeyARN encrypts the log groups, LogRetentionDays is how long they keep events.
	LogsKeyARN       pulumi.StringInput
	LogRetentionDays int
	// SharedKeyARN encrypts instead of a key of its own; nil makes one.
	SharedKeyARN pulumi.StringInput
	// Down leaves the nodes out: what was in them is in their final snapshot.
	Down bool
	// RestoreFrom is the snapshot that nodes begin with that are made now; empty for none.
	RestoreFrom string
	// RestoredFrom is the one that the nodes of today began with, or begin with now: its name is taken; empty for none.
	RestoredFrom string
	// Protect refuses deletion of group and key through Pulumi.
	Protect bool
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	p := a.Problems(a.Protect)
	if !groupID.MatchString(a.Name) || len(a.Name) > 40 {
		p.Add("name", a.Name, "is not 1 to 40 lower-case letters, digits and single hyphens, a letter first")
	}
	if a.LogsKeyARN == nil {
		p.Missing("logsKeyARN", "the key that encrypts the log groups")
	}
	return p.Err("cache " + name + ": args: ")
}
