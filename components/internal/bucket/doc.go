// Package bucket makes S3 buckets as all of them have to be: closed to the public, owned by their account, encrypted,
// spoken to over TLS only, and with an end to what is in them.
//
// Creates: a bucket with its public access block, ownership, encryption, lifecycle and policy; versioning where asked.
//
// Refuses: nothing of its own; names are checked by whoever gives them.
//
// Protects: what its caller says.
//
// Owns: the order in which S3 takes these settings.
package bucket
