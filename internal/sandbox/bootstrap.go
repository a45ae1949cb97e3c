package sandbox

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"gopkg.in/yaml.v3"

	"groundwork/internal/awssim"
	"groundwork/internal/bootstrap"
	"groundwork/internal/engine"
	"groundwork/internal/project"
	"groundwork/stacks"
)

// BootstrapOptions are what a repository says about the account layer of an environment. The caller adds the CLI, its
// environment and a folder.
func BootstrapOptions(p *project.Project, o Options) (bootstrap.Options, error) {
	out := bootstrap.Options{Stack: o.Stack + "-" + stacks.LayerAccount, Program: stacks.DeployAt(o.Today), Log: o.Log}
	settings, err := p.Settings(o.Stack, o.Config...)
	if err != nil {
		return out, err
	}
	raw, err := project.Raw(settings)
	if err != nil {
		return out, err
	}
	checked, err := stacks.Load(raw, out.Stack, o.Today)
	if err != nil {
		return out, err
	}
	out.Backend, out.SecretsProvider = checked.Backend(), checked.SecretsProvider()
	if out.Settings, err = yaml.Marshal(map[string]any{"config": settings}); err != nil {
		return out, fmt.Errorf("writing the settings: %w", err)
	}
	out.Project, err = p.File()
	return out, err
}

// Bootstrap makes the simulated account of an environment ready as a real one is made: the same steps by Pulumi's own
// means, with its state in the simulated bucket, under the simulated key.
func (s *Sandbox) Bootstrap(ctx context.Context, o Options) (*bootstrap.Result, error) {
	b, err := BootstrapOptions(s.Project, o)
	if err != nil {
		return nil, err
	}
	e, err := s.engine(o)
	if err != nil {
		return nil, err
	}
	release, err := e.Lock("bootstrap of " + o.Stack)
	if err != nil {
		return nil, err
	}
	defer release()
	toolchain, err := engine.Install(ctx, s.Project.Root, s.Tools, o.Log)
	if err != nil {
		return nil, err
	}
	cloud, err := s.open(o.Stack, o)
	if err != nil {
		return nil, err
	}
	cloud.SetClock(o.Today)
	simulation := awssim.Simulate(cloud)
	served, err := simulation.Serve()
	defer simulation.Stop()
	if err != nil {
		return nil, err
	}
	api, err := awssim.ServeAccount(cloud, filepath.Join(s.State, "buckets-"+o.Stack+".json"))
	if err != nil {
		return nil, err
	}
	defer api.Stop()
	if b.CLI, err = auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: toolchain.CLIRoot}); err != nil {
		return nil, fmt.Errorf("starting the Pulumi CLI: %w", err)
	}
	b.Home, b.Dir = filepath.Join(s.Tools, "home"), filepath.Join(s.State, "bootstrap-"+o.Stack)
	b.Env = e.Environment(toolchain, served)
	maps.Copy(b.Env, api.Environment())
	// The bootstrap itself decides where its state is, and with what passphrase.
	delete(b.Env, "PULUMI_BACKEND_URL")
	delete(b.Env, "PULUMI_CONFIG_PASSPHRASE")
	return bootstrap.Run(ctx, b)
}
