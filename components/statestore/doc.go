// Package statestore creates the place where Pulumi keeps the states of an environment: a bucket, and the key that
// encrypts the bucket and the secrets in the states.
//
// Creates: a versioned bucket without public access, encrypted, reachable over TLS only, which deletes old versions of
// states after a while; a key, with the alias that Pulumi's secrets provider uses.
//
// Refuses: bucket names that S3 does not allow.
//
// Protects: the bucket, in every environment; the account layer protects its key too. Without either of them, nothing
// manages the resources in the states.
//
// Owns: how long, and how many, old versions of states are kept.
package statestore
