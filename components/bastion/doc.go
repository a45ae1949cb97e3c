// Package bastion creates the instance through which a private Kubernetes endpoint is reached from outside the VPC.
//
// Creates: one small instance in a private subnet, with the role, the instance profile and the security group that it
// needs. Only Session Manager reaches it: it has no ingress rule, no public address and no key pair. The instance stops
// itself when no session has used it for half an hour, after it has installed updates; a tunnel starts it again.
//
// Refuses: a missing security group of the Kubernetes API.
//
// Protects: nothing. It holds no data, and another one takes its place at any time.
//
// Owns: the instance's name, by which tunnels find it, and the AWS services that it must reach (Services).
package bastion
