package rules

import (
	"fmt"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// first returns the first resource of a type.
func first(g *graph.Graph, token string) *graph.Resource { return g.OfType(token)[0] }

// byID returns the resource of a type with a physical ID, or nil.
func byID(g *graph.Graph, token, id string) *graph.Resource {
	for _, r := range g.OfType(token) {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// each makes a Check that applies check to every resource of a type.
func each(token string, check func(r *graph.Resource) string) func(*graph.Graph) (int, []string) {
	return func(g *graph.Graph) (int, []string) {
		var wrong []string
		all := g.OfType(token)
		for _, r := range all {
			if problem := check(r); problem != "" {
				wrong = append(wrong, r.Name+": "+problem)
			}
		}
		return len(all), wrong
	}
}

// must returns "" where ok is true, and the problem where it is not.
func must(ok bool, problem string, a ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(problem, a...)
}

// nonEmpty returns a list of the problem, or nil where there is none.
func nonEmpty(problem string) []string {
	if problem == "" {
		return nil
	}
	return []string{problem}
}

// Set makes a Plant that sets an input of the first resource of a type.
func Set(token, property string, value any) func(*graph.Graph) {
	return func(g *graph.Graph) { first(g, token).Inputs[property] = value }
}

// setIn makes a Plant that sets a property of an input that is an object.
func setIn(token, object, property string, value any) func(*graph.Graph) {
	return func(g *graph.Graph) { first(g, token).Inputs.Object(object)[property] = value }
}

// subnetTier returns the purpose of a subnet, which is in its tag.
func subnetTier(r *graph.Resource) string { return r.Inputs.Str("tags.Tier") }

// homeRegion returns the region of an environment.
func homeRegion(g *graph.Graph) string {
	for _, r := range g.OfType("pulumi:providers:aws") {
		if r.Name == "aws" {
			return r.Inputs.Str("region")
		}
	}
	return ""
}

// keyOf returns the key with an ARN, or nil where this program does not declare it.
func keyOf(g *graph.Graph, arn string) *graph.Resource {
	for _, key := range g.OfType(awstype.Key) {
		if arn != "" && key.Outputs.Str("arn") == arn {
			return key
		}
	}
	return nil
}

// ownKey reports whether this program declares the key with an ARN.
func ownKey(g *graph.Graph, arn string) bool { return keyOf(g, arn) != nil }
