package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"groundwork/components/delivery"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/sandbox"
	"groundwork/internal/timeline"
	"groundwork/stacks"
)

// percentiles are the speeds of AWS that timelines are known for.
var percentiles = []string{string(awstype.Fast), string(awstype.Median), string(awstype.Slow)}

// timelineOptions are the options of the command that shows how long a deployment takes.
type timelineOptions struct {
	flags
	// layer is the only layer to deploy. It is empty for all.
	layer string
	// change is the update to show. It is empty for a first deployment.
	change string
	// kept is the folder of a sandbox that was kept. It is empty where a temporary one is used.
	kept string
	// percentile is the speed of AWS.
	percentile string
	// shortest is the shortest duration in the chart, in seconds.
	shortest float64
}

// newTimeline makes the command that shows how long a deployment takes on AWS, and why.
func newTimeline(stdout, stderr io.Writer) *cobra.Command {
	o := &timelineOptions{}
	cmd := newAction("timeline",
		"Show what a deployment waits for on AWS: chart, critical path, slack, edges worth removing",
		func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), stdout, stderr) })
	p := cmd.Flags()
	p.StringVarP(&o.Stack, "stack", "s", "dev", "the environment")
	p.StringArrayVar(&o.Config, "config", nil, "try a setting: KEY=VALUE (may be repeated)")
	p.StringVar(&o.layer, "layer", "", "one layer, where all others are there already")
	p.StringVar(&o.change, "change", "",
		"an update of an environment that is up: "+changeNames())
	p.StringVar(&o.percentile, "latencies", string(awstype.Median),
		"how fast AWS is: "+strings.Join(percentiles, ", "))
	p.Float64Var(&o.shortest, "shortest", 20, "leave out of the chart what takes fewer seconds")
	p.StringVar(&o.kept, "state", "", "use what is up in the sandbox that is kept in this folder")
	p.BoolVar(&o.json, "json", false, "print the timeline as JSON")
	return cmd
}

// check returns an error for options that are wrong, or that do not go together.
func (o *timelineOptions) check() error {
	if !slices.Contains(percentiles, o.percentile) {
		return fmt.Errorf("--latencies %q is not one of %s", o.percentile, strings.Join(percentiles, ", "))
	}
	if o.layer != "" && !slices.Contains(stacks.Layers(), o.layer) {
		return fmt.Errorf("--layer %q is not one of %s", o.layer, strings.Join(stacks.Layers(), ", "))
	}
	if _, known := updates[o.change]; o.change != "" && !known {
		return fmt.Errorf("--change %q is not one of %s", o.change, changeNames())
	}
	if o.change != "" && (o.layer != "" || o.kept != "") {
		return errors.New("--change brings the whole environment up first: it goes with neither --layer nor --state")
	}
	return nil
}

// run prints the timeline.
func (o *timelineOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	o.state = o.kept
	w, options, err := o.sandbox(io.Discard)
	if err != nil {
		return err
	}
	if o.change != "" {
		of, err := changeOf(ctx, w, options, o.change, stderr)
		if err != nil {
			return err
		}
		return o.printChange(stdout, of)
	}
	g, err := graphOf(ctx, w, options, o.kept != "", stderr)
	if err != nil {
		return err
	}
	return o.printDeployment(stdout, g)
}

// printDeployment prints the timeline of a first deployment, and how long each layer takes.
func (o *timelineOptions) printDeployment(w io.Writer, g *graph.Graph) error {
	t := timeline.New(g, awstype.Percentile(o.percentile), o.layer)
	if o.json {
		return printJSON(w, t)
	}
	what := "A first deployment of " + o.Stack
	if o.layer != "" {
		what = "The layer " + o.layer + " of " + o.Stack + ", all others being there,"
	}
	fmt.Fprintf(w, "%s takes ", what)
	t.Print(w, o.shortest)
	fmt.Fprintln(w, "\nBy latencies:")
	for _, p := range percentiles {
		fmt.Fprintf(w, "  %s ", p)
		for _, layer := range append([]string{""}, stacks.Layers()...) {
			name := layer
			if name == "" {
				name = "everything"
			}
			fmt.Fprintf(w, " %s %.0f s", name, timeline.New(g, awstype.Percentile(p), layer).Seconds)
		}
		fmt.Fprintln(w)
	}
	return nil
}

