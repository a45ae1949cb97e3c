//go:build integration

package engine

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/mockrun"
	"groundwork/internal/sandbox"
	"groundwork/stacks"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
)

// TestPreviewSaysWhatUpDoes: a preview has the steps of the update, a second update changes nothing, and a refresh
// afterwards finds nothing: what was replaced is there.
func TestPreviewSaysWhatUpDoes(t *testing.T) {
	t.Parallel()
	changed := sameSteps(t, "dev", "cluster.publicAccessCidrs=[198.51.100.0/24]", "registry.keepImages=20")
	assert.Contains(t, changed, "update aws:eks/cluster:Cluster cluster-eksCluster")
	assert.Contains(t, changed, "replace aws:ecr/lifecyclePolicy:LifecyclePolicy registry-webapp")
	assert.NotContains(t, changed, "replace aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule edge-at-pods",
		"an output inside a block of inputs is still known")
}

// TestRandomChanges is TestPreviewSaysWhatUpDoes for random changes of one or two settings: CHANGES of them, one if it
// is not set. make changes makes sixty and prints them.
func TestRandomChanges(t *testing.T) {
	count := 1
	if text := os.Getenv("CHANGES"); text != "" {
		var err error
		count, err = strconv.Atoi(text)
		require.NoError(t, err, "CHANGES")
	}
	random := rand.New(rand.NewPCG(1, 1))
	for done := 0; done < count; {
		stack := harness.Environments[random.IntN(len(harness.Environments))]
		changes := properties.Random(random)
		raw := harness.Settings(t, stack, changes...)
		if _, err := stacks.Load(raw, stack, harness.Today); err != nil || len(changes) == 0 {
			continue
		}
		done++
		changed := sameSteps(t, stack, changes...)
		fmt.Printf("  %3d  %-4s %3d steps  %s\n", done, stack, len(changed), strings.Join(changes, ", "))
	}
}

// TestPairsOfSettings is TestPreviewSaysWhatUpDoes for PAIRS random pairs of settings of a dev and a prod. It runs in
// make pairs-engine.
func TestPairsOfSettings(t *testing.T) {
	if os.Getenv("PAIRS") == "" {
		t.Skip("make pairs-engine runs it")
	}
	count, err := strconv.Atoi(os.Getenv("PAIRS"))
	require.NoError(t, err, "PAIRS")
	pairs := properties.Pairs()
	random := rand.New(rand.NewPCG(3, 3))
	changes := map[string][]string{}
	var items []string
	for len(items) < count {
		stack := harness.Environments[random.IntN(len(harness.Environments))]
		pair := pairs[random.IntN(len(pairs))][:]
		item := strings.ReplaceAll(stack+" "+strings.Join(pair, " | "), "\n", " ")
		_, err := stacks.Load(harness.Settings(t, stack, pair...), stack, harness.Today)
		if err == nil && changes[item] == nil {
			changes[item], items = pair, append(items, item)
		}
	}
	harness.Sweep(t, "pairs-engine", items, func(t *testing.T, item string) {
		stack, _, _ := strings.Cut(item, " ")
		fmt.Printf("  %3d steps  %s\n", len(sameSteps(t, stack, changes[item]...)), item)
	})
}

// sameSteps makes a change to a copy of an environment, holds that its preview has the steps of the update, that a
// second update changes nothing and that a refresh finds nothing, and returns the steps. A change that the program
// refuses has none.
func sameSteps(t *testing.T, stack string, changes ...string) []string {
	t.Helper()
	w := copied(t, stack)
	run := func(operation engine.Operation) ([]string, error) {
		result, err := w.Run(context.Background(), operation, options(stack, io.Discard, changes...))
		if err != nil {
			return nil, err
		}
		return steps(result), nil
	}
	preview, err := run(engine.Preview)
	if err != nil {
		require.ErrorContains(t, err, "that are refused; nothing was changed", changes)
		return nil
	}
	up, err := run(engine.Up)
	require.NoError(t, err, changes)
	assert.Equal(t, up, preview, changes)
	agreesWithoutEngine(t, up, stack, changes...)
	refreshed, err := run(engine.Refresh)
	require.NoError(t, err, changes)
	assert.ElementsMatch(t, waiting(t, w, stack), refreshed, "refresh after %v", changes)
	again, err := run(engine.Up)
	require.NoError(t, err, changes)
	assert.Empty(t, again, "a second update after %v", changes)
	return up
}

// agreesWithoutEngine holds the steps of an update to those that the program makes without an engine, which
// docs/settings.md counts. Only the engine has providers and the resources that pulumi-eks creates besides the cluster.
// Components are no resources of AWS.
func agreesWithoutEngine(t *testing.T, up []string, stack string, changes ...string) {
	t.Helper()
	registered := map[string]bool{}
	run := func(last *mockrun.Result, changes ...string) *mockrun.Result {
		r, err := mockrun.Run(stack, harness.Settings(t, stack, changes...), mockrun.Options{
			Before: last, Today: harness.Today,
		})
		require.NoError(t, err, changes)
		for _, resource := range r.Resources {
			registered[resource.Type+" "+resource.Name] = resource.Custom && !strings.HasPrefix(resource.Type, "pulumi:")
		}
		return r
	}
	without := run(run(nil), changes...).Steps
	own := slices.DeleteFunc(slices.Clone(up), func(step string) bool {
		_, resource, _ := strings.Cut(step, " ")
		return !registered[resource]
	})
	assert.Equal(t, without, own, changes)
}

