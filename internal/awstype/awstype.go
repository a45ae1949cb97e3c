// Package awstype has one row for each resource type: every fact that the simulation, the prices, the timelines, the
// report and the security rules need of it. A new type is its component, one row here, and its behavior in awssim.
package awstype

import (
	"fmt"
)

// Type is what there is to know of a resource type. The zero Type stands for one without a row.
type Type struct {
	// Token is Pulumi's name of the type, such as "aws:ec2/vpc:Vpc".
	Token string
	// Stateful types hold data, or what cannot be made again as it was.
	Stateful bool
	// Global types exist once in an account, not once in each region.
	Global bool
	// Free says why the type costs nothing by itself; empty for one that internal/cost prices.
	Free string
	// AutoName is the input that Pulumi fills from the logical name when the program gives none; empty for none. The
	// physical name is then taken until the old resource is gone, so a replacement deletes first.
	AutoName string
	// Replaces are the inputs whose change replaces the resource, as property paths.
	Replaces []string
	// Recomputed are the outputs that any update changes: a preview must not promise the old value.
	Recomputed []string
	// Instant types are made on this machine and take no time.
	Instant bool
	// Create is how long AWS takes to create one. Variants differ by the value of the input VariesBy.
	Create   Latency
	VariesBy string
	Variants map[string]Latency
	// Update is how long AWS takes to change one; most changes are small. Delete is the same for its deletion, and half
	// of its creation where the row says nothing: few deployment logs say.
	Update, Delete Latency
}

// types are the rows by token.
var types = func() map[string]Type {
	all := map[string]Type{}
	for _, t := range table {
		if _, twice := all[t.Token]; twice {
			panic(fmt.Sprintf("the table of types has %s twice", t.Token))
		}
		all[t.Token] = t
	}
	return all
}()

// Of returns the row of a type, or the zero Type where it has none.
func Of(token string) Type { return types[token] }

// Tokens lists the types that have a row, in the order of the table.
func Tokens() []string {
	var all []string
	for _, t := range table {
		all = append(all, t.Token)
	}
	return all
}
