package parking

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // Zones are checked wherever the program runs, also where the system knows none.

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/field"
)

// Schedule is when an environment works. No days, the default, means always.
type Schedule struct {
	// Days are MON to SUN; on all others nodes and database stay down.
	Days []string `json:"days"`
	// Start and Stop are times of those days, "HH:MM", Start the earlier one; defaults 07:00 and 20:00.
	Start string `json:"start"`
	Stop  string `json:"stop"`
	// TimeZone is a name of the IANA time zone database, such as Europe/Dublin; default UTC. The hours follow its summer time.
	TimeZone string `json:"timeZone"`
}

// SetDefaults sets what a stack may leave out; it comes before the stack's own values.
func (s *Schedule) SetDefaults() { s.Start, s.Stop, s.TimeZone = "07:00", "20:00", "UTC" }

// Text is a schedule as one line, and ReadSchedule reads it; what cannot be read is no schedule.
func (s Schedule) Text() string {
	if !s.On() {
		return ""
	}
	return strings.Join([]string{strings.Join(s.Days, ","), s.Start, s.Stop, s.TimeZone}, " ")
}

// ReadSchedule reads what Text wrote.
func ReadSchedule(text string) Schedule {
	parts := strings.Fields(text)
	if len(parts) != 4 {
		return Schedule{}
	}
	return Schedule{strings.Split(parts[0], ","), parts[1], parts[2], parts[3]}
}

// On is true where there is a schedule.
func (s Schedule) On() bool { return len(s.Days) > 0 }

var (
	weekdays  = []string{"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}
	clockTime = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
)

// A working day has room for the start, the database's backup and its maintenance: an hour and a half after Start, for half an hour
// each, and an hour more for summer time.
const (
	settling    = 30 * time.Minute
	firstWindow = 90 * time.Minute
	window      = 30 * time.Minute
	shortestDay = 4 * time.Hour
)

// latestStop leaves room for what happens shortly after it.
const latestStop = 23*time.Hour + 30*time.Minute

// Problems returns everything wrong with s.
func (s Schedule) Problems() spec.Problems {
	var p spec.Problems
	for i, day := range s.Days {
		if !slices.Contains(weekdays, day) {
			p.Add("days", day, "is not one of %s", strings.Join(weekdays, ", "))
		}
		if slices.Contains(s.Days[:i], day) {
			p.Add("days", day, "is given twice")
		}
	}
	p.Match("start", s.Start, clockTime, "a time such as 07:00, in quotes")
	p.Match("stop", s.Stop, clockTime, "a time such as 20:00, in quotes")
	if clockTime.MatchString(s.Start) && clockTime.MatchString(s.Stop) && s.clock(s.Stop)-s.clock(s.Start) < shortestDay {
		p.Add("stop", s.Stop, "is less than four hours after start %s of the same day: the database needs them for its backup and its maintenance", s.Start)
	}
	if clockTime.MatchString(s.Stop) && s.clock(s.Stop) > latestStop {
		p.Add("stop", s.Stop, "is later than 23:30, which leaves no time to stop everything on the same day")
	}
	// "Local" would mean whatever the machine of the last update thinks.
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "" || s.TimeZone == "Local" {
		p.Add("timeZone", s.TimeZone, "is not a time zone such as Europe/Dublin or UTC")
	}
	return p
}

// clock is the time since midnight.
func (s Schedule) clock(text string) time.Duration {
	var hours, minutes int
	if _, err := fmt.Sscanf(text, "%d:%d", &hours, &minutes); err != nil {
		return 0
	}
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
}

// Mornings and Evenings are when the environment comes up and goes down, as EventBridge Scheduler writes it: minute, hour,
// day of month, month, day of week, year.
func (s Schedule) Mornings() string { return s.cron(s.clock(s.Start)) }

// Evenings is when it goes down.
func (s Schedule) Evenings() string { return s.cron(s.clock(s.Stop)) }

// NodesDown is shortly after each evening, when whatever was told to keep its hands off the nodes does.
func (s Schedule) NodesDown() string { return s.cron(s.clock(s.Stop) + 2*time.Minute) }

// Settled is half an hour after each morning, when what was started is there.
func (s Schedule) Settled() string { return s.cron(s.clock(s.Start) + settling) }

// windows are the daily backup window and the weekly maintenance window of the database as RDS takes them, in UTC: in working hours,
// as RDS does neither with a database that is stopped. Summer time moves the working day by an hour and the windows not.
func (s Schedule) windows() (backup, maintenance string) {
	where, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return "", ""
	}
	_, january := time.Date(2026, 1, 1, 0, 0, 0, 0, where).Zone()
	_, july := time.Date(2026, 7, 1, 0, 0, 0, 0, where).Zone()
	first := slices.Index(weekdays, s.sorted()[0])
	at := func(after time.Duration) time.Time {
		// A Monday.
		return time.Date(2026, 1, 5+first, 0, 0, 0, 0, time.UTC).Add(s.clock(s.Start) + after - time.Duration(min(january, july))*time.Second)
	}
	day := func(t time.Time) string { return strings.ToLower(t.Format("Mon:15:04")) }
	return at(firstWindow).Format("15:04") + "-" + at(firstWindow+window).Format("15:04"), day(at(firstWindow+window)) + "-" + day(at(firstWindow+2*window))
}

