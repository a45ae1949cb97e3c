// Package registry creates the container image repositories.
//
// Creates: one ECR repository for each name, with a key of its own, immutable tags, a scan at every push, and a
// lifecycle that expires untagged and old images.
//
// Refuses: repository names that ECR would refuse, and keeping so few images that a rollback has nothing to go back to.
//
// Protects: the key and the repositories, when asked to.
//
// Owns: the lifecycle policy (lifecycle.go).
package registry
