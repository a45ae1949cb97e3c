package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/tests/golden"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
)

// TestNothingStatefulIsLost: no change of a setting deletes or replaces what is stateful, unless the program refuses it
// or groundwork:allow names it. Without protection, nothing else stands between a setting and the data.
// TestRenderedSettings holds the reference environments to the same; this one has more to lose.
func TestNothingStatefulIsLost(t *testing.T) {
	s := &start{stack: "dev", environment: "dev", settings: []string{
		"registry.repositories=[webapp, shop]", "database.version='16'", "network.natMode=perZone", "cache.engine=valkey",
		"logRetentionDays=30",
	}}
	var err error
	s.last, err = s.run(t, false, nil)
	require.NoError(t, err)
	refused, accepted := 0, 0
	for _, change := range properties.Changes() {
		if !s.legal(t, change) {
			continue
		}
		r, err := s.run(t, false, nil, change)
		if err != nil {
			assert.ErrorContains(t, err, "nothing was changed", change)
			refused++
			continue
		}
		accepted++
		assert.Empty(t, statefulLosses(r.Steps), change)
	}
	assert.Greater(t, refused, 10)
	assert.Greater(t, accepted, 50)
}

// statefulLosses are the steps that delete or replace what is stateful.
func statefulLosses(steps []string) []string {
	var all []string
	for _, step := range steps {
		words := strings.Fields(step)
		if (words[0] == "delete" || words[0] == "replace") && awstype.Of(words[1]).Stateful() {
			all = append(all, step)
		}
	}
	return all
}

// TestLossesAreSeen: with the loss allowed by name, the steps that lose something are there to be seen.
func TestLossesAreSeen(t *testing.T) {
	s := &start{stack: "dev", environment: "dev", settings: []string{"registry.repositories=[webapp, shop]"}}
	var err error
	s.last, err = s.run(t, false, nil)
	require.NoError(t, err)
	r, err := s.run(t, false, nil, "registry.repositories=[webapp]", "allow=[delete registry/shop]")
	require.NoError(t, err)
	assert.Equal(t, []string{"delete aws:ecr/repository:Repository registry-shop"}, statefulLosses(r.Steps))
}

// TestRenderedSettings writes docs/settings.md: what a change of each setting does to a dev and a prod that are up.
func TestRenderedSettings(t *testing.T) {
	var out strings.Builder
	out.WriteString("# What a change of each setting does\n\nTo a dev and a prod with the reference settings, by " +
		"`make golden`. docs/changes.md explains what is refused.\n\n| setting | dev | prod |\n|---|---|---|\n")
	for _, change := range properties.Changes() {
		shown := strings.Replace(change, "=", ": ", 1)
		row := []string{"`" + strings.ReplaceAll(strings.ReplaceAll(shown, "\n", " "), "|", "\\|") + "`"}
		for _, stack := range harness.Environments {
			row = append(row, effectOf(t, stack, change))
		}
		fmt.Fprintf(&out, "| %s |\n", strings.Join(row, " | "))
	}
	path := filepath.Join(harness.Root(t), "docs", "settings.md")
	if golden.Updating() {
		require.NoError(t, os.WriteFile(path, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), out.String(), "run make golden where the change is meant")
}

// allowable finds the name under which a refusal can be allowed.
var allowable = regexp.MustCompile(`add "([^"]+)" to groundwork:allow`)

// effectOf says in a table cell what a change does to an environment.
func effectOf(t *testing.T, environment, change string) string {
	t.Helper()
	if !reference(t, environment).legal(t, change) {
		return "not legal here"
	}
	r, err := changed(t, environment, change)
	if err != nil {
		require.ErrorContains(t, err, "nothing was changed", change)
		var names []string
		for _, match := range allowable.FindAllStringSubmatch(err.Error(), -1) {
			names = append(names, "`"+match[1]+"`")
		}
		if names == nil {
			return "**refused**"
		}
		return "**refused** until allowed: " + strings.Join(names, ", ")
	}
	assert.Empty(t, statefulLosses(r.Steps), "%s: %s", environment, change)
	counts := map[string]int{}
	for _, step := range r.Steps {
		operation, _, _ := strings.Cut(step, " ")
		counts[operation]++
	}
	var parts []string
	for _, operation := range []string{"create", "update", "replace", "delete"} {
		if counts[operation] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[operation], operation))
		}
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(append([]string{strings.Join(parts, ", ")}, r.Means...), "; ")
}
