// Package cluster creates the EKS cluster and its worker nodes.
//
// Creates: the control plane through pulumi-eks, with all log types and with secrets encrypted by a key of its own; its
// log groups, before EKS would create them; the IAM OIDC provider; the core add-ons; managed node groups with launch
// templates of their own; access entries for the break-glass role, the pipelines and the principals of the settings. In
// a hibernated environment only log groups, keys and launch templates exist.
//
// Refuses: Kubernetes versions outside the support calendar, an endpoint that is open to much of the internet, service
// addresses that overlap the VPC, node groups whose sizes contradict each other, more nodes than the subnets have
// addresses for, and instance types that are not in the table. It allows clusterAdmin to the break-glass role and to
// principals that the settings name, and refuses edit and admin without namespaces.
//
// Protects: the control plane, if the environment is protected; a protected stack protects its keys and log groups too.
//
// Owns: the support calendar and add-on catalog (versions.go) and the table of instance types (instances.go).
package cluster
