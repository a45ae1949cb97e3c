// Package network creates the VPC that everything else lives in.
//
// Creates: VPC, internet gateway, one public, one private and one isolated data subnet for each zone, route tables, NAT
// gateways as chosen, an S3 gateway endpoint and the chosen interface endpoints, flow logs, and the VPC's default
// security group without a single rule.
//
// Refuses: fewer than two zones, zones of another region, networks outside RFC 1918, networks whose private subnets
// would be too small for nodes, and no NAT gateway without the interface endpoints that nodes need to join a cluster.
//
// Protects: nothing by itself; a VPC in use cannot be deleted.
//
// Owns: the CIDR plan (plan.go). A zone keeps its addresses whatever other zones come and go.
package network
