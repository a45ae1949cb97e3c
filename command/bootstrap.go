package command

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"groundwork/internal/bootstrap"
	"groundwork/internal/sandbox"
)

// newBootstrap makes the command that makes a real account ready.
func newBootstrap(stdout, stderr io.Writer) *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Make a real AWS account ready: bucket and key for states, roles for pipelines",
		Long: "Uses the pulumi command and your credentials for the account in Pulumi.ENVIRONMENT.yaml, and refuses any other. Running it\n" +
			"again changes nothing, or brings the account up to date. Try it first: groundwork sandbox bootstrap",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, o, err := f.sandbox(stderr)
			if err != nil {
				return err
			}
			w.Project.Secrets = refused
			b, err := sandbox.BootstrapOptions(w.Project, o)
			if err != nil {
				return err
			}
			b.Dir = filepath.Join(w.Tools, "bootstrap-"+o.Stack)
			result, err := bootstrap.Run(cmd.Context(), b)
			if err != nil {
				return err
			}
			printBootstrap(stdout, o.Stack, result)
			return nil
		},
	}
	cmd.Flags().StringVarP(&f.Stack, "stack", "s", "", "the environment")
	// Flags that are required are known to exist.
	_ = cmd.MarkFlagRequired("stack")
	return cmd
}

// bootstrap is the same in the sandbox.
func (f *flags) bootstrap(stdout, stderr io.Writer) action {
	return func(cmd *cobra.Command, _ []string) error {
		w, o, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		result, err := w.Bootstrap(cmd.Context(), o)
		if err != nil {
			return err
		}
		printBootstrap(stdout, o.Stack, result)
		return nil
	}
}

func printBootstrap(w io.Writer, environment string, r *bootstrap.Result) {
	moved := ""
	if r.Moved {
		moved = ", state moved into the bucket"
	}
	fmt.Fprintf(w, "\n%s: %d created, %d updated, %d unchanged%s\n\n", environment, r.Changes["create"], r.Changes["update"], r.Changes["same"], moved)
	sandbox.PrintOutputs(w, r.Outputs)
	fmt.Fprintf(w, "\nNext:\n  pulumi login '%v'\n  pulumi stack init %s --secrets-provider '%v'\n", r.Outputs["backend"], environment, r.Outputs["secretsProvider"])
}
