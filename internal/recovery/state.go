package recovery

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"groundwork/internal/graph"
)

// creating is the kind of an operation that made, or was about to make, a resource.
const creating = "creating"

// Operation is an operation that a run began and whose end the state does not record.
type Operation struct {
	// Kind is "creating", "updating", "deleting" and the like.
	Kind string
	// URN and Type are those of the resource, Name is the end of its URN.
	URN, Type, Name string
	// Region is that of its provider; empty for a provider without one.
	Region   string
	Inputs   graph.Props
	resource map[string]any
}

// deployment is a state, as the JSON that Pulumi writes, so that nothing of it gets lost.
type deployment struct {
	version    int
	content    map[string]any
	resources  []any
	operations []Operation
}

// read reads a state.
func read(state apitype.UntypedDeployment) (*deployment, error) {
	d := &deployment{version: state.Version}
	if len(state.Deployment) == 0 {
		return d, nil
	}
	if err := json.Unmarshal(state.Deployment, &d.content); err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	d.resources, _ = d.content["resources"].([]any)
	pending, _ := d.content["pending_operations"].([]any)
	for _, element := range pending {
		fields, _ := element.(map[string]any)
		r, _ := fields["resource"].(map[string]any)
		kind, _ := fields["type"].(string)
		urn, _ := r["urn"].(string)
		if kind == "" || urn == "" {
			return nil, fmt.Errorf("reading the state: a pending operation has no type or no URN")
		}
		inputs, _ := r["inputs"].(map[string]any)
		d.operations = append(d.operations, Operation{
			Kind: kind, URN: urn, Type: string(resource.URN(urn).Type()), Name: resource.URN(urn).Name(),
			Region: d.regions()[fmt.Sprint(r["provider"])],
			Inputs: graph.FromPulumi(resource.NewPropertyMapFromMap(inputs)), resource: r,
		})
	}
	return d, nil
}

// each calls f with every resource.
func (d *deployment) each(f func(r map[string]any)) {
	for _, element := range d.resources {
		if r, ok := element.(map[string]any); ok {
			f(r)
		}
	}
}

// regions returns the region of each provider, by what resources call it: its URN and its ID.
func (d *deployment) regions() map[string]string {
	regions := map[string]string{}
	d.each(func(r map[string]any) {
		inputs, _ := r["inputs"].(map[string]any)
		if region, ok := inputs["region"].(string); ok && strings.HasPrefix(fmt.Sprint(r["type"]), "pulumi:providers:") {
			regions[fmt.Sprintf("%v::%v", r["urn"], r["id"])] = region
		}
	})
	return regions
}

// recorded returns the resources of the state, as "type|ID".
func (d *deployment) recorded() map[string]bool {
	known := map[string]bool{}
	d.each(func(r map[string]any) { known[fmt.Sprintf("%v|%v", r["type"], r["id"])] = true })
	return known
}

// present returns those of URNs that the state has.
func (d *deployment) present(urns []string) []string {
	have := map[string]bool{}
	d.each(func(r map[string]any) {
		if r["delete"] != true {
			have[fmt.Sprint(r["urn"])] = true
		}
	})
	return slices.DeleteFunc(urns, func(urn string) bool { return !have[urn] })
}

// adopt puts the resource of an operation into the state. What it was to replace is still to be deleted.
func (d *deployment) adopt(op Operation, id string) {
	d.each(func(r map[string]any) {
		if r["urn"] == op.URN {
			r["delete"] = true
		}
	})
	r := op.resource
	r["id"], r["outputs"] = id, map[string]any{}
	d.resources = append(d.resources, r)
}

// restore takes back that what a resource was to replace is still to be deleted: there is no replacement. It reports
// whether there was such a resource.
func (d *deployment) restore(urn string) bool {
	found := false
	d.each(func(r map[string]any) {
		if r["urn"] == urn && r["delete"] == true && !found {
			delete(r, "delete")
			found = true
		}
	})
	return found
}

// adoptOrphan puts a resource that no program declares into the state, under a URN of its own, and returns that. It
// belongs to the provider of its package and region.
func (d *deployment) adoptOrphan(r Resource) (string, error) {
	stack, provider := "", ""
	pkg, _, _ := strings.Cut(r.Type, ":")
	regions, want := d.regions(), r.Properties.Str("region")
	d.each(func(other map[string]any) {
		urn := resource.URN(fmt.Sprint(other["urn"]))
		ref, _ := other["provider"].(string)
		if string(urn.Type()) == string(resource.RootStackType) {
			stack = string(urn)
		}
		// A global resource has no region: any provider of its package will do.
		if strings.Contains(ref, "::pulumi:providers:"+pkg+"::") && (want == "" || regions[ref] == want) {
			provider = ref
		}
	})
	if stack == "" || provider == "" {
		return "", fmt.Errorf("deleting %s %s: the state has no provider for it; delete it by hand", r.Type, r.ID)
	}
	name := "orphan-" + strings.NewReplacer(":", "-", "/", "-").Replace(r.ID)
	root := resource.URN(stack)
	urn := string(resource.NewURN(root.Stack(), root.Project(), "", tokens.Type(r.Type), name))
	d.resources = append(d.resources, map[string]any{
		"urn": urn, "custom": true, "id": r.ID, "type": r.Type, "inputs": map[string]any{}, "outputs": map[string]any{},
		"parent": stack, "provider": provider,
	})
	return urn, nil
}

// write returns the state without pending operations.
func (d *deployment) write() (apitype.UntypedDeployment, error) {
	delete(d.content, "pending_operations")
	d.content["resources"] = d.resources
	text, err := json.Marshal(d.content)
	if err != nil {
		return apitype.UntypedDeployment{}, fmt.Errorf("repairing the state: %w", err)
	}
	return apitype.UntypedDeployment{Version: d.version, Deployment: text}, nil
}
