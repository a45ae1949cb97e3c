// Package addons installs the operators that every cluster of the program has.
//
// Creates: a Helm release for each of the AWS Load Balancer Controller, External Secrets, metrics-server and
// cluster-autoscaler, and a role for each operator that calls AWS.
//
// Refuses: chart versions that nobody has checked with the cluster's Kubernetes version, and versions that do not serve
// the custom resources of the program's charts.
//
// Protects: nothing. Everything can be created again.
//
// Owns: the table of operators with their versions, policies and values (operators.go), and the catalog of all charts
// (catalog.go). It never creates custom resources. They belong to releases of their own, which depend on the releases
// that install their definitions.
package addons
