//go:build integration

package engine

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/sandbox"
)

// held are changes of settings, each with a step that it must show and what the step is.
var held = []struct{ stack, change, step string }{
	{"dev", "cluster.publicAccessCidrs=[198.51.100.0/24]", "update aws:eks/cluster:Cluster cluster-eksCluster"},
	{"dev", "registry.keepImages=20", "replace aws:ecr/lifecyclePolicy:LifecyclePolicy registry-webapp"},
}

// TestPreviewSaysWhatUpDoes: a preview has the steps of the update, a second update changes nothing, and a refresh
// afterwards finds nothing: what was replaced is there.
func TestPreviewSaysWhatUpDoes(t *testing.T) {
	for _, test := range held {
		w := copied(t, test.stack)
		run := func(operation engine.Operation) []string {
			result, err := w.Run(context.Background(), operation, options(test.stack, io.Discard, test.change))
			require.NoError(t, err, test.change)
			return steps(result)
		}
		preview, up := run(engine.Preview), run(engine.Up)
		assert.Contains(t, up, test.step, test.change)
		assert.Equal(t, up, preview, test.change)
		assert.Empty(t, run(engine.Refresh), test.change)
		assert.Empty(t, run(engine.Up), test.change)
	}
}

// TestAnotherScopeOfAccess: EKS knows an association of a policy by its principal, so a replacement deletes the old one
// first. Created first, it would be deleted with the old one.
func TestAnotherScopeOfAccess(t *testing.T) {
	w := copied(t, "dev")
	access := func(namespaces string) string {
		return "cluster.access={team: {principalArn: 'arn:aws:iam::111122223333:role/team', level: edit, namespaces: " +
			namespaces + "}}"
	}
	for _, namespaces := range []string{"[shop]", "[shop, pay]"} {
		_, err := w.Run(context.Background(), engine.Up, options("dev", io.Discard, access(namespaces)))
		require.NoError(t, err)
	}
	refreshed, err := w.Run(context.Background(), engine.Refresh, options("dev", io.Discard, access("[shop, pay]")))
	require.NoError(t, err)
	assert.Empty(t, steps(refreshed))
	up, err := w.Run(context.Background(), engine.Up, options("dev", io.Discard, access("[shop, pay]")))
	require.NoError(t, err)
	assert.Empty(t, steps(up))
}

// TestAutomaticUpgradeIsNoDrift: AWS raises the minor version of a cache by itself. The program's own version, which is
// then an older one, must not replace the cache.
func TestAutomaticUpgradeIsNoDrift(t *testing.T) {
	w := copied(t, "dev")
	cloud, err := awssim.OpenCloud(w.CloudFile("dev"))
	require.NoError(t, err)
	require.NoError(t, cloud.In("eu-west-1").
		InjectDrift(awstype.ReplicationGroup, "groundwork-dev-cache", "engineVersion", "8.9"))
	_, err = w.Run(context.Background(), engine.Refresh, options("dev", io.Discard))
	require.NoError(t, err)
	up, err := w.Run(context.Background(), engine.Up, options("dev", io.Discard))
	require.NoError(t, err)
	assert.Empty(t, steps(up))
}

// steps are what a run did or would do, sorted: operation, type and name of each changed resource.
func steps(r *engine.Result) []string {
	var all []string
	for _, c := range r.Changed {
		all = append(all, strings.Join([]string{c.Op, c.Type, c.Name}, " "))
	}
	slices.Sort(all)
	return all
}

// TestRefusedBeforeTheFirstStep: what fails in an update's own preview fails before anything is changed, and the old
// settings go on as before.
func TestRefusedBeforeTheFirstStep(t *testing.T) {
	w := copied(t, "prod")
	cloud := func() string {
		text, err := os.ReadFile(w.CloudFile("prod"))
		require.NoError(t, err)
		return string(text)
	}
	before := cloud()
	o := func(changes ...string) sandbox.Options {
		o := options("prod", io.Discard, changes...)
		o.SkipPreview = false
		return o
	}
	for _, changes := range [][]string{
		{"protect=false", "parked=true"},
		{"accountId='999955556666'"},
	} {
		_, err := w.Run(context.Background(), engine.Up, o(changes...))
		require.ErrorContains(t, err, "up of prod failed before it changed anything", changes)
	}
	assert.Equal(t, before, cloud())
	up, err := w.Run(context.Background(), engine.Up, o())
	require.NoError(t, err)
	assert.Empty(t, steps(up))
}
