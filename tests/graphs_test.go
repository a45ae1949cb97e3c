package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/rules"
	"groundwork/internal/sandbox"
)

// view is one environment's graph, from mocks or from the real engine.
type view struct {
	name, stack string
	graph       *graph.Graph
}

// engineRun is one environment brought up by the real engine in the sandbox, once for all tests.
type engineRun struct {
	once      sync.Once
	workspace *sandbox.Sandbox
	log       bytes.Buffer
	result    *engine.Result
	err       error
}

var engineRuns = map[string]*engineRun{"dev": {}, "prod": {}}

// engineDir holds the states of the engine runs; it outlives the test that makes the first run.
var engineDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "groundwork-tests-")
	if err != nil {
		panic(err)
	}
	engineDir = dir
	rules.Today = func() time.Time { return today }
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// options are those of a sandbox run that does not wait for AWS.
func options(stack string, log io.Writer, config ...string) sandbox.Options {
	return sandbox.Options{Stack: stack, Config: config, Today: today, Log: log}
}

// brought returns the engine's run of an environment. The state stays for further operations.
func brought(t testing.TB, stack string) *engineRun {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the Pulumi engine")
	}
	run := engineRuns[stack]
	run.once.Do(func() {
		run.workspace = scratch(t, engineDir+"/"+stack)
		run.result, run.err = run.workspace.Run(context.Background(), engine.Up, options(stack, io.MultiWriter(&run.log, progress{t})))
		if run.err == nil {
			run.err = os.CopyFS(engineDir+"/kept-"+stack, os.DirFS(run.workspace.State))
		}
	})
	require.NoError(t, run.err)
	return run
}

// progress shows the tools' installation, which takes minutes on a fresh machine, while it happens.
type progress struct{ t testing.TB }

func (p progress) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("...")) || bytes.HasPrefix(line, []byte("  ")) && bytes.Contains(line, []byte("still")) {
		return os.Stderr.Write(line)
	}
	return len(line), nil
}

// copied is an environment that is up, for a test to change as it likes.
func copied(t testing.TB, stack string) *sandbox.Sandbox {
	t.Helper()
	brought(t, stack)
	w := scratch(t, t.TempDir())
	require.NoError(t, os.CopyFS(w.State, os.DirFS(engineDir+"/kept-"+stack)))
	return w
}

// scratch is the repository with a state folder of its own.
func scratch(t testing.TB, state string) *sandbox.Sandbox {
	t.Helper()
	w := repository(t)
	w.State = state
	return w
}

// views returns both environments, from mocks and (unless -short) from the engine.
func views(t *testing.T) []view {
	t.Helper()
	var all []view
	for _, stack := range environments {
		all = append(all, view{"mocks " + stack, stack, graphOf(t, stack, false)})
		if !testing.Short() {
			all = append(all, view{"engine " + stack, stack, brought(t, stack).result.Graph})
		}
	}
	return all
}

// copyOf is a deep copy, to plant violations in.
func copyOf(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	var resources []*graph.Resource
	text, err := json.Marshal(g.Resources)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &resources))
	c, err := graph.New(resources)
	require.NoError(t, err)
	return c
}

// first returns the first resource of a type.
func first(g *graph.Graph, token string) *graph.Resource { return g.OfType(token)[0] }
