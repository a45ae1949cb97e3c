package environment

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestScheduleTimes: expressions and hours of a schedule.
func TestScheduleTimes(t *testing.T) {
	s := Schedule{Days: []string{"FRI", "MON"}, Start: "07:45", Stop: "20:00", TimeZone: "UTC"}
	assert.Equal(t, "cron(45 7 ? * MON,FRI *)", s.StartCron())
	assert.Equal(t, "cron(15 8 ? * MON,FRI *)", s.StartedCron())
	assert.Equal(t, "cron(0 20 ? * MON,FRI *)", s.StopCron())
	assert.Equal(t, "cron(2 20 ? * MON,FRI *)", s.ScaleDownCron())
	read, err := ReadSchedule(s.Text())
	require.NoError(t, err)
	assert.Equal(t, s.StartCron(), read.StartCron())
	read, err = ReadSchedule("")
	require.NoError(t, err)
	assert.False(t, read.On())
	for _, bad := range []string{"MON", "MON 07:45 20:00", "MON,MON 07:45 20:00 UTC", "MON 7:45 20:00 UTC",
		"MON 07:45 20:00 Mars"} {
		_, err := ReadSchedule(bad)
		assert.Error(t, err, bad)
	}
	for moment, working := range map[string]bool{
		"2026-11-23T08:14:00Z": false, "2026-11-23T08:15:00Z": true, "2026-11-23T19:59:00Z": true,
		"2026-11-23T20:00:00Z": false, "2026-11-24T12:00:00Z": false,
	} {
		at, err := time.Parse(time.RFC3339, moment)
		require.NoError(t, err)
		assert.Equal(t, working, s.Working(at), moment)
	}
}

// TestWindows: all year and everywhere, backup and maintenance of the database are in hours in which a schedule has it
// running.
func TestWindows(t *testing.T) {
	for _, zone := range []string{"Europe/Dublin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "UTC"} {
		s := Schedule{Days: []string{"WED", "MON", "FRI"}, Start: "07:45", Stop: "11:45", TimeZone: zone}
		require.Empty(t, s.Validate())
		backup, maintenance := s.Windows()
		running, daily := 0, 0
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(30 * time.Minute) {
			if week := strings.ToLower(at.Format("Mon:15:04")); inWindow(week, maintenance) {
				assert.True(t, s.Working(at), "%s: maintenance at %s", zone, at)
				running++
			}
			if s.Working(at) && inWindow(at.Format("15:04"), backup) {
				daily++
			}
		}
		assert.Equal(t, 52, running, "%s: half an hour each week", zone)
		assert.InDelta(t, 3*52, daily, 2, "%s: half an hour on each working day", zone)
	}
	backup, maintenance := Schedule{}.Windows()
	assert.Equal(t, "02:00-03:00 sun:03:30-sun:04:30", backup+" "+maintenance)
}

// inWindow reports whether a time, "23:45" or "sun:23:45", is in a window of the same form, which may go past the end
// of day or week.
func inWindow(at, window string) bool {
	minutes := func(text string) (minute, period int) {
		parts := strings.Split(text, ":")
		if len(parts) == 3 {
			minute = 24 * 60 * slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, parts[0])
			parts = parts[1:]
			period = 6 * 24 * 60
		}
		clock, _ := time.Parse("15:04", strings.Join(parts, ":"))
		return minute + clock.Hour()*60 + clock.Minute(), period + 24*60
	}
	from, to, _ := strings.Cut(window, "-")
	begin, period := minutes(from)
	end, _ := minutes(to)
	now, _ := minutes(at)
	return (now-begin+period)%period < (end-begin+period)%period
}
