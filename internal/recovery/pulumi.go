package recovery

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"groundwork/internal/awscli"
)

// Pulumi is a stack as the user's own pulumi command sees it, in the folder of the project.
type Pulumi struct {
	// Stack is its name. ConfigFile is its settings file where that is not the one of its name; empty otherwise.
	Stack, ConfigFile string
	// Command is the pulumi command, Dir the folder of the project, and Env what the command runs with besides the
	// environment of this process; empty for the command on PATH, the current folder and nothing more.
	Command, Dir string
	Env          []string
}

func (p *Pulumi) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, cmp.Or(p.Command, "pulumi"), append(args, "--non-interactive")...)
	cmd.Dir, cmd.Env = p.Dir, append(os.Environ(), p.Env...)
	return awscli.Output(cmd)
}

// Export implements Stack.
func (p *Pulumi) Export(ctx context.Context) (apitype.UntypedDeployment, error) {
	var state apitype.UntypedDeployment
	out, err := p.run(ctx, "stack", "export", "--stack", p.Stack)
	if err != nil {
		return state, err
	}
	if err := json.Unmarshal(out, &state); err != nil {
		return state, fmt.Errorf("reading the state of %s: %w", p.Stack, err)
	}
	return state, nil
}

// Import implements Stack.
func (p *Pulumi) Import(ctx context.Context, state apitype.UntypedDeployment) error {
	dir, err := os.MkdirTemp("", "groundwork-state-")
	if err != nil {
		return fmt.Errorf("writing the repaired state: %w", err)
	}
	defer os.RemoveAll(dir)
	text, err := json.Marshal(state)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "state.json"), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the repaired state: %w", err)
	}
	_, err = p.run(ctx, "stack", "import", "--stack", p.Stack, "--file", filepath.Join(dir, "state.json"))
	return err
}

// Refresh implements Stack.
func (p *Pulumi) Refresh(ctx context.Context, urns []string) error {
	return p.targeted(ctx, "refresh", urns)
}

// Destroy implements Stack.
func (p *Pulumi) Destroy(ctx context.Context, urns []string) error {
	return p.targeted(ctx, "destroy", urns)
}

// targeted runs an operation on some resources.
func (p *Pulumi) targeted(ctx context.Context, operation string, urns []string) error {
	args := []string{operation, "--stack", p.Stack, "--yes", "--skip-preview"}
	if p.ConfigFile != "" {
		args = append(args, "--config-file", p.ConfigFile)
	}
	for _, urn := range urns {
		args = append(args, "--target", urn)
	}
	_, err := p.run(ctx, args...)
	return err
}

// Unlock removes the lock of a run on this machine whose process is gone. A lock of a process that runs, or of another
// machine, is an error that names its holder.
func (p *Pulumi) Unlock(ctx context.Context, locks []Lock) (removed []Lock, err error) {
	for _, lock := range locks {
		switch {
		case lock.Alive():
			return nil, fmt.Errorf("%s is locked by %s, which is running; wait for it to end", p.Stack, lock)
		case !lock.Here():
			return nil, fmt.Errorf("%s is locked by %s: look on that machine whether it still runs. If it does not, "+
				"pulumi cancel -s %s removes the lock", p.Stack, lock, p.Stack)
		}
	}
	if len(locks) == 0 {
		return nil, nil
	}
	_, err = p.run(ctx, "cancel", p.Stack, "--yes")
	return locks, err
}
