package database

import (
	"maps"
	"slices"
	"sort"
	"strings"
)

// Class is what the program needs to know of an RDS instance class.
type Class struct {
	// MemoryGiB sizes alarms: free memory and the connections that PostgreSQL allows grow with it.
	MemoryGiB int
	// Burstable classes run on CPU credits.
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

// KnownClasses lists the instance classes of the table.
func KnownClasses() []string { return slices.Sorted(maps.Keys(Classes)) }

// MaxConnections is how many connections PostgreSQL allows by RDS's default formula,
// LEAST(DBInstanceClassMemory/9531392, 5000). RDS keeps part of the memory for itself, so the true number is a little
// lower.
func (c Class) MaxConnections() int {
	return min(c.MemoryGiB<<30/9531392, 5000)
}

// Parameters are the settings that differ from PostgreSQL's on RDS, sorted by name. Names and values as in the RDS
// parameter group of the postgres family.
func Parameters() []Parameter {
	parameters := []Parameter{
		// It takes effect at once all the same: 1 is the default since PostgreSQL 15, and RDS reads the default's method
		// back for ever, which would be a difference in every preview.
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

// Parameter is one setting; Static ones take effect at the next restart.
type Parameter struct {
	Name, Value string
	Static      bool
}
