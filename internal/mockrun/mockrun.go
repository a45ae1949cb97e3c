// Package mockrun runs the program without an engine: a small monitor of its own stands in for the engine, and the
// sandbox's providers answer. A run takes a tenth of a second where the engine takes seconds; a test compares the
// resources of both. Pulumi's own mocks drop unknown values and stack outputs, and know no run before this one. Only
// the engine shows the resources that pulumi-eks creates besides the cluster.
package mockrun

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/stacks"
)

// WasUp are the outputs of a stack that was up when it was last updated, as far as its program reads them.
var WasUp = graph.Props{"parking": map[string]any{
	"parked": false, "hadNodes": true, "cacheSnapshot": "", "restoredFrom": "", "schedule": "",
}}

// Options of a run.
type Options struct {
	// Preview runs the program as a preview does, where many outputs are unknown.
	Preview bool
	// Before is the stack's last update; nil for a stack that was never up.
	Before *Result
	// Beside are the last updates of other stacks in the same account, by name.
	Beside map[string]*Result
	// Outputs replace stack outputs, by the name of the stack.
	Outputs map[string]graph.Props
	// Today decides which versions AWS still supports.
	Today time.Time

	// inside is true where the settings say that Pulumi runs in the VPC.
	inside bool
}

// Result is what a run did, or what a preview would do.
type Result struct {
	// Resources are what the program registered, also before an error.
	Resources []*graph.Resource
	// Steps are the changes as "OPERATION TYPE NAME", sorted: create, update, replace and delete.
	Steps []string
	// Means is what the steps mean besides, as clauses about a resource, sorted.
	Means []string
	// Outputs are the stack's.
	Outputs graph.Props
	// Messages are what the program logged.
	Messages []string
	// Cloud is the account as the run left it.
	Cloud *awssim.Cloud

	connections map[string]*awssim.Connection
}

// Refresh returns the resources that are not in the account as the run left them, sorted: "update TYPE NAME:
// PROPERTIES" for those that differ, "delete TYPE NAME" for those that are gone.
func (r *Result) Refresh() ([]string, error) {
	var found []string
	for _, resource := range r.Resources {
		if !resource.Custom || strings.HasPrefix(resource.Type, "pulumi:") {
			continue
		}
		state, err := r.connection(resource.Provider).Read(resource)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", resource.Name, err)
		}
		if state == nil {
			found = append(found, said("delete", resource))
			continue
		}
		differ := map[string]bool{}
		for _, both := range []graph.Props{state, resource.Outputs} {
			for key := range both {
				differ[key] = !reflect.DeepEqual(state[key], resource.Outputs[key])
			}
		}
		maps.DeleteFunc(differ, func(_ string, differs bool) bool { return !differs })
		if len(differ) > 0 {
			properties := slices.Sorted(maps.Keys(differ))
			found = append(found, said("update", resource)+": "+strings.Join(properties, ", "))
		}
	}
	slices.Sort(found)
	return found, nil
}

// connection returns the connection to a provider by the reference to it, "URN::ID". A resource without one has a
// default provider, which needs no configuration.
func (r *Result) connection(reference string) *awssim.Connection {
	if found := r.connections[string(providerURN(reference))]; found != nil {
		return found
	}
	return awssim.Connect("random", r.Cloud)
}

func said(operation string, r *graph.Resource) string {
	return strings.Join([]string{operation, r.Type, r.Name}, " ")
}

// Graph runs the program of a stack and returns the resources that it registered. raw is the configuration in the form
// in which Pulumi passes it to a program.
func Graph(stack string, raw map[string]string, o Options) (*graph.Graph, error) {
	r, err := Run(stack, raw, o)
	if err != nil {
		return nil, err
	}
	return graph.New(r.Resources)
}

// Run is like Graph and returns everything that the run did.
func Run(stack string, raw map[string]string, o Options) (*Result, error) {
	p := &stacks.Program{Today: o.Today}
	// The program itself reports settings that are wrong.
	if config, err := stacks.Load(raw, stack, o.Today); err == nil {
		o.inside = !config.Cluster.Tunnel
	}
	return run(stack, raw, o, p.Deploy, p.Configure)
}

// Try runs any program.
func Try(stack string, o Options, program pulumi.RunFunc) (*Result, error) {
	return run(stack, nil, o, program)
}

func run(
	stack string, raw map[string]string, o Options, program pulumi.RunFunc, configure ...pulumi.RunOption,
) (*Result, error) {
	m, err := newMonitor(stack, o)
	if err != nil {
		return nil, err
	}
	if o.Before == nil && o.Outputs[stack] != nil {
		// The stack was up before, so it had nodes on which its add-ons could start: nine, in a group called "before".
		cluster := "groundwork-" + stack
		err := m.Cloud.In(raw["aws:region"]).Seed(awssim.Object{
			Type: awstype.NodeGroup, ID: cluster + ":before", State: graph.Props{
				"clusterName": cluster, "scalingConfig": map[string]any{"desiredSize": 9.0},
			}})
		if err != nil {
			return nil, err
		}
	}
	m.Cloud.SetInside(o.inside)
	if !o.Today.IsZero() {
		m.Cloud.SetClock(o.Today)
	}
	served, err := m.serve()
	if err != nil {
		return nil, err
	}
	defer served.Stop()
	options := append([]pulumi.RunOption{func(info *pulumi.RunInfo) {
		info.Project, info.Stack, info.Organization = stacks.Project, stack, organization
		info.Config, info.DryRun = raw, o.Preview
		info.MonitorAddr, info.EngineAddr = served.address, served.address
	}}, configure...)
	err = pulumi.RunErr(program, options...)
	if err == nil {
		err = m.deleteTheRest()
	}
	slices.Sort(m.Steps)
	slices.Sort(m.Means)
	m.Means = slices.Compact(m.Means)
	return m.Result, err
}

// outputsOf returns the outputs of a stack.
func (o Options) outputsOf(stack, own string) graph.Props {
	out := graph.Props{}
	switch {
	case o.Outputs[stack] != nil:
		return o.Outputs[stack]
	case stack == own && o.Before != nil:
		maps.Copy(out, o.Before.Outputs)
	case o.Beside[stack] != nil:
		maps.Copy(out, o.Beside[stack].Outputs)
	}
	return out
}

// cloudOf returns the account in which a run happens: a copy of that of the update before or, for a stack that was
// never up, of the one beside that has the most in it. A preview changes nothing, so it needs no copy.
func (o Options) cloudOf() (*awssim.Cloud, error) {
	from, most := o.Before, 0
	if o.Before == nil {
		for _, other := range o.Beside {
			if number := len(other.Cloud.Objects()); number > most {
				from, most = other, number
			}
		}
	}
	if from == nil {
		return awssim.NewCloud(awssim.Site{}), nil
	}
	if o.Preview {
		return from.Cloud, nil
	}
	copied, err := from.Cloud.Copy()
	if err != nil {
		return nil, fmt.Errorf("beginning from the update before: %w", err)
	}
	return copied, nil
}
