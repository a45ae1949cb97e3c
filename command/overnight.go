package command

import (
	"io"

	"github.com/spf13/cobra"

	"groundwork/internal/cost"
)

// newOvernight makes the command that compares nights.
func newOvernight(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "overnight",
		Short: "Print what a night costs: running, after the article's shutdown script, parked, hibernated",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			assumed, err := cost.Assume(nil)
			if err != nil {
				return err
			}
			f := &flags{}
			f.Stack, f.Config = "dev", cost.ArticleSettings
			var sheets []*cost.Sheet
			for _, g := range []*flags{f, f.down("parked"), f.down("hibernated")} {
				sheet, err := g.sheet(cmd.Context(), "", assumed)
				if err != nil {
					return err
				}
				sheets = append(sheets, sheet)
			}
			return cost.PrintOvernight(stdout, sheets[0], sheets[1], sheets[2])
		},
	}
}
