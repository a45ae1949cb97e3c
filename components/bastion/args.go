package bastion

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/network"
)

// Args are the facts about the network and the cluster that the bastion leads to.
type Args struct {
	environment.Facts
	// Placement is the VPC and its private subnets; the bastion is in the first one.
	Placement network.Placement
	// APISecurityGroupID is the security group of the Kubernetes API.
	APISecurityGroupID pulumi.StringInput
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := a.Facts.Validate()
	if a.APISecurityGroupID == nil {
		errs.Required("apiSecurityGroupId", "the security group of the Kubernetes API")
	}
	return errs.Err("bastion " + name + ": args: ")
}
