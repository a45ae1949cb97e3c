package awssim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"groundwork/internal/awstype"

	"github.com/hashicorp/cronexpr"
)

// Event is something that happened in the cloud while its clock advanced.
type Event struct {
	// At is the simulated time.
	At time.Time `json:"at"`
	// By is the schedule, "group/name", or the AWS service that acted by itself.
	By string `json:"by"`
	// What happened.
	What string `json:"what"`
	// Error says why the call failed; empty where it succeeded.
	Error string `json:"error,omitempty"`
	// Attempts is how often the schedule called its target.
	Attempts int `json:"attempts,omitempty"`
}

// restartAfter is how long RDS leaves an instance stopped.
// Source: Amazon RDS User Guide, "Stopping an Amazon RDS DB instance temporarily".
const restartAfter = 7 * 24 * time.Hour

// Clock returns the simulated time.
func (c *Cloud) Clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock
}

// SetClock sets the time of a cloud whose clock has never been set. Otherwise it does nothing: use Advance.
func (c *Cloud) SetClock(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clock.IsZero() {
		c.clock = now.UTC().Truncate(time.Second)
	}
}

// Advance moves the clock forward. It fires every schedule that becomes due, in order, and does what AWS does by
// itself.
func (c *Cloud) Advance(to time.Time) ([]Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clock.IsZero() || to.Before(c.clock) {
		return nil, fmt.Errorf("advancing the clock to %s: it is %s already, and time does not go back",
			to.UTC().Format(time.RFC3339), c.clock.Format(time.RFC3339))
	}
	var events []Event
	begin := c.clock
	for {
		due, err := c.due()
		if err != nil {
			return events, err
		}
		i := slices.IndexFunc(due, func(d dueEvent) bool { return !d.at.After(to) })
		if i < 0 {
			break
		}
		c.clock = due[i].at
		// Events change what is due next, so only those of this moment run before due is called again.
		for _, d := range due {
			if d.at.Equal(c.clock) {
				events = append(events, d.run())
			}
		}
	}
	if to.Sub(begin) >= idleMinutes*time.Minute {
		c.stopIdleBastions()
	}
	c.clock = to.UTC()
	return events, c.save()
}

// Power describes what runs in the cloud: the number of nodes of each node group, and the status of each database.
func (c *Cloud) Power() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	power := map[string]string{}
	for _, o := range c.objects {
		switch o.Type {
		case awstype.NodeGroup:
			size, _ := o.State.Num("scalingConfig.desiredSize")
			power["node group "+o.State.Str("nodeGroupName")] = fmt.Sprintf("%v nodes", size)
		case awstype.DBInstance:
			power["database "+o.State.Str("identifier")] = o.State.Str("status")
		}
	}
	return power
}

// dueEvent is the next event of a schedule, a stopped database or a pending change.
type dueEvent struct {
	at   time.Time
	name string
	run  func() Event
}

// due returns the next event of each schedule, each stopped database and each pending change, the earliest first. The
// caller holds mu.
func (c *Cloud) due() ([]dueEvent, error) {
	var all []dueEvent
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		o := c.objects[key]
		if len(o.Pending) > 0 {
			next, err := c.maintenance(o)
			if err != nil {
				return nil, err
			}
			all = append(all, next)
		}
		switch {
		case o.Type == awstype.Schedule && o.State.Str("state") != "DISABLED":
			next, err := nextTime(o.State.Str("scheduleExpression"), o.State.Str("scheduleExpressionTimezone"), c.clock)
			if err != nil {
				return nil, fmt.Errorf("schedule %s: %w", o.ID, err)
			}
			all = append(all, dueEvent{next, o.ID, func() Event { return c.In(o.Region).fire(o) }})
		case o.Type == awstype.DBInstance && o.State.Str("status") == stopped:
			since, err := time.Parse(time.RFC3339, o.State.Str("stoppedAt"))
			if err != nil {
				return nil, fmt.Errorf("database %s: %w", o.ID, err)
			}
			all = append(all, dueEvent{since.Add(restartAfter), o.ID, func() Event { return c.restart(o) }})
		}
	}
	slices.SortStableFunc(all, func(a, b dueEvent) int {
		if n := a.at.Compare(b.at); n != 0 {
			return n
		}
		return strings.Compare(a.name, b.name)
	})
	return all, nil
}

// restart starts a database that was stopped for as long as RDS allows. The caller holds mu.
func (c *Cloud) restart(o *Object) Event {
	o.State["status"] = available
	what := "started " + o.State.Str("identifier") + ", which had been stopped for seven days"
	return Event{At: c.clock, By: "RDS", What: what}
}

// nextTime returns when a cron expression of EventBridge Scheduler is due after a moment.
func nextTime(expression, zone string, after time.Time) (time.Time, error) {
	fields, ok := strings.CutPrefix(expression, "cron(")
	if !ok || len(strings.Fields(fields)) != 6 {
		return time.Time{}, fmt.Errorf("the sandbox fires cron expressions of six fields, not %s", expression)
	}
	parsed, err := cronexpr.Parse(strings.TrimSuffix(fields, ")"))
	if err != nil {
		return time.Time{}, fmt.Errorf("reading %s: %w", expression, err)
	}
	if zone == "" {
		zone = "UTC"
	}
	where, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the time zone of a schedule: %w", err)
	}
	next := parsed.Next(after.In(where))
	if next.IsZero() {
		return next, fmt.Errorf("%s never comes", expression)
	}
	return next.UTC(), nil
}
