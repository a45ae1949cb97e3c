// Package database creates the PostgreSQL database on RDS.
//
// Creates: the instance with its own key, subnet group, parameter group that forces TLS, security group that admits the
// nodes and nobody else, enhanced-monitoring role, log groups for both exported logs, and a name for the final
// snapshot.
//
// Refuses: engine versions that name a minor release, instance classes RDS does not have, storage and backup settings
// outside AWS's limits, and a database without backups where it is protected.
//
// Protects: the instance (through Pulumi and through RDS's own deletion protection) and its key, when asked to.
//
// Owns: the parameter list and the table of instance classes (catalogue.go).
package database
