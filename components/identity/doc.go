// Package identity decides who may do what. It has policy documents as typed values, one constructor for roles that AWS
// services assume, one for roles that Kubernetes service accounts assume, one for the roles of pipelines, and one for
// encryption keys with their key policies.
//
// Creates: the roles that must exist before a cluster (control plane, nodes, break-glass); the cluster's OIDC provider
// and the roles of workloads; KMS keys; the roles of pipelines, their OIDC providers, and the permissions boundary of
// the deploy role if the environment has none.
//
// Refuses: roles that no service may assume, workload roles whose trust does not pin one namespace and one service
// account, and wildcards in the repositories, branches and subjects of pipelines.
//
// Protects: the OIDC providers of pipelines, always, because roles of other stacks may trust them. A protected stack
// protects keys, because data cannot be read without its key.
//
// Owns: the path, permissions boundary and trust policy of every role in the program.
package identity
