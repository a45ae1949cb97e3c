package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"groundwork/sandbox"
	"groundwork/stacks"
)

// newTimeline makes the command that shows how long a deployment takes on AWS, and why.
func newTimeline(stdout, stderr io.Writer) *cobra.Command {
	f := &flags{}
	var layer, kept string
	shortest := 20.0
	percentiles := []string{string(sandbox.Fast), string(sandbox.Median), string(sandbox.Slow)}
	percentile := string(sandbox.Median)
	cmd := &cobra.Command{
		Use:   "timeline",
		Short: "Show what a deployment waits for on AWS: chart, critical path, slack, edges worth removing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(percentiles, percentile) {
				return fmt.Errorf("--latencies %q is not one of %s", percentile, strings.Join(percentiles, ", "))
			}
			if layer != "" && !slices.Contains(stacks.Layers, layer) {
				return fmt.Errorf("--layer %q is not one of %s", layer, strings.Join(stacks.Layers, ", "))
			}
			f.state = kept
			w, o, err := f.workspace(io.Discard)
			if err != nil {
				return err
			}
			graph, err := graphOf(cmd.Context(), w, o, kept != "", stderr)
			if err != nil {
				return err
			}
			t := graph.Timeline(sandbox.Percentile(percentile), layer)
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
				for _, part := range append([]string{""}, stacks.Layers...) {
					name := part
					if name == "" {
						name = "everything"
					}
					fmt.Fprintf(stdout, " %s %.0f s", name, graph.Timeline(sandbox.Percentile(p), part).Seconds)
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
	p.StringVar(&percentile, "latencies", percentile, "how fast AWS is: "+strings.Join(percentiles, ", "))
	p.Float64Var(&shortest, "shortest", shortest, "leave out of the chart what takes fewer seconds")
	p.StringVar(&kept, "state", "", "look at what is up in the sandbox that is kept in this folder")
	p.BoolVar(&f.json, "json", false, "print the timeline as JSON")
	return cmd
}
