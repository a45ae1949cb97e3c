package tests

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/stacks"
	"groundwork/tests/golden"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
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
		for key, values := range properties.Mutations {
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

// TestRenderedSettings writes docs/settings.md: what a change of each setting does to a dev and a prod that are up.
func TestRenderedSettings(t *testing.T) {
	var out strings.Builder
	out.WriteString("# What a change of each setting does\n\nTo a dev and a prod with the reference settings, by " +
		"`make golden`. docs/changes.md explains what is refused.\n\n| setting | dev | prod |\n|---|---|---|\n")
	befores := map[string]*graph.Graph{}
	for _, stack := range harness.Environments {
		befores[stack] = harness.Updated(t, stack)
	}
	for _, key := range slices.Sorted(maps.Keys(properties.Mutations)) {
		for _, value := range properties.Mutations[key] {
			row := []string{"`" + strings.ReplaceAll(strings.ReplaceAll(key+": "+value, "\n", " "), "|", "\\|") + "`"}
			for _, stack := range harness.Environments {
				row = append(row, effectOf(t, stack, befores[stack], key+"="+value))
			}
			fmt.Fprintf(&out, "| %s |\n", strings.Join(row, " | "))
		}
	}
	path := filepath.Join(harness.Root(t), "docs", "settings.md")
	if golden.Updating() {
		require.NoError(t, os.WriteFile(path, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), out.String(), "run make golden where the change is meant")
}

// effectOf says in a table cell what a change does to an environment.
func effectOf(t *testing.T, stack string, before *graph.Graph, change string) string {
	t.Helper()
	raw := harness.Settings(t, stack, change)
	if err := legal(raw, stack); err != nil {
		return "not legal here"
	}
	outputs := graph.Props{
		"parking": mockrun.WasUp["parking"], stacks.MadeKey: harness.Config(t, stack).MadeWith(nil),
	}
	after, err := mockrun.Graph(stack, raw,
		mockrun.Options{Outputs: map[string]graph.Props{stack: outputs}, Today: harness.Today})
	if err != nil {
		name := allowable.FindStringSubmatch(err.Error())
		if name == nil {
			return "**refused**"
		}
		return "**refused** until allowed: `" + name[1] + "`"
	}
	counts, means := map[string]int{}, map[string]bool{}
	for _, r := range before.Resources {
		if r.Custom && after.Get(r.URN) == nil {
			counts["delete"]++
		}
	}
	for _, r := range after.Resources {
		if !r.Custom || strings.HasPrefix(r.Type, "pulumi:") {
			continue
		}
		old := before.Get(r.URN)
		if old == nil {
			counts["create"]++
			continue
		}
		op, properties := "", []string{}
		for _, change := range awssim.Diff(r.Type, old.Inputs, r.Inputs) {
			properties = append(properties, change.Property)
			if op != "replace" {
				op = map[bool]string{true: "replace", false: "update"}[change.Replace]
			}
		}
		if op == "" {
			continue
		}
		counts[op]++
		for _, what := range awstype.ConsequencesOf(r.Type, op, properties, awstype.Inputs(r.Inputs)) {
			means[what] = true
		}
	}
	var parts []string
	for _, op := range []string{"create", "update", "replace", "delete"} {
		if counts[op] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[op], op))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(append([]string{strings.Join(parts, ", ")}, slices.Sorted(maps.Keys(means))...), "; ")
}

// allowable finds the name under which a refusal can be allowed.
var allowable = regexp.MustCompile(`add "([^"]+)" to groundwork:allow`)
