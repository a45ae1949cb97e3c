package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"groundwork/doctor"
	"groundwork/stacks"
)

// newDoctor makes the command that says what is wrong, or soon will be.
func newDoctor(stdout, stderr io.Writer) *cobra.Command {
	f := &flags{}
	offline := false
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong or soon will be: support that ends, tools, credentials, quotas",
		Long:  "Exits with 1 when something is broken; warnings alone exit with 0.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, _, err := f.workspace(stderr)
			if err != nil {
				return err
			}
			raw, err := w.ReadConfig(f.Stack, f.Config...)
			if err != nil {
				return err
			}
			// As of no day in particular: what is out of support is what this is about.
			config, err := stacks.Load(raw, f.Stack, time.Time{})
			if err != nil {
				return err
			}
			report, err := doctor.Look(cmd.Context(), config, w.Root, time.Now(), doctor.Shell, offline)
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
	p := cmd.Flags()
	p.StringVarP(&f.Stack, "stack", "s", "dev", "the environment")
	p.StringArrayVar(&f.Config, "config", nil, "try a setting: KEY=VALUE (may be repeated)")
	p.BoolVar(&offline, "offline", false, "ask no account: compare with the quotas of a new one")
	p.BoolVar(&f.json, "json", false, "print the report as JSON")
	return cmd
}
