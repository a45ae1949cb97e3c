package awstype

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNextWindow(t *testing.T) {
	for _, test := range []struct {
		window     Window
		after      string
		start, end string
	}{
		{"sun:03:30-sun:04:30", "2026-11-26T12:00:00Z", "2026-11-29T03:30:00Z", "2026-11-29T04:30:00Z"},
		{"sun:03:30-sun:04:30", "2026-11-29T03:45:00Z", "2026-11-29T03:30:00Z", "2026-11-29T04:30:00Z"},
		{"sun:03:30-sun:04:30", "2026-11-29T04:30:00Z", "2026-12-06T03:30:00Z", "2026-12-06T04:30:00Z"},
		{"thu:23:30-fri:00:30", "2026-11-26T12:00:00Z", "2026-11-26T23:30:00Z", "2026-11-27T00:30:00Z"},
		{"sat:23:30-sun:00:30", "2026-11-29T00:10:00Z", "2026-11-28T23:30:00Z", "2026-11-29T00:30:00Z"},
	} {
		after, err := time.Parse(time.RFC3339, test.after)
		require.NoError(t, err)
		start, end, err := test.window.Next(after)
		require.NoError(t, err)
		assert.Equal(t, test.start, start.Format(time.RFC3339), test)
		assert.Equal(t, test.end, end.Format(time.RFC3339), test)
	}
	assert.Equal(t, "Sunday 03:30 UTC", Window("sun:03:30-sun:04:30").String())
	for _, bad := range []Window{"", "sun:03:30", "sun:3-mon:4", "day:03:30-day:04:30"} {
		_, _, err := bad.Next(time.Now())
		assert.Error(t, err, bad)
	}
}
