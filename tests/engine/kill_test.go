//go:build integration

package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/sandbox"
	"groundwork/tests/harness"
)

// killed is an operation whose engine is killed at each of its steps.
type killed struct {
	name      string
	operation engine.Operation
	// before are the settings of the dev that is up before; nil where nothing is. during are those of the operation.
	before, during []string
}

var resized = []string{
	"cluster.nodeGroups.general={instanceType: t3.large, desiredSize: 2, minSize: 1, maxSize: 6, capacityType: SPOT}",
	"database.instanceClass=db.t4g.medium", "cache.nodes=2", "logRetentionDays=90", "registry.keepImages=20",
}

var killedOperations = []killed{
	{"up", engine.Up, nil, []string{}},
	{"update", engine.Up, []string{}, resized},
	{"park", engine.Up, []string{}, []string{"parked=true"}},
	{"resume", engine.Up, []string{"parked=true"}, []string{}},
	{"destroy", engine.Destroy, []string{}, []string{}},
}

// parkedOnce makes the parked dev that resumptions begin from.
var parkedOnce = sync.OnceValue(func() error {
	folder := filepath.Join(shared, "kept-dev-parked")
	s := &sandbox.Sandbox{}
	*s = *environments["dev"].sandbox
	s.State = folder
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(shared, "kept-dev"))); err != nil {
		return err
	}
	_, err := s.Run(context.Background(), engine.Up, options("dev", io.Discard, "parked=true"))
	return err
})

// begin returns a sandbox in which the operation can run.
func (k killed) begin(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	switch {
	case k.before == nil:
		return scratch(t, t.TempDir())
	case len(k.before) == 0:
		return copied(t, "dev")
	}
	brought(t, "dev")
	require.NoError(t, parkedOnce())
	s := scratch(t, t.TempDir())
	require.NoError(t, os.CopyFS(s.State, os.DirFS(filepath.Join(shared, "kept-dev-parked"))))
	return s
}

// steps is how many steps the operation has: each may be one call of a provider, and a replacement is two.
func (k killed) steps(t *testing.T) int {
	t.Helper()
	r, err := k.begin(t).Run(context.Background(), k.operation, options("dev", io.Discard, k.during...))
	require.NoError(t, err)
	calls := 0
	for _, c := range r.Changed {
		calls++
		if c.Op == "replace" {
			calls++
		}
	}
	return calls
}

// sampledKills are the points that make test tries.
var sampledKills = []string{
	"up kill-after 60", "update kill-after 11", "park kill-before 14", "resume kill-after 29", "destroy kill-before 99",
}

// TestKillPoints kills the engine before and after a step of an update, a change with replacements, a parking, a
// resumption and a destroy. The next run ends where it would have ended, a second one finds nothing to do, nothing is
// left beside the state, nothing is there twice, and the database is the same one.
func TestKillPoints(t *testing.T) {
	t.Parallel()
	for _, item := range sampledKills {
		t.Run(item, func(t *testing.T) { assert.True(t, tryKill(t, item), "nothing was killed: the point is past the end") })
	}
}

// TestEveryKillPoint is TestKillPoints for every step. KILLS=all tries them.
func TestEveryKillPoint(t *testing.T) {
	if os.Getenv("KILLS") != "all" {
		t.Skip("make kill-points tries every point")
	}
	var items []string
	for _, k := range killedOperations {
		number := k.steps(t)
		fmt.Printf("  %-8s %3d steps\n", k.name, number)
		for n := 1; n <= number; n++ {
			for _, when := range []string{"before", "after"} {
				items = append(items, fmt.Sprintf("%s kill-%s %d", k.name, when, n))
			}
		}
	}
	harness.Sweep(t, "kill-points", items, func(t *testing.T, item string) { tryKill(t, item) })
}

// tryKill kills one operation at one point. It reports false where the operation ends before that point.
func tryKill(t *testing.T, item string) bool {
	words := strings.Fields(item)
	var k killed
	for _, one := range killedOperations {
		if one.name == words[0] {
			k = one
		}
	}
	fault, err := awssim.ParseFault(words[1] + "::" + words[2])
	require.NoError(t, err)
	w := k.begin(t)
	database := databaseID(t, w)
	o := options("dev", io.Discard, k.during...)
	o.SkipCheckpoints = false
	dying := o
	dying.Faults = []awssim.Injection{fault}
	if _, err := w.Run(context.Background(), k.operation, dying); err == nil {
		return false // The operation has fewer calls than steps.
	} else {
		require.ErrorIs(t, err, engine.ErrKilled)
	}
	_, err = w.Run(context.Background(), k.operation, o)
	require.NoError(t, err, "the next run")
	again, err := w.Run(context.Background(), k.operation, o)
	require.NoError(t, err)
	assert.Empty(t, described(again), "a second run finds nothing to do")
	wholeAccount(t, w)
	if k.operation != engine.Destroy && database != "" {
		assert.Equal(t, database, databaseID(t, w), "the database is another one")
	}
	return true
}

// databaseID is the resource ID of the database; empty where there is none.
func databaseID(t *testing.T, w *sandbox.Sandbox) string {
	t.Helper()
	cloud, err := awssim.OpenCloud(w.CloudFile("dev"))
	require.NoError(t, err)
	for _, o := range cloud.Objects() {
		if o.Type == awstype.DBInstance {
			return o.ID
		}
	}
	return ""
}

// wholeAccount holds that the state and the account have the same resources, each once.
func wholeAccount(t *testing.T, w *sandbox.Sandbox) {
	t.Helper()
	state, err := w.Export("dev")
	require.NoError(t, err)
	recorded, err := graph.Recorded(state)
	require.NoError(t, err)
	cloud, err := awssim.OpenCloud(w.CloudFile("dev"))
	require.NoError(t, err)
	urns, there := map[string]bool{}, map[string]bool{}
	for _, o := range cloud.Objects() {
		there[o.Type+"|"+o.ID] = true
		// Random values are in no account, and AWS makes things by itself.
		if o.URN == "" || strings.HasPrefix(o.Type, "random:") {
			continue
		}
		assert.True(t, recorded[o.Type+"|"+o.ID], "%s %s is in no state", o.Type, o.ID)
		assert.False(t, urns[o.URN], "%s is there twice", o.URN)
		urns[o.URN] = true
	}
	for name := range recorded {
		if strings.HasPrefix(name, "aws:") || strings.HasPrefix(name, "kubernetes:") {
			assert.True(t, there[name], "%s is in the state and not in the account", name)
		}
	}
}
