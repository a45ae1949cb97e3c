package tests

import (
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/mockrun"
	"groundwork/stacks"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
)

// start is an environment, or a layer of one, that is up.
type start struct {
	stack, environment string
	settings           []string
	last               *mockrun.Result
	beside             map[string]*mockrun.Result
}

// outcome is what a run of the program came to.
type outcome struct {
	*mockrun.Result
	err error
}

var (
	// references are a dev and a prod with the reference settings that are up, by their names.
	references = map[string]*start{}
	// outcomes are what changes of them come to, by environment and changes: several tests look at the same ones.
	outcomes = map[string]outcome{}
)

// reference is an environment with the reference settings that is up.
func reference(t *testing.T, environment string) *start {
	t.Helper()
	if references[environment] == nil {
		s := &start{stack: environment, environment: environment}
		var err error
		s.last, err = s.run(t, false, nil)
		require.NoError(t, err, environment)
		references[environment] = s
	}
	return references[environment]
}

// changed is an update of a reference environment to changed settings.
func changed(t *testing.T, environment string, changes ...string) (*mockrun.Result, error) {
	t.Helper()
	name := strings.Join(append([]string{environment}, changes...), " ")
	if _, seen := outcomes[name]; !seen {
		r, err := reference(t, environment).run(t, false, nil, changes...)
		outcomes[name] = outcome{r, err}
	}
	return outcomes[name].Result, outcomes[name].err
}

// starts are a dev, a prod, a parked dev and the layers of a dev.
func starts(t *testing.T) map[string]*start {
	t.Helper()
	all := map[string]*start{}
	up := func(s *start) *mockrun.Result {
		r, err := s.run(t, false, nil)
		require.NoError(t, err, s.stack)
		return r
	}
	for _, environment := range harness.Environments {
		all[environment] = reference(t, environment)
	}
	parked := *all["dev"]
	parked.settings = []string{"parked=true"}
	parked.last = up(&parked)
	all["parked"] = &parked
	// Its Kubernetes API is reached through a bastion and the endpoints that only a parked environment has.
	private := *all["dev"]
	private.settings = []string{"cluster.publicAccessCidrs=[]"}
	private.last = up(&private)
	private.settings = append(private.settings, "parked=true")
	private.last = up(&private)
	all["parked, private"] = &private
	beside := map[string]*mockrun.Result{}
	for _, layer := range stacks.Layers() {
		s := &start{stack: "dev-" + layer, environment: "dev", beside: maps.Clone(beside)}
		s.last = up(s)
		beside[s.stack], all[s.stack] = s.last, s
	}
	return all
}

// run runs the program with changes to the settings of the start.
func (s *start) run(t *testing.T, preview bool, last *mockrun.Result, changes ...string) (*mockrun.Result, error) {
	t.Helper()
	if last == nil {
		last = s.last
	}
	raw := harness.Settings(t, s.environment, append(slices.Clone(s.settings), changes...)...)
	return mockrun.Run(s.stack, raw, mockrun.Options{
		Preview: preview, Before: last, Beside: s.beside, Today: harness.Today,
	})
}

// legal reports whether a start can have changed settings at all.
func (s *start) legal(t *testing.T, changes ...string) bool {
	t.Helper()
	_, err := stacks.Load(harness.Settings(t, s.environment, append(slices.Clone(s.settings), changes...)...),
		s.stack, harness.Today)
	return err == nil
}

// agrees makes a change: its preview has the steps of its update, a refresh finds nothing afterwards, and a second
// update does nothing. It returns the steps. A change that the program refuses has none.
func (s *start) agrees(t *testing.T, changes ...string) []string {
	t.Helper()
	preview, err := s.run(t, true, nil, changes...)
	if err != nil {
		assert.Regexp(t, "nothing was changed|bring it up to date first", err, "%s: %v", s.stack, changes)
		return nil
	}
	up, err := s.run(t, false, nil, changes...)
	if !assert.NoError(t, err, "%s: %v", s.stack, changes) {
		return nil
	}
	assert.Equal(t, up.Steps, preview.Steps, "%s: %v", s.stack, changes)
	if len(up.Steps) == 0 {
		return nil
	}
	assert.Empty(t, statefulLosses(up.Steps), "%s: %v", s.stack, changes)
	refreshed, err := up.Refresh()
	require.NoError(t, err)
	if slices.Contains(s.settings, "parked=true") {
		// Systems Manager stops the database after its registration.
		refreshed = slices.DeleteFunc(refreshed, func(found string) bool {
			return found == "update aws:rds/instance:Instance database: status, stoppedAt"
		})
	}
	assert.Empty(t, refreshed, "a refresh after %s: %v", s.stack, changes)
	again, err := s.run(t, false, up, changes...)
	require.NoError(t, err)
	assert.Empty(t, again.Steps, "a second update after %s: %v", s.stack, changes)
	return up.Steps
}

