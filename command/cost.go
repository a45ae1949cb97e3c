package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"groundwork/internal/cost"
	"groundwork/internal/sandbox"
	"groundwork/stacks"
)

// costOptions are the options of the command that prices an environment.
type costOptions struct {
	flags
	assume []string
	// compare is another environment to price as well.
	compare string
	// kept is the folder of a sandbox that was kept. It is empty where the program itself is priced.
	kept               string
	parked, hibernated bool
}

// newCost makes the command that prices an environment.
func newCost(stdout io.Writer) *cobra.Command {
	o := &costOptions{}
	cmd := newAction("cost", "Print what an environment costs, from the resources that the program makes",
		func(*cobra.Command, []string) error { return o.run(stdout) })
	cmd.Long = "Prices every resource that the program declares at list prices. " +
		"With --state it prices the resources in a sandbox that was kept."
	p := cmd.Flags()
	p.StringVarP(&o.Stack, "stack", "s", "dev", "the environment")
	p.StringArrayVar(&o.Config, "config", nil,
		"try a setting: KEY=VALUE, such as network.natMode=perZone (may be repeated)")
	p.StringArrayVar(&o.assume, "assume", nil,
		"what is used in a month: NAME=NUMBER (may be repeated); the sheet lists the names")
	p.StringVar(&o.compare, "compare", "", "another environment, side by side")
	p.BoolVar(&o.parked, "parked", false, "what it costs while it is parked")
	p.BoolVar(&o.hibernated, "hibernated", false,
		"what it costs while it is hibernated; with --parked or --compare side by side")
	p.StringVar(&o.kept, "state", "", "price what is up in the sandbox that is kept in this folder")
	p.BoolVar(&o.json, "json", false, "print the sheet as JSON")
	return cmd
}

// run prices the environments and prints their sheets.
func (o *costOptions) run(stdout io.Writer) error {
	assumed, err := cost.Assume(o.assume)
	if err != nil {
		return err
	}
	if o.kept != "" && (o.parked || o.hibernated || len(o.Config) > 0) {
		return errors.New("--state prices what is there: --parked, --hibernated and --config price what would be")
	}
	var sheets []*cost.Sheet
	var incomplete []error
	for _, column := range o.columns() {
		sheet, err := column.sheet(o.kept, assumed)
		if err != nil {
			return err
		}
		sheets = append(sheets, sheet)
		incomplete = append(incomplete, sheet.Err())
	}
	if err := o.print(stdout, sheets); err != nil {
		return err
	}
	return errors.Join(incomplete...)
}

// print prints the sheets in the form that was asked for.
func (o *costOptions) print(stdout io.Writer, sheets []*cost.Sheet) error {
	switch {
	case o.json && len(sheets) == 1:
		return printJSON(stdout, sheets[0])
	case o.json:
		return printJSON(stdout, sheets)
	case len(sheets) > 1:
		cost.PrintComparison(stdout, sheets...)
	default:
		sheets[0].Print(stdout)
	}
	return nil
}

// columns returns the environments to price.
func (o *costOptions) columns() []*flags {
	columns := []*flags{&o.flags}
	if o.compare != "" {
		other := o.flags
		other.Stack, other.Config = o.compare, nil
		columns = append(columns, &other)
	}
	if o.parked {
		columns = append(columns, o.suspended("parked"))
	}
	if o.hibernated {
		columns = append(columns, o.suspended("hibernated"))
	}
	// A parked or hibernated environment alone is printed line by line.
	if o.compare == "" && o.parked != o.hibernated {
		columns = columns[1:]
	}
	return columns
}

// suspended returns the environment as if it were parked or hibernated. It turns protection off, so that a protected
// environment, which cannot be suspended, can be priced as well.
func (f *flags) suspended(mode string) *flags {
	suspended := *f
	suspended.mode = mode
	suspended.Config = append(slices.Clone(f.Config),
		"protect=false", "parked=true", fmt.Sprintf("hibernated=%t", mode == "hibernated"))
	return &suspended
}

// sheet prices one environment: as the program declares it, with its account layer unless alone is set, or as it is in
// a sandbox that was kept.
func (f *flags) sheet(kept string, assumed cost.Assumptions) (*cost.Sheet, error) {
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
		prices, err := cost.PricesOf(w.Project.Root, s.Config.Region)
		if err != nil {
			return nil, err
		}
		sheet := cost.New(name, s.Graph, prices, assumed, o.Today)
		if f.alone {
			return sheet, nil
		}
		return sheet, addAccount(sheet, w, o, prices)
	}
	raw, err := w.Project.Config(f.Stack)
	if err != nil {
		return nil, err
	}
	g, err := w.Graph(o.Stack)
	if err != nil {
		return nil, err
	}
	prices, err := cost.PricesOf(w.Project.Root, raw["aws:region"])
	if err != nil {
		return nil, err
	}
	return cost.New(name, g, prices, assumed, o.Today), nil
}

// addAccount adds the account layer of an environment to its sheet.
func addAccount(sheet *cost.Sheet, w *sandbox.Sandbox, o sandbox.Options, prices cost.Prices) error {
	o.Stack += "-" + stacks.LayerAccount
	s, err := declared(w, o.Stack, o)
	if err != nil {
		return err
	}
	// What is assumed of an environment is on its sheet already.
	sheet.Add(cost.New(o.Stack, s.Graph, prices, cost.Assumptions{}, o.Today))
	return nil
}
