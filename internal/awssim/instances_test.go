package awssim

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/cache"
	"groundwork/components/cluster"
	"groundwork/components/database"
	"groundwork/internal/awstype"
)

// TestTablesAgreeWithAWS: the program's tables of classes, node types and instance types say of each what AWS says, and
// name none that AWS does not offer.
func TestTablesAgreeWithAWS(t *testing.T) {
	assert.Greater(t, len(offers), 800)
	for name, class := range database.Classes {
		assert.Equal(t, offers[name].memoryGiB, float64(class.MemoryGiB), name)
	}
	for name, memoryMiB := range cache.NodeTypes {
		assert.InEpsilon(t, offers[name].memoryGiB*1024, memoryMiB, 0.001, name)
	}
	for name, instance := range cluster.Instances {
		want := offers[name]
		assert.Equal(t, cluster.Instance{
			Arm: want.arm, Interfaces: want.interfaces, AddressesEach: want.addressesEach,
		}, instance, name)
	}
}

func TestOffers(t *testing.T) {
	assert.True(t, offers["t3.medium"].in("eu-west-1"))
	assert.True(t, offers["db.t4g.small"].in("eu-west-1"))
	assert.False(t, offers["db.m5.large"].in("ca-west-1"), "all but some")
	assert.False(t, offers["cache.c1.xlarge"].in("eu-central-1"), "a few")
	assert.True(t, offers["cache.c1.xlarge"].in("eu-west-1"))
	assert.NotContains(t, offers, "db.x99.mega")
	assert.True(t, offered("db.", "db.t4g.small"))
	assert.False(t, offered("cache.", "db.t4g.small"))
}

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
