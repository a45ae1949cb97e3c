package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"groundwork/cost"
	"groundwork/report"
	"groundwork/sandbox"
	"groundwork/sandbox/dry"
	"groundwork/stacks"
)

// newReport makes the command that writes the page about an environment.
func newReport(stdout io.Writer) *cobra.Command {
	f := &flags{}
	var file, compare string
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Write one HTML page: architecture, timeline, costs, security, differences",
		Long:  "Runs the program without an engine, which takes seconds, and writes a page that needs nothing else: no network, no script.",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			w, o, err := f.workspace(io.Discard)
			if err != nil {
				return err
			}
			if compare == "" {
				compare = map[bool]string{true: "prod", false: "dev"}[o.Stack == "dev"]
			}
			if file == "" {
				file = filepath.Join(w.Root, "reports", o.Stack+".html")
			}
			p, err := pageOf(w, o.Stack, compare, o.Config, o.Today)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return fmt.Errorf("writing the report: %w", err)
			}
			out, err := os.Create(file)
			if err != nil {
				return fmt.Errorf("writing the report: %w", err)
			}
			if err := p.Write(out); err != nil {
				out.Close()
				return err
			}
			if err := out.Close(); err != nil {
				return fmt.Errorf("writing the report: %w", err)
			}
			fmt.Fprintf(stdout, "Wrote %s: open it in a browser.\n", file)
			return nil
		},
	}
	p := cmd.Flags()
	p.StringVarP(&f.Stack, "stack", "s", "prod", "the environment")
	p.StringVar(&compare, "compare", "", "the environment to compare it with; default the other one of dev and prod")
	p.StringArrayVar(&f.Config, "config", nil, "try a setting: KEY=VALUE (may be repeated)")
	p.StringVarP(&file, "output", "o", "", "the file to write; default reports/STACK.html")
	return cmd
}

// pageOf gathers the page about a stack: beside it the other environment, and the one of both that may be parked, at rest.
func pageOf(w *sandbox.Workspace, stack, other string, changes []string, today time.Time) (*report.Page, error) {
	source := func(name, stack string, changes ...string) (*report.Source, error) {
		raw, err := w.ReadConfig(stack, changes...)
		if err != nil {
			return nil, err
		}
		config, err := stacks.Load(raw, stack, today)
		if err != nil {
			return nil, err
		}
		graph, err := dry.Graph(stack, raw, dry.Options{Today: today})
		if err != nil {
			return nil, fmt.Errorf("running the program for %s: %w", name, err)
		}
		assumed, err := cost.Assume(nil)
		if err != nil {
			return nil, err
		}
		return &report.Source{Name: name, Config: config, Raw: raw, Graph: graph, Sheet: cost.New(name, graph, config.Region, assumed, today)}, nil
	}
	own, err := source(stack, stack, changes...)
	if err != nil {
		return nil, err
	}
	compared, err := source(other, other)
	if err != nil {
		return nil, err
	}
	sources := []*report.Source{own, compared}
	for _, s := range []*report.Source{compared, own} {
		if s.Config.Protect {
			continue
		}
		var tried []string
		if s == own {
			tried = slices.Clone(changes)
		}
		for _, mode := range []string{"parked", "hibernated"} {
			rest := append(slices.Clone(tried), "parked=true", fmt.Sprintf("hibernated=%t", mode == "hibernated"))
			resting, err := source(s.Name+" "+mode, s.Name, rest...)
			if err != nil {
				return nil, err
			}
			sources = append(sources, resting)
		}
		break
	}
	return report.New(today, sources...), nil
}
