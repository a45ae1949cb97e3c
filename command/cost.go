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

	"groundwork/internal/cost"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/sandbox"
)

// newCost makes the command that prices an environment.
func newCost(stdout io.Writer) *cobra.Command {
	f := &flags{}
	var assume []string
	var compare, kept string
	var parked, hibernated bool
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Print what an environment costs, from the resources that the program makes",
		Long:  "Prices every resource that the program declares at list prices; with --state what is up in a sandbox that was kept.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			assumed, err := cost.Assume(assume)
			if err != nil {
				return err
			}
			if kept != "" && (parked || hibernated || len(f.Config) > 0) {
				return errors.New("--state prices what is there: --parked, --hibernated and --config price what would be")
			}
			columns := []*flags{f}
			if compare != "" {
				other := *f
				other.Stack, other.Config = compare, nil
				columns = append(columns, &other)
			}
			if parked {
				columns = append(columns, f.down("parked"))
			}
			if hibernated {
				columns = append(columns, f.down("hibernated"))
			}
			// Alone, each is shown line by line.
			if compare == "" && parked != hibernated {
				columns = columns[1:]
			}
			var sheets []*cost.Sheet
			for _, column := range columns {
				sheet, err := column.sheet(cmd.Context(), kept, assumed)
				if err != nil {
					return err
				}
				sheets = append(sheets, sheet)
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
	resting.mode = mode
	resting.Config = append(slices.Clone(f.Config), "protect=false", "parked=true", fmt.Sprintf("hibernated=%t", mode == "hibernated"))
	return &resting
}

// sheet prices one environment: as the program declares it, or as it is up in a sandbox that is kept.
func (f *flags) sheet(ctx context.Context, kept string, assumed cost.Assumptions) (*cost.Sheet, error) {
	f.state = kept
	w, o, err := f.sandbox(io.Discard)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(f.Stack + " " + f.mode)
	if kept == "" {
		s, err := declared(w, name, o)
		if err != nil {
			return nil, err
		}
		return cost.New(name, s.Graph, s.Config.Region, assumed, o.Today), nil
	}
	raw, err := w.Project.Config(f.Stack)
	if err != nil {
		return nil, err
	}
	g, err := w.Graph(o.Stack)
	if err != nil {
		return nil, err
	}
	return cost.New(name, g, raw["aws:region"], assumed, o.Today), nil
}

// graphOf returns what is up in a kept sandbox, or what an up in one that is thrown away makes.
func graphOf(ctx context.Context, w *sandbox.Sandbox, o sandbox.Options, kept bool, stderr io.Writer) (*graph.Graph, error) {
	if kept {
		return w.Graph(o.Stack)
	}
	dir, err := os.MkdirTemp("", "groundwork-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w.State, o.Speed = dir, 0
	fmt.Fprintf(stderr, "Bringing %s up in a sandbox that is thrown away ...\n", o.Stack)
	result, err := w.Run(ctx, engine.Up, o)
	if err != nil {
		return nil, err
	}
	return result.Graph, nil
}
