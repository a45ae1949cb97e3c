package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/parking"
)

// memoryKey is the output in which a stack keeps what its next update must know of this one.
const memoryKey = "parking"

// memory is what a stack's last successful update left. A program is told what is wanted, not what is there; but to bring a
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
}

// remember reads the memory from the stack's own outputs. A protected environment is never parked and needs none.
func remember(ctx *pulumi.Context, c *Config) (memory, error) {
	var m memory
	if c.Protect || c.Layer == LayerAccount {
		return m, nil
	}
	own, err := pulumi.NewStackReference(ctx, fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack()), nil)
	if err != nil {
		return m, fmt.Errorf("reading the stack's own outputs: %w", err)
	}
	details, err := own.GetOutputDetails(memoryKey)
	if err != nil {
		return m, fmt.Errorf("reading the stack's own outputs: %w", err)
	}
	if details.Value == nil {
		return m, nil
	}
	kept, ok := details.Value.(map[string]any)
	if !ok {
		return m, fmt.Errorf("reading the stack's own outputs: %s is not a mapping but %v", memoryKey, details.Value)
	}
	m.Known = true
	m.Parked, _ = kept["parked"].(bool)
	m.HadNodes, _ = kept["hadNodes"].(bool)
	m.CacheSnapshot, _ = kept["cacheSnapshot"].(string)
	m.RestoredFrom, _ = kept["restoredFrom"].(string)
	return m, nil
}

// memorize is what the next update will remember. finalSnapshot is what the cache that is there, or was until now, leaves behind.
func (m memory) memorize(c *Config, finalSnapshot pulumi.StringOutput) pulumi.Map {
	snapshot := pulumi.String(m.CacheSnapshot).ToStringOutput()
	if c.Mode().Down() && m.Known && !m.Parked {
		snapshot = finalSnapshot
	}
	return pulumi.Map{
		"parked": pulumi.Bool(c.Mode().Down()), "hadNodes": pulumi.Bool(c.Mode() == parking.Running || c.Mode() == parking.Parked && m.HadNodes),
		"cacheSnapshot": snapshot, "restoredFrom": pulumi.String(m.restoreFrom(c)),
	}
}

// bare is true for a cluster that never had a node. What needs one to be installed then waits until there is.
func (m memory) bare(c *Config) bool { return c.Mode() == parking.Parked && !m.HadNodes }

// restoreFrom is the snapshot that the cache begins with, or began with.
func (m memory) restoreFrom(c *Config) string {
	if m.waking(c) {
		return m.CacheSnapshot
	}
	return m.RestoredFrom
}

// waking is true for the update that brings a parked environment back.
func (m memory) waking(c *Config) bool { return m.Parked && !c.Mode().Down() }
