// Package harness has what the tests of the whole program share: reference settings, and mock runs of the program.
package harness

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/internal/project"
	"groundwork/internal/sandbox"
	"groundwork/stacks"
)

// Today is the day the tests happen on, so that the support calendar does not fail them one day.
var Today = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// Office is a change to a schedule of an environment in Dublin: winter time is UTC, summer time an hour ahead.
const Office = `schedule={"days":["MON","TUE","WED","THU","FRI"],"start":"07:00","stop":"20:00",` +
	`"timeZone":"Europe/Dublin"}`

// Document is the text of a document in the repository in one line, so that it is found wherever its lines break.
func Document(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(t), path))
	require.NoError(t, err)
	return strings.Join(strings.Fields(string(text)), " ")
}

// Environments are those that have reference settings.
var Environments = []string{"dev", "prod"}

// Root is the repository.
func Root(t testing.TB) string { return Own(t).Root }

// Own is the repository with the user's own settings, whatever they say. Tests hold its environments to properties and
// know no figure of them.
func Own(t testing.TB) *project.Project {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	p, err := project.Find(dir)
	require.NoError(t, err)
	p.Secrets = sandbox.StandIns
	return p
}

// reference is a folder that looks like the repository with the reference settings of dev and prod.
var reference = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	own, err := project.Find(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(own.Root, ".groundwork"), 0o755); err != nil {
		return "", err
	}
	root, err := os.MkdirTemp("", "groundwork-reference-")
	if err != nil {
		return "", err
	}
	links := map[string]string{"Pulumi.yaml": "", "tools": "", "webapp": "", ".groundwork": ""}
	for _, environment := range Environments {
		links["Pulumi."+environment+".yaml"] = filepath.Join("tests", "testdata", "reference")
	}
	for name, folder := range links {
		if err := os.Symlink(filepath.Join(own.Root, folder, name), filepath.Join(root, name)); err != nil {
			return "", err
		}
	}
	return root, nil
})

// Main runs the tests of a package that uses Reference, and removes its folder.
func Main(m *testing.M) int {
	// Hundreds of short runs leave little alive: with the default, a quarter of their time is garbage collection.
	// The limit is for the SDK, which never stops the server of a program's transforms: about a megabyte a run.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(2 << 30)
	defer func() {
		if root, err := reference(); err == nil {
			os.RemoveAll(root)
		}
	}()
	return m.Run()
}

// Reference is the repository with the reference settings. Goldens, figures and tables are about them. The state of its
// sandbox is in a folder of the test.
func Reference(t testing.TB) *sandbox.Sandbox {
	t.Helper()
	root, err := reference()
	require.NoError(t, err)
	s, err := sandbox.Find(root)
	require.NoError(t, err)
	s.State = filepath.Join(t.TempDir(), "state")
	return s
}

// Settings are the reference settings of a stack, with changes as --config takes them, as the program would see them.
func Settings(t testing.TB, stack string, changes ...string) map[string]string {
	t.Helper()
	raw, err := Reference(t).Project.Config(stack, changes...)
	require.NoError(t, err)
	return raw
}

// Config is Settings, checked.
func Config(t testing.TB, stack string, changes ...string) *stacks.Config {
	t.Helper()
	c, err := stacks.Load(Settings(t, stack, changes...), stack, Today)
	require.NoError(t, err)
	return c
}

// Run runs the real program under Pulumi mocks, beside stacks with the given outputs.
func Run(stack string, raw map[string]string, outputs map[string]graph.Props) (*mockrun.Result, error) {
	return mockrun.Run(stack, raw, mockrun.Options{Outputs: outputs, Today: Today})
}

// Graph is what the program declares for a stack that was never up.
func Graph(t testing.TB, stack string, changes ...string) *graph.Graph {
	t.Helper()
	g, err := mockrun.Graph(stack, Settings(t, stack, changes...), mockrun.Options{Today: Today})
	require.NoError(t, err)
	require.Greater(t, len(g.Resources), 80, "the program registered hardly anything")
	return g
}

// Updated is what the program declares for a stack that was up.
func Updated(t testing.TB, stack string, changes ...string) *graph.Graph {
	t.Helper()
	outputs := map[string]graph.Props{stack: mockrun.WasUp}
	g, err := mockrun.Graph(stack, Settings(t, stack, changes...), mockrun.Options{Outputs: outputs, Today: Today})
	require.NoError(t, err)
	return g
}

// Left is the output in which an update leaves what the next one reads, with changes.
func Left(changes map[string]any) map[string]any {
	kept := maps.Clone(mockrun.WasUp["parking"].(map[string]any))
	maps.Copy(kept, changes)
	return map[string]any{"parking": kept}
}

// Copy is a deep copy of a graph, to plant violations in.
func Copy(t testing.TB, g *graph.Graph) *graph.Graph {
	t.Helper()
	c, err := g.Copy()
	require.NoError(t, err)
	return c
}

// Pipelines are settings that let GitHub and Jenkins preview and deploy.
func Pipelines(environment string) []string {
	return []string{
		"pipelines.github={repository: example/groundwork, ownerId: '1000001', repositoryId: '2000002', branch: main, " +
			"environment: " + environment + ", provider: create}",
		"pipelines.jenkins={issuer: https://jenkins.example.com/oidc, previewSubject: " +
			"https://jenkins.example.com/job/groundwork-preview/, deploySubject: " +
			"https://jenkins.example.com/job/groundwork/job/main/, provider: create}",
	}
}

// PhysicalID is what differs between two environments, or two stacks of one, because AWS makes it up.
var PhysicalID = regexp.MustCompile(
	`[0-9a-f]{8}[0-9a-f-]{8,}|E[0-9A-F]{13}\b|-[0-9]{5,10}\.|vo_[0-9a-f]+|[0-9A-F]{26,32}|` +
		`-[0-9a-f]{8}\b|(eipalloc|igw|subnet|sg|vpc|rtb|nat|lt|vpce)-[0-9a-z]+`,
)
