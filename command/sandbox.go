package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"groundwork/internal/awssim"
	"groundwork/internal/engine"
	"groundwork/internal/sandbox"
)

// defaultSpeed makes the longest wait of a first deployment, a quarter of an hour, take about eight seconds.
const defaultSpeed = 120

// flags has the flags that commands on the sandbox share.
type flags struct {
	sandbox.Options
	json  bool
	state string
	// mode is "parked" or "hibernated" where a command looks at an environment as if it were suspended. Otherwise it is
	// empty.
	mode string
	// faults are made to happen, as users write them.
	faults []string
	// alone leaves the account layer out of the costs.
	alone bool
}

// action is what a command does.
type action = func(*cobra.Command, []string) error

// newSandbox makes the command that runs the program against a simulated AWS.
func newSandbox(stdout, stderr io.Writer) *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the whole program against a simulated AWS, under the real Pulumi engine",
		Long: "The sandbox keeps its state in .groundwork/sandbox, so a second up shows what has changed since the first.\n" +
			"Nothing leaves the machine and no credentials are used.",
	}
	f.addSandboxFlags(cmd)
	cmd.AddCommand(
		f.newOperation(engine.Preview, "Show what up would do", stdout, stderr),
		f.newOperation(engine.Up, "Create or change the environment", stdout, stderr),
		f.newOperation(engine.Refresh, "Read back what is there and show drift", stdout, stderr),
		f.newDestroy(stdout, stderr),
		newAction("export", "Print the state as JSON", f.export(stdout, stderr)),
		newAction("outputs", "Print the stack's outputs", f.outputs(stdout, stderr)),
		newAction("bootstrap", "Prepare the simulated account as groundwork bootstrap prepares a real one",
			f.bootstrap(stdout, stderr)),
		f.newAdvance(stdout),
		f.newSandboxDrain(stdout, stderr),
		f.newSandboxRecover(stdout, stderr),
		f.newPulumi(stdout, stderr),
		f.newServe(stdout, stderr),
	)
	return cmd
}

// addSandboxFlags adds the flags that all sandbox commands share.
func (f *flags) addSandboxFlags(cmd *cobra.Command) {
	p := cmd.PersistentFlags()
	p.StringVarP(&f.Stack, "stack", "s", "dev",
		"the environment, or one layer of it such as dev-services: its settings are in Pulumi.ENVIRONMENT.yaml")
	p.StringArrayVar(&f.Config, "config", nil,
		"try a setting for this run only: KEY=VALUE, such as database.instanceClass=db.t4g.medium (may be repeated)")
	p.StringVar(&f.state, "state", "",
		"the folder that keeps states and simulated clouds; default .groundwork/sandbox of the repository")
	p.BoolVar(&f.json, "json", false, "print the result as JSON")
	p.Float64Var(&f.Speed, "speed", defaultSpeed, "how many times faster than AWS; 0 does not wait at all")
}

// newAction makes a command without arguments.
func newAction(use, short string, run action) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: run}
}

// newOperation makes the command that runs an operation of the engine.
func (f *flags) newOperation(operation engine.Operation, short string, stdout, stderr io.Writer) *cobra.Command {
	cmd := newAction(string(operation), short, f.operate(operation, stdout, stderr))
	cmd.Flags().StringArrayVar(&f.faults, "fault", nil,
		"make something go wrong in this run: KIND[:TYPE[:N]], such as kill-after:rds/instance; --fault help lists them")
	return cmd
}

// newDestroy makes the command that deletes the environment.
func (f *flags) newDestroy(stdout, stderr io.Writer) *cobra.Command {
	cmd := f.newOperation(engine.Destroy, "Delete the environment; protected resources only with --unprotect",
		stdout, stderr)
	cmd.Flags().BoolVar(&f.Unprotect, "unprotect", false, "remove protection first, with a separate up")
	return cmd
}

// newPulumi makes the command that runs pulumi on the states of the sandbox.
func (f *flags) newPulumi(stdout, stderr io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:     "pulumi -- ARGUMENTS",
		Short:   "Run any command of pulumi on the sandbox's states",
		Example: "  groundwork sandbox pulumi -s dev -- stack --show-urns",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, o, err := f.sandbox(stderr)
			if err != nil {
				return err
			}
			out, err := w.CLI(cmd.Context(), o, args...)
			fmt.Fprint(stdout, out)
			return err
		},
	}
}

// newServe makes the command that runs the simulated providers for the user's own pulumi.
func (f *flags) newServe(stdout, stderr io.Writer) *cobra.Command {
	cmd := newAction("serve", "Keep the simulated providers up for your own pulumi command line", f.serve(stdout, stderr))
	cmd.Long = "Prints the variables with which your own pulumi works against the simulated providers, then waits for\n" +
		"Ctrl-C. In another terminal: set them, then pulumi stack init dev, pulumi up -s dev."
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

// operate runs an operation of the engine and prints its result.
func (f *flags) operate(operation engine.Operation, stdout, stderr io.Writer) action {
	return func(cmd *cobra.Command, _ []string) error {
		if f.Speed < 0 {
			return errors.New("--speed is below 0; give how many times faster than AWS, or 0 for no waiting")
		}
		if slices.Contains(f.faults, "help") {
			fmt.Fprint(stdout, awssim.FaultHelp())
			return nil
		}
		w, o, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		for _, text := range f.faults {
			injection, err := awssim.ParseFault(text)
			if err != nil {
				return err
			}
			o.Faults = append(o.Faults, injection)
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

// export prints the state.
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

// outputs prints the outputs of the stack.
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

// serve runs the simulated providers until it is interrupted.
func (f *flags) serve(stdout, stderr io.Writer) action {
	return func(cmd *cobra.Command, _ []string) error {
		w, o, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		return w.Serve(cmd.Context(), o, func(variables string) {
			fmt.Fprint(stdout, variables)
			fmt.Fprintln(stderr, "Serving; Ctrl-C ends it. "+
				"Set the variables above in another terminal and use pulumi there.")
		})
	}
}
