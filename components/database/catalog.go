package database

import (
	"sort"
	"strings"

	"groundwork/components/hardware"
)

// Versions are the major versions of PostgreSQL that a database may have, oldest first.
// Source: Amazon RDS User Guide, "Release calendars for Amazon RDS for PostgreSQL".
var Versions = []string{"15", "16", "17", "18"}

// usablePercent is how much of the memory of a class DBInstanceClassMemory is at least. RDS keeps the remainder for the
// operating system and its own processes. The share that it keeps falls with the size of the class. The smallest
// figure that somebody read on an instance decides: 181 connections on a db.t4g.small, whose 2 GiB would make 225.
// Source: github.com/kirill-markin/flashcards-open-source-app, pull request 1657 (PostgreSQL 18.6, August 2026).
const usablePercent = 80

// reservedConnections are kept for superusers and for RDS itself, of every class: superuser_reserved_connections and
// rds.rds_superuser_reserved_connections.
const reservedConnections = 5

// Connections is how many connections a class has for applications, or a few more: the default formula of RDS,
// LEAST(DBInstanceClassMemory/9531392, 5000), less those that are reserved.
// Source: Amazon RDS User Guide, "Maximum number of database connections".
func Connections(class hardware.Type) int {
	memory := class.MemoryGiB * (1 << 30) * usablePercent / 100
	return int(min(memory/9531392, 5000)) - reservedConnections
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
