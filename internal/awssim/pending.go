package awssim

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"groundwork/internal/awstype"
)

// deferred splits the inputs of an update into those that take effect now and those that wait for the maintenance
// window. The provider sends what differs from what it read. So a change that waits goes on waiting when the program
// takes it back, and with applyImmediately it takes effect together with the others.
func (o *Object) deferred(in Props) (now, pending Props) {
	now, pending = maps.Clone(in), maps.Clone(o.Pending)
	if pending == nil {
		pending = Props{}
	}
	for _, property := range awstype.Waiting(o.Type) {
		sent := in[property] != nil && !reflect.DeepEqual(in[property], o.State[property])
		value, waits := pending[property]
		switch {
		case in.Flag("applyImmediately"):
			if waits && !sent {
				now[property] = value
			}
			delete(pending, property)
		case sent && o.State[property] != nil:
			now[property], pending[property] = o.State[property], in[property]
		}
	}
	if len(pending) == 0 {
		pending = nil
	}
	return now, pending
}

// maintenance returns the next maintenance window of a resource with pending changes, as an event. A window in which a
// database is stopped passes without effect.
func (c *Cloud) maintenance(o *Object) (dueEvent, error) {
	// What is asked for inside a window waits for the next one.
	start, _, err := awstype.Window(o.State.Str("maintenanceWindow")).Next(c.clock)
	if err == nil && !start.After(c.clock) {
		start = start.AddDate(0, 0, 7)
	}
	if err != nil {
		return dueEvent{}, fmt.Errorf("%s %s: %w", o.Type, o.ID, err)
	}
	return dueEvent{start, o.ID, func() Event { return c.maintain(o, start) }}, nil
}

// maintain makes the pending changes of a resource. The caller holds mu.
func (c *Cloud) maintain(o *Object, at time.Time) Event {
	event := Event{At: at, By: "maintenance window", What: "nothing for " + o.ID + ", which is stopped"}
	if o.State.Str("status") == stopped {
		return event
	}
	var changes []string
	for _, property := range slices.Sorted(maps.Keys(o.Pending)) {
		changes = append(changes, fmt.Sprintf("%s %v to %v", property, o.State[property], o.Pending[property]))
		o.State[property] = o.Pending[property]
	}
	t := catalog[o.Type]
	if t.Outputs != nil {
		maps.Copy(o.State, t.Outputs(c.In(o.Region).Site, o.ID, o.State))
	}
	o.Pending = nil
	if t.Changed != nil {
		if err := t.Changed(c, o); err != nil {
			event.Error = err.Error()
		}
	}
	event.What = "changed " + o.ID + ": " + strings.Join(changes, ", ")
	return event
}
