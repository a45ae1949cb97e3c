package properties

import (
	"fmt"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// replacements holds that each resource whose replacement has the identity of the old one is deleted first. Created
// first, it would fail because the name is taken, or take over the old one and then be deleted with it.
func replacements(g *graph.Graph) (seen int, wrong []string) {
	for _, r := range g.Resources {
		row := awstype.Of(r.Type)
		if !r.Custom || awstype.Identity(r.Type, awstype.Inputs(r.Inputs)) == "" {
			continue
		}
		for _, path := range awstype.Replacing(r.Type) {
			top, _, _ := strings.Cut(strings.ReplaceAll(path, "[]", ""), ".")
			if r.Inputs[top] == nil || slices.Contains(row.Identity, path) || named(r, path) {
				continue
			}
			seen++
			if !r.DeleteFirst && !awstype.NameTaken(r.Type, awstype.Inputs(r.Inputs), awstype.Inputs(r.Inputs)) {
				wrong = append(wrong, fmt.Sprintf("%s %s: a change of %s replaces it, and its identity stays",
					graph.ShortType(r.Type), r.Name, path))
			}
		}
	}
	return seen, wrong
}

// named reports whether the logical name has the value at path, so that another value belongs to another resource.
func named(r *graph.Resource, path string) bool {
	value, _ := r.Inputs[path].(string)
	return value != "" && strings.Contains(r.Name, value)
}
