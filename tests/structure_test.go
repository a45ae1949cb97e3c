package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/tests/harness"
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
	for path, text := range sources(t, "components") {
		if !strings.HasSuffix(path, "_test.go") {
			seen++
			assert.NotRegexp(t, `"(dev|prod|staging)"`, text, path)
		}
	}
	assert.Greater(t, seen, 20)
}

// rooms says which packages of this repository a package may import, by the beginnings of their paths. The longest
// beginning that fits a package is its rule; a test may import what it tests and the harness.
var rooms = map[string][]string{
	"":                  {"stacks"}, // the program itself
	"cmd/groundwork":    {"command"},
	"cmd/pipeline":      {"internal/pipeline"},
	"command":           {"components/", "stacks", "internal/"},
	"components/":       {"components/"},
	"stacks":            {"components/", "internal/awstype"},
	"internal/awstype":  {},
	"internal/graph":    {"stacks"},
	"internal/project":  {"stacks"},
	"internal/awscli":   {},
	"internal/tunnel":   {"internal/awscli", "components/"},
	"internal/recovery": {"internal/awscli", "internal/awstype", "internal/graph"},
	"internal/awssim":   {"internal/awstype", "internal/graph", "internal/recovery", "components/"},
	"internal/engine":   {"internal/awstype", "internal/graph", "internal/project", "internal/recovery", "stacks"},
	"internal/mockrun":  {"internal/awssim", "internal/awstype", "internal/graph", "stacks"},
	"internal/timeline": {"internal/awstype", "internal/graph", "internal/project", "stacks"},
	"internal/cost":     {"internal/awstype", "internal/graph", "internal/project", "stacks", "components/"},
	"internal/rules":    {"internal/awstype", "internal/graph", "internal/project", "stacks", "components/"},
	"internal/report": {"internal/awstype", "internal/graph", "internal/cost", "internal/rules", "internal/timeline",
		"stacks"},
	"internal/doctor":        {"internal/engine", "internal/project", "internal/cost", "stacks", "components/"},
	"internal/drain":         {"internal/awscli", "internal/engine", "internal/project", "stacks", "components/"},
	"internal/bootstrap":     {"internal/engine", "internal/project", "stacks"},
	"internal/pipeline":      {"internal/graph", "internal/awstype", "internal/project"},
	"internal/sandbox":       {"internal/", "stacks"},
	"tests/":                 {"internal/", "components/", "stacks", "tests/"},
	"tests/golden":           {},
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
	for pkg, stranger := range map[string]string{
		"components/network": "stacks",
		"internal/engine":    "internal/awssim",
		"stacks":             "internal/cost",
	} {
		assert.Equal(t, []string{stranger}, strangers(pkg, []string{"groundwork/" + stranger}), "a planted import")
	}
}

// sources are the Go files below some folders, by their paths in the repository.
func sources(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	root := harness.Root(t)
	found := map[string]string{}
	for _, folder := range folders {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, folder), func(p string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				if d != nil && slices.Contains([]string{".git", ".groundwork", "node_modules"}, d.Name()) {
					return filepath.SkipDir
				}
				return err
			}
			if strings.HasSuffix(p, ".go") {
				text, err := os.ReadFile(p)
				require.NoError(t, err)
				name, err := filepath.Rel(root, p)
				require.NoError(t, err)
				found[name] = string(text)
			}
			return nil
		}))
	}
	return found
}

// oversized names each line, function and file that is longer than CONTRIBUTING.md allows.
func oversized(path, text string) ([]string, error) {
	const columns, functionLines, fileLines = 120, 60, 400
	var found []string
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > fileLines {
		found = append(found, fmt.Sprintf("%s has %d lines", path, len(lines)))
	}
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); n > columns {
			found = append(found, fmt.Sprintf("%s:%d has %d columns", path, i+1, n))
		}
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, declaration := range file.Decls {
		if f, ok := declaration.(*ast.FuncDecl); ok {
			if n := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1; n > functionLines {
				found = append(found, fmt.Sprintf("%s: %s has %d lines", path, f.Name.Name, n))
			}
		}
	}
	return found, nil
}

// TestSizes: lines, functions and files stay short enough to read.
func TestSizes(t *testing.T) {
	all := sources(t, ".")
	assert.Greater(t, len(all), 200)
	for path, text := range all {
		found, err := oversized(path, text)
		require.NoError(t, err)
		assert.Empty(t, found)
	}
	long := "package x\n\nfunc f() {" + strings.Repeat("\n", 401) + "} //" + strings.Repeat(" x", 60) + "\n"
	found, err := oversized("x.go", long)
	require.NoError(t, err)
	assert.Equal(t, []string{"x.go has 404 lines", "x.go:404 has 124 columns", "x.go: f has 402 lines"}, found)
}
