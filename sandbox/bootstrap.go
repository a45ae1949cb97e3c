package sandbox

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"gopkg.in/yaml.v3"

	"groundwork/bootstrap"
	"groundwork/stacks"
)

// BootstrapOptions are those of a real bootstrap but for the command line and its environment: what the repository says about the account layer of an
// environment.
func (w *Workspace) BootstrapOptions(o Options) (bootstrap.Options, error) {
	out := bootstrap.Options{Stack: o.Stack + "-" + stacks.LayerAccount, Program: stacks.DeployAt(o.Today), Log: o.Log}
	config, err := w.readStack(o.Stack, o.Config)
	if err != nil {
		return out, err
	}
	raw, err := rawConfig(config)
	if err != nil {
		return out, err
	}
	checked, err := stacks.Load(raw, out.Stack, o.Today)
	if err != nil {
		return out, err
	}
	out.Backend, out.SecretsProvider = checked.Backend(), checked.SecretsProvider()
	if out.Settings, err = yaml.Marshal(stackFile{Config: config}); err != nil {
		return out, fmt.Errorf("writing the settings: %w", err)
	}
	if out.Project, err = os.ReadFile(filepath.Join(w.Root, "Pulumi.yaml")); err != nil {
		return out, fmt.Errorf("reading the project file: %w", err)
	}
	return out, nil
}

// Bootstrap makes the simulated account of an environment ready as a real one is made: the same steps by Pulumi's own means, with
// its state in the simulated bucket, under the simulated key.
func (w *Workspace) Bootstrap(ctx context.Context, o Options) (*bootstrap.Result, error) {
	b, err := w.BootstrapOptions(o)
	if err != nil {
		return nil, err
	}
	release, err := w.lock()
	if err != nil {
		return nil, err
	}
	s := &session{workspace: w, options: o, release: release}
	defer s.close()
	toolchain, err := s.serve(ctx)
	if err != nil {
		return nil, err
	}
	api, err := serveAccount(s.cloud, filepath.Join(w.State, "buckets-"+o.Stack+".json"))
	if err != nil {
		return nil, err
	}
	defer api.server.Close()
	if b.CLI, err = auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: toolchain.CLIRoot}); err != nil {
		return nil, fmt.Errorf("starting the Pulumi CLI: %w", err)
	}
	b.Home, b.Dir = filepath.Join(w.Tools, "home"), filepath.Join(w.State, "bootstrap-"+o.Stack)
	b.Env = w.environment(toolchain, s.servers, s.endpoint)
	maps.Copy(b.Env, api.environment())
	// Which of the two places, and with what passphrase, is the bootstrap's own matter.
	delete(b.Env, "PULUMI_BACKEND_URL")
	delete(b.Env, "PULUMI_CONFIG_PASSPHRASE")
	return bootstrap.Run(ctx, b)
}
