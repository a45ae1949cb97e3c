package engine

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// command runs the CLI for the Automation API, and answers by itself what the Automation API asks around each operation
// and nobody here reads. A call of the CLI takes a third of a second.
type command struct {
	auto.PulumiCommand
	// previewFirst makes an update preview itself first, as a user's own pulumi up does: whatever is refused is refused
	// before the first step. The Automation API leaves that out.
	previewFirst bool
	mu           sync.Mutex
	// client is the argument with the address at which the running engine reaches the program.
	client string
	// killed is true once kill has been called.
	killed bool
}

// answered are the calls that need no CLI. The engine selects only stacks whose state it has seen on disk, and reads
// outputs and results from the state and from the events.
var answered = map[string]string{"stack select": "", "stack output": "{}", "stack history": "[]"}

// commands are the CLIs that this process has asked for their version, by folder.
var commands sync.Map

// command finds the CLI of a toolchain.
func (t *Toolchain) command() (*command, error) {
	if known, ok := commands.Load(t.CLIRoot); ok {
		return known.(*command), nil
	}
	cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: t.CLIRoot})
	if err != nil {
		return nil, fmt.Errorf("starting the Pulumi CLI: %w", err)
	}
	known, _ := commands.LoadOrStore(t.CLIRoot, &command{PulumiCommand: cli})
	return known.(*command), nil
}

// Run implements auto.PulumiCommand.
func (c *command) Run(ctx context.Context, workdir string, stdin io.Reader, stdout, stderr []io.Writer, env []string,
	args ...string,
) (string, string, int, error) {
	if answer, ok := answered[strings.Join(args[:min(2, len(args))], " ")]; ok && !slices.Contains(args, "--create") {
		return answer, "", 0, nil
	}
	c.remember(args)
	if args[0] == "up" && c.previewFirst {
		args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--skip-preview" })
	}
	return c.PulumiCommand.Run(ctx, workdir, stdin, stdout, stderr, env, args...)
}
