package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// logf writes one line about what the stage does.
func (r *Run) logf(format string, a ...any) { fmt.Fprintf(r.Out, format+"\n", a...) }

// call prints a command and runs it in the repository. A dry run only prints it.
func (r *Run) call(ctx context.Context, command ...string) error {
	_, err := r.output(ctx, "", command...)
	return err
}

// output is call for a command that reads input. It returns what the command printed, and "" in a dry run.
func (r *Run) output(ctx context.Context, input string, command ...string) (string, error) {
	r.logf("+ %s", strings.Join(command, " "))
	if r.dryRun() {
		return "", nil
	}
	return r.execute(ctx, input, r.Out, command...)
}

// secretOutput is output for a command that prints a secret, which the stage must not show.
func (r *Run) secretOutput(ctx context.Context, command ...string) (string, error) {
	r.logf("+ %s", strings.Join(command, " "))
	if r.dryRun() {
		return "", nil
	}
	return r.query(ctx, command...)
}

// query runs a command without printing it, in a dry run too, and returns what the command printed. Only standard error
// is shown.
func (r *Run) query(ctx context.Context, command ...string) (string, error) {
	return r.execute(ctx, "", nil, command...)
}

// execute runs a command in the repository and returns what it printed. out, where it is not nil, receives that as
// well.
func (r *Run) execute(ctx context.Context, input string, out io.Writer, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.Dir, r.Env, strings.NewReader(input)
	// A canceled pipeline interrupts its command instead of killing it: helm rolls back on an interrupt, but leaves a
	// locked release behind when it is killed.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Minute
	var printed bytes.Buffer
	cmd.Stdout = &printed
	cmd.Stderr = r.Out
	if out != nil {
		cmd.Stdout = io.MultiWriter(out, &printed)
	}
	// The PATH of the stage decides, not that of this process.
	if found := r.find(command[0]); found != "" {
		cmd.Path, cmd.Err = found, nil
	}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			name := strings.Join(command[:min(3, len(command))], " ")
			return printed.String(), fmt.Errorf("%s ended with %d", name, exit.ExitCode())
		}
		return printed.String(), fmt.Errorf("running %s: %w", command[0], err)
	}
	return printed.String(), nil
}

// find returns the path of a command on the stage's PATH, or "".
func (r *Run) find(name string) string {
	if strings.Contains(name, "/") {
		return r.path(strings.TrimPrefix(name, "./"))
	}
	for _, dir := range filepath.SplitList(r.get("PATH")) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}
