package command

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"groundwork/internal/doctor"
	"groundwork/internal/sandbox"
	"groundwork/stacks"
)

// newDoctor makes the command that says what is wrong, or soon will be.
func newDoctor(stdout io.Writer) *cobra.Command {
	f := &flags{}
	offline := false
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong or soon will be: support that ends, tools, credentials, quotas",
		Long:  "Exits with 1 when something is broken; warnings alone exit with 0.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			secrets := decrypted(cmd.Context())
			if offline {
				secrets = sandbox.StandIns // No account is asked, so none has to be known.
			}
			p, err := repository(secrets)
			if err != nil {
				return err
			}
			raw, err := p.Config(f.Stack, f.Config...)
			if err != nil {
				return err
			}
			// As of no day in particular: what is out of support is what this is about.
			config, err := stacks.Load(raw, f.Stack, time.Time{})
			if err != nil {
				return err
			}
			report, err := doctor.Look(cmd.Context(), config, p.Root, time.Now(), doctor.Shell, offline)
			if err != nil {
				return err
			}
			if f.json {
				err = printJSON(stdout, report)
			} else {
				_, err = fmt.Fprint(stdout, report)
			}
			if err == nil && report.Broken() {
				err = errors.New("something is broken")
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.Stack, "stack", "s", "dev", "the environment")
	flags.StringArrayVar(&f.Config, "config", nil, "try a setting: KEY=VALUE (may be repeated)")
	flags.BoolVar(&offline, "offline", false, "ask no account: compare with the quotas of a new one")
	flags.BoolVar(&f.json, "json", false, "print the report as JSON")
	return cmd
}
