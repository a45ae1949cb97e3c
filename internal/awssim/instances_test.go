package awssim

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/components/cache"
	"groundwork/components/cluster"
	"groundwork/components/database"
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
}
