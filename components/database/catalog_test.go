package database_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/components/database"
)

func TestDatabaseClasses(t *testing.T) {
	assert.Equal(t, 112, database.Classes["db.t3.micro"].MaxConnections())
	assert.Equal(t, 5000, database.Class{MemoryGiB: 1024}.MaxConnections())
	for i, p := range database.Parameters()[1:] {
		assert.Less(t, database.Parameters()[i].Name, p.Name, "sorted, so that a new parameter is the only difference")
	}
}
