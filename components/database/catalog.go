package database

import (
	"maps"
	"slices"
	"sort"
	"strings"
)

// Class describes an RDS instance class.
type Class struct {
	// MemoryGiB is the memory in GiB. The thresholds of alarms depend on it, as does the number of connections that
	// PostgreSQL allows.
	MemoryGiB int
	// Burstable classes use CPU credits.
	Burstable bool
}

// Classes are the instance classes that a database may use, for PostgreSQL in eu-west-1 and us-east-1.
// Source: Amazon RDS User Guide, "Hardware specifications for DB instance classes".
var Classes = map[string]Class{
	"db.t3.micro": {1, true}, "db.t3.small": {2, true}, "db.t3.medium": {4, true}, "db.t3.large": {8, true},
	"db.t4g.micro": {1, true}, "db.t4g.small": {2, true}, "db.t4g.medium": {4, true}, "db.t4g.large": {8, true},
	"db.m5.large": {8, false}, "db.m6g.large": {8, false}, "db.m7g.large": {8, false}, "db.m7g.xlarge": {16, false},
	"db.r7g.large": {16, false}, "db.r7g.xlarge": {32, false},
}

// Versions are the major versions of PostgreSQL that a database may have, oldest first.
// Source: Amazon RDS User Guide, "Release calendars for Amazon RDS for PostgreSQL".
var Versions = []string{"15", "16", "17", "18"}

// KnownClasses lists the instance classes of the table.
func KnownClasses() []string { return slices.Sorted(maps.Keys(Classes)) }

// MaxConnections is how many connections PostgreSQL allows by the default formula of RDS,
// LEAST(DBInstanceClassMemory/9531392, 5000). RDS reserves part of the memory, so the actual number is a little lower.
func (c Class) MaxConnections() int {
	return min(c.MemoryGiB<<30/9531392, 5000)
}

// Parameters are the parameters that differ from the defaults of RDS for PostgreSQL, sorted by name. Names and values
// are those of RDS parameter groups of the postgres family.
func Parameters() []Parameter {
	parameters := []Parameter{
		// It needs no restart, because 1 is the default since PostgreSQL 15. But RDS always reports the apply method of the
		// default, pending-reboot. Any other method would be a difference in every preview.
		{"rds.force_ssl", "1", true},
		{"log_connections", "1", false},
		{"log_disconnections", "1", false},
		{"log_lock_waits", "1", false},
		{"log_min_duration_statement", "1000", false},
		{"log_statement", "ddl", false},
		{"shared_preload_libraries", "pg_stat_statements", true},
	}
	sort.Slice(parameters, func(i, j int) bool { return strings.Compare(parameters[i].Name, parameters[j].Name) < 0 })
	return parameters
}

// Parameter is one parameter of the instance. A Static parameter takes effect at the next restart.
type Parameter struct {
	Name, Value string
	Static      bool
}
