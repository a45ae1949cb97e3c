package command

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"groundwork/internal/cost"
	"groundwork/internal/project"
)

// newPrices makes the command that renews prices.
func newPrices(stdout, stderr io.Writer) *cobra.Command {
	cmd := newAction("prices", "Renew the prices of a region", nil)
	region := ""
	update := newAction("update", "Read AWS's public price list of a region into prices/REGION.json; no credentials",
		func(cmd *cobra.Command, _ []string) error {
			p, err := project.Find(".")
			if err != nil {
				return err
			}
			list, err := cost.ReadOffers(cmd.Context(), cost.OffersURL, region, func(text string) { fmt.Fprintln(stderr, text) })
			if err != nil {
				return fmt.Errorf("updating the prices of %s: %w", region, err)
			}
			file, err := list.Write(p.Root)
			if err != nil {
				return err
			}
			fmt.Fprintf(stdout, "Wrote %d prices of %s to %s. Commit it: costs in %s use it from now on.\n",
				len(list.Amounts), list.Published, file, region)
			return nil
		})
	update.Flags().StringVar(&region, "region", "", "the region, such as ap-south-1")
	// The only error is that the flag does not exist.
	_ = update.MarkFlagRequired("region")
	cmd.AddCommand(update)
	return cmd
}
