// Package awstype has one row for each resource type: every fact that the simulation, the prices, the timelines, the
// report and the security rules need of it. A new type is its component, one row here, and its behavior in awssim.
package awstype

import (
	"fmt"
	"slices"
	"strings"
)

// Type is what there is to know of a resource type. The zero Type stands for one without a row.
type Type struct {
	// Token is Pulumi's name of the type, such as "aws:ec2/vpc:Vpc".
	Token string
	// Holds is what is lost with a resource: data, or what AWS gives nobody twice, such as an address; empty for nothing.
	Holds string
	// Global types exist once in an account, not once in each region.
	Global bool
	// Free says why the type costs nothing by itself; empty for one that internal/cost prices.
	Free string
	// AutoName is the input that Pulumi fills from the logical name when the program gives none; empty for none. The
	// physical name is then taken until the old resource is gone, so a replacement deletes first.
	AutoName string
	// Identity are the inputs that make a resource the same one for AWS: a second one with the same values cannot exist
	// beside it. Empty for a type whose resources AWS tells apart by itself.
	Identity []string
	// Replaces are the inputs whose change replaces the resource, as property paths. A row of an AWS type has none: the
	// provider's own schema tells (Replacing).
	Replaces []string
	// Consequences are what changes of properties mean besides the change.
	Consequences []Consequence
	// Decisions are the effects of changes that the provider decides in code. The first one that applies counts.
	Decisions []Decision
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

// Stateful reports whether something is lost with a resource of the type. A protected environment protects it.
func (t Type) Stateful() bool { return t.Holds != "" }

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

// Identity returns what no second resource of a type may have beside one with the given inputs, or "" where there is no
// such thing: the type has none, or AWS generates a name.
func Identity(token string, in Inputs) string {
	var parts []string
	for _, property := range Of(token).Identity {
		switch value := in.get(property).(type) {
		case string:
			parts = append(parts, value)
		case float64:
			parts = append(parts, fmt.Sprint(value))
		}
	}
	if len(parts) < len(Of(token).Identity) || slices.Contains(parts, "") {
		return ""
	}
	return strings.Join(parts, " ")
}

// Inputs are those of a resource, as plain values: string, float64, bool, []any, map[string]any and nil. A value of
// another type is not known yet.
type Inputs map[string]any

// get returns the value at a path without indices, such as "vpcConfig.subnetIds", or nil.
func (in Inputs) get(path string) any {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		return in[name]
	}
	inner, _ := in[name].(map[string]any)
	return Inputs(inner).get(rest)
}

func (in Inputs) text(path string) string {
	text, _ := in.get(path).(string)
	return text
}

// NameTaken reports whether the AWS provider deletes a resource before it replaces it because the new one has the same
// name: it does where Pulumi would have generated the name, and the program gives one.
func NameTaken(token string, before, after Inputs) bool {
	name := Of(token).AutoName
	return name != "" && before.text(name) != "" && before.text(name) == after.text(name)
}
