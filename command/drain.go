package command

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"groundwork/internal/awscli"
	"groundwork/internal/drain"
	"groundwork/stacks"
)

// drainFlags adds the flags that both drain commands share.
func drainFlags(cmd *cobra.Command, o *drain.Options) {
	p := cmd.Flags()
	p.BoolVar(&o.Remove, "remove", false, "delete the resources that were found; without it, they are only shown")
	p.BoolVar(&o.Data, "data", false, "with --remove: delete resources that hold data too")
}

// newDrain makes the command that removes what keeps a real environment from being destroyed.
func newDrain(stdout io.Writer) *cobra.Command {
	var stack string
	o := drain.Options{Out: stdout, Wait: 15 * time.Second}
	cmd := newAction("drain", "Show, or remove, the resources that controllers made in AWS outside of the program",
		func(cmd *cobra.Command, _ []string) error { return drainAccount(cmd.Context(), stack, o) })
	cmd.Long = "Load balancers, security groups, volumes and interfaces that controllers make inside the network keep\n" +
		"it from being destroyed. Uses the aws and kubectl commands with your credentials. Run it before pulumi destroy."
	requireStack(cmd, &stack)
	drainFlags(cmd, &o)
	return cmd
}

// drainAccount drains the real account of an environment.
func drainAccount(ctx context.Context, stack string, o drain.Options) error {
	config, real, err := realAccount(ctx, stack)
	if err != nil {
		return err
	}
	client, err := kubernetesClient(config)
	if err != nil {
		return err
	}
	account := &drain.AWS{Account: real, Client: client}
	defer account.Close()
	return drain.Run(ctx, account, o)
}

// realAccount returns the settings of a stack and the account that it is in.
func realAccount(ctx context.Context, stack string) (*stacks.Config, awscli.Account, error) {
	p, err := repository(decrypted(ctx))
	if err != nil {
		return nil, awscli.Account{}, err
	}
	raw, err := p.Config(stack)
	if err != nil {
		return nil, awscli.Account{}, err
	}
	// Without a day, Load accepts versions that are out of support. Such an environment has to be destroyed above all.
	config, err := stacks.Load(raw, stack, time.Time{})
	if err != nil {
		return nil, awscli.Account{}, err
	}
	return config, awscli.Account{ID: config.AccountID, Region: config.Region}, nil
}

// newSandboxDrain makes the command that drains the simulated account.
func (f *flags) newSandboxDrain(stdout, stderr io.Writer) *cobra.Command {
	options := drain.Options{Out: stdout}
	cmd := newAction("drain", "Show, or remove, the resources that controllers made outside of the program",
		func(cmd *cobra.Command, _ []string) error {
			w, o, err := f.sandbox(stderr)
			if err != nil {
				return err
			}
			return w.Drain(cmd.Context(), o, options)
		})
	drainFlags(cmd, &options)
	return cmd
}
