package cache

import (
	"maps"
	"slices"
)

// Engine is the software of a cache.
type Engine string

const (
	// Valkey is the open-source fork of Redis. It costs a fifth less on ElastiCache.
	Valkey Engine = "valkey"
	// Redis is Redis OSS 7.1, the last version of it that ElastiCache offers.
	Redis Engine = "redis"
)

// release is the version and parameter family of an engine.
type release struct{ version, family string }

// releases are the versions with which the program creates a cache. AWS keeps the minor version current.
// Source: Amazon ElastiCache User Guide, "Supported engines and versions".
var releases = map[Engine]release{
	Valkey: {"8.2", "valkey8"},
	Redis:  {"7.1", "redis7"},
}

// NodeTypes are the node types that a cache may use, with their memory in MiB.
// Source: Amazon ElastiCache pricing, "Node type, memory".
var NodeTypes = map[string]int{
	"cache.t3.micro": 512, "cache.t3.small": 1403, "cache.t3.medium": 3164,
	"cache.t4g.micro": 512, "cache.t4g.small": 1403, "cache.t4g.medium": 3164,
	"cache.m7g.large": 6530, "cache.m7g.xlarge": 13240, "cache.r7g.large": 13383,
}

// KnownNodeTypes lists the node types of the table.
func KnownNodeTypes() []string { return slices.Sorted(maps.Keys(NodeTypes)) }
