package cache

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
