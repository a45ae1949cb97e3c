// Package statestore is where Pulumi keeps the states of an environment: a bucket, and the key that encrypts it and the
// secrets in the states.
//
// Creates: a versioned bucket, encrypted with its own key, closed to the public, TLS only, that forgets superseded
// versions of states after a while; the key with the alias that the secrets provider names.
//
// Refuses: a bucket name that S3 would not take.
//
// Protects: bucket and key, in every environment: without either, everything that the states describe has lost its
// manager.
//
// Owns: which versions of states can be brought back, and for how long.
package statestore
