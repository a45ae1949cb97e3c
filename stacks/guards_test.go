package stacks_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"groundwork/tests/harness"
)

// TestParkedEnvironmentKeepsItsDatabase: RDS changes a stopped instance only in its tags, and Argo CD cannot start
// without nodes. Such a change is refused while the environment is parked, and with the update that resumes it, because
// the database starts at the end of that. Nothing else is refused.
func TestParkedEnvironmentKeepsItsDatabase(t *testing.T) {
	parked := harness.Config(t, "dev", "parked=true").MadeWith(nil)
	for _, resuming := range []string{"parked=true", "parked=false"} {
		for _, change := range []string{
			"database.instanceClass=db.r7g.large", "database.availability=multiZone", "database.insights=advanced",
			"database.storageGiB=40", "database.monitoringSeconds=30", "database.applyImmediately=false",
			"database.backupRetentionDays=35", "delivery.owner=argocd", harness.Office,
		} {
			err := harness.Config(t, "dev", resuming, change).Refused(parked)
			assert.ErrorContains(t, err, "while the environment is parked", change)
			assert.ErrorContains(t, err, "resume the environment first", change)
		}
		for _, change := range []string{
			"owner=acme", "cache.nodes=3", "logRetentionDays=365", "database.allowMajorVersionUpgrade=true",
			"edge.requestsPerFiveMinutes=10",
		} {
			assert.NoError(t, harness.Config(t, "dev", resuming, change).Refused(parked), change)
		}
	}
	running := harness.Config(t, "dev").MadeWith(nil)
	assert.NoError(t, harness.Config(t, "dev", "parked=true", "database.insights=advanced").Refused(running))
}

// TestStoppedAtNight: what RDS refuses of a stopped instance is refused outside the working hours of the schedule that
// the environment has, and in working hours it is not.
func TestStoppedAtNight(t *testing.T) {
	scheduled := harness.Config(t, "dev", harness.Office).MadeWith(nil)
	for _, now := range []time.Time{workingHours, evening} {
		for _, changes := range [][]string{
			{harness.Office, "database.insights=advanced"}, {harness.Office, "database.backupRetentionDays=35"},
			{"parked=true"}, {`schedule={"days":["SAT"],"timeZone":"UTC"}`},
		} {
			c := harness.Config(t, "dev", changes...)
			c.Today = now
			err := c.Refused(scheduled)
			if now.Equal(workingHours) {
				assert.NoError(t, err, changes)
				continue
			}
			assert.ErrorContains(t, err, "the database is stopped outside working hours", changes)
			assert.ErrorContains(t, err, "change it in working hours, from 30 minutes after 07:00 to 20:00", changes)
		}
		for _, changes := range [][]string{{harness.Office, "parked=true"}, {harness.Office, "owner=acme"}} {
			c := harness.Config(t, "dev", changes...)
			c.Today = now
			assert.NoError(t, c.Refused(scheduled), changes)
		}
	}
}
