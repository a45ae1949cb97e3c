//go:build integration

package engine

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/rules"
	"groundwork/internal/sandbox"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
)

// environment is one environment that the real engine brought up, once for all tests.
type environment struct {
	once    sync.Once
	sandbox *sandbox.Sandbox
	log     bytes.Buffer
	result  *engine.Result
	err     error
}

var environments = map[string]*environment{"dev": {}, "prod": {}}

// shared holds the states of the environments; it outlives the test that brings one up.
var shared string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "groundwork-engine-")
	if err != nil {
		panic(err)
	}
	shared = dir
	rules.Today = func() time.Time { return harness.Today }
	code := harness.Main(m)
	os.RemoveAll(dir)
	os.Exit(code)
}

// options are those of a run that does not wait for AWS, that no test kills, and whose update does not preview itself:
// that takes half as long again.
func options(stack string, log io.Writer, config ...string) sandbox.Options {
	return sandbox.Options{
		Stack: stack, Config: config, Today: harness.Today, Log: log, SkipCheckpoints: true, SkipPreview: true,
	}
}

// brought returns an environment that is up. Tests read it; those that change something take a copy.
func brought(t testing.TB, stack string) *environment {
	t.Helper()
	e := environments[stack]
	e.once.Do(func() {
		e.sandbox = scratch(t, filepath.Join(shared, stack))
		e.result, e.err = e.sandbox.Run(context.Background(), engine.Up, options(stack, io.MultiWriter(&e.log, progress{})))
		if e.err == nil {
			e.err = os.CopyFS(filepath.Join(shared, "kept-"+stack), os.DirFS(e.sandbox.State))
		}
	})
	require.NoError(t, e.err)
	return e
}

// progress shows the tools' installation, which takes minutes on a fresh machine, while it happens.
type progress struct{}

func (progress) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("...")) ||
		bytes.HasPrefix(line, []byte("  ")) && bytes.Contains(line, []byte("still")) {
		return os.Stderr.Write(line)
	}
	return len(line), nil
}

// copied is an environment that is up, for a test to change as it likes.
func copied(t testing.TB, stack string) *sandbox.Sandbox {
	t.Helper()
	brought(t, stack)
	s := scratch(t, t.TempDir())
	require.NoError(t, os.CopyFS(s.State, os.DirFS(filepath.Join(shared, "kept-"+stack))))
	return s
}

// scratch is the repository with the reference settings and a state folder of its own.
func scratch(t testing.TB, state string) *sandbox.Sandbox {
	t.Helper()
	s := harness.Reference(t)
	s.State = state
	return s
}

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }

// described says what a run changed, a line for each resource.
func described(r *engine.Result) []string {
	var all []string
	for _, c := range r.Changed {
		all = append(all, c.Op+" "+c.Type+" "+c.Name+" ["+strings.Join(c.Properties, " ")+"]")
	}
	return all
}

// onLine calls do when a line of progress holds text.
type onLine struct {
	text string
	do   func()
}

func (o onLine) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(o.text)) {
		o.do()
	}
	return len(line), nil
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestProperties holds what the real engine made to the properties and rules, those included that only it shows.
func TestProperties(t *testing.T) {
	for stack := range environments {
		g := brought(t, stack).result.Graph
		s := properties.Subject{Name: stack, Config: harness.Config(t, stack), Graph: g, Engine: true}
		seen, wrong := properties.Wrong(s, harness.Today)
		assert.Greater(t, seen, 90)
		assert.Empty(t, wrong)
		prove := func(name string, check func(*graph.Graph) (int, []string), plant func(*graph.Graph)) {
			seen, wrong := check(g)
			assert.Positive(t, seen, "%s looked at nothing", name)
			assert.Empty(t, wrong, name)
			broken := harness.Copy(t, g)
			plant(broken)
			_, wrong = check(broken)
			assert.NotEmpty(t, wrong, "%s does not see a planted violation", name)
		}
		for _, p := range properties.All {
			if !s.Holds(p) {
				continue
			}
			prove(p.Name, func(g *graph.Graph) (int, []string) {
				s := s
				s.Graph = g
				return p.Check(s)
			}, p.Plant)
		}
		for _, r := range rules.All {
			if !r.ProdOnly || s.Config.Protect {
				prove(r.ID, r.Check, r.Plant)
			}
		}
	}
}