// waiting are the steps of a refresh that reads the old values of what waits for a maintenance window.
func waiting(t *testing.T, w *sandbox.Sandbox, stack string) []string {
	t.Helper()
	cloud, err := awssim.OpenCloud(w.CloudFile(stack))
	require.NoError(t, err)
	var all []string
	for _, o := range cloud.Objects() {
		if len(o.Pending) > 0 {
			all = append(all, strings.Join([]string{"update", o.Type, resource.URN(o.URN).Name()}, " "))
		}
	}
	return all
}

// TestAnotherScopeOfAccess: EKS knows an association of a policy by its principal, so a replacement deletes the old one
// first. Created first, it would be deleted with the old one.
func TestAnotherScopeOfAccess(t *testing.T) {
	t.Parallel()
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

// TestPendingIsNoDrift: what waits for the maintenance window is neither drift nor an update that every preview
// repeats. After the window the alarms follow.
func TestPendingIsNoDrift(t *testing.T) {
	t.Parallel()
	w := copied(t, "prod")
	change := []string{"database.instanceClass=db.r7g.xlarge", "cache.nodeType=cache.m7g.xlarge"}
	run := func(operation engine.Operation) []string {
		result, err := w.Run(context.Background(), operation, options("prod", io.Discard, change...))
		require.NoError(t, err, operation)
		return steps(result)
	}
	assert.Equal(t, []string{
		"update aws:elasticache/replicationGroup:ReplicationGroup cache", "update aws:rds/instance:Instance database",
	}, run(engine.Up))
	assert.Empty(t, run(engine.Preview))
	assert.Len(t, run(engine.Refresh), 2, "a refresh reads the old values")
	assert.Empty(t, run(engine.Preview))
	var said strings.Builder
	whole := options("prod", &said, change...)
	whole.SkipPreview = false
	again, err := w.Run(context.Background(), engine.Up, whole)
	require.NoError(t, err)
	assert.Empty(t, steps(again))
	assert.Equal(t, 2, strings.Count(said.String(), "is pending until Sunday"), "once for each setting: %s", said.String())
	_, events, err := w.Advance("prod", 7*24*time.Hour)
	require.NoError(t, err)
	assert.Len(t, events, 2)
	run(engine.Refresh)
	moved := run(engine.Up)
	assert.NotEmpty(t, moved)
	for _, step := range moved {
		// A type that is not burstable has no credits to watch.
		assert.Regexp(t, `^(update|delete) aws:cloudwatch/(metricAlarm:MetricAlarm|dashboard:Dashboard) observability-`, step)
	}
	assert.Empty(t, run(engine.Up))
}

// TestAutomaticUpgradeIsNoDrift: AWS raises the minor version of a cache by itself. The program's own version, which is
// then an older one, must not replace the cache.
func TestAutomaticUpgradeIsNoDrift(t *testing.T) {
	t.Parallel()
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

// TestNumberOfNodesIsTheAutoscalers: an update that changes a node group sends the number of nodes that the autoscaler
// has chosen meanwhile, within the bounds, and no other update sends one.
func TestNumberOfNodesIsTheAutoscalers(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	nodes := func() (id string, desired any) {
		cloud, err := awssim.OpenCloud(w.CloudFile("dev"))
		require.NoError(t, err)
		for _, o := range cloud.Objects() {
			if o.Type == awstype.NodeGroup {
				return o.ID, o.State.Get("scalingConfig.desiredSize")
			}
		}
		return "", nil
	}
	scale := func(number float64) {
		cloud, err := awssim.OpenCloud(w.CloudFile("dev"))
		require.NoError(t, err)
		id, _ := nodes()
		require.NoError(t, cloud.In("eu-west-1").InjectDrift(awstype.NodeGroup, id, "scalingConfig", map[string]any{
			"desiredSize": number, "minSize": 1.0, "maxSize": 4.0,
		}))
	}
	var change sandbox.Options
	for _, test := range []struct {
		group string
		want  float64
	}{
		{"{instanceType: t3.medium, desiredSize: 2, minSize: 1, maxSize: 6}", 4},
		{"{instanceType: t3.medium, desiredSize: 2, minSize: 1, maxSize: 6, capacityType: SPOT}", 4},
		{"{instanceType: t3.medium, desiredSize: 2, minSize: 1, maxSize: 3, capacityType: SPOT}", 3},
	} {
		scale(4)
		change = options("dev", io.Discard, "cluster.nodeGroups.general="+test.group)
		up, err := w.Run(context.Background(), engine.Up, change)
		require.NoError(t, err, test.group)
		assert.NotEmpty(t, steps(up), test.group)
		_, desired := nodes()
		assert.Equal(t, test.want, desired, test.group)
	}
	scale(2)
	again, err := w.Run(context.Background(), engine.Up, change)
	require.NoError(t, err)
	assert.Empty(t, steps(again), "the number alone is no difference")
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
	t.Parallel()
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
