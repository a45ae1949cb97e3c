package hardware_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/hardware"
)

// TestPods: the formula gives the number of pods that AWS publishes for an instance type.
func TestPods(t *testing.T) {
	for name, pods := range map[string]int{
		"t3.small": 11, "t3.medium": 17, "t3.large": 35, "t3.xlarge": 58, "m7g.medium": 8, "m5.large": 29,
	} {
		instance, known := hardware.Find(hardware.EC2, name)
		require.True(t, known, name)
		assert.Equal(t, pods, instance.MaxPods(), name)
	}
}

// TestTypes: every type can be bought somewhere, has memory, and an EC2 type has addresses for pods.
func TestTypes(t *testing.T) {
	assert.Greater(t, len(hardware.Known(hardware.EC2)), 500)
	assert.Greater(t, len(hardware.Known(hardware.RDS)), 150)
	assert.Greater(t, len(hardware.Known(hardware.ElastiCache)), 50)
	for _, service := range []hardware.Service{hardware.EC2, hardware.RDS, hardware.ElastiCache} {
		for _, name := range hardware.Known(service) {
			one, known := hardware.Find(service, name)
			assert.True(t, known && one.VCPUs > 0 && one.MemoryGiB > 0, name)
			somewhere := false
			for _, region := range hardware.Regions() {
				_, offered := one.Price(region)
				somewhere = somewhere || offered
			}
			assert.True(t, somewhere, name)
			assert.Equal(t, service == hardware.EC2, one.Addresses() > 0, name)
		}
	}
}

// TestPrices: prices that bills and AWS's pages give.
func TestPrices(t *testing.T) {
	for _, want := range []struct {
		service      hardware.Service
		name, region string
		price        float64
	}{
		{hardware.EC2, "t3.large", "eu-west-1", 0.0912},
		{hardware.EC2, "m7g.large", "us-east-1", 0.0816},
		{hardware.RDS, "db.t3.medium", "eu-west-1", 0.078},
		{hardware.RDS, "db.t3.large", "eu-west-1", 0.156},
		{hardware.ElastiCache, "cache.t4g.small", "eu-central-1", 0.036},
		{hardware.EC2, "m7g.large", "mars-north-1", 0},
		{hardware.RDS, "db.m5.large", "ca-west-1", 0},
	} {
		one, known := hardware.Find(want.service, want.name)
		require.True(t, known, want.name)
		price, offered := one.Price(want.region)
		assert.InDelta(t, want.price, price, 1e-9, "%s in %s", want.name, want.region)
		assert.Equal(t, want.price > 0, offered)
	}
	_, known := hardware.Find(hardware.RDS, "t3.large")
	assert.False(t, known, "a type of another service")
}

// TestPricesOfOthers holds the list to prices from other sources.
func TestPricesOfOthers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "other-prices.txt"))
	require.NoError(t, err)
	seen := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		service := hardware.EC2
		for _, other := range []hardware.Service{hardware.RDS, hardware.ElastiCache} {
			if strings.HasPrefix(fields[0], string(other)) {
				service = other
			}
		}
		one, known := hardware.Find(service, fields[0])
		require.True(t, known, fields[0])
		for i, region := range []string{"us-east-1", "eu-west-1"} {
			want, err := strconv.ParseFloat(fields[i+1], 64)
			if err != nil {
				continue
			}
			price, _ := one.Price(region)
			// The other sources round to the tenth of a cent.
			assert.InDelta(t, want, price, 0.0006, "%s in %s", fields[0], region)
			seen++
		}
	}
	assert.GreaterOrEqual(t, seen, 60)
}

func TestUnknown(t *testing.T) {
	assert.Contains(t, hardware.Unknown(hardware.RDS, "db.m7g.huge"), "of m7g there are db.m7g.12xlarge")
	assert.Contains(t, hardware.Unknown(hardware.RDS, "db.x99.large"), "families are m5, ")
	assert.Contains(t, hardware.Unknown(hardware.EC2, "large"), "add a row to components/hardware/types.txt")
}
