//go:build integration

package engine

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/cost"
	"groundwork/tests/harness"
)

// checkout is a folder that looks like the repository, tools included, but keeps a state of its own: a test must not
// change, or be stopped by, what the user has in the sandbox.
func checkout(t *testing.T) string {
	t.Helper()
	w := harness.Reference(t)
	dir := t.TempDir()
	link := func(from, to string) {
		require.NoError(t, os.Symlink(from, to))
	}
	for _, name := range []string{"Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "tools", "webapp"} {
		link(filepath.Join(w.Project.Root, name), filepath.Join(dir, name))
	}
	own := filepath.Join(dir, ".groundwork")
	require.NoError(t, os.Mkdir(own, 0o755))
	entries, err := os.ReadDir(w.Tools)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.Name() != "sandbox" {
			link(filepath.Join(w.Tools, entry.Name()), filepath.Join(own, entry.Name()))
		}
	}
	return dir
}

// command runs the groundwork command in a folder.
func command(t *testing.T, dir, binary string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return commandWith(t, dir, "", binary, args...)
}

// commandWith is command with something on standard input.
func commandWith(t *testing.T, dir, stdin, binary string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

var buildCommand = sync.OnceValues(func() (string, error) {
	// As make builds it, so that there is nothing to do after make.
	binary, err := filepath.Abs("../../bin/groundwork")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-ldflags", "-w -s", "-o", binary, "./cmd/groundwork")
	build.Dir = "../.."
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return binary, nil
})

// groundwork is the built command.
func groundwork(t *testing.T) string {
	t.Helper()
	binary, err := buildCommand()
	require.NoError(t, err)
	return binary
}

// TestCommand uses the command as a person would: results on stdout, progress and errors on stderr, an exit code.
func TestCommand(t *testing.T) {
	t.Parallel()
	brought(t, "dev") // installs the tools
	dir := checkout(t)
	binary := groundwork(t)

	stdout, _, err := command(t, dir, binary, "sandbox", "--help")
	require.NoError(t, err)
	operations := []string{"preview", "up", "refresh", "destroy", "export", "outputs", "serve"}
	for _, want := range append(operations, "--config", "--json") {
		assert.Contains(t, stdout, want)
	}
	stdout, stderr, err := command(t, dir, binary, "sandbox", "preview", "-s", "dev", "--json", "--speed", "0")
	require.NoError(t, err, stderr)
	var result struct {
		Stack, Operation string
		Changes          map[string]int
		Changed          []struct{ Op, Type, Name string }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &result), "stdout is JSON and nothing else")
	assert.Equal(t, "dev preview", result.Stack+" "+result.Operation)
	assert.Greater(t, len(result.Changed), 100)

	_, stderr, err = command(t, dir, binary, "sandbox", "up", "--speed", "0")
	require.NoError(t, err, stderr)
	stdout, _, err = command(t, dir, binary, "sandbox", "outputs", "--json")
	require.NoError(t, err)
	assert.Contains(t, stdout, `"clusterName": "groundwork-dev"`)
	stdout, _, err = command(t, dir, binary, "sandbox", "outputs")
	require.NoError(t, err)
	assert.Regexp(t, `clusterName +groundwork-dev`, stdout)
	stdout, _, err = command(t, dir, binary, "sandbox", "export")
	require.NoError(t, err)
	assert.Contains(t, stdout, `"deployment"`)

	stdout, _, err = commandWith(t, dir, stdout, binary, "split", "-s", "dev")
	require.NoError(t, err)
	for _, want := range []string{
		"pulumi stack init dev-services",
		"pulumi state move --yes --source dev --dest dev-observability",
		"pulumi stack rename -s dev dev-platform",
	} {
		assert.Contains(t, stdout, want)
	}
	stdout, _, err = command(t, dir, binary, "sandbox", "pulumi", "-s", "dev", "--", "stack", "ls")
	require.NoError(t, err)
	assert.Regexp(t, `dev\* +now|dev\*`, stdout)
	stdout, _, err = command(t, dir, binary, "sandbox", "drain", "-s", "dev")
	require.NoError(t, err)
	assert.Contains(t, stdout, "destroy can go ahead")
}

