package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
)

// previousKey is the output in which a stack keeps what its next update must know of this one.
const previousKey = "parking"

// previous is the state that a stack's last update left. A program is told what is wanted, not what is there; but to
// restore a cache from its snapshot, and to start what a schedule stopped, it must know that the environment was
// parked.
type previous struct {
	// Known is true where there was such an update.
	Known bool
	// Parked is true where that update left the environment parked or hibernated.
	Parked bool
	// HadNodes is true where the cluster has had nodes since it exists: only then is there something in it.
	HadNodes bool
	// CacheSnapshot is the snapshot that the cache left when it was last parked; empty where it never was.
	CacheSnapshot string
	// RestoredFrom is the snapshot that the current cache was created from; empty for none.
	RestoredFrom string
	// Schedule is the one that the environment had.
	Schedule environment.Schedule
}

// readPrevious reads the previous state from the stack's own outputs.
func readPrevious(ctx *pulumi.Context) (previous, error) {
	outputs, err := ownOutputs(ctx)
	if err != nil {
		return previous{}, err
	}
	if outputs[previousKey] == nil {
		// A stack with other outputs was last updated by a program that could not park it.
		known := len(outputs) > 0
		return previous{Known: known, HadNodes: known}, nil
	}
	p, err := decodePrevious(outputs[previousKey])
	if err != nil {
		return previous{}, fmt.Errorf("reading the stack's own outputs:\n%w\npulumi stack output %s shows what is there",
			err, previousKey)
	}
	return p, nil
}

// decodePrevious reads what next wrote. What is missing or wrong is an error: taken for "never parked", it would bring
// a cache back empty.
func decodePrevious(value any) (previous, error) {
	p := previous{Known: true}
	object, ok := value.(map[string]any)
	if !ok {
		return p, fmt.Errorf("  output %s %v is not a mapping", previousKey, value)
	}
	var errs field.Errors
	flag := func(name string, into *bool) {
		if *into, ok = object[name].(bool); !ok {
			errs.Add(previousKey+"."+name, object[name], "is not true or false")
		}
	}
	text := func(name string, into *string) {
		if *into, ok = object[name].(string); !ok {
			errs.Add(previousKey+"."+name, object[name], "is not text")
		}
	}
	var schedule string
	flag("parked", &p.Parked)
	flag("hadNodes", &p.HadNodes)
	text("cacheSnapshot", &p.CacheSnapshot)
	text("restoredFrom", &p.RestoredFrom)
	text("schedule", &schedule)
	var err error
	if p.Schedule, err = environment.ReadSchedule(schedule); err != nil {
		errs.Add(previousKey+".schedule", nil, "cannot be read: %v", err)
	}
	return p, errs.Err("  output ")
}

// ownOutputs are those of the stack's last update. A stack reference would be a resource, which a refresh finds changed
// after every update; the call that it is made of leaves nothing in the state.
func ownOutputs(ctx *pulumi.Context) (map[string]any, error) {
	args := struct {
		Name string `pulumi:"name"`
	}{fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())}
	var result struct {
		Outputs map[string]any `pulumi:"outputs"`
	}
	if err := ctx.Invoke("pulumi:pulumi:readStackOutputs", &args, &result); err != nil {
		return nil, fmt.Errorf("reading the stack's own outputs: %w", err)
	}
	return result.Outputs, nil
}

// power is how much of the environment is to run, after what ran before.
func (c *Config) power(p previous) environment.Power {
	power := environment.Power{State: environment.Running, Schedule: c.Schedule, HadNodes: p.HadNodes}
	switch {
	case c.Hibernated:
		power.State = environment.Hibernated
	case c.Parked:
		power.State = environment.Parked
	}
	return power
}

// refuse returns why an update cannot be done now. Protection would keep a parked environment from being resumed whole,
// and without its schedule an environment that is stopped for the night would stay stopped.
func (p previous) refuse(c *Config) error {
	if p.Parked && c.Protect {
		return fmt.Errorf("configuration of stack %s: groundwork:protect true comes too early, the environment is parked: "+
			"bring it back with protect false first, then protect it", c.Environment)
	}
	if !p.Schedule.On() || c.Schedule.On() || c.Parked || p.Parked || p.Schedule.Working(c.Today) {
		return nil
	}
	return fmt.Errorf(
		"configuration of stack %s: groundwork:schedule cannot be removed outside working hours: the environment "+
			"would stay stopped. Remove it 30 minutes after %s or later and before %s (%s), or park the environment and bring "+
			"it back",
		c.Environment,
		p.Schedule.Start,
		p.Schedule.Stop,
		p.Schedule.TimeZone,
	)
}

// next is what the next update will read. finalSnapshot is the snapshot that the cache leaves, the current one or the
// one that this update takes away.
func (p previous) next(c *Config, power environment.Power, finalSnapshot pulumi.StringOutput) pulumi.Map {
	snapshot := pulumi.String(p.CacheSnapshot).ToStringOutput()
	if !power.HasCache() && p.Known && !p.Parked {
		snapshot = finalSnapshot
	}
	return pulumi.Map{
		"parked":        pulumi.Bool(power.State != environment.Running),
		"hadNodes":      pulumi.Bool(power.HadNodesEver()),
		"cacheSnapshot": snapshot,
		"restoredFrom":  pulumi.String(p.restoredFrom(power)),
		"schedule":      pulumi.String(c.Schedule.Text()),
	}
}

// resuming is true for the update that brings a parked environment back.
func (p previous) resuming(power environment.Power) bool { return p.Parked && power.HasCache() }

// restoreFrom is the snapshot that a cache is created from by this update.
func (p previous) restoreFrom(power environment.Power) string {
	if p.resuming(power) {
		return p.CacheSnapshot
	}
	return ""
}

// restoredFrom is the snapshot that the cache of this update was created from, now or earlier.
func (p previous) restoredFrom(power environment.Power) string {
	if p.resuming(power) {
		return p.CacheSnapshot
	}
	return p.RestoredFrom
}
