package stacks_test

import (
	"testing"

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
