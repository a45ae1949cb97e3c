package database

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
	"groundwork/components/hardware"
	"groundwork/components/network"
)

// Availability says in how many zones the database has instances.
type Availability string

const (
	// SingleZone runs one instance. If its zone fails, the database is down until somebody restores it.
	SingleZone Availability = "singleZone"
	// MultiZone keeps a synchronous standby in another zone. RDS fails over to it automatically.
	MultiZone Availability = "multiZone"
)

// Insights says how long Performance Insights keeps its data.
type Insights string

const (
	// InsightsStandard keeps a week, at no charge.
	InsightsStandard Insights = "standard"
	// InsightsAdvanced keeps 15 months and adds fleet-wide analysis.
	InsightsAdvanced Insights = "advanced"
)

// Spec is what a stack chooses about its database.
type Spec struct {
	// Version is the PostgreSQL major version, one of Versions; default "15". AWS keeps the minor version current.
	Version string `json:"version"`
	// InstanceClass is one of Classes. Required.
	InstanceClass string `json:"instanceClass"`
	// Availability is singleZone or multiZone; default singleZone.
	Availability Availability `json:"availability"`
	// StorageGiB is the initial size of the gp3 volume in GiB, 20 to 65536; default 20.
	StorageGiB int `json:"storageGiB"`
	// MaxStorageGiB is the size in GiB to which AWS may grow the volume, at least a tenth above StorageGiB; default 100.
	MaxStorageGiB int `json:"maxStorageGiB"`
	// BackupRetentionDays is how long backups are kept, 1 to 35 days, 7 or more in a protected environment; default 7.
	BackupRetentionDays int `json:"backupRetentionDays"`
	// MonitoringSeconds is the interval of enhanced monitoring in seconds: 1, 5, 10, 15, 30 or 60; default 60.
	MonitoringSeconds int `json:"monitoringSeconds"`
	// Insights is standard or advanced; default standard.
	Insights Insights `json:"insights"`
	// DatabaseName is the name of the database inside the instance; default "app".
	DatabaseName string `json:"databaseName"`
	// Username is the name of the master user; default "app_admin". RDS generates and rotates its password.
	Username string `json:"username"`
	// Port is the TCP port, 1150 to 65535; default 5432.
	Port int `json:"port"`
	// AllowMajorVersionUpgrade lets a change of Version upgrade the instance; default false. Set it for that update only.
	AllowMajorVersionUpgrade bool `json:"allowMajorVersionUpgrade"`
	// ApplyImmediately applies changes that need a restart at once instead of in the maintenance window; default false.
	ApplyImmediately bool `json:"applyImmediately"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *Spec) SetDefaults() {
	*s = Spec{
		Version:             "15",
		Availability:        SingleZone,
		StorageGiB:          20,
		MaxStorageGiB:       100,
		BackupRetentionDays: 7,
		MonitoringSeconds:   60,
		Insights:            InsightsStandard,
		DatabaseName:        "app",
		Username:            "app_admin",
		Port:                5432,
	}
}

var (
	databaseName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
	username     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,15}$`)
	identifier   = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
)

// reservedUsers cannot be the master user: PostgreSQL or RDS owns them, or attackers try them first.
var reservedUsers = []string{"admin", "administrator", "postgres", "public", "rdsadmin", "root", "user"}

// reservedDatabases exist in every instance.
var reservedDatabases = []string{"postgres", "rdsadmin", "template0", "template1"}

// Validate returns everything wrong with s. A protected database must keep backups for a week or longer.
func (s Spec) Validate(protected bool) field.Errors {
	var errs field.Errors
	if strings.Contains(s.Version, ".") {
		errs.Add("version", s.Version, "names a minor release; give the major version alone, AWS keeps the minor current")
	} else {
		field.OneOf(&errs, "version", s.Version, Versions...)
	}
	if _, known := hardware.Find(hardware.RDS, s.InstanceClass); !known {
		errs.Add("instanceClass", s.InstanceClass, "%s", hardware.Unknown(hardware.RDS, s.InstanceClass))
	}
	field.OneOf(&errs, "availability", s.Availability, SingleZone, MultiZone)
	errs.Range("storageGiB", s.StorageGiB, 20, 65536)
	errs.Range("maxStorageGiB", s.MaxStorageGiB, 20, 65536)
	// RDS refuses a limit less than a tenth above the volume.
	if s.MaxStorageGiB*10 < s.StorageGiB*11 {
		errs.Add("maxStorageGiB", s.MaxStorageGiB, "is less than a tenth above storageGiB %d", s.StorageGiB).On("storageGiB")
	}
	least := 1
	if protected {
		least = 7
	}
	errs.Range("backupRetentionDays", s.BackupRetentionDays, least, 35)
	field.OneOf(&errs, "monitoringSeconds", s.MonitoringSeconds, 1, 5, 10, 15, 30, 60)
	field.OneOf(&errs, "insights", s.Insights, InsightsStandard, InsightsAdvanced)
	errs.Match("databaseName", s.DatabaseName, databaseName, "1 to 63 letters, digits or underscores, a letter first")
	if slices.Contains(reservedDatabases, strings.ToLower(s.DatabaseName)) {
		errs.Add("databaseName", s.DatabaseName, "is reserved; choose another")
	}
	errs.Match("username", s.Username, username, "1 to 16 letters, digits or underscores, a letter first")
	if lower := strings.ToLower(s.Username); slices.Contains(reservedUsers, lower) || strings.HasPrefix(lower, "pg_") {
		errs.Add("username", s.Username, "is reserved or easy to guess; choose another")
	}
	errs.Range("port", s.Port, 1150, 65535)
	return errs
}

// Args are the facts and choices of one database.
type Args struct {
	environment.Facts
	Spec
	// Identifier is the instance identifier: 1 to 63 lower-case letters, digits and single hyphens, a letter first.
	Identifier string
	// Placement is the VPC and the subnets of the instance.
	Placement network.Placement
	// NodeSecurityGroupID is the security group whose members may connect. Without a cluster, nobody may connect.
	NodeSecurityGroupID pulumi.StringInput
	// Pending are inputs of the instance whose change waits for the maintenance window. They are left alone.
	Pending []string
	// Life tells the instances apart that have Identifier one after another; empty for the first. Each needs another name
	// for its final snapshot.
	Life string
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := slices.Concat(a.Spec.Validate(a.Protect), a.Facts.Validate(), a.ValidateLogs())
	errs.Match("identifier", a.Identifier, identifier, "lower-case letters, digits and single hyphens, a letter first")
	if len(a.Identifier) > 63 {
		errs.Add("identifier", a.Identifier, "has %d characters; RDS allows 63", len(a.Identifier))
	}
	return errs.Err("database " + name + ": args: ")
}
