package command

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"groundwork/internal/graph"
	"groundwork/internal/project"
	"groundwork/internal/recovery"
	"groundwork/stacks"
)

// recoverFlags adds the flags that both recover commands share.
func recoverFlags(cmd *cobra.Command, o *recovery.Options) {
	cmd.Flags().BoolVar(&o.Delete, "delete", false, "delete what no state records; without it, it is only shown")
	cmd.Flags().BoolVar(&o.Data, "data", false, "with --delete: also what may hold data")
}

const recoverShort = "Put right what a killed run left: its lock, operations that had begun, what no state records"

// newRecover makes the command that recovers a real stack.
func newRecover(stdout io.Writer) *cobra.Command {
	var stack string
	o := recovery.Options{Out: stdout, Orphans: true}
	cmd := newAction("recover", recoverShort,
		func(cmd *cobra.Command, _ []string) error { return recoverAccount(cmd.Context(), stack, o) })
	cmd.Long = recoverShort + ".\n" +
		"Uses the pulumi and aws commands with your credentials. What a killed run created is found by its name or its\n" +
		"tags and taken over; what it changed or deleted is read again. Try it first: groundwork sandbox up --fault\n" +
		"kill-after:rds/instance, then groundwork sandbox recover."
	requireStack(cmd, &stack)
	recoverFlags(cmd, &o)
	return cmd
}

// recoverAccount recovers a stack in the real account of its environment.
func recoverAccount(ctx context.Context, stack string, o recovery.Options) error {
	config, real, err := realAccount(ctx, stack)
	if err != nil {
		return err
	}
	account := &recovery.AWS{Account: real, Tags: config.OwnTags()}
	if err := account.Check(ctx); err != nil {
		return fmt.Errorf("recovering %s: %w", stack, err)
	}
	state := &recovery.Pulumi{Stack: stack}
	if environment := project.EnvironmentOf(stack); environment != stack {
		state.ConfigFile = "Pulumi." + environment + ".yaml"
	}
	locks, err := account.Locks(ctx, config.StateBucket(), stacks.Project, stack)
	if err == nil {
		locks, err = state.Unlock(ctx, locks)
	}
	if err != nil {
		return fmt.Errorf("recovering %s: %w", stack, err)
	}
	for _, lock := range locks {
		fmt.Fprintf(o.Out, "Removed the lock of %s, a run that did not end\n", lock)
	}
	if o.Recorded, err = recordedElsewhere(ctx, config.Environment, stack); err != nil {
		return fmt.Errorf("recovering %s: %w", stack, err)
	}
	result, err := recovery.Run(ctx, state, account, o)
	if err != nil {
		return fmt.Errorf("recovering %s: %w", stack, err)
	}
	printRecovery(o.Out, stack, result)
	return nil
}

// recordedElsewhere returns what the states of an environment's other stacks know: its layers, and its account layer.
func recordedElsewhere(ctx context.Context, environment, stack string) (map[string]bool, error) {
	known := map[string]bool{}
	names := []string{environment}
	for _, layer := range stacks.AllLayers() {
		names = append(names, environment+"-"+layer)
	}
	for _, name := range names {
		if name == stack {
			continue
		}
		state, err := (&recovery.Pulumi{Stack: name}).Export(ctx)
		if err != nil && strings.Contains(err.Error(), "no stack named") {
			continue
		}
		if err != nil {
			return nil, err
		}
		recorded, err := graph.Recorded(state)
		if err != nil {
			return nil, err
		}
		maps.Copy(known, recorded)
	}
	return known, nil
}

// newSandboxRecover makes the command that recovers a stack of the sandbox.
func (f *flags) newSandboxRecover(stdout, stderr io.Writer) *cobra.Command {
	how := recovery.Options{Orphans: true}
	cmd := newAction("recover", recoverShort, func(cmd *cobra.Command, _ []string) error {
		w, o, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		result, err := w.Recover(cmd.Context(), o, how)
		if err != nil {
			return err
		}
		printRecovery(stdout, o.Stack, result)
		return nil
	})
	recoverFlags(cmd, &how)
	return cmd
}

// printRecovery says what a recovery found.
func printRecovery(w io.Writer, stack string, r *recovery.Result) {
	if len(r.Begun) == 0 && len(r.Orphans) == 0 {
		fmt.Fprintf(w, "%s: every run ended, and nothing is without a state.\n", stack)
		return
	}
	fmt.Fprintf(w, "%s: %d operations had begun, %d resources taken over, %d left that no state records\n",
		stack, len(r.Begun), len(r.Imported), len(r.Orphans))
	if len(r.Orphans) > 0 {
		fmt.Fprintln(w, "recover --delete deletes them; look first whether another stack or somebody else uses them.")
	}
}
