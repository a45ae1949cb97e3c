// Package command is the command line of Groundwork.
package command

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

// Run executes the command line args. Results go to stdout, progress to stderr.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	root := newRoot(stdin, stdout, stderr)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

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
	)
	return root
}
