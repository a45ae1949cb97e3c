package cluster

import "groundwork/components/hardware"

// amiType is the Amazon Linux 2023 image family of an instance type. EKS has had no Amazon Linux 2 image since
// Kubernetes 1.33.
func amiType(instanceType string) string {
	if instance, _ := hardware.Find(hardware.EC2, instanceType); instance.Arm {
		return "AL2023_ARM_64_STANDARD"
	}
	return "AL2023_x86_64_STANDARD"
}
