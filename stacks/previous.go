package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/cache"
	"groundwork/components/environment"
	"groundwork/components/field"
)

// previousKey is the output that tells the next update of a stack about this one.
const previousKey = "parking"

// previous is the state of an environment after the last update of its stack. A Pulumi program knows the desired state
// only. To restore a cache from its snapshot, and to refuse changes that would leave the environment stopped, it must
// also know whether the environment was parked or had a schedule.
type previous struct {
	// Known is true if there was an update.
	Known bool
	// Parked is true if the environment was parked or hibernated.
	Parked bool
	// HadNodes is true if the cluster has had nodes since it was created. Only then can there be anything in the cluster.
	HadNodes bool
	// CacheSnapshot is the final snapshot of the cache from when the environment was last parked; empty if it never was.
	CacheSnapshot string
	// RestoredFrom is the snapshot that the current cache was created from; empty for none.
	RestoredFrom string
	// Schedule is the schedule that the environment had.
	Schedule environment.Schedule
}

// readOwnOutputs reads from the stack's own outputs what the last update left.
func (d *deployment) readOwnOutputs() error {
	outputs, err := ownOutputs(d.ctx)
	if err != nil {
		return err
	}
	d.outputs = outputs
	d.nodeGroupNames, _ = outputs[nodeGroupNamesKey].(map[string]any)
	d.previous, err = readPrevious(outputs)
	if err == nil {
		d.made, err = readMade(outputs)
	}
	if err != nil {
		return fmt.Errorf("reading the stack's own outputs:\n%w\npulumi stack output shows what is there", err)
	}
	return nil
}

// readPrevious reads the previous state.
func readPrevious(outputs map[string]any) (previous, error) {
	if outputs[previousKey] == nil {
		// The last update of a stack with other outputs was by a version of the program that could not park it.
		known := len(outputs) > 0
		return previous{Known: known, HadNodes: known}, nil
	}
	return decodePrevious(outputs[previousKey])
}

// decodePrevious decodes what next returned. A missing or wrong value is an error: if it meant "never parked", the
// cache would be created empty.
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

// ownOutputs returns the outputs of the stack's last update. It calls the function behind stack references, which
// leaves nothing in the state. A stack reference is a resource, and every refresh would report it as changed.
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

// power says how much of the environment this update runs. p is the previous state.
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

// refuse returns an error if the update cannot be done now. A parked environment cannot be protected, because that
// would prevent parts of the resumption. Outside working hours a schedule cannot be removed, because the environment
// would stay stopped.
func (p previous) refuse(c *Config) error {
	if p.Parked && c.Protect {
		return fmt.Errorf("configuration of stack %s: groundwork:protect cannot be true while the environment is parked: "+
			"resume it with protect false first, then protect it", c.Environment)
	}
	if !p.Schedule.On() || c.Schedule.On() || c.Parked || p.Parked || p.Schedule.Working(c.Today) {
		return nil
	}
	return fmt.Errorf("configuration of stack %s: groundwork:schedule cannot be removed outside working hours: the "+
		"environment would stay stopped. Remove it 30 minutes after %s or later and before %s (%s)", c.Environment,
		p.Schedule.Start, p.Schedule.Stop, p.Schedule.TimeZone)
}

// next returns the state for the next update. finalSnapshot is the snapshot that ElastiCache takes when the cache is
// deleted, by this update or a later one.
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

// resuming reports whether this update resumes a parked environment.
func (p previous) resuming(power environment.Power) bool { return p.Parked && power.HasCache() }

// restoreFrom is the snapshot that this update creates the cache from; empty for none.
func (p previous) restoreFrom(power environment.Power) string {
	if p.resuming(power) {
		return p.CacheSnapshot
	}
	return ""
}

// restoreFrom is previous.restoreFrom, without the snapshot of an engine that the new one cannot read.
func (d *deployment) restoreFrom() string {
	if d.changes(cacheEngineKey) && d.config.Cache.Engine == cache.Redis {
		return ""
	}
	return d.previous.restoreFrom(d.power)
}

// restoredFrom is the snapshot that the cache was created from, by this update or an earlier one; empty for none.
func (p previous) restoredFrom(power environment.Power) string {
	if p.resuming(power) {
		return p.CacheSnapshot
	}
	return p.RestoredFrom
}
