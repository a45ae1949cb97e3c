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

// TestPreviousState: what an update makes of what the last one left.
func TestPreviousState(t *testing.T) {
	declare := func(now time.Time, outputs map[string]any, changes ...string) (*graph.Graph, error) {
		raw, err := harness.Reference(t).Project.Config("dev", changes...)
		require.NoError(t, err)
		return mockrun.Graph("dev", raw, mockrun.Options{Outputs: map[string]graph.Props{"dev": outputs}, Today: now})
	}
	// Taking a schedule off is refused at night, when nobody would bring the environment up again.
	scheduled := harness.Left(map[string]any{"schedule": "MON,TUE 07:00 20:00 Europe/Dublin"})
	day, night := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 21, 0, 0, 0, time.UTC)
	_, err := declare(night, scheduled)
	require.ErrorContains(t, err, "groundwork:schedule cannot be removed outside working hours")
	for _, now := range []time.Time{day, night} {
		for _, changes := range [][]string{{harness.Office}, {"parked=true"}} {
			_, err = declare(now, scheduled, changes...)
			require.NoError(t, err)
		}
	}
	_, err = declare(day, scheduled)
	require.NoError(t, err)

	// What cannot be read is no "never parked": the cache would come back empty.
	for name, wrong := range map[string]any{
		"parked": "yes", "hadNodes": nil, "cacheSnapshot": 7.0, "restoredFrom": nil, "schedule": "MON from 7 to 8",
	} {
		_, err := declare(day, harness.Left(map[string]any{name: wrong}))
		assert.ErrorContains(t, err, "output parking."+name, name)
	}
	_, err = declare(day, map[string]any{"parking": "parked"})
	require.ErrorContains(t, err, "output parking parked is not a mapping")

	// Protection would keep a parked environment from being brought back whole.
	_, err = declare(
		day,
		harness.Left(map[string]any{"parked": true}),
		"protect=true",
		"edge.firewall=managed",
		"edge.accessLogs=keep",
		"database.backupRetentionDays=7",
		"cache.snapshotRetentionDays=7",
	)
	require.ErrorContains(t, err, "groundwork:protect true comes too early, the environment is parked")

	// An environment of before this memory has been running, so there is something in its cluster.
	before, err := declare(day, map[string]any{"clusterName": "groundwork-dev"}, "parked=true")
	require.NoError(t, err)
	assert.NotEmpty(t, before.OfType(awstype.HelmRelease))
	// One that never ran has a bare cluster: what needs a node waits.
	raw, err := harness.Reference(t).Project.Config("dev", "parked=true")
	require.NoError(t, err)
	bare, err := mockrun.Graph("dev", raw, mockrun.Options{Today: day})
	require.NoError(t, err)
	assert.Empty(t, bare.OfType(awstype.HelmRelease))
	assert.Len(t, bare.OfType(awstype.Addon), 3)

	// A cache that is made again later does not begin with an old snapshot.
	restored, err := declare(day, harness.Left(map[string]any{"cacheSnapshot": "second", "restoredFrom": "first"}))
	require.NoError(t, err)
	assert.Nil(t, restored.First(awstype.ReplicationGroup).Inputs["snapshotName"])
	for _, r := range restored.OfType(awstype.RandomID) {
		if r.Name == "cache-final-snapshot" {
			assert.Equal(
				t,
				"first",
				r.Inputs.Str("keepers.restoredFrom"),
				"as long as it is the same cache, so is the name that it will leave",
			)
		}
	}
	_, err = declare(day, harness.Left(map[string]any{"parked": true, "cacheSnapshot": "gone"}))
	require.ErrorContains(
		t,
		err,
		"SnapshotNotFoundFault: gone not found",
		"and a snapshot that is not there is not passed over",
	)
}

// TestParkingRefusals: where the environment is protected, and whatever else cannot be.
func TestParkingRefusals(t *testing.T) {
	for change, want := range map[string]string{
		"parked=true":               "groundwork:parked true does not go with protect",
		"hibernated=true":           "groundwork:hibernated true is parked without its cluster: set parked to true as well",
		`schedule={"days":["MON"]}`: "groundwork:schedule true does not go with protect",
		`schedule={"days":["MONDAY"],"start":"7:00","stop":"25:00","timeZone":"Mars"}`: "groundwork:schedule.days " +
			"\"MONDAY\" is not one of MON, TUE",
		`schedule={"days":["MON","MON"]}`: "groundwork:schedule.days \"MON\" " +
			"is given twice",
		`schedule={"days":["MON"],"start":"20:00","stop":"07:00"}`: "groundwork:schedule.stop " +
			"\"07:00\" is less than four hours after start 20:00",
		`schedule={"days":["MON"],"stop":"23:45"}`: "groundwork:schedule.stop " +
			"\"23:45\" is later than 23:30",
		`schedule={"days":["MON"],"timeZone":"Local"}`: "groundwork:schedule.timeZone " +
			"\"Local\" is not a time zone",
		"encryptionKeys=none": "groundwork:encryptionKeys " +
			"\"none\" is not one of separate, shared",
	} {
		_, err := load(t, "prod", change)
		assert.ErrorContains(t, err, want, change)
	}
	_, err := load(t, "dev", "parked=true", `schedule={"days":["MON"]}`)
	assert.NoError(t, err)
}
