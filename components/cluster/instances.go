package cluster

import (
	"maps"
	"slices"
)

// Instance describes an EC2 instance type.
type Instance struct {
	// Arm is true for Graviton types.
	Arm bool
	// Interfaces is the maximum number of network interfaces, AddressesEach the maximum number of IPv4 addresses on each.
	// They bound how many VPC addresses one node and its pods use.
	Interfaces, AddressesEach int
}

// MaxPods is how many pods of one node the VPC CNI can give an address.
func (i Instance) MaxPods() int { return i.Interfaces*(i.AddressesEach-1) + 2 }

// Addresses is how many VPC addresses one full node uses.
func (i Instance) Addresses() int { return i.Interfaces * i.AddressesEach }

// Instances are the instance types that node groups may use.
// Source: Amazon EC2 Instance Types, "Network specifications" (maximum interfaces, IPv4 addresses per interface).
var Instances = map[string]Instance{
	"t3.small": {false, 3, 4}, "t3.medium": {false, 3, 6}, "t3.large": {false, 3, 12},
	"t3.xlarge": {false, 4, 15}, "t3.2xlarge": {false, 4, 15},
	"t4g.small": {true, 3, 4}, "t4g.medium": {true, 3, 6}, "t4g.large": {true, 3, 12},
	"t4g.xlarge": {true, 4, 15}, "t4g.2xlarge": {true, 4, 15},
	"m5.large": {false, 3, 10}, "m5.xlarge": {false, 4, 15}, "m5.2xlarge": {false, 4, 15},
	"m7i.large": {false, 3, 10}, "m7i.xlarge": {false, 4, 15}, "m7i.2xlarge": {false, 4, 15},
	"m7g.medium": {true, 2, 4}, "m7g.large": {true, 3, 10}, "m7g.xlarge": {true, 4, 15}, "m7g.2xlarge": {true, 4, 15},
	"m8g.large": {true, 3, 10}, "m8g.xlarge": {true, 4, 15},
	"c7g.large": {true, 3, 10}, "c7g.xlarge": {true, 4, 15},
	"r7g.large": {true, 3, 10}, "r7g.xlarge": {true, 4, 15},
}

// KnownInstances lists the instance types of the table.
func KnownInstances() []string { return slices.Sorted(maps.Keys(Instances)) }

// amiType is the Amazon Linux 2023 image family of an instance type. EKS has had no Amazon Linux 2 image since
// Kubernetes 1.33.
func amiType(instance Instance) string {
	if instance.Arm {
		return "AL2023_ARM_64_STANDARD"
	}
	return "AL2023_x86_64_STANDARD"
}
