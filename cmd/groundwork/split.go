package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/spf13/cobra"

	"groundwork/sandbox"
)

// newSplit makes the command that turns the state of a whole environment into those of its layers.
func newSplit(stdin io.Reader, stdout io.Writer) *cobra.Command {
	var stack string
	var freeProviders bool
	cmd := &cobra.Command{
		Use:   "split",
		Short: "Print the commands that make one stack for each layer of an environment",
		Long: "Reads an exported state from standard input and changes nothing itself; docs/layers.md is the guide.\n" +
			"With --free-providers it prints the state, prepared for pulumi state move, instead.",
		Example: "  pulumi stack export -s prod | groundwork split -s prod",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if stack == "" || strings.Contains(stack, "-") {
				return fmt.Errorf("--stack %q is not an environment such as prod", stack)
			}
			var state apitype.UntypedDeployment
			if err := json.NewDecoder(stdin).Decode(&state); err != nil {
				return fmt.Errorf("reading the state from standard input: %w (give it the output of pulumi stack export)", err)
			}
			if freeProviders {
				freed, err := sandbox.FreeProviders(state)
				if err != nil {
					return err
				}
				return printJSON(stdout, freed)
			}
			graph, err := sandbox.ReadGraph(state)
			if err != nil {
				return err
			}
			for _, move := range sandbox.Moves(graph) {
				if len(move.URNs) == 0 {
					return fmt.Errorf("reading the state: there is nothing of layer %s in it; is it the state of %s as a whole?", move.Layer, stack)
				}
			}
			sandbox.PrintSplit(stdout, graph, stack)
			return nil
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", "", "the environment")
	cmd.Flags().BoolVar(&freeProviders, "free-providers", false, "print the state without the dependencies of providers")
	return cmd
}
