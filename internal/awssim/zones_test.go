package awssim

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
)

// TestZonesAreKept: an instance and a node stay where they are when their number or their subnet group changes.
func TestZonesAreKept(t *testing.T) {
	c := NewCloud(Site{Region: "eu-west-1"})
	for _, zone := range []string{"a", "b", "c"} {
		require.NoError(t, c.Seed(Object{
			Type: awstype.Subnet, ID: "subnet-" + zone, State: Props{"availabilityZone": "eu-west-1" + zone},
		}))
	}
	group := Object{Type: awstype.DBSubnetGroup, ID: "main", State: Props{
		"name": "main", "subnetIds": []any{"subnet-b", "subnet-c"},
	}}
	require.NoError(t, c.Seed(group))
	o := &Object{}
	for _, step := range []struct {
		subnets []any
		number  int
		want    []string
	}{
		{[]any{"subnet-b", "subnet-c"}, 1, []string{"eu-west-1b"}},
		{[]any{"subnet-a", "subnet-b", "subnet-c"}, 2, []string{"eu-west-1b", "eu-west-1a"}},
		{[]any{"subnet-a", "subnet-b", "subnet-c"}, 1, []string{"eu-west-1b"}},
	} {
		require.NoError(t, c.InjectDrift(awstype.DBSubnetGroup, "main", "subnetIds", step.subnets))
		c.place(o, awstype.DBSubnetGroup, "main", step.number)
		assert.Equal(t, step.want, o.Zones)
	}
}

// TestNewestSnapshot: the data source names the newest snapshot of the database, whatever the names are.
func TestNewestSnapshot(t *testing.T) {
	c := NewCloud(Site{})
	c.finals = []string{"main-final-b", "main-final-a", "other-final-c"}
	found, err := c.lookUpSnapshot(Props{"dbInstanceIdentifier": "main"})
	require.NoError(t, err)
	assert.Equal(t, "main-final-a", found.Str("dbSnapshotIdentifier"))
	_, err = c.lookUpSnapshot(Props{"dbInstanceIdentifier": "third"})
	require.ErrorContains(t, err, "returned no results")
}
