// Package bucket creates S3 buckets as the program needs all of them: without public access, owned by their account,
// encrypted, reachable over TLS only, and with a limit to what they keep.
//
// Creates: a bucket with its public access block, ownership controls, encryption, lifecycle configuration and policy;
// with versioning where asked.
//
// Refuses: a bucket without a policy. The callers validate names.
//
// Protects: the bucket, if the caller's options say so.
//
// Owns: the order in which S3 accepts these settings.
package bucket
