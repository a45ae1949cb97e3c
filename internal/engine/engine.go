// Package engine runs the real Pulumi engine and CLI on a folder of states, against whatever stands in for AWS, and
// recovers from runs that were killed.
package engine

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/recovery"
)

// Operation is what a run does with a stack.
type Operation string

// The operations of a run.
const (
	Preview Operation = "preview"
	Up      Operation = "up"
	Refresh Operation = "refresh"
	Destroy Operation = "destroy"
)

// Simulation stands in for AWS, Kubernetes and random values during a run.
type Simulation interface {
	// Serve starts the simulated providers and returns the environment variables that point a CLI at them.
	Serve() (map[string]string, error)
	// Stop ends the simulated providers.
	Stop()
	// OnKill sets what kills the engine, for simulations that may.
	OnKill(kill func())
	// Clock returns the time in the simulated account, or the zero time where it was never set.
	Clock() time.Time
	// SetClock sets a clock that was never set.
	SetClock(now time.Time)
	// The account answers what it has.
	recovery.Inventory
	// Release gives up the objects for which given is true: they stay in the account, outside of any program.
	Release(given func(urn string) bool) error
	// Stopped returns the names of the databases that are stopped.
	Stopped() []string
	// Left returns what deletions left behind, with the reason for each.
	Left() map[string]string
}

// Engine is a folder of states and what is run on it.
type Engine struct {
	// Root is the repository; the toolchain is built from what it pins. Its files are only read.
	Root string
	// Tools holds the CLI and the plugin, State the states and copied settings of all stacks.
	Tools, State string
	// Project is the name of the Pulumi project, and File its project file.
	Project string
	File    []byte
	// Program declares a stack as of a day.
	Program func(today time.Time) pulumi.RunFunc
	// Simulate opens the simulated account of a stack.
	Simulate func(stack string) (Simulation, error)
}

// Options of a run.
type Options struct {
	// Stack is the environment, "dev", or one layer of it, "dev-services".
	Stack string
	// Settings are what the stack's settings file says in this run.
	Settings map[string]any
	// Today decides what AWS still supports.
	Today time.Time
	// SkipPreview lets an update begin without a preview of itself: what is refused may then be refused half way.
	SkipPreview bool
	// SkipCheckpoints writes the state at the end only: a killed run then loses what it did.
	SkipCheckpoints bool
	// Log receives progress: a line for each thing done.
	Log io.Writer
}

// Result is what a run did.
type Result struct {
	Stack     string         `json:"stack"`
	Operation Operation      `json:"operation"`
	Changes   map[string]int `json:"changes"`
	// Changed lists each resource that was or would be changed, with the changed properties.
	Changed []ChangedResource `json:"changed"`
	// Seconds the run took here.
	Seconds float64        `json:"seconds"`
	Outputs map[string]any `json:"outputs,omitempty"`
	// Left is what deletions left behind, with the reason for each.
	Left  map[string]string `json:"left,omitempty"`
	Graph *graph.Graph      `json:"-"`
}

// ChangedResource is one step of a run.
type ChangedResource struct {
	Op string `json:"op"`
	// Layer is that of the outermost component it is in; "" for providers and the like.
	Layer string `json:"layer,omitempty"`
	// Stateful is true for what holds data: replacing it loses them.
	Stateful   bool     `json:"stateful,omitempty"`
	Type       string   `json:"type"`
	Name       string   `json:"name"`
	URN        string   `json:"urn"`
	Properties []string `json:"properties,omitempty"`
	// Consequences are what the step means besides, as clauses about the resource.
	Consequences []string `json:"consequences,omitempty"`
}

// Operations returns what was or would be done with each changed resource, by URN: "create", "update" and so on.
func (r *Result) Operations() map[string]string {
	all := map[string]string{}
	for _, c := range r.Changed {
		all[c.URN] = c.Op
	}
	return all
}

// Run does one operation on a stack.
func (e *Engine) Run(ctx context.Context, operation Operation, o Options) (*Result, error) {
	s, err := e.open(ctx, string(operation), o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if operation == Up || operation == Destroy {
		if _, err := s.recover(ctx, recovery.Options{Orphans: true}); err != nil {
			return nil, err
		}
	}
	if operation == Destroy {
		if err := s.refuseDestroy(); err != nil {
			return nil, err
		}
	}
	if err := s.startPlugin(); err != nil {
		return nil, err
	}
	return s.run(ctx, operation)
}

// Recover puts right what a killed run left of a stack.
func (e *Engine) Recover(ctx context.Context, o Options, how recovery.Options) (*recovery.Result, error) {
	s, err := e.open(ctx, "recover", o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.recover(ctx, how)
}

// refuseDestroy stops a destroy before it has deleted half of a stack.
func (s *session) refuseDestroy() error {
	g, err := s.graph()
	if err != nil {
		return err
	}
	if stopped := s.simulation.Stopped(); len(stopped) > 0 && len(g.OfType(awstype.DBInstance)) > 0 {
		return fmt.Errorf("destroying %s: %s is stopped, and RDS makes no final snapshot of a stopped database; "+
			"nothing was deleted\nstart it first: in a parked environment by up with parked=false, "+
			"outside working hours by waiting for them", s.options.Stack, strings.Join(stopped, ", "))
	}
	var names []string
	for _, r := range g.Resources {
		if r.Protect {
			names = append(names, graph.ShortType(r.Type)+" "+r.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("destroying %s: %d resources are protected, nothing was deleted:\n  %s\n"+
		"add --unprotect to delete them too", s.options.Stack, len(names), strings.Join(names, "\n  "))
}

// CLI runs the sandbox's own pulumi with the given arguments, on the states of the folder, and returns what it printed.
func (e *Engine) CLI(ctx context.Context, o Options, args ...string) (string, error) {
	s, err := e.open(ctx, "pulumi", o)
	if err != nil {
		return "", err
	}
	defer s.close()
	var env []string
	for name, value := range s.stack.Workspace().GetEnvVars() {
		env = append(env, name+"="+value)
	}
	env = append(env, "PULUMI_HOME="+s.stack.Workspace().PulumiHome())
	out, problems, _, err := s.cli.PulumiCommand.Run(ctx, e.State, nil, nil, nil, env, args...)
	if err != nil {
		return out, fmt.Errorf("pulumi %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(problems))
	}
	return out, nil
}
