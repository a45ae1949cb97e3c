// Package identity holds who may do what: policy documents as typed values, one constructor for roles that AWS services
// wear, one for roles that Kubernetes workloads wear, and one for encryption keys with their key policies.
//
// Creates: the roles that must exist before a cluster (control plane, nodes, break-glass); after it, the cluster's OIDC
// provider and the workload roles; KMS keys.
//
// Refuses: roles without a trusted party, workload roles whose trust would not pin one namespace and service account.
//
// Protects: keys, when asked to; whoever loses a key loses the data under it.
//
// Owns: every path, permissions boundary and trust condition in the program.
package identity
