// Package sandbox puts the engine, the simulated cloud and a repository's settings together: the whole program with no
// AWS account.
package sandbox

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"groundwork/internal/awssim"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/project"
	"groundwork/internal/recovery"
	"groundwork/stacks"
)

// Sandbox is a repository with a folder for its states and simulated accounts.
type Sandbox struct {
	Project *project.Project
	// Tools holds the CLI and the plugin, State the states, simulated accounts and copied settings.
	Tools, State string
}

// Options of a run.
type Options struct {
	// Stack is the environment, "dev", or one layer of it, "dev-services".
	Stack string
	// Config are changes to the settings, KEY=VALUE, for this run only.
	Config []string
	// Speed divides AWS's latencies; 0 takes no time at all.
	Speed float64
	// Unprotect lets a destroy take protected resources too.
	Unprotect bool
	// SkipPreview lets an update begin without a preview of itself: what is refused may then be refused half way.
	SkipPreview bool
	// SkipCheckpoints writes the state at the end only: a killed run then loses what it did.
	SkipCheckpoints bool
	// Today decides what AWS still supports.
	Today time.Time
	// Log receives progress: a line for each thing done.
	Log io.Writer
	// Faults are made to happen in the run, or before it.
	Faults []awssim.Injection

	// inside is true where the settings say that Pulumi runs in the VPC.
	inside bool
}

// Find looks for the repository from dir upwards. Its sandbox is in the folder .groundwork of the repository.
func Find(dir string) (*Sandbox, error) {
	p, err := project.Find(dir)
	if err != nil {
		return nil, err
	}
	p.Secrets = StandIns
	own := filepath.Join(p.Root, ".groundwork")
	return &Sandbox{Project: p, Tools: own, State: filepath.Join(own, "sandbox")}, nil
}

// standIn takes the place of encrypted settings, which only the real stack's key could read.
const standIn = "sandbox-secret"

// StandIns takes the place of every encrypted setting, so that the sandbox needs no key. An account ID has a form of
// its own.
func StandIns(_, key string, value any) (any, error) {
	if project.Secure(value) && key == stacks.Project+":accountId" {
		return "000000000000", nil
	}
	return replaceSecure(value), nil
}

func replaceSecure(value any) any {
	if project.Secure(value) {
		return standIn
	}
	switch v := value.(type) {
	case map[string]any:
		for key, element := range v {
			v[key] = replaceSecure(element)
		}
	case []any:
		for i, element := range v {
			v[i] = replaceSecure(element)
		}
	}
	return value
}

// CloudFile is where the simulated account of an environment is kept. Each has one of its own, as in real life.
func (s *Sandbox) CloudFile(environment string) string {
	return filepath.Join(s.State, "cloud-"+environment+".json")
}

// engine is the engine on the sandbox's folder.
func (s *Sandbox) engine(o Options) (*engine.Engine, error) {
	file, err := s.Project.File()
	if err != nil {
		return nil, err
	}
	return &engine.Engine{
		Root: s.Project.Root, Tools: s.Tools, State: s.State, Project: stacks.Project, File: file,
		Program: stacks.DeployAt,
		Simulate: func(stack string) (engine.Simulation, error) {
			cloud, err := s.open(project.EnvironmentOf(stack), o)
			if err != nil {
				return nil, err
			}
			return awssim.Simulate(cloud), nil
		},
	}, nil
}

// open opens a simulated account for a run.
func (s *Sandbox) open(name string, o Options) (*awssim.Cloud, error) {
	cloud, err := awssim.OpenCloud(s.CloudFile(name))
	if err != nil {
		return nil, err
	}
	cloud.Speed = o.Speed
	cloud.SetInside(o.inside)
	for _, fault := range o.Faults {
		changed, err := cloud.Apply(fault)
		if err != nil {
			return nil, fmt.Errorf("injecting a fault: %w", err)
		}
		if changed != "" {
			fmt.Fprintf(o.Log, "Before this run %s\n", changed)
		}
	}
	return cloud, nil
}

