package command

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// newAdvance makes the command that advances the clock of the simulated account.
func (f *flags) newAdvance(stdout io.Writer) *cobra.Command {
	var by time.Duration
	cmd := newAction("advance", "Advance the clock of the simulated account, so that schedules run",
		func(*cobra.Command, []string) error { return f.advance(by, stdout) })
	cmd.Example = "  groundwork sandbox advance -s dev --by 72h"
	cmd.Flags().DurationVar(&by, "by", 24*time.Hour, "how long")
	return cmd
}

// advance advances the clock, and shows what happened and what is running now.
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
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, e := range events {
		fmt.Fprintf(table, "%s\t%s\t%s\n", e.At.Format("Mon 2006-01-02 15:04"), e.By, e.What)
		if e.Error != "" {
			fmt.Fprintf(table, "\t\tFAILED after %d attempts: %s\n", e.Attempts, e.Error)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "It is %s in the sandbox.\n", cloud.Clock().Format("Mon 2006-01-02 15:04 MST"))
	power := cloud.Power()
	for _, name := range slices.Sorted(maps.Keys(power)) {
		fmt.Fprintf(table, "  %s\t%s\n", name, power[name])
	}
	return table.Flush()
}
