package parking

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
)

// NodeGroup is a node group that has no nodes outside working hours.
type NodeGroup struct {
	// Name and AutoScalingGroup are the physical names of the node group and its Auto Scaling group.
	Name, AutoScalingGroup pulumi.StringOutput
	// Min, Desired and Max are the sizes of the group when working hours begin.
	Min, Desired, Max int
}

// Args are the facts about the resources that parking stops and starts.
type Args struct {
	environment.Facts
	// DatabaseIdentifier is the database instance. DatabaseName is the same identifier, known before the instance exists.
	DatabaseIdentifier pulumi.StringInput
	DatabaseName       string
	// ClusterName is the cluster of NodeGroups. A schedule stops the node groups besides the database.
	ClusterName string
	NodeGroups  map[string]NodeGroup
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := a.Facts.Validate()
	if a.DatabaseIdentifier == nil {
		errs.Required("databaseIdentifier", "the database instance")
	}
	return errs.Err("parking " + name + ": args: ")
}
