package tests

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/stacks"
	"groundwork/tests/harness"
)

// TestNothingStatefulIsLost: no change of a setting deletes or replaces what is stateful, unless the program refuses it
// or groundwork:allow names it. Protected or not, nothing else stands between a setting and the data.
func TestNothingStatefulIsLost(t *testing.T) {
	refused, accepted := 0, 0
	for _, stack := range harness.Environments {
		// An environment from which there is something to take away.
		start := []string{
			"registry.repositories=[webapp, shop]", "database.version='16'", "network.natMode=perZone", "cache.engine=valkey",
			"logRetentionDays=30",
		}
		before := harness.Updated(t, stack, start...)
		outputs := graph.Props{
			"parking": mockrun.WasUp["parking"], stacks.MadeKey: harness.Config(t, stack, start...).MadeWith(nil),
		}
		for key, values := range mutations {
			for _, value := range values {
				changes := append(slices.Clone(start), key+"="+value)
				raw := harness.Settings(t, stack, changes...)
				if legal(raw, stack) != nil {
					continue
				}
				after, err := mockrun.Graph(stack, raw,
					mockrun.Options{Outputs: map[string]graph.Props{stack: outputs}, Today: harness.Today})
				if err != nil {
					require.ErrorContains(t, err, "would destroy something; nothing was changed", key+"="+value)
					refused++
					continue
				}
				accepted++
				assert.Empty(t, lost(before, after), "%s: %s=%s", stack, key, value)
			}
		}
	}
	assert.Greater(t, refused, 10)
	assert.Greater(t, accepted, 60)
	// Allowed by name, the loss is there to be seen.
	before := harness.Updated(t, "prod", "registry.repositories=[webapp, shop]")
	assert.NotEmpty(t, lost(before, harness.Updated(t, "prod")))
}

// lost lists what is stateful in one graph and deleted or replaced in the next.
func lost(before, after *graph.Graph) []string {
	var all []string
	for _, r := range before.Resources {
		if !awstype.Of(r.Type).Stateful() {
			continue
		}
		next := after.Get(r.URN)
		if next == nil {
			all = append(all, "delete "+graph.ShortType(r.Type)+" "+r.Name)
			continue
		}
		for _, change := range awssim.Diff(r.Type, r.Inputs, next.Inputs) {
			if change.Replace {
				all = append(all, "replace "+graph.ShortType(r.Type)+" "+r.Name+" "+change.Property)
			}
		}
	}
	return all
}
