// Package cache creates the cache on ElastiCache.
//
// Creates: a replication group with its own key, an AUTH token made with the group, TLS, subnet and parameter groups, a
// security group that admits the nodes and nobody else, log groups for the slow and the engine log, and a name for the
// final snapshot.
//
// Refuses: node types and engines ElastiCache does not have, more than six nodes, snapshots beyond its limits.
//
// Protects: the replication group and its key, when asked to.
//
// Owns: the table of engines and node types (catalogue.go).
package cache
