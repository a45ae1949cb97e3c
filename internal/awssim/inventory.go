package awssim

import (
	"context"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/recovery"
)

// Find lists the resources of a type in a region, as the describe calls of AWS do: whoever made them. Random values are
// in no account.
func (c *Cloud) Find(_ context.Context, op recovery.Operation) ([]recovery.Resource, error) {
	if strings.HasPrefix(op.Type, "random:") {
		return nil, nil
	}
	return c.inventory(func(o Object) bool {
		return o.Type == op.Type && (o.Region == "" || op.Region == "" || o.Region == op.Region)
	}), nil
}

// Tagged lists what the program made and tagged, as AWS's tagging API does. A provider with default tags made all that
// has a URN.
func (c *Cloud) Tagged(context.Context) ([]recovery.Resource, error) {
	return c.inventory(func(o Object) bool {
		return o.URN != "" && strings.HasPrefix(o.Type, "aws:") && catalog[o.Type].takes("tags")
	}), nil
}

// Stopped returns the names of the databases that are stopped.
func (c *Cloud) Stopped() []string {
	var names []string
	for _, o := range c.Objects() {
		if o.Type == awstype.DBInstance && o.State.Str("status") == stopped {
			names = append(names, "the database "+o.State.Str("identifier"))
		}
	}
	return names
}

// inventory lists the objects for which wanted returns true, without what only the simulation knows of them.
func (c *Cloud) inventory(wanted func(Object) bool) []recovery.Resource {
	var all []recovery.Resource
	for _, o := range c.Objects() {
		if wanted(o) {
			if o.Region != "" {
				o.State["region"] = o.Region
			}
			all = append(all, recovery.Resource{Type: o.Type, ID: o.ID, Properties: o.State})
		}
	}
	return all
}
