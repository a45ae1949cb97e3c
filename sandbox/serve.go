package sandbox

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"groundwork/stacks"
)

// Serve keeps the simulated providers up until ctx ends. ready is called once with shell commands that export what the
// user's own pulumi needs to work against them. The stack's own file in the repository is used as it is.
func (w *Workspace) Serve(ctx context.Context, o Options, ready func(variables string)) error {
	release, err := w.lock()
	if err != nil {
		return err
	}
	defer release()
	raw, err := w.ReadConfig(o.Stack)
	if err != nil {
		return err
	}
	if _, err := stacks.Load(raw, o.Stack, o.Today); err != nil {
		return err
	}
	if err := os.MkdirAll(w.servedState(), 0o755); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	toolchain, err := Install(ctx, w.Root, w.Tools, o.Log)
	if err != nil {
		return err
	}
	// A user's own pulumi keeps another state than the sandbox's own commands, so it gets a cloud of its own.
	cloud, err := OpenCloud(w.cloudFile(o.Stack + "-served"))
	if err != nil {
		return err
	}
	cloud.Speed = o.Speed
	servers, err := Serve(cloud)
	if err != nil {
		return err
	}
	defer servers.Stop()
	endpoint, err := startEndpointProxy()
	if err != nil {
		return err
	}
	defer endpoint.Stop()
	ready(shellExports(w.servedEnvironment(toolchain, servers, endpoint)))
	<-ctx.Done()
	return nil
}

// servedEnvironment differs from the sandbox's own in two things: it has a state of its own, and the CLI goes last on
// PATH, so that the user's is used where there is one.
func (w *Workspace) servedEnvironment(t *Toolchain, servers *Servers, endpoint *endpointProxy) map[string]string {
	env := w.environment(t, servers, endpoint)
	env["PATH"] = t.Path + ":$PATH:" + t.CLIRoot + "/bin"
	env["PULUMI_BACKEND_URL"] = backend(w.servedState())
	return env
}

// shellExports renders variables for a POSIX shell, sorted by name.
func shellExports(env map[string]string) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&out, "export %s=\"%s\"\n", name, env[name])
	}
	return out.String()
}
