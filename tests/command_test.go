package tests

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// command runs the groundwork command in the repository.
func command(t *testing.T, binary string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = repository(t).Root
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// TestCommand uses the command as a person would: results on stdout, progress and errors on stderr, an exit code.
func TestCommand(t *testing.T) {
	skipShort(t)
	binary := filepath.Join(t.TempDir(), "groundwork")
	build := exec.Command("go", "build", "-ldflags", "-w -s", "-o", binary, "./cmd/groundwork")
	build.Dir = repository(t).Root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	stdout, _, err := command(t, binary, "sandbox", "--help")
	require.NoError(t, err)
	for _, want := range []string{"preview", "up", "refresh", "destroy", "export", "outputs", "serve", "--config", "--json"} {
		assert.Contains(t, stdout, want)
	}
	stdout, stderr, err := command(t, binary, "sandbox", "preview", "-s", "dev", "--json", "--speed", "0")
	require.NoError(t, err, stderr)
	var result struct {
		Stack, Operation string
		Changes          map[string]int
		Changed          []struct{ Op, Type, Name string }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &result), "stdout is JSON and nothing else")
	assert.Equal(t, "dev preview", result.Stack+" "+result.Operation)

	_, stderr, err = command(t, binary, "sandbox", "preview", "-s", "dev", "--config", "network.cidr=10.0.0.0/8", "--config", "database.port=80")
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
	} {
		_, stderr, err := command(t, binary, strings.Fields(args)...)
		require.Error(t, err, args)
		assert.Contains(t, stderr, want, args)
	}
}
