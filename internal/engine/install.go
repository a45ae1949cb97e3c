package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/blang/semver"
)

const (
	// cliVersion is the Pulumi CLI that is built where none is installed; tools/go.mod pins the same version.
	cliVersion = "3.200.0"
	// oldestCLI is the oldest installed CLI that is used as it is.
	oldestCLI = "3.150.0"
)

// Toolchain is what a run needs on the machine besides this program.
type Toolchain struct {
	// CLIRoot holds bin/pulumi.
	CLIRoot string
	// Path is the folder with the plugin and the stand-ins, to go first on the CLI's PATH.
	Path string
}

// Install finds or makes the toolchain below dir (the repository's .groundwork folder) and says on log what it does. A
// second call finds everything in place.
func Install(ctx context.Context, root, dir string, log io.Writer) (*Toolchain, error) {
	t := &Toolchain{CLIRoot: filepath.Join(dir, "pulumi-"+cliVersion), Path: filepath.Join(dir, "path")}
	if err := os.MkdirAll(t.Path, 0o755); err != nil {
		return nil, fmt.Errorf("installing the sandbox's tools: %w", err)
	}
	if err := t.installCLI(ctx, root, log); err != nil {
		return nil, err
	}
	if err := t.installPlugin(ctx, root, dir, log); err != nil {
		return nil, err
	}
	return t, t.standIns()
}

// installCLI uses the machine's own CLI where it is new enough, and otherwise builds the pinned one.
func (t *Toolchain) installCLI(ctx context.Context, root string, log io.Writer) error {
	built := filepath.Join(t.CLIRoot, "bin", "pulumi")
	if isFile(built) {
		return nil
	}
	if found, err := exec.LookPath("pulumi"); err == nil && atLeast(versionOf(ctx, found, "version"), oldestCLI) {
		// The Automation API wants the CLI in a folder called bin.
		if err := os.MkdirAll(filepath.Dir(built), 0o755); err != nil {
			return fmt.Errorf("linking the Pulumi CLI: %w", err)
		}
		// A link may be left of a CLI that has moved.
		if err := os.Remove(built); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("linking the Pulumi CLI: %w", err)
		}
		fmt.Fprintf(log, "Using the Pulumi CLI at %s\n", found)
		return os.Symlink(found, built)
	}
	fmt.Fprintf(log, "Building the Pulumi CLI %s (once; about 4 CPU-minutes, no pulumi on PATH) ...\n", cliVersion)
	ldflags := "-w -s -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v" + cliVersion
	return run(ctx, log, filepath.Join(root, "tools"), "building the Pulumi CLI",
		"go", "build", "-buildvcs=false", "-ldflags", ldflags, "-o", built, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi")
}

// standIns answers for the two commands that the eks plugin asks the version of. They refuse everything else: nothing
// in the sandbox may reach a cluster. They go before the machine's own commands, which take up to a second to answer.
func (t *Toolchain) standIns() error {
	for name, answer := range map[string]string{
		"kubectl": `{"clientVersion":{"gitVersion":"v1.36.0"}}`,
		"aws":     "aws-cli/2.31.0 Sandbox/1.0",
	} {
		script := fmt.Sprintf(`#!/bin/sh
case "$1" in
version | --version) echo '%s' ;;
*)
  echo "%s: a stand-in of the sandbox that only tells its version" >&2
  exit 1
  ;;
esac
`, answer, name)
		if err := writeExecutable(filepath.Join(t.Path, name), script); err != nil {
			return err
		}
	}
	return nil
}

// versionOf returns the first version in the output of a command, or "".
func versionOf(ctx context.Context, command string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, command, args...).Output()
	if err != nil {
		return ""
	}
	return findVersion(string(out))
}

// findVersion returns the first word of text that is a version with a leading v, without the v.
func findVersion(text string) string {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n\t\",:", r) }) {
		if v, ok := strings.CutPrefix(word, "v"); ok {
			if _, err := semver.Parse(v); err == nil {
				return v
			}
		}
	}
	return ""
}

func atLeast(version, oldest string) bool {
	v, err := semver.Parse(version)
	return err == nil && v.GE(semver.MustParse(oldest))
}

// run executes a command that may take minutes: it says so every ten seconds, and shows the output when it fails.
func run(ctx context.Context, log io.Writer, dir, what, command string, args ...string) error {
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	started := time.Now()
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	go func() { done <- cmd.Wait() }()
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("%s: %w\n%s", what, err, out.String())
			}
			fmt.Fprintf(log, "  done in %s\n", time.Since(started).Round(time.Second))
			return nil
		case <-ticker.C:
			fmt.Fprintf(log, "  still %s (%s)\n", what, time.Since(started).Round(time.Second))
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func copyFiles(from, to string, names ...string) error {
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("copying files to %s: %w", to, err)
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("copying files to %s: %w", to, err)
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), content, 0o644)
		}
		if err != nil {
			return fmt.Errorf("copying files to %s: %w", to, err)
		}
	}
	return nil
}

func writeExecutable(path, content string) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == content {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
