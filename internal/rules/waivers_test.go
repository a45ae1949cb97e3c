package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWaiversAreSortedAndUnique(t *testing.T) {
	assert.True(t, slices.IsSortedFunc(Waivers, func(a, b Waiver) int { return strings.Compare(a.Rule, b.Rule) }))
	assert.Len(t, slices.CompactFunc(slices.Clone(Waivers), func(a, b Waiver) bool { return a.Rule == b.Rule }),
		len(Waivers))
}

func TestWaiverTableHasARowForEachWaiver(t *testing.T) {
	rows := strings.Split(strings.TrimSuffix(WaiverTable(), "\n"), "\n")
	assert.Len(t, rows, len(Waivers)+2)
	for i, row := range rows {
		assert.Equal(t, 3, strings.Count(row, "|"), "row %d has two cells: %s", i, row)
	}
	assert.Contains(t, WaiverTable(), "| "+Waivers[0].Rule+" | "+Waivers[0].Reason+" |\n")
}
