// Package awssim simulates an AWS account, and the Kubernetes clusters in it, for the sandbox and for tests. Servers
// serve it to a real Pulumi engine as providers; Cloud offers the same operations to mocks.
//
// The catalog has one entry for each resource type: how AWS checks its inputs, names it, what it depends on, and what
// it does to the rest of the account. A type or function without an entry is an error. The files group the entries by
// service: aws_ec2.go, aws_rds.go, kubernetes.go.
//
// Cloud keeps the resources and applies the rules that all types share. Its other files add faults (faults.go),
// latencies (latency.go), a clock that fires schedules (clock.go), changes from outside a program (external.go) and a
// file on disk (disk.go). AccountAPI answers the S3 and KMS requests of Pulumi itself.
package awssim
