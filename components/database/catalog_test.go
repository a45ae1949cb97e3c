package database_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/database"
	"groundwork/components/hardware"
)

func TestDatabaseClasses(t *testing.T) {
	for name, refused := range map[string]int{"db.t4g.small": 181, "db.t3.medium": 405, "db.r7g.16xlarge": 5000} {
		class, known := hardware.Find(hardware.RDS, name)
		require.True(t, known, name)
		assert.Less(t, database.Connections(class), refused, "%s: as many connections as a real instance refuses", name)
		assert.Greater(t, database.Connections(class), refused*3/4, name)
	}
	for i, p := range database.Parameters()[1:] {
		assert.Less(t, database.Parameters()[i].Name, p.Name, "sorted, so that a new parameter is the only difference")
	}
}