// TestRandomChangesAgree: for random changes of one or two settings, preview, update, refresh and second update agree.
func TestRandomChangesAgree(t *testing.T) {
	count := randomChanges
	all := starts(t)
	names := slices.Sorted(maps.Keys(all))
	random := mathrand.New(mathrand.NewPCG(2, 2))
	changed := 0
	for done := 0; done < count; {
		s := all[names[random.IntN(len(names))]]
		changes := properties.Random(random)
		if len(changes) == 0 || !s.legal(t, changes...) {
			continue
		}
		done++
		if len(s.agrees(t, changes...)) > 0 {
			changed++
		}
	}
	assert.Greater(t, changed, count/4, "most of the sample changes nothing")
}

// TestDisagreementIsSeen plants what agrees looks for: a step that only a preview has, a resource that changes or goes
// after the update, and an update that does something every time.
func TestDisagreementIsSeen(t *testing.T) {
	run := func(last *mockrun.Result, preview bool) *mockrun.Result {
		o := mockrun.Options{Before: last, Preview: preview, Today: harness.Today}
		r, err := mockrun.Try("dev", o, func(ctx *pulumi.Context) error {
			name := "id"
			if ctx.DryRun() {
				name = "other"
			}
			_, err := random.NewRandomId(ctx, name, &random.RandomIdArgs{
				ByteLength: pulumi.Int(4), Prefix: pulumi.String(fmt.Sprint(last != nil)),
			})
			return err
		})
		require.NoError(t, err)
		return r
	}
	first := run(nil, false)
	assert.NotEqual(t, first.Steps, run(nil, true).Steps)
	assert.Len(t, run(first, false).Steps, 1)
	s := &start{stack: "dev", environment: "dev"}
	up, err := s.run(t, false, nil)
	require.NoError(t, err)
	for _, o := range up.Cloud.Objects() {
		switch o.Type {
		case awstype.DBInstance:
			require.NoError(t, up.Cloud.In(o.Region).InjectDrift(o.Type, o.ID, "port", 5433.0))
		case awstype.Budget:
			require.NoError(t, up.Cloud.In(o.Region).Delete(t.Context(), o.Type, o.ID))
		}
	}
	found, err := up.Refresh()
	require.NoError(t, err)
	assert.Equal(t, []string{
		"delete aws:budgets/budget:Budget observability-budget", "update aws:rds/instance:Instance database: port",
	}, found)
}

// BenchmarkRun times a run of prod without an engine.
func BenchmarkRun(b *testing.B) {
	for range b.N {
		harness.Graph(b, "prod")
	}
}

// TestAllPairs is TestRandomChangesAgree for every pair of settings of a dev and a prod. It runs in make pairs.
func TestAllPairs(t *testing.T) {
	if os.Getenv("PAIRS") == "" {
		t.Skip("make pairs runs it")
	}
	all := starts(t)
	var items []string
	for _, environment := range harness.Environments {
		for _, pair := range properties.Pairs() {
			items = append(items, environment+" "+strings.ReplaceAll(pair[0]+" | "+pair[1], "\n", " "))
		}
	}
	harness.Sweep(t, "pairs", items, func(t *testing.T, item string) {
		environment, changes, _ := strings.Cut(item, " ")
		first, second, _ := strings.Cut(changes, " | ")
		if s := all[environment]; s.legal(t, first, second) {
			s.agrees(t, first, second)
		}
	})
}