// printChange prints the timeline of an update.
func (o *timelineOptions) printChange(w io.Writer, of timelineAt) error {
	if o.json {
		return printJSON(w, of(awstype.Percentile(o.percentile)))
	}
	fmt.Fprintf(w, "%s of %s takes ", updates[o.change].title, o.Stack)
	of(awstype.Percentile(o.percentile)).Print(w, o.shortest)
	fmt.Fprintln(w, "\nBy latencies:")
	for _, p := range percentiles {
		fmt.Fprintf(w, "   %s %.0f s\n", p, of(awstype.Percentile(p)).Seconds)
	}
	return nil
}

// graphOf returns the graph of a sandbox that was kept, or of an up in a temporary one.
func graphOf(
	ctx context.Context, w *sandbox.Sandbox, o sandbox.Options, kept bool, stderr io.Writer,
) (*graph.Graph, error) {
	if kept {
		return w.Graph(o.Stack)
	}
	dir, err := os.MkdirTemp("", "groundwork-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w.State, o.Speed = dir, 0
	fmt.Fprintf(stderr, "Bringing %s up in a temporary sandbox ...\n", o.Stack)
	result, err := w.Run(ctx, engine.Up, o)
	if err != nil {
		return nil, err
	}
	return result.Graph, nil
}

// timelineAt returns a timeline at a speed of AWS.
type timelineAt = func(awstype.Percentile) *timeline.Timeline

// changeOf tries a change in a temporary sandbox and returns its timeline.
func changeOf(
	ctx context.Context, w *sandbox.Sandbox, o sandbox.Options, change string, stderr io.Writer,
) (timelineAt, error) {
	always, steps := o.Config, updates[change].steps
	if len(steps) == 0 {
		_, config, err := configOf(w, o)
		if err != nil {
			return nil, err
		}
		return func(p awstype.Percentile) *timeline.Timeline {
			return timeline.OfApplication(p, config.Delivery.Owner == delivery.OwnerArgoCD)
		}, nil
	}
	dir, err := os.MkdirTemp("", "groundwork-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w.State, o.Speed = dir, 0
	var before, result *engine.Result
	for i, settings := range steps {
		fmt.Fprintf(stderr, "Update %d of %d in a temporary sandbox ...\n", i+1, len(steps))
		o.Config, before = slices.Concat(always, settings), result
		if result, err = w.Run(ctx, engine.Up, o); err != nil {
			return nil, err
		}
	}
	return func(p awstype.Percentile) *timeline.Timeline {
		return timeline.OfUpdate(p, before.Graph, result.Graph, result.Operations())
	}, nil
}

// Settings of an environment at each power.
var (
	running    = []string{"protect=false", "parked=false", "hibernated=false"}
	parked     = []string{"protect=false", "parked=true", "hibernated=false"}
	hibernated = []string{"protect=false", "parked=true", "hibernated=true"}
)

// updates are the updates that have a timeline, besides a first deployment, by what --change calls them.
var updates = map[string]struct {
	// title begins a sentence: "Parking of dev takes ...".
	title string
	// steps are the settings of each update that leads to the change, which is the last one. A new version of the
	// application needs none: it is no update of the stack.
	steps [][]string
}{
	"application": {title: "A new version of the application"},
	"park":        {"Parking", [][]string{running, parked}},
	"unpark":      {"Unparking", [][]string{running, parked, running}},
	"hibernate":   {"Hibernating", [][]string{running, hibernated}},
	"resume":      {"Resuming from hibernation", [][]string{running, hibernated, running}},
}

// changeNames lists what --change may be.
func changeNames() string { return strings.Join(slices.Sorted(maps.Keys(updates)), ", ") }
