package graph

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
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
	Retain bool
	// DeletedWith is the URN of a resource whose deletion deletes this one too; empty for none.
	DeletedWith string
	// DeleteFirst is true where the program wants a replacement to delete the old resource before it creates the new one.
	// A state does not record it.
	DeleteFirst          bool
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

// New indexes resources; URNs must be unique.
func New(resources []*Resource) (*Graph, error) {
	g := &Graph{Resources: resources, byURN: map[string]*Resource{}}
	for _, r := range resources {
		if _, double := g.byURN[r.URN]; double {
			return nil, fmt.Errorf("two resources have the URN %s", r.URN)
		}
		g.byURN[r.URN] = r
	}
	return g, nil
}

// Read reads the graph from a stack's exported state. Secrets in it must be shown or absent.
func Read(state apitype.UntypedDeployment) (*Graph, error) {
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
			DeletedWith: string(r.DeletedWith),
			Inputs: FromPulumi(
				resource.NewPropertyMapFromMap(r.Inputs),
			), Outputs: FromPulumi(resource.NewPropertyMapFromMap(r.Outputs)),
			PropertyDependencies: texts(r.PropertyDependencies), Dependencies: dependencies(r),
		})
	}
	return New(resources)
}

// Recorded returns which resources a state knows, as "type|ID" and as "arn|ARN", those that are still to be deleted
// included.
func Recorded(state apitype.UntypedDeployment) (map[string]bool, error) {
	var deployment apitype.DeploymentV3
	if len(state.Deployment) > 0 {
		if err := json.Unmarshal(state.Deployment, &deployment); err != nil {
			return nil, fmt.Errorf("reading the state: %w", err)
		}
	}
	known := map[string]bool{}
	for _, r := range deployment.Resources {
		known[string(r.Type)+"|"+string(r.ID)] = true
		if arn, ok := r.Outputs["arn"].(string); ok {
			known["arn|"+arn] = true
		}
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
	return slices.Sorted(maps.Keys(set))
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

// First returns the first resource of a type by name. There has to be one.
func (g *Graph) First(token string) *Resource { return g.OfType(token)[0] }

// Copy returns a deep copy, for a violation to be planted in.
func (g *Graph) Copy() (*Graph, error) {
	text, err := json.Marshal(g.Resources)
	if err != nil {
		return nil, fmt.Errorf("copying a graph: %w", err)
	}
	var resources []*Resource
	if err := json.Unmarshal(text, &resources); err != nil {
		return nil, fmt.Errorf("copying a graph: %w", err)
	}
	return New(resources)
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

// StackOutputs returns the outputs of the stack that the graph belongs to. Secret ones are masked.
func (g *Graph) StackOutputs() map[string]any {
	for _, r := range g.Resources {
		if r.Type == string(resource.RootStackType) {
			return masked(map[string]any(r.Outputs)).(map[string]any)
		}
	}
	return nil
}

// masked replaces every secret in a value of the state.
func masked(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if v[resource.SigKey] == resource.SecretSig {
			return "[secret]"
		}
		out := map[string]any{}
		for key, element := range v {
			out[key] = masked(element)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = masked(element)
		}
		return out
	}
	return value
}

// Layer returns the layer of a custom resource, or "" for components and for the stack's provider.
func (g *Graph) Layer(r *Resource) string {
	if !r.Custom {
		return ""
	}
	component := g.Component(r)
	if component == nil {
		return ""
	}
	return stacks.LayerOf(component.Type)
}

// ShortType shortens "aws:ec2/vpc:Vpc" to "ec2 Vpc" for people.
func ShortType(token string) string {
	parts := strings.Split(token, ":")
	if len(parts) != 3 {
		return token
	}
	return strings.TrimPrefix(path.Dir(parts[1])+" "+parts[2], ". ")
}
