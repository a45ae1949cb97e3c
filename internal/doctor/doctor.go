// Package doctor reports what is wrong with an environment, or will be soon, before it costs anything: support that
// ends, charts that nobody checked for long, certificates that expire, missing tools, credentials for another account,
// a private endpoint that nothing leads to, and quotas that the environment would exceed.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"groundwork/stacks"
)

// Severity says how serious a finding is.
type Severity string

// The severities of findings.
const (
	// Good means that the check passed.
	Good Severity = "ok"
	// Warning means that there will be a problem on a given day, or that something optional is missing.
	Warning Severity = "warning"
	// Broken means that a deployment cannot succeed, or that something costs too much already.
	Broken Severity = "broken"
	// Unknown means that the check could not run. The text says why.
	Unknown Severity = "unknown"
)

// Finding is the result of one check.
type Finding struct {
	Severity Severity `json:"severity"`
	// About is the area: calendar, tools, account, access or quotas.
	About string `json:"about"`
	Text  string `json:"text"`
	// Do says what to do. It is empty where there is nothing to do.
	Do string `json:"do,omitempty"`
}

// Report is the results of all checks.
type Report []Finding

// add appends a finding with a formatted text.
func (r *Report) add(s Severity, about, do, format string, a ...any) {
	*r = append(*r, Finding{s, about, fmt.Sprintf(format, a...), do})
}

// Broken reports whether any finding is Broken.
func (r Report) Broken() bool {
	return slices.ContainsFunc(r, func(f Finding) bool { return f.Severity == Broken })
}

// String renders the report for people, the most serious findings first.
func (r Report) String() string {
	var out strings.Builder
	marks := map[Severity]string{Broken: "✗", Warning: "!", Unknown: "?", Good: "✓"}
	for _, severity := range []Severity{Broken, Warning, Unknown, Good} {
		for _, f := range r {
			if f.Severity != severity {
				continue
			}
			fmt.Fprintf(&out, "%s %-9s %s\n", marks[severity], f.About, f.Text)
			if f.Do != "" {
				fmt.Fprintf(&out, "            %s\n", f.Do)
			}
		}
	}
	return out.String()
}

// Run runs a command and returns what it prints.
type Run func(ctx context.Context, command ...string) (string, error)

// Shell runs a command of this machine. It stops the command after half a minute.
func Shell(ctx context.Context, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		return "", fmt.Errorf("%s: %s", command[0], lines[len(lines)-1])
	}
	return string(out), err
}

// Examine runs every check as of a day. dir is the repository.
func Examine(
	ctx context.Context, c *stacks.Config, dir string, today time.Time, run Run, offline bool,
) (Report, error) {
	certificates, err := os.ReadFile(filepath.Join(dir, "webapp/certs/rds-global-bundle.pem"))
	if err != nil {
		return nil, fmt.Errorf("reading RDS's certificates: %w", err)
	}
	deadlines, err := Deadlines(c, certificates)
	if err != nil {
		return nil, err
	}
	r := Calendar(deadlines, today)
	r = append(r, Ages(Tables(c), today)...)
	r = append(r, Tools(ctx, c, run)...)
	return append(r, Account(ctx, c, run, offline)...), nil
}
