// Package command is the command line of Groundwork.
package command

import (
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"
)

// Run executes the command line args. Results go to stdout, progress goes to stderr.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	root := newRoot(stdin, stdout, stderr)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// newRoot makes the groundwork command with all its commands.
func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "groundwork",
		Short:         "A production AWS environment, tried without AWS",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(
		newSandbox(stdout, stderr), newDrain(stdout), newSplit(stdin, stdout), newBootstrap(stdout, stderr),
		newCost(stdout), newOvernight(stdout), newTimeline(stdout, stderr), newReport(stdout), newDoctor(stdout),
		newPrices(stdout, stderr), newRecover(stdout), newTunnel(stdin, stdout, stderr),
	)
	return root
}

// requireStack adds the flag --stack, without which the command does not run.
func requireStack(cmd *cobra.Command, stack *string) {
	cmd.Flags().StringVarP(stack, "stack", "s", "", "the environment")
	// The only error is that the flag does not exist.
	_ = cmd.MarkFlagRequired("stack")
}

// printJSON writes a value as indented JSON.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
