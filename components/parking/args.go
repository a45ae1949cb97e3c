package parking

import (
	_ "time/tzdata" // Zones are checked wherever the program runs, also where the system knows none.

	"groundwork/components/environment"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// NodeGroup is a group of nodes that goes down at night.
type NodeGroup struct {
	// Name and AutoScalingGroup are its physical names.
	Name, AutoScalingGroup pulumi.StringOutput
	// Min, Desired and Max are its sizes in the morning.
	Min, Desired, Max int
}

// Args are the facts about what is stopped and started.
type Args struct {
	environment.Facts
	// DatabaseIdentifier is the database instance, DatabaseName the same as far as it is known before the instance exists.
	DatabaseIdentifier pulumi.StringInput
	DatabaseName       string
	// ClusterName and NodeGroups are what goes down at night besides the database.
	ClusterName string
	NodeGroups  map[string]NodeGroup
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := a.Facts.Validate()
	if a.DatabaseIdentifier == nil {
		errs.Required("databaseIdentifier", "the database instance")
	}
	return errs.Err("parking " + name + ": args: ")
}
