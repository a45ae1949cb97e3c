// Package registry creates the repositories of container images.
//
// Creates: an ECR repository for each name, with immutable tags, a scan at every push, and a lifecycle policy that
// expires untagged and old images; a key for all repositories.
//
// Refuses: repository names that ECR does not allow, and keeping fewer than ten images, which leaves too few for a
// rollback.
//
// Protects: nothing by itself; a protected stack protects the key and the repositories.
//
// Owns: the lifecycle policy (lifecycle.go).
package registry
