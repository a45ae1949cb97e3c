//go:build integration

package engine

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/sandbox"
	"groundwork/tests/harness"
)

// monday lets it be noon on a working day. (RDS refuses to start what runs, so a schedule's first morning after a start
// by hand fails.)
func monday(t *testing.T, w *sandbox.Sandbox) {
	t.Helper()
	_, _, err := w.Advance("dev", 36*time.Hour)
	require.NoError(t, err)
}

// duplicate is a copy of a sandbox, for a test to change.
func duplicate(t *testing.T, w *sandbox.Sandbox) *sandbox.Sandbox {
	t.Helper()
	c := scratch(t, t.TempDir())
	require.NoError(t, os.CopyFS(c.State, os.DirFS(w.State)))
	return c
}

// at is what a cloud looks like at one moment.
type at struct {
	nodes    float64
	database string
	alarms   bool
}

func stateOf(t *testing.T, c *awssim.Cloud) at {
	t.Helper()
	nodes, _ := find(t, c, awstype.NodeGroup).State.Num("scalingConfig.desiredSize")
	alarms := true
	for _, o := range c.Objects() {
		if o.Type == awstype.MetricAlarm && strings.HasSuffix(o.State.Str("name"), "database-cpu") {
			alarms = o.State.Flag("actionsEnabled")
		}
	}
	return at{nodes, find(t, c, awstype.DBInstance).State.Str("status"), alarms}
}

// TestSchedule: nodes and database are down at night and on weekends, by schedules that may do no more than that;
// neither the autoscaler nor the program fights it.
func TestSchedule(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	monday(t, w)
	run(t, w, engine.Up, harness.Office)
	cloud, err := w.Cloud("dev")
	require.NoError(t, err)
	day, night := at{2, "available", true}, at{0, "stopped", false}
	advance := func(moment string) []awssim.Event {
		to, err := time.Parse(time.RFC3339, moment)
		require.NoError(t, err)
		events, err := cloud.Advance(to)
		require.NoError(t, err)
		for _, e := range events {
			assert.Empty(t, e.Error, "%s %s", e.By, e.What)
		}
		return events
	}
	for _, step := range []struct {
		moment string
		want   at
	}{
		{"2026-11-23T19:59:00Z", day}, {"2026-11-23T20:05:00Z", night}, {"2026-11-24T06:59:00Z", night},
		{"2026-11-24T07:01:00Z", at{2, "available", false}}, {"2026-11-24T07:31:00Z", day},
		{"2026-11-27T20:05:00Z", night}, {"2026-11-29T12:00:00Z", night}, {"2026-11-30T08:00:00Z", day},
		// Summer: seven o'clock in Dublin is six in UTC.
		{"2027-07-02T05:59:00Z", night}, {"2027-07-02T06:31:00Z", day}, {"2027-07-02T19:05:00Z", night},
	} {
		advance(step.moment)
		assert.Equal(t, step.want, stateOf(t, cloud), step.moment)
	}
	// An update at night leaves the night alone, even one that has read back what is there.
	for _, operation := range []engine.Operation{engine.Up, engine.Refresh, engine.Up} {
		run(t, w, operation, harness.Office)
		cloud, err = w.Cloud("dev")
		require.NoError(t, err)
		assert.Equal(t, night, stateOf(t, cloud), operation)
	}
	// Parked at night, and brought back at night: then it is up.
	run(t, w, engine.Up, harness.Office, "parked=true")
	run(t, w, engine.Up, harness.Office)
	cloud, err = w.Cloud("dev")
	require.NoError(t, err)
	assert.Equal(t, day, stateOf(t, cloud))
}

// failedCalls are the messages in the queue of the calls that a schedule gave up.
func failedCalls(c *awssim.Cloud) []string {
	for _, o := range c.Objects() {
		if o.Type == awstype.Queue && o.State.Str("name") == "groundwork-dev-parking-failures" {
			return o.State.Strs("messages")
		}
	}
	return nil
}

