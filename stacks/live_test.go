package stacks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/mockrun"
	"groundwork/tests/harness"
)

// prod runs a prod with changed settings, as of a day after its last update.
func prod(
	t *testing.T, last *mockrun.Result, day time.Time, preview bool, changes ...string,
) (*mockrun.Result, error) {
	t.Helper()
	return mockrun.Run("prod", harness.Settings(t, "prod", changes...), mockrun.Options{
		Preview: preview, Before: last, Today: day,
	})
}

// stepsOf returns the steps that name a type.
func stepsOf(r *mockrun.Result, token string) []string {
	var all []string
	for _, step := range r.Steps {
		if strings.Contains(step, " "+token+" ") {
			all = append(all, step)
		}
	}
	return all
}

// TestPendingUntilTheWindow: with applyImmediately false, AWS keeps the old class until the maintenance window. Until
// then the update that asked for it is not repeated, the settings say what is pending, and the alarms are about the
// class that runs. After the window they follow.
func TestPendingUntilTheWindow(t *testing.T) {
	monday := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	up := func(last *mockrun.Result, day time.Time, changes ...string) *mockrun.Result {
		preview, err := prod(t, last, day, true, changes...)
		require.NoError(t, err)
		r, err := prod(t, last, day, false, changes...)
		require.NoError(t, err)
		assert.Equal(t, r.Steps, preview.Steps, changes)
		return r
	}
	changes := []string{
		"database.instanceClass=db.r7g.xlarge", "database.storageGiB=400", "cache.nodeType=cache.m7g.xlarge",
	}
	before := up(nil, monday)
	asked := up(before, monday, changes...)
	assert.NotEmpty(t, stepsOf(asked, awstype.DBInstance))
	assert.NotEmpty(t, stepsOf(asked, awstype.ReplicationGroup))
	assert.Empty(t, stepsOf(asked, awstype.MetricAlarm), "the old class still runs")

	for range 2 {
		again := up(asked, monday.AddDate(0, 0, 1), changes...)
		assert.Empty(t, again.Steps)
		said := strings.Join(again.Messages, "\n")
		assert.Contains(t, said, "groundwork:database.instanceClass db.r7g.xlarge is pending until Sunday 03:30 UTC; until "+
			"then db.m7g.large runs")
		assert.Contains(t, said, "groundwork:cache.nodeType cache.m7g.xlarge is pending until Sunday 05:00 UTC")
		asked = again
	}
	refreshed, err := asked.Refresh()
	require.NoError(t, err)
	assert.Empty(t, refreshed)

	nextMonday := monday.AddDate(0, 0, 7)
	events, err := asked.Cloud.Advance(nextMonday)
	require.NoError(t, err)
	assert.Len(t, events, 2)
	after := up(asked, nextMonday, changes...)
	assert.NotEmpty(t, stepsOf(after, awstype.MetricAlarm), "the alarms follow")
	assert.Empty(t, after.Messages)
	assert.Empty(t, up(after, nextMonday, changes...).Steps)
}

// asked is a prod whose last update, on a day, asked for another class of the database.
func asked(t *testing.T, day time.Time) *mockrun.Result {
	t.Helper()
	before, err := prod(t, nil, day, false)
	require.NoError(t, err)
	r, err := prod(t, before, day, false, "database.instanceClass=db.r7g.xlarge")
	require.NoError(t, err)
	return r
}

// TestWindowWithoutEffect: a change that AWS did not make in its window is asked for again.
func TestWindowWithoutEffect(t *testing.T) {
	monday := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	again, err := prod(t, asked(t, monday), monday.AddDate(0, 0, 7), false, "database.instanceClass=db.r7g.xlarge")
	require.NoError(t, err)
	assert.NotEmpty(t, stepsOf(again, awstype.DBInstance))
}

// TestChangeThatIsTakenBack: the provider sees no difference when a pending change is taken back, so AWS makes it all
// the same. The update says so, with the command that cancels it.
func TestChangeThatIsTakenBack(t *testing.T) {
	monday := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	back, err := prod(t, asked(t, monday), monday, false)
	require.NoError(t, err)
	for range 2 {
		said := strings.Join(back.Messages, "\n")
		assert.Contains(t, said, "groundwork:database.instanceClass is db.m7g.large again, but AWS still changes it to "+
			"db.r7g.xlarge on Sunday 03:30 UTC")
		assert.Contains(t, said, "modify-db-instance --db-instance-identifier groundwork-prod-main "+
			"--db-instance-class db.m7g.large")
		back, err = prod(t, back, monday.AddDate(0, 0, 1), false)
		require.NoError(t, err)
	}
	events, err := back.Cloud.Advance(monday.AddDate(0, 0, 7))
	require.NoError(t, err)
	assert.Len(t, events, 1)
}

// TestDeletedDatabase: an update never replaces a database that somebody deleted by an empty one, unless it is allowed.
func TestDeletedDatabase(t *testing.T) {
	before, err := prod(t, nil, harness.Today, false, "protect=false")
	require.NoError(t, err)
	for _, o := range before.Cloud.Objects() {
		if o.Type == awstype.DBInstance {
			require.NoError(t, before.Cloud.In("eu-west-1").Delete(t.Context(), o.Type, o.ID))
		}
	}
	for _, preview := range []bool{true, false} {
		_, err = prod(t, before, harness.Today, preview, "protect=false")
		require.ErrorContains(t, err, "the database groundwork-prod-main is gone")
		assert.ErrorContains(t, err, "its newest snapshot is groundwork-prod-main-final-")
		assert.ErrorContains(t, err, `"replace database"`)
	}
	allowed, err := prod(t, before, harness.Today, true, "protect=false", "allow=['replace database']")
	require.NoError(t, err)
	assert.Empty(t, allowed.Messages)
	useless, err := prod(t, nil, harness.Today, true, "protect=false", "allow=['replace database']")
	require.NoError(t, err)
	assert.Contains(t, useless.Messages, "groundwork:allow \"replace database\" allows nothing that this update would "+
		"do: remove it")
}

// TestZoneInUse: AWS refuses to take the subnets away from an instance. The program cannot know where the standby and
// the nodes are, so a zone leaves only by name.
func TestZoneInUse(t *testing.T) {
	dev := func(last *mockrun.Result, changes ...string) (*mockrun.Result, error) {
		return mockrun.Run("dev", harness.Settings(t, "dev", changes...), mockrun.Options{
			Before: last, Today: harness.Today,
		})
	}
	before, err := dev(nil)
	require.NoError(t, err)
	_, err = dev(before, "network.zones=[eu-west-1b, eu-west-1c]")
	require.ErrorContains(t, err, `add "leave zone/eu-west-1a" to groundwork:allow`)
	_, err = dev(before, "network.zones=[eu-west-1b, eu-west-1c]",
		"allow=['leave zone/eu-west-1a', 'release address/eu-west-1a']")
	require.ErrorContains(t, err, "SubnetAlreadyInUse", "the instance is in the first zone")
	_, err = dev(before, "network.zones=[eu-west-1a, eu-west-1c]", "allow=['leave zone/eu-west-1b']")
	require.NoError(t, err)
}
