package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"groundwork/internal/doctor"
	"groundwork/internal/sandbox"
	"groundwork/stacks"
)

// doctorOptions are the options of the command that checks an environment.
type doctorOptions struct {
	flags
	offline bool
}

// newDoctor makes the command that reports what is wrong, or will be soon.
func newDoctor(stdout io.Writer) *cobra.Command {
	o := &doctorOptions{}
	cmd := newAction("doctor", "Report what is wrong, or will be soon: support that ends, tools, credentials, quotas",
		func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), stdout) })
	cmd.Long = "Exits with 1 when something is broken; warnings alone exit with 0."
	p := cmd.Flags()
	p.StringVarP(&o.Stack, "stack", "s", "dev", "the environment")
	p.StringArrayVar(&o.Config, "config", nil, "try a setting: KEY=VALUE (may be repeated)")
	p.BoolVar(&o.offline, "offline", false, "use no account: compare with the quotas of a new one")
	p.BoolVar(&o.json, "json", false, "print the report as JSON")
	return cmd
}

// run prints the report. It returns an error where something is broken.
func (o *doctorOptions) run(ctx context.Context, stdout io.Writer) error {
	secrets := decrypted(ctx)
	if o.offline {
		secrets = sandbox.StandIns // Offline, no check needs the real secrets.
	}
	p, err := repository(secrets)
	if err != nil {
		return err
	}
	raw, err := p.Config(o.Stack, o.Config...)
	if err != nil {
		return err
	}
	// Without a day, Load accepts versions that are out of support. The report is about them.
	config, err := stacks.Load(raw, o.Stack, time.Time{})
	if err != nil {
		return err
	}
	report, err := doctor.Examine(ctx, config, p.Root, time.Now(), doctor.Shell, o.offline)
	if err != nil {
		return err
	}
	if o.json {
		err = printJSON(stdout, report)
	} else {
		_, err = fmt.Fprint(stdout, report)
	}
	if err == nil && report.Broken() {
		err = errors.New("something is broken")
	}
	return err
}
