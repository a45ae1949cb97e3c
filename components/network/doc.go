// Package network creates the VPC of an environment.
//
// Creates: the VPC and its internet gateway; one public, one private and one isolated data subnet in each zone, with
// route tables; NAT gateways as chosen; an S3 gateway endpoint and the chosen interface endpoints; flow logs. It
// removes every rule from the VPC's default security group. For other components it creates the security groups of
// their services.
//
// Refuses: fewer than two zones, zones of another region, address ranges outside RFC 1918, address ranges whose private
// subnets would be too small for nodes, and natMode none without the interface endpoints that nodes need to join a
// cluster.
//
// Protects: nothing by itself; a protected stack protects the VPC and the addresses of its NAT gateways.
//
// Owns: the address plan (plan.go). Adding or removing a zone never moves the addresses of another one.
package network