// TestCommandRefuses: what cannot be done ends with an exit code and a sentence that says what is wrong.
func TestCommandRefuses(t *testing.T) {
	t.Parallel()
	dir, binary := checkout(t), groundwork(t)
	_, stderr, err := command(t, dir, binary, "sandbox", "preview", "-s", "dev", "--config", "network.cidr=10.0.0.0/8",
		"--config", "database.port=80")
	require.Error(t, err)
	assert.Contains(t, stderr, "error: configuration of stack dev has 2 problem(s)")
	for args, want := range map[string]string{
		"sandbox preview -s nowhere":  "Pulumi.nowhere.yaml does not exist; stacks here are dev, prod",
		"sandbox preview --speed=-1":  "--speed is below 0",
		"sandbox preview extra":       "unknown command",
		"sandbox outputs -s nowhere":  "does not exist",
		"sandbox export -s nowhere":   "does not exist",
		"sandbox serve -s nowhere":    "does not exist",
		"sandbox destroy --unprotekt": "unknown flag",
		"sandbox pulumi":              "requires at least 1 arg",
		"sandbox drain -s nowhere":    "does not exist",
		"drain -s nowhere":            "does not exist",
		"split":                       "is not an environment such as prod",
		"split -s dev":                "give it the output of pulumi stack export",
		"sandbox up -s dev-cellar":    "does not end in a layer: account, platform, services, workloads, observability",
	} {
		_, stderr, err := command(t, dir, binary, strings.Fields(args)...)
		require.Error(t, err, args)
		assert.Contains(t, stderr, want, args)
	}
}

// TestFigures: the commands that print figures and write pages do it for the environment that was asked for, and refuse
// what does not go together before they do anything.
func TestFigures(t *testing.T) {
	t.Parallel()
	binary, err := buildCommand()
	require.NoError(t, err)
	dir := checkout(t)
	out, stderr, err := command(t, dir, binary, "cost", "-s", "dev", "--compare", "prod", "--parked", "--hibernated",
		"--json")
	require.NoError(t, err, stderr)
	var sheets []cost.Sheet
	require.NoError(t, json.Unmarshal([]byte(out), &sheets))
	var names []string
	for _, s := range sheets {
		names = append(names, s.Stack)
	}
	assert.Equal(t, []string{"dev", "prod", "dev parked", "dev hibernated"}, names)
	assert.InDelta(t, sheets[0].Lines[0].Month*12/730, sheets[0].Lines[0].AtNight, 1e-9)
	for _, args := range [][]string{
		{"cost", "-s", "prod", "--parked"}, {"cost", "-s", "dev", "--config", "cache.nodes=2"},
		{"overnight"}, {"timeline", "-s", "prod", "--change", "application"},
	} {
		out, stderr, err := command(t, dir, binary, args...)
		require.NoError(t, err, stderr)
		assert.NotEmpty(t, out, args)
	}
	page := filepath.Join(dir, "page.html")
	_, stderr, err = command(t, dir, binary, "report", "-s", "prod", "-o", page)
	require.NoError(t, err, stderr)
	assert.FileExists(t, page)
	before, err := os.ReadFile(page)
	require.NoError(t, err)
	for want, args := range map[string][]string{
		"--state prices what is there":                    {"cost", "--state", dir, "--parked"},
		`--change "sleep" is not one of`:                  {"timeline", "--change", "sleep"},
		"goes with neither --layer nor --state":           {"timeline", "--change", "park", "--layer", "services"},
		"there is nothing yet":                            {"sandbox", "advance", "-s", "dev"},
		`groundwork:cache.nodes 9 is outside 1 to 6`:      {"report", "-s", "prod", "--config", "cache.nodes=9", "-o", page},
		"groundwork:parked true does not go with protect": {"report", "-s", "prod", "--config", "parked=true", "-o", page},
	} {
		_, stderr, err := command(t, dir, binary, args...)
		require.Error(t, err, args)
		assert.Contains(t, stderr, want)
	}
	after, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, before, after, "a page that cannot be written anew stays")
}
