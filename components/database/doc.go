// Package database creates the PostgreSQL database on RDS.
//
// Creates: the instance, with a key, a subnet group, a parameter group that forces TLS, a role for enhanced monitoring,
// a log group for each exported log, and a name for the final snapshot; a security group that allows connections from
// the nodes only.
//
// Refuses: engine versions that name a minor release, instance classes that are not in the table, storage and backup
// settings outside the limits of AWS, and backups of less than a week if the environment is protected.
//
// Protects: the instance, through the deletion protection of RDS, if the environment is protected; a protected stack
// protects the instance and its key from Pulumi too. Deleting the instance always leaves a final snapshot.
//
// Owns: the parameters and the table of instance classes (catalog.go).
package database
