package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"groundwork/tests/harness"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forbidden packages each pull in much of an SDK; section "Compile time" of the README says what they cost.
var forbidden = []string{
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/helm/v3",
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/yaml",
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/yaml/v2",
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/wafv2",
}

func TestNoExpensiveImports(t *testing.T) {
	imports := func(pkg string) []string {
		cmd := exec.Command("go", "list", "-deps", pkg)
		cmd.Dir = harness.Root(t)
		out, err := cmd.Output()
		require.NoError(t, err)
		return strings.Fields(string(out))
	}
	for _, pkg := range []string{".", "./cmd/groundwork"} {
		deps := imports(pkg)
		assert.Contains(t, deps, "groundwork/stacks")
		assert.Empty(t, expensive(deps), pkg)
	}
	assert.NotEmpty(t, expensive([]string{"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/wafv2"}), "the check must see one")
}

func expensive(deps []string) []string {
	var found []string
	for _, dep := range deps {
		for _, f := range forbidden {
			if dep == f || strings.HasPrefix(dep, f+"/") {
				found = append(found, dep)
			}
		}
	}
	return found
}

// TestComponentsKnowNoEnvironment: what differs between environments is a value, never a name in a component.
func TestComponentsKnowNoEnvironment(t *testing.T) {
	seen := 0
	require.NoError(t, filepath.WalkDir(filepath.Join(harness.Root(t), "components"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		seen++
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.NotRegexp(t, `"(dev|prod|staging)"`, string(text), path)
		return nil
	}))
	assert.Greater(t, seen, 20)
}

// rooms says which packages of this repository a package may import, by the beginnings of their paths. The longest
// beginning that fits a package is its rule; a test may import what it tests and the harness.
var rooms = map[string][]string{
	"":                       {"stacks"}, // the program itself
	"cmd/groundwork":         {"command"},
	"cmd/pipeline":           {"internal/pipeline"},
	"command":                {"components/", "stacks", "internal/"},
	"components/":            {"components/"},
	"stacks":                 {"components/", "internal/awstype"},
	"internal/awstype":       {},
	"internal/graph":         {"stacks"},
	"internal/project":       {"stacks"},
	"internal/awssim":        {"internal/awstype", "internal/graph", "components/"},
	"internal/engine":        {"internal/awstype", "internal/graph", "internal/project", "stacks"},
	"internal/mockrun":       {"internal/awssim", "internal/awstype", "internal/graph", "stacks"},
	"internal/timeline":      {"internal/awstype", "internal/graph", "internal/project", "stacks"},
	"internal/cost":          {"internal/awstype", "internal/graph", "internal/project", "stacks", "components/"},
	"internal/rules":         {"internal/awstype", "internal/graph", "internal/project", "stacks", "components/"},
	"internal/report":        {"internal/awstype", "internal/graph", "internal/cost", "internal/rules", "internal/timeline", "stacks"},
	"internal/doctor":        {"internal/engine", "internal/project", "internal/cost", "stacks", "components/"},
	"internal/drain":         {"internal/engine", "internal/project", "stacks", "components/"},
	"internal/bootstrap":     {"internal/engine", "internal/project", "stacks"},
	"internal/pipeline":      {"internal/graph", "internal/awstype", "internal/project"},
	"internal/sandbox":       {"internal/", "stacks"},
	"tests/":                 {"internal/", "components/", "stacks", "tests/"},
	"components/internal/":   {"components/"},
	"components/environment": {"components/field"},
	"components/field":       {},
	"components/helm":        {"components/field"},
}

// strangers returns the imports of a package that its room must not know.
func strangers(pkg string, imports []string) []string {
	room := ""
	for beginning := range rooms {
		if strings.HasPrefix(pkg, beginning) && len(beginning) > len(room) {
			room = beginning
		}
	}
	var found []string
	for _, i := range imports {
		name, own := strings.CutPrefix(i, "groundwork/")
		if own && !slices.ContainsFunc(rooms[room], func(may string) bool { return strings.HasPrefix(name, may) }) {
			found = append(found, name)
		}
	}
	return found
}

// TestRooms: each package imports only what its room may know.
func TestRooms(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...")
	cmd.Dir = harness.Root(t)
	out, err := cmd.Output()
	require.NoError(t, err)
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(strings.TrimPrefix(fields[0], "groundwork"), "/")
		seen++
		assert.Empty(t, strangers(pkg, fields[1:]), "%s must not import", pkg)
	}
	assert.Greater(t, seen, 30)
	assert.NotEmpty(t, strangers("components/network", []string{"groundwork/stacks"}), "the check must see one")
	assert.NotEmpty(t, strangers("internal/engine", []string{"groundwork/internal/awssim"}), "the engine does not know what is simulated")
	assert.NotEmpty(t, strangers("stacks", []string{"groundwork/internal/cost"}), "the program knows no prices")
}
