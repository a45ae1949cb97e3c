package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"groundwork/components/delivery"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/sandbox"
	"groundwork/internal/timeline"
	"groundwork/stacks"
)

// percentiles are the speeds of AWS that there are figures for.
var percentiles = []string{string(awstype.Fast), string(awstype.Median), string(awstype.Slow)}

// newTimeline makes the command that shows how long a deployment takes on AWS, and why.
func newTimeline(stdout, stderr io.Writer) *cobra.Command {
	f := &flags{}
	var layer, change, kept string
	shortest := 20.0
	percentile := string(awstype.Median)
	cmd := &cobra.Command{
		Use:   "timeline",
		Short: "Show what a deployment waits for on AWS: chart, critical path, slack, edges worth removing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(percentiles, percentile) {
				return fmt.Errorf("--latencies %q is not one of %s", percentile, strings.Join(percentiles, ", "))
			}
			if layer != "" && !slices.Contains(stacks.Layers(), layer) {
				return fmt.Errorf("--layer %q is not one of %s", layer, strings.Join(stacks.Layers(), ", "))
			}
			if change != "" && !timeline.KnownChange(change) {
				return fmt.Errorf("--change %q is not one of %s", change, strings.Join(timeline.Changes, ", "))
			}
			if change != "" && (layer != "" || kept != "") {
				return errors.New("--change is tried from the beginning and on the whole: it goes with neither --layer nor --state")
			}
			f.state = kept
			w, o, err := f.sandbox(io.Discard)
			if err != nil {
				return err
			}
			if change != "" {
				of, err := changeOf(cmd.Context(), w, o, change, stderr)
				if err != nil {
					return err
				}
				return f.printChange(stdout, change, of, awstype.Percentile(percentile), shortest)
			}
			g, err := graphOf(cmd.Context(), w, o, kept != "", stderr)
			if err != nil {
				return err
			}
			t := timeline.New(g, awstype.Percentile(percentile), layer)
			if f.json {
				return printJSON(stdout, t)
			}
			what := "A first deployment of " + f.Stack
			if layer != "" {
				what = "The layer " + layer + " of " + f.Stack + ", all others being there,"
			}
			fmt.Fprintf(stdout, "%s takes ", what)
			t.Print(stdout, shortest)
			fmt.Fprintln(stdout, "\nBy latencies:")
			for _, p := range percentiles {
				fmt.Fprintf(stdout, "  %s ", p)
				for _, part := range append([]string{""}, stacks.Layers()...) {
					name := part
					if name == "" {
						name = "everything"
					}
					fmt.Fprintf(stdout, " %s %.0f s", name, timeline.New(g, awstype.Percentile(p), part).Seconds)
				}
				fmt.Fprintln(stdout)
			}
			return nil
		},
	}
	p := cmd.Flags()
	p.StringVarP(&f.Stack, "stack", "s", "dev", "the environment")
	p.StringArrayVar(&f.Config, "config", nil, "try a setting: KEY=VALUE (may be repeated)")
	p.StringVar(&layer, "layer", "", "one layer, where all others are there already")
	p.StringVar(&change, "change", "", "an update of an environment that is up: "+strings.Join(timeline.Changes, ", "))
	p.StringVar(&percentile, "latencies", percentile, "how fast AWS is: "+strings.Join(percentiles, ", "))
	p.Float64Var(&shortest, "shortest", shortest, "leave out of the chart what takes fewer seconds")
	p.StringVar(&kept, "state", "", "look at what is up in the sandbox that is kept in this folder")
	p.BoolVar(&f.json, "json", false, "print the timeline as JSON")
	return cmd
}

// changeOf tries a change in a sandbox that is thrown away and returns its timeline at any speed of AWS.
func changeOf(ctx context.Context, w *sandbox.Sandbox, o sandbox.Options, change string, stderr io.Writer) (func(awstype.Percentile) *timeline.Timeline, error) {
	if change == "application" {
		_, config, err := configOf(w, o)
		if err != nil {
			return nil, err
		}
		return func(p awstype.Percentile) *timeline.Timeline {
			return timeline.OfApplication(p, config.Delivery.Owner == delivery.OwnerArgoCD)
		}, nil
	}
	running := append(slices.Clone(o.Config), "protect=false", "parked=false", "hibernated=false")
	parked := append(slices.Clone(running), "parked=true")
	hibernated := append(slices.Clone(parked), "hibernated=true")
	steps := map[string][][]string{
		"park": {running, parked}, "unpark": {running, parked, running}, "hibernate": {running, hibernated}, "wake": {running, hibernated, running},
	}[change]
	dir, err := os.MkdirTemp("", "groundwork-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w.State, o.Speed = dir, 0
	var before, result *engine.Result
	for i, config := range steps {
		fmt.Fprintf(stderr, "Update %d of %d in a sandbox that is thrown away ...\n", i+1, len(steps))
		o.Config, before = config, result
		if result, err = w.Run(ctx, engine.Up, o); err != nil {
			return nil, err
		}
	}
	return func(p awstype.Percentile) *timeline.Timeline {
		return timeline.OfUpdate(p, before.Graph, result.Graph, result.Operations())
	}, nil
}

func (f *flags) printChange(w io.Writer, change string, of func(awstype.Percentile) *timeline.Timeline, p awstype.Percentile, shortest float64) error {
	if f.json {
		return printJSON(w, of(p))
	}
	what := map[string]string{
		"application": "A new version of the application", "park": "Parking", "unpark": "Unparking", "hibernate": "Hibernating", "wake": "Waking from hibernation",
	}[change]
	fmt.Fprintf(w, "%s of %s takes ", what, f.Stack)
	of(p).Print(w, shortest)
	fmt.Fprintln(w, "\nBy latencies:")
	for _, p := range percentiles {
		fmt.Fprintf(w, "   %s %.0f s\n", p, of(awstype.Percentile(p)).Seconds)
	}
	return nil
}
