// Package cache creates the cache on ElastiCache.
//
// Creates: a replication group that accepts TLS only, with a key, a password for clients (AUTH token), a subnet group,
// a parameter group and log groups for the slow log and the engine log; a security group that allows connections from
// the nodes of the cluster only; a name for the final snapshot. In a parked environment there is no replication group:
// its contents are in the final snapshot.
//
// Refuses: engines and node types that are not in the tables, more than six nodes, snapshot retention outside the
// limits of ElastiCache, and snapshots of less than a week if the environment is protected.
//
// Protects: nothing by itself; a protected stack protects the replication group and its key. Deleting the group always
// leaves a final snapshot.
//
// Owns: the tables of engines and node types (catalog.go).
package cache
