package command

import (
	"io"

	"github.com/spf13/cobra"

	"groundwork/internal/cost"
)

// newOvernight makes the command that compares the costs of a night.
func newOvernight(stdout io.Writer) *cobra.Command {
	return newAction("overnight",
		"Print what a night costs: running, after the article's shutdown script, parked, hibernated",
		func(*cobra.Command, []string) error { return overnight(stdout) })
}

// overnight prices dev at the sizes of the article: running, parked and hibernated.
func overnight(stdout io.Writer) error {
	assumed, err := cost.Assume(nil)
	if err != nil {
		return err
	}
	running := &flags{alone: true}
	running.Stack, running.Config = "dev", cost.ArticleSettings
	var sheets []*cost.Sheet
	for _, f := range []*flags{running, running.suspended("parked"), running.suspended("hibernated")} {
		sheet, err := f.sheet("", assumed)
		if err != nil {
			return err
		}
		sheets = append(sheets, sheet)
	}
	return cost.PrintOvernight(stdout, sheets[0], sheets[1], sheets[2])
}
