// Package addons installs the operators that every cluster of the program has.
//
// Creates: a Helm release and, where it talks to AWS, a role for each of the AWS Load Balancer Controller, External
// Secrets, metrics-server and cluster-autoscaler.
//
// Refuses: chart versions that nobody has checked against the cluster's Kubernetes version, or that do not serve the
// custom resources the program's charts use.
//
// Protects: nothing; all of it can be made again.
//
// Owns: the table of operators with their versions, policies and values (operators.go). Custom resources never come
// from here: they are in releases of their own, after the ones that bring their definitions.
package addons
