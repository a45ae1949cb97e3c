package sandbox

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"groundwork/internal/awssim"
	"groundwork/internal/engine"
	"groundwork/stacks"
)

// Serve keeps the simulated providers up until ctx ends. ready is called once with shell commands that export what the
// user's own pulumi needs to work against them. The stack's own file in the repository is used as it is.
func (s *Sandbox) Serve(ctx context.Context, o Options, ready func(variables string)) error {
	e, err := s.engine(o)
	if err != nil {
		return err
	}
	release, err := e.Lock("serve of " + o.Stack)
	if err != nil {
		return err
	}
	defer release()
	raw, err := s.Project.Config(o.Stack)
	if err != nil {
		return err
	}
	if _, err := stacks.Load(raw, o.Stack, o.Today); err != nil {
		return err
	}
	state := filepath.Join(s.State, "served-state")
	if err := os.MkdirAll(state, 0o755); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	toolchain, err := engine.Install(ctx, s.Project.Root, s.Tools, o.Log)
	if err != nil {
		return err
	}
	// A user's own pulumi keeps another state than the sandbox's own commands, so it gets an account of its own.
	cloud, err := s.open(o.Stack+"-served", o)
	if err != nil {
		return err
	}
	simulation := awssim.Simulate(cloud)
	defer simulation.Stop()
	served, err := simulation.Serve()
	if err != nil {
		return err
	}
	env := e.Environment(toolchain, served)
	// The sandbox's CLI goes last on PATH, so that the user's own is used where there is one.
	env["PATH"] = toolchain.Path + ":$PATH:" + toolchain.CLIRoot + "/bin"
	env["PULUMI_BACKEND_URL"] = engine.Backend(state)
	ready(shellExports(env))
	<-ctx.Done()
	return nil
}

// shellExports renders variables for a POSIX shell, sorted by name.
func shellExports(env map[string]string) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&out, "export %s=\"%s\"\n", name, env[name])
	}
	return out.String()
}
