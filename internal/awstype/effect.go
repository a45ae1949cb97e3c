package awstype

import (
	"slices"
	"strings"

	"github.com/blang/semver"
)

// Effect is what the change of an input does to a resource that exists.
type Effect int

// The effects of a change.
const (
	// Nothing is the effect of a change that the provider does not send to AWS.
	Nothing Effect = iota
	// Updates is the effect of a change that AWS makes in place.
	Updates
	// Replaces is the effect of a change that AWS makes to a new resource only.
	Replaces
)

// Decision is an effect that the provider decides in code, so that its schema does not tell.
type Decision struct {
	// Property is the path of the changed property, or of one that contains it.
	Property string
	// Effect of the change, where When holds for the inputs before and after it. A nil When always holds.
	Effect Effect
	When   func(before, after Inputs) bool
	// Why names the provider's function, and says what it does.
	Why string
}

// EffectOf returns what a change of the property at path does to a resource whose inputs were before and become after.
func EffectOf(token, path string, before, after Inputs) Effect {
	for _, d := range Of(token).Decisions {
		if within := path == d.Property || strings.HasPrefix(path, d.Property+"."); !within {
			continue
		}
		if d.When == nil || d.When(before, after) {
			return d.Effect
		}
	}
	replaces := slices.ContainsFunc(Replacing(token), func(p string) bool {
		return path == p || strings.HasPrefix(path, p+".")
	})
	if replaces {
		return Replaces
	}
	return Updates
}

// becomes holds where a text property changes from one value to another.
func becomes(property, from, to string) func(before, after Inputs) bool {
	return func(before, after Inputs) bool {
		return before.text(property) == from && after.text(property) == to
	}
}

// added and removed hold where a property is given only after, or only before a change.
func added(property string) func(before, after Inputs) bool {
	return func(before, after Inputs) bool { return before.get(property) == nil && after.get(property) != nil }
}

func removed(property string) func(before, after Inputs) bool {
	return func(before, after Inputs) bool { return before.get(property) != nil && after.get(property) == nil }
}

// lowerVersion holds where a version becomes a lower one.
func lowerVersion(property string) func(before, after Inputs) bool {
	return func(before, after Inputs) bool {
		old, err1 := semver.ParseTolerant(before.text(property))
		next, err2 := semver.ParseTolerant(after.text(property))
		return err1 == nil && err2 == nil && next.LT(old)
	}
}

// grownByAWS holds where the program gives a smaller volume than the instance has, and allows AWS to grow it.
func grownByAWS(before, after Inputs) bool {
	has, _ := before.get("allocatedStorage").(float64)
	wants, _ := after.get("allocatedStorage").(float64)
	limit, _ := after.get("maxAllocatedStorage").(float64)
	return limit > 0 && wants < has
}

// userDataReplaces: a change of user data replaces an instance that asks for it; another one is stopped and started.
func userDataReplaces(before, after Inputs) bool {
	replaces, _ := after.get("userDataReplaceOnChange").(bool)
	return replaces && before.text("userData") != after.text("userData")
}

// ruleSources are the inputs of which a rule of a security group has exactly one.
var ruleSources = []string{"cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"}

// otherSourceReplaces are the decisions about the sources of a rule of a security group.
var otherSourceReplaces = func() []Decision {
	var all []Decision
	for _, source := range ruleSources {
		all = append(all, Decision{
			Property: source, Effect: Replaces,
			When: func(before, after Inputs) bool { return (before.get(source) == nil) != (after.get(source) == nil) },
			Why:  "ModifyPlan: a rule keeps its kind of source",
		})
	}
	return all
}()

// Consequence is what the change of a property means besides the change itself.
type Consequence struct {
	// Property is the path of the changed property, or of one that contains it.
	Property string
	// What is a clause about the resource, such as "rolls every node of the group".
	What string
	// Waits is true where AWS makes the change in the maintenance window, unless applyImmediately is set.
	Waits bool
}

// ConsequencesOf returns what an operation of the engine on a resource means, as clauses about the resource. properties
// are the paths that change, in are the inputs afterwards.
func ConsequencesOf(token, operation string, properties []string, in Inputs) []string {
	row := Of(token)
	var all []string
	switch {
	case row.Stateful() && operation == "delete":
		return []string{"is deleted, and with it " + row.Holds}
	case row.Stateful() && operation == "replace":
		return []string{"is replaced by an empty one, without " + row.Holds}
	case operation == "create":
		return nil
	}
	for _, c := range row.Consequences {
		changed := slices.ContainsFunc(properties, func(path string) bool {
			return path == c.Property || strings.HasPrefix(path, c.Property+".")
		})
		if !changed {
			continue
		}
		what := c.What
		if c.Waits && in["applyImmediately"] != true {
			what += "; waits for the maintenance window"
			if window := in.text("maintenanceWindow"); window != "" {
				what += ", " + Window(window).String()
			}
		}
		all = append(all, what)
	}
	return all
}

// Waiting returns the inputs whose change AWS makes in the maintenance window, unless applyImmediately is set. Until
// then AWS keeps the old value, and so the provider reads it.
func Waiting(token string) []string {
	var all []string
	for _, c := range Of(token).Consequences {
		if c.Waits {
			all = append(all, c.Property)
		}
	}
	return all
}
