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
	"groundwork/stacks"
	"groundwork/tests/golden"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
)

// graphs are the graphs of environments with changes, by their names: several tests look at the same ones.
var graphs = map[string]*graph.Graph{}

// updated is harness.Updated, once for each change.
func updated(t *testing.T, stack string, changes ...string) *graph.Graph {
	t.Helper()
	name := strings.Join(append([]string{stack}, changes...), " ")
	if graphs[name] == nil {
		graphs[name] = harness.Updated(t, stack, changes...)
	}
	return graphs[name]
}

// TestNothingStatefulIsLost: no change of a setting deletes or replaces what is stateful, unless the program refuses it
// or groundwork:allow names it. Without protection, nothing else stands between a setting and the data.
// TestRenderedSettings holds the reference environments to the same; this one has more to lose.
func TestNothingStatefulIsLost(t *testing.T) {
	start := []string{
		"registry.repositories=[webapp, shop]", "database.version='16'", "network.natMode=perZone", "cache.engine=valkey",
		"logRetentionDays=30",
	}
	refused, accepted := 0, 0
	before, made := updated(t, "dev", start...), harness.Config(t, "dev", start...).MadeWith(nil)
	for key, values := range properties.Mutations {
		for _, value := range values {
			changes := append(slices.Clone(start), key+"="+value)
			config, err := stacks.Load(harness.Settings(t, "dev", changes...), "dev", harness.Today)
			if err != nil {
				continue // Not legal here.
			}
			if config.Refused(made) != nil {
				refused++
				continue
			}
			accepted++
			assert.Empty(t, lost(before, updated(t, "dev", changes...)), "%s=%s", key, value)
		}
	}
	assert.Greater(t, refused, 10)
	assert.Greater(t, accepted, 50)
	// Allowed by name, the loss is there to be seen.
	assert.NotEmpty(t, lost(before, updated(t, "dev", "registry.repositories=[webapp]")))
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
	for _, key := range slices.Sorted(maps.Keys(properties.Mutations)) {
		for _, value := range properties.Mutations[key] {
			row := []string{"`" + strings.ReplaceAll(strings.ReplaceAll(key+": "+value, "\n", " "), "|", "\\|") + "`"}
			for _, stack := range harness.Environments {
				row = append(row, effectOf(t, stack, key+"="+value))
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
func effectOf(t *testing.T, stack, change string) string {
	t.Helper()
	config, err := stacks.Load(harness.Settings(t, stack, change), stack, harness.Today)
	if err != nil {
		return "not legal here"
	}
	if err := config.Refused(harness.Config(t, stack).MadeWith(nil)); err != nil {
		if name := allowable.FindStringSubmatch(err.Error()); name != nil {
			return "**refused** until allowed: `" + name[1] + "`"
		}
		return "**refused**"
	}
	before, after := updated(t, stack), updated(t, stack, change)
	assert.Empty(t, lost(before, after), "%s: %s", stack, change)
	return effects(before, after)
}

// effects says what is changed from one graph to the next, and what that means besides.
func effects(before, after *graph.Graph) string {
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
