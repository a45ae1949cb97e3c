package command

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"groundwork/internal/cost"
	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/internal/report"
	"groundwork/internal/sandbox"
	"groundwork/stacks"
)

// reportOptions are the options of the command that writes the page about an environment.
type reportOptions struct {
	flags
	// file is the file to write, compare the environment to compare with. Both have defaults that depend on the stack.
	file, compare string
}

// newReport makes the command that writes the page about an environment.
func newReport(stdout io.Writer) *cobra.Command {
	o := &reportOptions{}
	cmd := newAction("report", "Write one HTML page: architecture, timeline, costs, security, differences",
		func(*cobra.Command, []string) error { return o.run(stdout) })
	cmd.Long = "Runs the program without an engine, which takes seconds, and writes a page that needs nothing else: " +
		"no network, no script."
	p := cmd.Flags()
	p.StringVarP(&o.Stack, "stack", "s", "prod", "the environment")
	p.StringVar(&o.compare, "compare", "", "the environment to compare it with; default the other one of dev and prod")
	p.StringArrayVar(&o.Config, "config", nil, "try a setting: KEY=VALUE (may be repeated)")
	p.StringVarP(&o.file, "output", "o", "", "the file to write; default reports/STACK.html")
	return cmd
}

// run writes the page. An earlier page stays as it is where the new one cannot be made.
func (o *reportOptions) run(stdout io.Writer) error {
	w, options, err := o.sandbox(io.Discard)
	if err != nil {
		return err
	}
	if o.compare == "" {
		o.compare = map[bool]string{true: "prod", false: "dev"}[options.Stack == "dev"]
	}
	if o.file == "" {
		o.file = filepath.Join(w.Project.Root, "reports", options.Stack+".html")
	}
	p, err := pageOf(w, o.compare, options)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := p.Write(&page); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.file), 0o755); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.WriteFile(o.file, page.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	fmt.Fprintf(stdout, "Wrote %s: open it in a browser.\n", o.file)
	return nil
}

// pageOf gathers the page about a stack. It compares the stack with the other environment, and with the first of the
// two that may be parked, while that is parked and hibernated.
func pageOf(w *sandbox.Sandbox, other string, o sandbox.Options) (*report.Page, error) {
	second := o
	second.Stack, second.Config = other, nil
	var sources []*report.Source
	for _, options := range []sandbox.Options{o, second} {
		s, err := declared(w, options.Stack, options)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	for i, options := range []sandbox.Options{o, second} {
		if sources[i].Config.Protect {
			continue
		}
		for _, mode := range []string{"parked", "hibernated"} {
			f := (&flags{Options: options}).suspended(mode)
			suspended, err := declared(w, options.Stack+" "+mode, f.Options)
			if err != nil {
				return nil, err
			}
			sources = append(sources, suspended)
		}
		break
	}
	return report.New(o.Today, o.Config, sources...), nil
}

// declared returns what the program declares for a stack that was up before: its resources, and what they cost.
func declared(w *sandbox.Sandbox, name string, o sandbox.Options) (*report.Source, error) {
	raw, config, err := configOf(w, o)
	if err != nil {
		return nil, err
	}
	g, err := mockrun.Graph(o.Stack, raw, mockrun.Options{
		Today:   o.Today,
		Outputs: map[string]graph.Props{o.Stack: mockrun.WasUp},
	})
	if err != nil {
		return nil, fmt.Errorf("running the program for %s: %w", name, err)
	}
	assumed, err := cost.Assume(nil)
	if err != nil {
		return nil, err
	}
	prices, err := cost.PricesOf(w.Project.Root, config.Region)
	if err != nil {
		return nil, err
	}
	return &report.Source{
		Name: name, Config: config, Raw: raw, Graph: g,
		Sheet: cost.New(name, g, prices, assumed, o.Today),
	}, nil
}

// configOf reads and checks the configuration of a stack.
func configOf(w *sandbox.Sandbox, o sandbox.Options) (map[string]string, *stacks.Config, error) {
	raw, err := w.Project.Config(o.Stack, o.Config...)
	if err != nil {
		return nil, nil, err
	}
	config, err := stacks.Load(raw, o.Stack, o.Today)
	return raw, config, err
}
