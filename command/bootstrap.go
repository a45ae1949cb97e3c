package command

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"groundwork/internal/bootstrap"
	"groundwork/internal/sandbox"
)

// newBootstrap makes the command that prepares a real account.
func newBootstrap(stdout, stderr io.Writer) *cobra.Command {
	f := &flags{}
	cmd := newAction("bootstrap", "Prepare a real AWS account: bucket and key for states, roles for pipelines",
		func(cmd *cobra.Command, _ []string) error { return f.bootstrapAccount(cmd.Context(), stdout, stderr) })
	cmd.Long = "Uses the pulumi command and your credentials for the account in Pulumi.ENVIRONMENT.yaml, and refuses\n" +
		"any other. Running it again changes nothing, or brings the account up to date.\n" +
		"Try it first: groundwork sandbox bootstrap"
	requireStack(cmd, &f.Stack)
	return cmd
}

// bootstrapAccount prepares the real account of an environment.
func (f *flags) bootstrapAccount(ctx context.Context, stdout, stderr io.Writer) error {
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
	result, err := bootstrap.Run(ctx, b)
	if err != nil {
		return err
	}
	printBootstrap(stdout, o.Stack, result)
	return nil
}

// bootstrap prepares the simulated account.
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

// printBootstrap shows what a bootstrap changed, and the commands that come next.
func printBootstrap(w io.Writer, environment string, r *bootstrap.Result) {
	moved := ""
	if r.Moved {
		moved = ", state moved into the bucket"
	}
	fmt.Fprintf(w, "\n%s: %d created, %d updated, %d unchanged%s\n\n",
		environment, r.Changes["create"], r.Changes["update"], r.Changes["same"], moved)
	sandbox.PrintOutputs(w, r.Outputs)
	fmt.Fprintf(w, "\nNext:\n  pulumi login '%v'\n  pulumi stack init %s --secrets-provider '%v'\n",
		r.Outputs["backend"], environment, r.Outputs["secretsProvider"])
}
