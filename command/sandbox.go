package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"groundwork/internal/drain"
	"groundwork/internal/engine"
	"groundwork/internal/sandbox"
)

// defaultSpeed makes the longest wait of a first deployment, a quarter of an hour, take about eight seconds.
const defaultSpeed = 120

// flags of the sandbox commands.
type flags struct {
	sandbox.Options
	json  bool
	state string
	// mode is parked or hibernated where an environment is looked at as if it were; empty where it is not.
	mode string
}

func newSandbox(stdout, stderr io.Writer) *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the whole program against a simulated AWS, under the real Pulumi engine",
		Long: "The sandbox keeps its state in .groundwork/sandbox, so a second up shows what has changed since the first.\n" +
			"Nothing leaves the machine and no credentials are used.",
	}
	p := cmd.PersistentFlags()
	p.StringVarP(&f.Stack, "stack", "s", "dev", "the environment, or one layer of it such as dev-services: its settings are in Pulumi.ENVIRONMENT.yaml")
	p.StringArrayVar(&f.Config, "config", nil, "try a setting for this run only: KEY=VALUE, such as database.instanceClass=db.t4g.medium (may be repeated)")
	p.StringVar(&f.state, "state", "", "the folder that keeps states and simulated clouds; default .groundwork/sandbox of the repository")
	p.BoolVar(&f.json, "json", false, "print the result as JSON")
	p.Float64Var(&f.Speed, "speed", defaultSpeed, "how many times faster than AWS; 0 does not wait at all")
	add := func(c *cobra.Command) *cobra.Command {
		c.Args = cobra.NoArgs
		cmd.AddCommand(c)
		return c
	}
	for operation, short := range map[engine.Operation]string{
		engine.Preview: "Show what up would do",
		engine.Up:      "Create or change the environment",
		engine.Refresh: "Read back what is there and show drift",
	} {
		add(&cobra.Command{Use: string(operation), Short: short, RunE: f.operate(operation, stdout, stderr)})
	}
	destroy := add(&cobra.Command{
		Use: string(engine.Destroy), Short: "Delete the environment; protected resources only with --unprotect",
		RunE: f.operate(engine.Destroy, stdout, stderr),
	})
	destroy.Flags().BoolVar(&f.Unprotect, "unprotect", false, "take protection off first, with an up of its own")
	add(&cobra.Command{Use: "export", Short: "Print the state as JSON", RunE: f.export(stdout, stderr)})
	add(&cobra.Command{Use: "outputs", Short: "Print the stack's outputs", RunE: f.outputs(stdout, stderr)})
	add(&cobra.Command{Use: "bootstrap", Short: "Make the simulated account ready as groundwork bootstrap does a real one", RunE: f.bootstrap(stdout, stderr)})
	var by time.Duration
	advance := add(&cobra.Command{
		Use: "advance", Short: "Let time pass in the simulated account: what is scheduled happens", Example: "  groundwork sandbox advance -s dev --by 72h",
		RunE: func(*cobra.Command, []string) error { return f.advance(by, stdout) },
	})
	advance.Flags().DurationVar(&by, "by", 24*time.Hour, "how long")
	drained := &drain.Options{Out: stdout}
	drainFlags(add(&cobra.Command{
		Use: "drain", Short: "Show, or remove, what controllers made outside of the program", RunE: f.drain(drained, stderr),
	}), drained)
	cmd.AddCommand(&cobra.Command{
		Use:     "pulumi -- ARGUMENTS",
		Short:   "Run any command of pulumi on the sandbox's states",
		Example: "  groundwork sandbox pulumi -s dev -- stack --show-urns",
		Args:    cobra.MinimumNArgs(1),
		RunE:    f.pulumi(stdout, stderr),
	})
	add(&cobra.Command{
		Use:   "serve",
		Short: "Keep the simulated providers up for your own pulumi command line",
		Long: "Prints the variables with which your own pulumi works against the simulated providers, then waits for Ctrl-C.\n" +
			"In another terminal: set them, then pulumi stack init dev, pulumi up -s dev.",
		RunE: f.serve(stdout, stderr),
	})
	return cmd
}

// sandbox finds the repository and completes the options.
func (f *flags) sandbox(log io.Writer) (*sandbox.Sandbox, sandbox.Options, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, sandbox.Options{}, fmt.Errorf("finding the project: %w", err)
	}
	w, err := sandbox.Find(dir)
	if err == nil && f.state != "" {
		w.State, err = filepath.Abs(f.state)
	}
	o := f.Options
	o.Log, o.Today = log, time.Now()
	return w, o, err
}

type action = func(*cobra.Command, []string) error

func (f *flags) operate(operation engine.Operation, stdout, stderr io.Writer) action {
	return func(cmd *cobra.Command, _ []string) error {
		if f.Speed < 0 {
			return errors.New("--speed is below 0; give how many times faster than AWS, or 0 for no waiting")
		}
		w, o, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		result, err := w.Run(cmd.Context(), operation, o)
		if err != nil {
			return err
		}
		if f.json {
			return printJSON(stdout, sandbox.Summarize(result))
		}
		sandbox.Print(stdout, result)
		return nil
	}
}

func (f *flags) export(stdout, stderr io.Writer) action {
	return func(*cobra.Command, []string) error {
		w, o, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		state, err := w.Export(o.Stack)
		if err != nil {
			return err
		}
		return printJSON(stdout, state)
	}
}

func (f *flags) outputs(stdout, stderr io.Writer) action {
	return func(*cobra.Command, []string) error {
		w, o, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		graph, err := w.Graph(o.Stack)
		if err != nil {
			return err
		}
		outputs := graph.StackOutputs()
		if f.json {
			return printJSON(stdout, outputs)
		}
		sandbox.PrintOutputs(stdout, outputs)
		return nil
	}
}

// advance lets time pass and shows what happened meanwhile.
func (f *flags) advance(by time.Duration, stdout io.Writer) error {
	w, o, err := f.sandbox(io.Discard)
	if err != nil {
		return err
	}
	cloud, events, err := w.Advance(o.Stack, by)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(stdout, events)
	}
	for _, e := range events {
		fmt.Fprintf(stdout, "%s  %-48s %s\n", e.At.Format("Mon 2006-01-02 15:04"), e.By, e.What)
		if e.Error != "" {
			fmt.Fprintf(stdout, "%22s FAILED after %d attempts: %s\n", "", e.Attempts, e.Error)
		}
	}
	fmt.Fprintf(stdout, "It is %s in the sandbox.\n", cloud.Clock().Format("Mon 2006-01-02 15:04 MST"))
	power := cloud.Power()
	for _, name := range slices.Sorted(maps.Keys(power)) {
		fmt.Fprintf(stdout, "  %-60s %s\n", name, power[name])
	}
	return nil
}

func (f *flags) pulumi(stdout, stderr io.Writer) action {
	return func(cmd *cobra.Command, args []string) error {
		w, o, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		out, err := w.CLI(cmd.Context(), o, args...)
		fmt.Fprint(stdout, out)
		return err
	}
}

func (f *flags) serve(stdout, stderr io.Writer) action {
	return func(cmd *cobra.Command, _ []string) error {
		w, o, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		return w.Serve(cmd.Context(), o, func(variables string) {
			fmt.Fprint(stdout, variables)
			fmt.Fprintln(stderr, "Serving; Ctrl-C ends it. Set the variables above in another terminal and use pulumi there.")
		})
	}
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