// Windows are the database's backup and maintenance windows, in UTC: in the night where it always runs.
func (s Schedule) Windows() (backup, maintenance string) {
	if s.On() {
		return s.windows()
	}
	return "02:00-03:00", "sun:03:30-sun:04:30"
}

// exercise is when a parked database runs once a week, for both of its windows.
func (s Schedule) exercise() (start, stop, zone string) {
	if !s.On() {
		return "cron(45 1 ? * SUN *)", "cron(45 4 ? * SUN *)", "UTC"
	}
	one := Schedule{Days: s.sorted()[:1]}
	return one.cron(s.clock(s.Start)), one.cron(s.clock(s.Start) + shortestDay), s.TimeZone
}

// sorted are the days, Monday first.
func (s Schedule) sorted() []string {
	var days []string
	for _, day := range weekdays {
		if slices.Contains(s.Days, day) {
			days = append(days, day)
		}
	}
	return days
}

// Working reports whether a moment is between a morning that has settled and the evening.
func (s Schedule) Working(now time.Time) bool {
	where, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return true
	}
	now = now.In(where)
	at := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute
	return slices.Contains(s.Days, strings.ToUpper(now.Weekday().String()[:3])) && at >= s.clock(s.Start)+settling && at < s.clock(s.Stop)
}

func (s Schedule) cron(at time.Duration) string {
	return fmt.Sprintf("cron(%d %d ? * %s *)", int(at.Minutes())%60, int(at.Hours()), strings.Join(s.sorted(), ","))
}

// NodeGroup is a group of nodes that goes down at night.
type NodeGroup struct {
	// Name and AutoScalingGroup are its physical names.
	Name, AutoScalingGroup pulumi.StringOutput
	// Min, Desired and Max are its sizes in the morning.
	Min, Desired, Max int
}

// Args are the facts and choices of one environment's rest.
type Args struct {
	Schedule Schedule
	// Mode is how much of the environment is to be there.
	Mode Mode
	// Name is the physical base name.
	Name string
	// AccountID and Region complete ARNs.
	AccountID, Region string
	// RolePath and RoleBoundary are set on the schedules' role.
	RolePath, RoleBoundary string
	// DatabaseIdentifier is the database instance, DatabaseName the same as far as it is known before the instance exists.
	DatabaseIdentifier pulumi.StringInput
	DatabaseName       string
	// ClusterName and NodeGroups are what goes down at night besides the database.
	ClusterName string
	NodeGroups  map[string]NodeGroup
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	var p spec.Problems
	p.Include("schedule", a.Schedule.Problems())
	if a.Name == "" {
		p.Missing("name", "the physical base name")
	}
	if a.DatabaseIdentifier == nil {
		p.Missing("databaseIdentifier", "the database instance")
	}
	return p.Err("parking " + name + ": args: ")
}
