package command

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"groundwork/internal/drain"
	"groundwork/stacks"
)

// drainFlags adds what both drain commands share.
func drainFlags(cmd *cobra.Command, o *drain.Options) {
	cmd.Flags().BoolVar(&o.Remove, "remove", false, "delete what was found; without it everything is only shown")
	cmd.Flags().BoolVar(&o.Data, "data", false, "with --remove: delete what holds data too")
}

// newDrain makes the command that clears the way for a destroy.
func newDrain(stdout io.Writer) *cobra.Command {
	var stack string
	o := drain.Options{Out: stdout, Wait: 15 * time.Second}
	cmd := &cobra.Command{
		Use:   "drain",
		Short: "Show, or remove, what controllers made in AWS outside of the program",
		Long: "Load balancers, security groups, volumes and interfaces that controllers make inside the network keep it from being\n" +
			"destroyed. Uses the aws and kubectl commands with your credentials. Run it before pulumi destroy.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := repository(decrypted(cmd.Context()))
			if err != nil {
				return err
			}
			raw, err := p.Config(stack)
			if err != nil {
				return err
			}
			// As of no day in particular: what is out of support has to be destroyed above all.
			config, err := stacks.Load(raw, stack, time.Time{})
			if err != nil {
				return err
			}
			account := &drain.AWS{AccountID: config.AccountID, Region: config.Region, Cluster: config.ClusterName()}
			defer account.Close()
			return drain.Run(cmd.Context(), account, o)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", "", "the environment")
	// Flags that are required are known to exist.
	_ = cmd.MarkFlagRequired("stack")
	drainFlags(cmd, &o)
	return cmd
}

func (f *flags) drain(o *drain.Options, stderr io.Writer) action {
	return func(cmd *cobra.Command, _ []string) error {
		w, options, err := f.sandbox(stderr)
		if err != nil {
			return err
		}
		return w.Drain(cmd.Context(), options, *o)
	}
}
