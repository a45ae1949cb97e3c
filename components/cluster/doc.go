// Package cluster creates the EKS cluster and its worker nodes.
//
// Creates: the control plane through pulumi-eks (private endpoint, five log types into a log group that exists first,
// secrets encrypted with their own key, API access entries), the IAM OIDC provider, the core add-ons, managed node
// groups with their own launch templates, and access entries, the break-glass one included.
//
// Refuses: Kubernetes versions outside the support calendar, an endpoint open to the whole internet, service addresses
// that overlap the VPC, node groups whose sizes contradict each other, more nodes than the subnets have addresses for,
// and instance types of unknown size. Principals get clusterAdmin only where the settings name them.
//
// Protects: the control plane and its keys, when asked to.
//
// Owns: the version catalogue (versions.go) and the instance table (instances.go).
package cluster
