package cost

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPricesOfInstances: the prices of instances are those of AWS's own price list.
func TestPricesOfInstances(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "instance-prices.txt"))
	require.NoError(t, err)
	seen := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		for i, region := range []string{"eu-west-1", "us-east-1"} {
			want, err := strconv.ParseFloat(fields[i+1], 64)
			if err != nil {
				continue // AWS has no such type in the region.
			}
			price, err := unitPrice(fields[0], region)
			require.NoError(t, err)
			assert.InDelta(t, want, price, 1e-6, "%s in %s", fields[0], region)
			seen++
		}
	}
	assert.Greater(t, seen, 80)
}