// prepare checks the settings of a run, before anything is built or started. The program checks the same.
func (s *Sandbox) prepare(o Options) (*engine.Engine, engine.Options, error) {
	settings, err := s.Project.Settings(o.Stack, o.Config...)
	if err != nil {
		return nil, engine.Options{}, err
	}
	raw, err := project.Raw(settings)
	if err != nil {
		return nil, engine.Options{}, err
	}
	config, err := stacks.Load(raw, o.Stack, o.Today)
	if err != nil {
		return nil, engine.Options{}, err
	}
	o.inside = !config.Cluster.Tunnel
	e, err := s.engine(o)
	return e, engine.Options{
		Stack: o.Stack, Settings: settings, Today: o.Today, Log: o.Log,
		SkipPreview: o.SkipPreview, SkipCheckpoints: o.SkipCheckpoints,
	}, err
}

// Run does one operation on a stack.
func (s *Sandbox) Run(ctx context.Context, operation engine.Operation, o Options) (*engine.Result, error) {
	if operation == engine.Destroy && o.Unprotect {
		// As on AWS: protection is a setting, so taking it off is an update of its own.
		unprotected := o
		unprotected.Config = append(slices.Clone(o.Config), "protect=false")
		fmt.Fprintf(o.Log, "Taking protection off first (protect=false)\n")
		if _, err := s.Run(ctx, engine.Up, unprotected); err != nil {
			return nil, fmt.Errorf("taking protection off: %w", err)
		}
	}
	e, options, err := s.prepare(o)
	if err != nil {
		return nil, err
	}
	return e.Run(ctx, operation, options)
}

// Recover puts right what a killed run left of a stack.
func (s *Sandbox) Recover(ctx context.Context, o Options, how recovery.Options) (*recovery.Result, error) {
	e, options, err := s.prepare(o)
	if err != nil {
		return nil, err
	}
	return e.Recover(ctx, options, how)
}

// CLI runs the sandbox's own pulumi with the given arguments and returns what it printed.
func (s *Sandbox) CLI(ctx context.Context, o Options, args ...string) (string, error) {
	e, options, err := s.prepare(o)
	if err != nil {
		return "", err
	}
	return e.CLI(ctx, options, args...)
}

// Export returns the state of a stack, its secrets encrypted; empty where it is not up.
func (s *Sandbox) Export(stack string) (apitype.UntypedDeployment, error) {
	if _, err := s.Project.Settings(stack); err != nil {
		return apitype.UntypedDeployment{}, err // A stack without settings is a mistake.
	}
	e, err := s.engine(Options{})
	if err != nil {
		return apitype.UntypedDeployment{}, err
	}
	return e.Export(stack)
}

// Graph reads the resources of a stack from its state.
func (s *Sandbox) Graph(stack string) (*graph.Graph, error) {
	state, err := s.Export(stack)
	if err != nil {
		return nil, err
	}
	return graph.Read(state)
}

// Cloud opens the simulated account of an environment, as the last run left it.
func (s *Sandbox) Cloud(stack string) (*awssim.Cloud, error) {
	environment := project.EnvironmentOf(stack)
	c, err := awssim.OpenCloud(s.CloudFile(environment))
	if err != nil {
		return nil, err
	}
	raw, err := s.Project.Config(environment)
	if err != nil {
		return nil, err
	}
	return c.Connect(awssim.Site{Region: raw["aws:region"], Account: raw[stacks.Project+":accountId"]})
}

// Advance lets time pass in the simulated account of an environment.
func (s *Sandbox) Advance(stack string, by time.Duration) (*awssim.Cloud, []awssim.Event, error) {
	e, err := s.engine(Options{})
	if err != nil {
		return nil, nil, err
	}
	release, err := e.Lock("advance of " + stack)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	c, err := s.Cloud(stack)
	if err != nil {
		return nil, nil, err
	}
	if c.Clock().IsZero() {
		return nil, nil, fmt.Errorf("advancing the clock of %s: there is nothing yet; groundwork sandbox up -s %s makes it",
			stack, stack)
	}
	events, err := c.Advance(c.Clock().Add(by))
	return c, events, err
}
