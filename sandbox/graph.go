package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"groundwork/stacks"
)

// Resource is one resource of a deployment.
type Resource struct {
	URN, Type, Name, ID string
	Parent, Provider    string
	Custom, Protect     bool
	// Retain is true for what stays in the cloud when it leaves the state.
	Retain               bool
	Inputs, Outputs      Props
	PropertyDependencies map[string][]string
	// Dependencies are all URNs that it waits for: by its properties, by DependsOn, and through its provider.
	Dependencies []string
}

// Graph is every resource of a deployment.
type Graph struct {
	Resources []*Resource
	byURN     map[string]*Resource
}

// NewGraph indexes resources; URNs must be unique.
func NewGraph(resources []*Resource) (*Graph, error) {
	g := &Graph{Resources: resources, byURN: map[string]*Resource{}}
	for _, r := range resources {
		if _, double := g.byURN[r.URN]; double {
			return nil, fmt.Errorf("two resources have the URN %s", r.URN)
		}
		g.byURN[r.URN] = r
	}
	return g, nil
}

// ReadGraph reads the graph from a stack's exported state. Secrets in it must be shown or absent.
func ReadGraph(state apitype.UntypedDeployment) (*Graph, error) {
	var deployment apitype.DeploymentV3
	if len(state.Deployment) > 0 {
		if err := json.Unmarshal(state.Deployment, &deployment); err != nil {
			return nil, fmt.Errorf("reading the state: %w", err)
		}
	}
	var resources []*Resource
	for _, r := range deployment.Resources {
		if r.Delete {
			continue
		}
		resources = append(resources, &Resource{
			URN: string(r.URN), Type: string(r.Type), Name: r.URN.Name(), ID: string(r.ID),
			Parent: string(r.Parent), Provider: r.Provider, Custom: r.Custom, Protect: r.Protect, Retain: r.RetainOnDelete,
			Inputs: PlainProps(resource.NewPropertyMapFromMap(r.Inputs)), Outputs: PlainProps(resource.NewPropertyMapFromMap(r.Outputs)),
			PropertyDependencies: texts(r.PropertyDependencies), Dependencies: dependencies(r),
		})
	}
	return NewGraph(resources)
}

// recorded returns which resources a state knows, as "type|ID", those that are still to be deleted included.
func recorded(state apitype.UntypedDeployment) (map[string]bool, error) {
	var deployment apitype.DeploymentV3
	if len(state.Deployment) > 0 {
		if err := json.Unmarshal(state.Deployment, &deployment); err != nil {
			return nil, fmt.Errorf("reading the state: %w", err)
		}
	}
	known := map[string]bool{}
	for _, r := range deployment.Resources {
		known[string(r.Type)+"|"+string(r.ID)] = true
	}
	return known, nil
}

// recordedByOthers returns what the states of an environment's other stacks know, as recorded does.
func (w *Workspace) recordedByOthers(stack string) (map[string]bool, error) {
	known := map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(w.State, "state", ".pulumi", "stacks", stacks.Project, environmentOf(stack)+"*.json"))
	for _, file := range files {
		if other := strings.TrimSuffix(filepath.Base(file), ".json"); other == stack || environmentOf(other) != environmentOf(stack) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the state: %w", err)
		}
		var saved struct {
			Checkpoint struct{ Latest json.RawMessage }
		}
		if err := json.Unmarshal(text, &saved); err != nil {
			return nil, fmt.Errorf("reading the state %s: %w", file, err)
		}
		resources, err := recorded(apitype.UntypedDeployment{Deployment: saved.Checkpoint.Latest})
		if err != nil {
			return nil, err
		}
		maps.Copy(known, resources)
	}
	return known, nil
}

func texts(m map[resource.PropertyKey][]resource.URN) map[string][]string {
	out := map[string][]string{}
	for key, urns := range m {
		for _, urn := range urns {
			out[string(key)] = append(out[string(key)], string(urn))
		}
	}
	return out
}

func dependencies(r apitype.ResourceV3) []string {
	set := map[string]bool{}
	for _, urn := range r.Dependencies {
		set[string(urn)] = true
	}
	for _, urns := range r.PropertyDependencies {
		for _, urn := range urns {
			set[string(urn)] = true
		}
	}
	if urn, _, ok := cutLast(r.Provider, "::"); ok {
		set[urn] = true
	}
	return sortedKeys(set)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// Get returns the resource with a URN, or nil.
func (g *Graph) Get(urn string) *Resource { return g.byURN[urn] }

// OfType returns the resources of a type, by name.
func (g *Graph) OfType(token string) []*Resource {
	var found []*Resource
	for _, r := range g.Resources {
		if r.Type == token {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *Resource) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// Component returns the outermost component that r belongs to, or nil where it has none.
func (g *Graph) Component(r *Resource) *Resource {
	var component *Resource
	for parent := g.byURN[r.Parent]; parent != nil; parent = g.byURN[parent.Parent] {
		if parent.Type != string(resource.RootStackType) {
			component = parent
		}
	}
	return component
}
