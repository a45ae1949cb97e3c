package recovery

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// account is an inventory and a stack in one: a state, and the IDs that exist.
type account struct {
	state apitype.UntypedDeployment
	// there are the resources of the account, names are what Find answers.
	there, names []Resource
	refreshed    []string
}

func (a *account) Export(context.Context) (apitype.UntypedDeployment, error) { return a.state, nil }

func (a *account) Import(_ context.Context, state apitype.UntypedDeployment) error {
	a.state = state
	return nil
}

// Refresh takes what does not exist out of the state, as Pulumi does.
func (a *account) Refresh(_ context.Context, urns []string) error {
	a.refreshed = urns
	d, err := read(a.state)
	if err != nil {
		return err
	}
	var kept []any
	for _, element := range d.resources {
		r := element.(map[string]any)
		exists := r["delete"] == true
		for _, one := range a.there {
			exists = exists || r["id"] == one.ID
		}
		if exists {
			kept = append(kept, element)
		}
	}
	d.resources = kept
	a.state, err = d.write()
	return err
}

func (a *account) Destroy(context.Context, []string) error { return nil }

func (a *account) Find(context.Context, Operation) ([]Resource, error) { return a.names, nil }

func (a *account) Tagged(context.Context) ([]Resource, error) { return a.there, nil }

const roleURN = "urn:pulumi:dev::groundwork::aws:iam/role:Role::nodes"

// begun is a state in which the replacement of a role had begun.
func begun(t *testing.T) apitype.UntypedDeployment {
	t.Helper()
	role := func(id, name string) map[string]any {
		r := map[string]any{"urn": roleURN, "custom": true, "type": awstype.Role, "inputs": map[string]any{"name": name}}
		if id != "" {
			r["id"] = id
		}
		return r
	}
	text, err := json.Marshal(map[string]any{
		"resources":          []any{role("old", "old")},
		"pending_operations": []any{map[string]any{"type": "creating", "resource": role("", "new")}},
	})
	require.NoError(t, err)
	return apitype.UntypedDeployment{Version: 3, Deployment: text}
}

// TestReplacementThatHappened: the new resource is taken over, and the old one is still to be deleted.
func TestReplacementThatHappened(t *testing.T) {
	named := Resource{Type: awstype.Role, ID: "new", Properties: graph.Props{"name": "new"}}
	a := &account{state: begun(t), names: []Resource{named}, there: []Resource{{Type: awstype.Role, ID: "old"}, named}}
	var out bytes.Buffer
	result, err := Run(t.Context(), a, a, Options{Out: &out})
	require.NoError(t, err)
	assert.Len(t, result.Imported, 1)
	assert.Contains(t, out.String(), "created iam Role new and did not record it; took it over as nodes")
	assert.Equal(t, []string{roleURN}, a.refreshed)
	d, err := read(a.state)
	require.NoError(t, err)
	assert.Empty(t, d.operations)
	require.Len(t, d.resources, 2)
	assert.Equal(t, true, d.resources[0].(map[string]any)["delete"])
}

// TestReplacementThatDidNotHappen: an ID made from the inputs is of nothing, and the old resource stays.
func TestReplacementThatDidNotHappen(t *testing.T) {
	a := &account{
		state: begun(t), names: []Resource{{Type: awstype.Role, ID: "new", Properties: graph.Props{"name": "new"}}},
		there: []Resource{{Type: awstype.Role, ID: "old"}},
	}
	var out bytes.Buffer
	result, err := Run(t.Context(), a, a, Options{Out: &out})
	require.NoError(t, err)
	assert.Empty(t, result.Imported)
	assert.Contains(t, out.String(), "had begun creating nodes, which does not exist")
	d, err := read(a.state)
	require.NoError(t, err)
	require.Len(t, d.resources, 1)
	assert.NotContains(t, d.resources[0], "delete", "the next update would delete the role that is in use")
}

func TestUnreadableStates(t *testing.T) {
	for text, want := range map[string]string{
		`[]`: "reading the state",
		`{"pending_operations": [{"type": "creating"}]}`: "no type or no URN",
	} {
		a := &account{state: apitype.UntypedDeployment{Version: 3, Deployment: []byte(text)}}
		_, err := Run(t.Context(), a, a, Options{Out: &bytes.Buffer{}})
		require.ErrorContains(t, err, want)
	}
	a := &account{state: apitype.UntypedDeployment{Version: 3}}
	result, err := Run(t.Context(), a, a, Options{Out: &bytes.Buffer{}})
	require.NoError(t, err)
	assert.Empty(t, result.Begun)
}
