package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"groundwork/cost"
	"groundwork/sandbox"
)

// newCost makes the command that prices an environment.
func newCost(stdout, stderr io.Writer) *cobra.Command {
	f := &flags{}
	var assume []string
	var compare, kept string
	var parked, hibernated bool
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Print what an environment costs, from the resources that the program makes",
		Long: "Brings the environment up in a sandbox that is thrown away (a quarter of a minute) and prices every resource at list prices. With --state it prices\n" +
			"what is up in a sandbox that was kept.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			assumed, err := cost.Assume(assume)
			if err != nil {
				return err
			}
			if kept != "" && (parked || hibernated) {
				return errors.New("--parked and --hibernated price what would be, --state what is: give one or the other")
			}
			var sheets []*cost.Sheet
			for _, stack := range []string{f.Stack, compare} {
				if stack == "" {
					continue
				}
				f.Stack = stack
				sheet, err := f.sheet(cmd.Context(), stack, kept, assumed, stderr)
				if err != nil {
					return err
				}
				sheets = append(sheets, sheet)
			}
			for _, mode := range []struct {
				wanted bool
				name   string
			}{{parked, "parked"}, {hibernated, "hibernated"}} {
				if !mode.wanted {
					continue
				}
				sheet, err := f.down(mode.name).sheet(cmd.Context(), f.Stack, "", assumed, stderr)
				if err != nil {
					return err
				}
				sheet.Stack += " " + mode.name
				sheets = append(sheets, sheet)
			}
			// Alone, each is shown line by line.
			if compare == "" && parked != hibernated {
				sheets = sheets[1:]
			}
			switch {
			case f.json && len(sheets) == 1:
				return printJSON(stdout, sheets[0])
			case f.json:
				return printJSON(stdout, sheets)
			case len(sheets) > 1:
				cost.PrintComparison(stdout, sheets...)
			default:
				sheets[0].Print(stdout)
			}
			return nil
		},
	}
	p := cmd.Flags()
	p.StringVarP(&f.Stack, "stack", "s", "dev", "the environment")
	p.StringArrayVar(&f.Config, "config", nil, "try a setting: KEY=VALUE, such as network.natMode=perZone (may be repeated)")
	p.StringArrayVar(&assume, "assume", nil, "what is used in a month: NAME=NUMBER (may be repeated); the sheet lists the names")
	p.StringVar(&compare, "compare", "", "another environment, side by side")
	p.BoolVar(&parked, "parked", false, "what it costs while it is parked")
	p.BoolVar(&hibernated, "hibernated", false, "what it costs while it is hibernated; with --parked or --compare side by side")
	p.StringVar(&kept, "state", "", "price what is up in the sandbox that is kept in this folder")
	p.BoolVar(&f.json, "json", false, "print the sheet as JSON")
	return cmd
}

// down is an environment at rest. Protection is off: what it would cost can be asked of an environment that must not go down.
func (f *flags) down(mode string) *flags {
	resting := *f
	resting.Config = append(slices.Clone(f.Config), "protect=false", "parked=true")
	if mode == "hibernated" {
		resting.Config = append(resting.Config, "hibernated=true")
	}
	return &resting
}

// sheet prices one environment.
func (f *flags) sheet(ctx context.Context, stack, kept string, assumed cost.Assumptions, stderr io.Writer) (*cost.Sheet, error) {
	f.state = kept
	w, o, err := f.workspace(io.Discard)
	if err != nil {
		return nil, err
	}
	raw, err := w.ReadConfig(stack, f.Config...)
	if err != nil {
		return nil, err
	}
	graph, err := graphOf(ctx, w, o, kept != "", stderr)
	if err != nil {
		return nil, err
	}
	return cost.New(stack, graph, raw["aws:region"], assumed, time.Now()), nil
}

// graphOf returns what is up in a kept sandbox, or what an up in one that is thrown away makes.
func graphOf(ctx context.Context, w *sandbox.Workspace, o sandbox.Options, kept bool, stderr io.Writer) (*sandbox.Graph, error) {
	if kept {
		state, err := w.Export(ctx, o)
		if err != nil {
			return nil, err
		}
		return sandbox.ReadGraph(state)
	}
	dir, err := os.MkdirTemp("", "groundwork-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w.State, o.Speed = dir, 0
	fmt.Fprintf(stderr, "Bringing %s up in a sandbox that is thrown away ...\n", o.Stack)
	result, err := w.Run(ctx, sandbox.Up, o)
	if err != nil {
		return nil, err
	}
	return result.Graph, nil
}
