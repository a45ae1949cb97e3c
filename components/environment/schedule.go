package environment

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // Validate must know all time zones, even if the system has no database of them.

	"groundwork/components/field"
)

// Schedule is when the nodes and the database of an environment run.
type Schedule struct {
	// Days are the working days, MON to SUN. On other days nodes and database do not run. Without days, the default, they
	// always run.
	Days []string `json:"days"`
	// Start and Stop are the beginning and the end of working hours, "HH:MM"; default 07:00 and 20:00. Stop is at least
	// four hours after Start and no later than 23:30.
	Start string `json:"start"`
	Stop  string `json:"stop"`
	// TimeZone is a name of the IANA time zone database, such as Europe/Dublin; default UTC. Start and Stop follow its
	// daylight saving time.
	TimeZone string `json:"timeZone"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *Schedule) SetDefaults() { s.Start, s.Stop, s.TimeZone = "07:00", "20:00", "UTC" }

// Text returns the schedule as one line, or "" for no schedule. ReadSchedule reads it.
func (s Schedule) Text() string {
	if !s.On() {
		return ""
	}
	return strings.Join([]string{strings.Join(s.Days, ","), s.Start, s.Stop, s.TimeZone}, " ")
}

// ReadSchedule reads a line that Text returned.
func ReadSchedule(text string) (Schedule, error) {
	if text == "" {
		return Schedule{}, nil
	}
	parts := strings.Fields(text)
	if len(parts) != 4 {
		return Schedule{}, fmt.Errorf("%q is not a schedule such as \"MON,FRI 07:00 20:00 UTC\"", text)
	}
	s := Schedule{strings.Split(parts[0], ","), parts[1], parts[2], parts[3]}
	return s, s.Validate().Err("")
}

// On reports whether there is a schedule.
func (s Schedule) On() bool { return len(s.Days) > 0 }

var (
	weekdays  = []string{"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}
	clockTime = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
)

// A working day has room for the start, the backup and the maintenance of the database. The two windows begin 90
// minutes after Start and last 30 minutes each. Daylight saving time moves them by an hour.
const (
	starting    = 30 * time.Minute
	firstWindow = 90 * time.Minute
	window      = 30 * time.Minute
	shortestDay = 4 * time.Hour
)

// latestStop leaves time for the calls that follow Stop on the same day.
const latestStop = 23*time.Hour + 30*time.Minute

// Validate returns everything wrong with s.
func (s Schedule) Validate() field.Errors {
	var errs field.Errors
	for i, day := range s.Days {
		if !slices.Contains(weekdays, day) {
			errs.Add("days", day, "is not one of %s", strings.Join(weekdays, ", "))
		}
		if slices.Contains(s.Days[:i], day) {
			errs.Add("days", day, "is given twice")
		}
	}
	if !s.On() && s.Start == "" && s.Stop == "" && s.TimeZone == "" {
		return errs // The zero value means no schedule.
	}
	errs.Match("start", s.Start, clockTime, "a time such as 07:00, in quotes")
	errs.Match("stop", s.Stop, clockTime, "a time such as 20:00, in quotes")
	if clockTime.MatchString(s.Start) && clockTime.MatchString(s.Stop) && s.clock(s.Stop)-s.clock(s.Start) < shortestDay {
		errs.Add("stop", s.Stop, "is less than four hours after start %s of the same day: the database needs them for its "+
			"backup and its maintenance", s.Start).On("start")
	}
	if clockTime.MatchString(s.Stop) && s.clock(s.Stop) > latestStop {
		errs.Add("stop", s.Stop, "is later than 23:30, which leaves no time to stop everything on the same day")
	}
	// "Local" would mean the time zone of the machine that ran the last update.
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "" || s.TimeZone == "Local" {
		errs.Add("timeZone", s.TimeZone, "is not a time zone such as Europe/Dublin or UTC")
	}
	return errs
}

// clock returns the time since midnight of a time such as "07:00".
func (s Schedule) clock(text string) time.Duration {
	var hours, minutes int
	if _, err := fmt.Sscanf(text, "%d:%d", &hours, &minutes); err != nil {
		return 0
	}
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
}

// StartCron is the cron expression of the start of nodes and database, in the form of EventBridge Scheduler: minute,
// hour, day of month, month, day of week, year. All cron expressions are in the time zone of the schedule.
func (s Schedule) StartCron() string { return s.cron(s.clock(s.Start)) }

// StopCron is the cron expression of the stop of the database and the pause of the autoscaler.
func (s Schedule) StopCron() string { return s.cron(s.clock(s.Stop)) }

// ScaleDownCron is the cron expression of the scale-down, two minutes after Stop, when the autoscaler has been paused.
func (s Schedule) ScaleDownCron() string { return s.cron(s.clock(s.Stop) + 2*time.Minute) }

// StartedCron is the cron expression of the end of the start, 30 minutes after Start, when nodes and database run.
func (s Schedule) StartedCron() string { return s.cron(s.clock(s.Start) + starting) }

// Windows are the daily backup window and the weekly maintenance window of the database, in UTC as RDS needs them. They
// are at night if the database always runs, and in working hours if a schedule stops it: RDS neither backs up nor
// maintains a stopped database.
func (s Schedule) Windows() (backup, maintenance string) {
	if !s.On() {
		return "02:00-03:00", "sun:03:30-sun:04:30"
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return "", ""
	}
	// The windows are in UTC and do not follow daylight saving time.
	_, january := time.Date(2026, 1, 1, 0, 0, 0, 0, zone).Zone()
	_, july := time.Date(2026, 7, 1, 0, 0, 0, 0, zone).Zone()
	offset := time.Duration(min(january, july)) * time.Second
	first := slices.Index(weekdays, s.sorted()[0])
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	at := func(after time.Duration) time.Time {
		return monday.AddDate(0, 0, first).Add(s.clock(s.Start) + after - offset)
	}
	day := func(t time.Time) string { return strings.ToLower(t.Format("Mon:15:04")) }
	backup = at(firstWindow).Format("15:04") + "-" + at(firstWindow+window).Format("15:04")
	return backup, day(at(firstWindow+window)) + "-" + day(at(firstWindow+2*window))
}

// WeeklyRun returns the cron expressions of the start and the stop of the weekly run of a parked database, which
// includes both windows, and their time zone.
func (s Schedule) WeeklyRun() (start, stop, zone string) {
	if !s.On() {
		return "cron(45 1 ? * SUN *)", "cron(45 4 ? * SUN *)", "UTC"
	}
	first := Schedule{Days: s.sorted()[:1]}
	return first.cron(s.clock(s.Start)), first.cron(s.clock(s.Start) + shortestDay), s.TimeZone
}

// sorted returns the days, Monday first.
func (s Schedule) sorted() []string {
	var days []string
	for _, day := range weekdays {
		if slices.Contains(s.Days, day) {
			days = append(days, day)
		}
	}
	return days
}

// Working reports whether now is in working hours: at least 30 minutes after Start and before Stop.
func (s Schedule) Working(now time.Time) bool {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return true
	}
	now = now.In(zone)
	at := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute
	today := strings.ToUpper(now.Weekday().String()[:3])
	return slices.Contains(s.Days, today) && at >= s.clock(s.Start)+starting && at < s.clock(s.Stop)
}

func (s Schedule) cron(at time.Duration) string {
	return fmt.Sprintf("cron(%d %d ? * %s *)", int(at.Minutes())%60, int(at.Hours()), strings.Join(s.sorted(), ","))
}
