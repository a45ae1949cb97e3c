package stacks

import (
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/parking"
)

// memoryKey is the output in which a stack keeps what its next update must know of this one.
const memoryKey = "parking"

// memory is what a stack's last update left. A program is told what is wanted, not what is there; but to bring a
// cache back from its snapshot, and to start what a schedule stopped, it must know that the environment was parked.
type memory struct {
	// Known is true where there was such an update.
	Known bool
	// Parked is true where that update left the environment parked or hibernated.
	Parked bool
	// HadNodes is true where the cluster has had nodes since it exists: only then is there something in it.
	HadNodes bool
	// CacheSnapshot is what the cache left behind when it was last parked, RestoredFrom what it had itself begun with; empty where
	// it never was parked.
	CacheSnapshot, RestoredFrom string
	// Schedule is the one that the environment had.
	Schedule parking.Schedule
}

// remember reads the memory from the stack's own outputs.
func remember(ctx *pulumi.Context, c *Config) (memory, error) {
	var m memory
	outputs, err := ownOutputs(ctx)
	if err != nil {
		return m, err
	}
	if outputs[memoryKey] == nil {
		// Without a memory but with other outputs it is an environment that was last updated by a program that could not park it.
		known := len(outputs) > 0
		return memory{Known: known, HadNodes: known}, nil
	}
	kept, ok := outputs[memoryKey].(map[string]any)
	if !ok {
		return m, fmt.Errorf("reading the stack's own outputs: %s is not a mapping but %v", memoryKey, outputs[memoryKey])
	}
	m.Known = true
	m.Parked, _ = kept["parked"].(bool)
	m.HadNodes, _ = kept["hadNodes"].(bool)
	m.CacheSnapshot, _ = kept["cacheSnapshot"].(string)
	m.RestoredFrom, _ = kept["restoredFrom"].(string)
	schedule, _ := kept["schedule"].(string)
	m.Schedule = parking.ReadSchedule(schedule)
	return m, nil
}

// ownOutputs are those of the stack's last update. A stack reference would be a resource, which a refresh finds changed after every
// update; the call that it is made of leaves nothing in the state.
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

// refuse returns why an update cannot be done now: protection would keep a parked environment from being brought back whole, and a
// schedule that is taken off at night would leave the night behind for good.
func (m memory) refuse(c *Config, now time.Time) error {
	if m.Parked && c.Protect {
		return fmt.Errorf("configuration of stack %s: groundwork:protect true comes too early, the environment is parked: bring it back with protect false first, then protect it", c.Environment)
	}
	if !m.Schedule.On() || c.Schedule.On() || c.Mode().Down() || m.Parked || m.Schedule.Working(now) {
		return nil
	}
	return fmt.Errorf("configuration of stack %s: groundwork:schedule is taken off while the environment is down for the night: nothing would bring it up again; do it half an hour after %s or later, before %s (%s), or park it and bring it back",
		c.Environment, m.Schedule.Start, m.Schedule.Stop, m.Schedule.TimeZone)
}

// memorize is what the next update will remember. finalSnapshot is what the cache that is there, or was until now, leaves behind.
func (m memory) memorize(c *Config, finalSnapshot pulumi.StringOutput) pulumi.Map {
	snapshot := pulumi.String(m.CacheSnapshot).ToStringOutput()
	if c.Mode().Down() && m.Known && !m.Parked {
		snapshot = finalSnapshot
	}
	return pulumi.Map{
		"parked": pulumi.Bool(c.Mode().Down()), "hadNodes": pulumi.Bool(c.Mode() == parking.Running || c.Mode() == parking.Parked && m.HadNodes),
		"cacheSnapshot": snapshot, "restoredFrom": pulumi.String(m.restoredFrom(c)),
		"schedule": pulumi.String(c.Schedule.Text()),
	}
}

// bare is true for a cluster that never had a node. What needs one to be installed then waits until there is.
func (m memory) bare(c *Config) bool { return c.Mode() == parking.Parked && !m.HadNodes }

// restoreFrom is the snapshot that a cache that is made now begins with.
func (m memory) restoreFrom(c *Config) string {
	if m.waking(c) {
		return m.CacheSnapshot
	}
	return ""
}

// restoredFrom is the snapshot that the cache began with, or begins with now.
func (m memory) restoredFrom(c *Config) string {
	if m.waking(c) {
		return m.CacheSnapshot
	}
	return m.RestoredFrom
}

// waking is true for the update that brings a parked environment back.
func (m memory) waking(c *Config) bool { return m.Parked && !c.Mode().Down() }