// TestScheduleFailures: what AWS refuses for a moment is tried again; what it goes on refusing is in the queue.
func TestScheduleFailures(t *testing.T) {
	t.Parallel()
	evening := time.Date(2026, 11, 23, 20, 30, 0, 0, time.UTC)
	up := copied(t, "dev")
	monday(t, up)
	run(t, up, engine.Up, harness.Office)
	open := func(t *testing.T) *awssim.Cloud {
		cloud, err := duplicate(t, up).Cloud("dev")
		require.NoError(t, err)
		return cloud
	}
	t.Run("passes", func(t *testing.T) {
		c := open(t)
		c.Inject(awssim.Fault{Operation: "call", Type: "rds:stopDBInstance", Error: "Throttling: Rate exceeded", Times: 3})
		events, err := c.Advance(evening)
		require.NoError(t, err)
		i := slices.IndexFunc(events, func(e awssim.Event) bool { return strings.HasPrefix(e.What, "rds:stopDBInstance") })
		assert.Equal(t, 4, events[i].Attempts)
		assert.Empty(t, failedCalls(c))
		assert.Equal(t, "stopped", stateOf(t, c).database)
	})
	t.Run("stays", func(t *testing.T) {
		c := open(t)
		c.Inject(awssim.Fault{Operation: "call", Type: "rds:stopDBInstance", Error: "Throttling: Rate exceeded"})
		_, err := c.Advance(evening)
		require.NoError(t, err)
		require.Len(t, failedCalls(c), 1)
		assert.Contains(t, failedCalls(c)[0], "database-stop: api error Throttling")
	})
	// Planted violations: without the hold the autoscaler wins, without the permission nothing happens.
	t.Run("no hold", func(t *testing.T) {
		c := open(t)
		require.NoError(t, c.InjectDrift(awstype.Schedule, "groundwork-dev-parking/nodes-general-hold", "state", "DISABLED"))
		_, err := c.Advance(evening)
		require.NoError(t, err)
		assert.InDelta(t, 1, stateOf(t, c).nodes, 0)
	})
	t.Run("no permission", func(t *testing.T) {
		c := open(t)
		for _, o := range c.Objects() {
			if o.Type == awstype.RolePolicy && o.State.Str("name") == "groundwork-dev-parking" {
				without := strings.Replace(o.State.Str("policy"), "rds:StopDBInstance", "rds:RebootDBInstance", 1)
				require.NoError(t, c.InjectDrift(awstype.RolePolicy, o.ID, "policy", without))
			}
		}
		_, err := c.Advance(evening)
		require.NoError(t, err)
		require.Len(t, failedCalls(c), 1)
		assert.Contains(t, failedCalls(c)[0], "is not authorized to perform rds:StopDBInstance")
	})
}

// TestSevenDays: a parked database is never started by AWS; without its weekly hours it would be.
func TestSevenDays(t *testing.T) {
	t.Parallel()
	up := copied(t, "dev")
	run(t, up, engine.Up, "parked=true")
	for _, exercised := range []bool{true, false} {
		c, err := duplicate(t, up).Cloud("dev")
		require.NoError(t, err)
		if !exercised {
			for _, name := range []string{"start", "stop"} {
				schedule := "groundwork-dev-parking/database-exercise-" + name
				require.NoError(t, c.InjectDrift(awstype.Schedule, schedule, "state", "DISABLED"))
			}
		}
		events, err := c.Advance(c.Clock().Add(60 * 24 * time.Hour))
		require.NoError(t, err)
		byAWS := slices.ContainsFunc(events, func(e awssim.Event) bool { return e.By == "RDS" })
		assert.Equal(t, !exercised, byAWS)
		assert.Equal(t, exercised, find(t, c, awstype.DBInstance).State.Str("status") == "stopped")
	}
}
