package stacks_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/tests/harness"
)

// A working day of the schedule below, in and outside working hours.
var (
	workingHours = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	evening      = time.Date(2026, 11, 24, 21, 0, 0, 0, time.UTC)
)

// declareAfter returns the graph of the environment dev with changes of its settings, after an update that left
// outputs.
func declareAfter(t *testing.T, now time.Time, outputs map[string]any, changes ...string) (*graph.Graph, error) {
	t.Helper()
	raw, err := harness.Reference(t).Project.Config("dev", changes...)
	require.NoError(t, err)
	return mockrun.Graph("dev", raw, mockrun.Options{Outputs: map[string]graph.Props{"dev": outputs}, Today: now})
}

// TestScheduleCannotBeRemovedOutsideWorkingHours: nothing would start the environment again.
func TestScheduleCannotBeRemovedOutsideWorkingHours(t *testing.T) {
	scheduled := harness.Left(map[string]any{"schedule": "MON,TUE 07:00 20:00 Europe/Dublin"})
	_, err := declareAfter(t, evening, scheduled)
	require.ErrorContains(t, err, "groundwork:schedule cannot be removed outside working hours")
	for _, now := range []time.Time{workingHours, evening} {
		for _, changes := range [][]string{{harness.Office}, {"parked=true"}} {
			_, err = declareAfter(t, now, scheduled, changes...)
			require.NoError(t, err)
		}
	}
	_, err = declareAfter(t, workingHours, scheduled)
	require.NoError(t, err)
}

// TestUnreadablePreviousState: a missing or wrong value does not mean "never parked". The cache would be created empty.
func TestUnreadablePreviousState(t *testing.T) {
	for name, wrong := range map[string]any{
		"parked": "yes", "hadNodes": nil, "cacheSnapshot": 7.0, "restoredFrom": nil, "schedule": "MON from 7 to 8",
	} {
		_, err := declareAfter(t, workingHours, harness.Left(map[string]any{name: wrong}))
		assert.ErrorContains(t, err, "output parking."+name, name)
	}
	_, err := declareAfter(t, workingHours, map[string]any{"parking": "parked"})
	require.ErrorContains(t, err, "output parking parked is not a mapping")
}

// TestParkedEnvironmentCannotBeProtected: protection would prevent parts of the resumption.
func TestParkedEnvironmentCannotBeProtected(t *testing.T) {
	_, err := declareAfter(t, workingHours, harness.Left(map[string]any{"parked": true}),
		"protect=true",
		"edge.firewall=managed",
		"edge.accessLogs=keep",
		"database.backupRetentionDays=7",
		"cache.snapshotRetentionDays=7",
	)
	require.ErrorContains(t, err, "groundwork:protect cannot be true while the environment is parked")
}

// TestParkedClusterThatHadNodes: only a cluster that had nodes has workloads.
func TestParkedClusterThatHadNodes(t *testing.T) {
	// An environment without a previous state has been running: its last update was by an older program.
	had, err := declareAfter(t, workingHours, map[string]any{"clusterName": "groundwork-dev"}, "parked=true")
	require.NoError(t, err)
	assert.NotEmpty(t, had.OfType(awstype.HelmRelease))
	// A new environment has never had nodes.
	raw, err := harness.Reference(t).Project.Config("dev", "parked=true")
	require.NoError(t, err)
	never, err := mockrun.Graph("dev", raw, mockrun.Options{Today: workingHours})
	require.NoError(t, err)
	assert.Empty(t, never.OfType(awstype.HelmRelease))
	assert.Len(t, never.OfType(awstype.Addon), 3)
}

// TestCacheSnapshotOfPreviousState: the cache is restored only when a parked environment is resumed.
func TestCacheSnapshotOfPreviousState(t *testing.T) {
	running, err := declareAfter(t, workingHours,
		harness.Left(map[string]any{"cacheSnapshot": "second", "restoredFrom": "first"}))
	require.NoError(t, err)
	assert.Nil(t, running.First(awstype.ReplicationGroup).Inputs["snapshotName"])
	for _, r := range running.OfType(awstype.RandomID) {
		if r.Name == "cache-final-snapshot" {
			assert.Equal(t, "first", r.Inputs.Str("keepers.restoredFrom"),
				"the name of the final snapshot stays the same as long as the cache does")
		}
	}
	_, err = declareAfter(t, workingHours, harness.Left(map[string]any{"parked": true, "cacheSnapshot": "gone"}))
	require.ErrorContains(t, err, "SnapshotNotFoundFault: gone not found", "a missing snapshot is an error")
}

// TestParkingRefusals: a protected environment cannot be suspended, and a wrong schedule is refused.
func TestParkingRefusals(t *testing.T) {
	for change, want := range map[string]string{
		"parked=true":               "groundwork:parked true does not go with protect",
		"hibernated=true":           "groundwork:hibernated true is parked without its cluster: set parked to true as well",
		"encryptionKeys=none":       `groundwork:encryptionKeys "none" is not one of separate, shared`,
		`schedule={"days":["MON"]}`: "groundwork:schedule true does not go with protect",

		`schedule={"days":["MONDAY"],"start":"7:00","stop":"25:00","timeZone":"Mars"}`: "groundwork:schedule.days " +
			`"MONDAY" is not one of MON, TUE`,
		`schedule={"days":["MON","MON"]}`: `groundwork:schedule.days "MON" is given twice`,
		`schedule={"days":["MON"],"start":"20:00","stop":"07:00"}`: `groundwork:schedule.stop "07:00" is less than ` +
			"four hours after start 20:00",
		`schedule={"days":["MON"],"stop":"23:45"}`:     `groundwork:schedule.stop "23:45" is later than 23:30`,
		`schedule={"days":["MON"],"timeZone":"Local"}`: `groundwork:schedule.timeZone "Local" is not a time zone`,
	} {
		_, err := load(t, "prod", change)
		assert.ErrorContains(t, err, want, change)
	}
	_, err := load(t, "dev", "parked=true", `schedule={"days":["MON"]}`)
	assert.NoError(t, err)
}
