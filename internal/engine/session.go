package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"gopkg.in/yaml.v3"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// ErrKilled is what a run returns whose engine was killed.
var ErrKilled = errors.New("the engine was killed")

// session is a stack with everything that a run of it needs.
type session struct {
	engine     *Engine
	options    Options
	simulation Simulation
	tools      *Toolchain
	plugin     *plugin
	cli        *command
	stack      auto.Stack
	release    func()
}

// open installs the tools, starts the simulated providers and selects the stack. what says what for.
func (e *Engine) open(ctx context.Context, what string, o Options) (*session, error) {
	release, err := e.Lock(what + " of " + o.Stack)
	if err != nil {
		return nil, err
	}
	s := &session{engine: e, options: o, release: release}
	if err := s.start(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) start(ctx context.Context) error {
	e, o := s.engine, s.options
	if err := s.writeSettings(); err != nil {
		return err
	}
	if err := s.removeStaleLocks(); err != nil {
		return err
	}
	var err error
	if s.tools, err = Install(ctx, e.Root, e.Tools, o.Log); err != nil {
		return err
	}
	if s.simulation, err = e.Simulate(o.Stack); err != nil {
		return err
	}
	s.simulation.SetClock(o.Today)
	served, err := s.simulation.Serve()
	if err != nil {
		return err
	}
	today := o.Today
	if now := s.simulation.Clock(); now.After(today) {
		today = now // Time was let pass in the account.
	}
	env := e.Environment(s.tools, served)
	if o.SkipCheckpoints {
		env["PULUMI_SKIP_CHECKPOINTS"], env["PULUMI_EXPERIMENTAL"] = "true", "true"
	}
	if s.cli, err = s.tools.command(); err != nil {
		return err
	}
	s.cli = &command{PulumiCommand: s.cli.PulumiCommand, previewFirst: !o.SkipPreview}
	s.simulation.OnKill(s.cli.kill)
	workspace, err := auto.NewLocalWorkspace(ctx, auto.WorkDir(e.State), auto.Pulumi(s.cli),
		auto.PulumiHome(filepath.Join(e.Tools, "home")), auto.Program(shortTraces(e.Program(today))), auto.EnvVars(env))
	if err != nil {
		return fmt.Errorf("opening the folder of states: %w", err)
	}
	if isFile(e.stateFile(o.Stack)) {
		s.stack, err = auto.SelectStack(ctx, o.Stack, workspace)
	} else {
		s.stack, err = auto.NewStack(ctx, o.Stack, workspace)
	}
	if err != nil {
		return fmt.Errorf("selecting the stack: %w", err)
	}
	return nil
}

// startPlugin starts the eks plugin ahead where the stack has a cluster. Where nothing is known of a stack yet, the
// engine starts the plugin itself.
func (s *session) startPlugin() error {
	g, err := s.graph()
	if err != nil {
		return err
	}
	if len(g.OfType(awstype.EKSComponent)) == 0 {
		return nil
	}
	workspace := s.stack.Workspace()
	env := workspace.GetEnvVars()
	if s.plugin, err = s.tools.startPlugin(env); err != nil {
		return err
	}
	workspace.SetEnvVar("PULUMI_DEBUG_PROVIDERS", env["PULUMI_DEBUG_PROVIDERS"]+","+s.plugin.attach())
	return nil
}

// shortTraces runs a program in a goroutine of its own. The SDK records the call stack of each registration, and the
// engine keeps it in the state, which it writes before and after each step. Below the program's own frames are more
// of the Automation API and of gRPC, which would be most of what the engine writes.
func shortTraces(program pulumi.RunFunc) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		done := make(chan error)
		go func() {
			defer func() {
				if r := recover(); r != nil {
					done <- fmt.Errorf("the program panicked: %v\n%s", r, debug.Stack())
				}
			}()
			done <- program(ctx)
		}()
		return <-done
	}
}

func (s *session) close() {
	if s.plugin != nil {
		s.plugin.stop()
	}
	if s.simulation != nil {
		s.simulation.Stop()
	}
	s.release()
}

// passphrase encrypts the secrets of the sandbox's state. It protects nothing: there is no real secret in a sandbox.
const passphrase = "sandbox"

// Backend is the URL of a folder of states. Without metadata=skip Pulumi writes a metadata file beside each state in
// two steps, and a program that reads its own stack's outputs now and then meets half of one.
func Backend(folder string) string { return "file://" + folder + "?metadata=skip" }

// Environment is what a CLI runs with, besides what the simulated providers say. It keeps credentials of the real AWS
// away.
func (e *Engine) Environment(t *Toolchain, served map[string]string) map[string]string {
	env := map[string]string{
		"PATH":                                        t.Path + string(os.PathListSeparator) + os.Getenv("PATH"),
		"PULUMI_BACKEND_URL":                          Backend(filepath.Join(e.State, "state")),
		"PULUMI_CONFIG_PASSPHRASE":                    passphrase,
		"PULUMI_SKIP_UPDATE_CHECK":                    "true",
		"AWS_ACCESS_KEY_ID":                           "sandbox",
		"AWS_SECRET_ACCESS_KEY":                       "sandbox",
		"AWS_PROFILE":                                 "",
		"AWS_EC2_METADATA_DISABLED":                   "true",
		"PULUMI_ACCESS_TOKEN":                         "",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
		// Otherwise each update leaves a copy of its state behind, and nothing removes them.
		"PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
	}
	maps.Copy(env, served)
	return env
}

// stateFile is where the CLI keeps the state of a stack.
func (e *Engine) stateFile(stack string) string {
	return filepath.Join(e.State, "state", ".pulumi", "stacks", e.Project, stack+".json")
}

// settingsCopy is a settings file in the folder of states.
type settingsCopy struct {
	EncryptionSalt string         `yaml:"encryptionsalt,omitempty"`
	Config         map[string]any `yaml:"config"`
}

// writeSettings copies the project file and the settings of this run into the folder of states. The sandbox has a
// passphrase of its own; the salt of an earlier run belongs to the state that it made.
func (s *session) writeSettings() error {
	target := filepath.Join(s.engine.State, "Pulumi."+s.options.Stack+".yaml")
	copied := settingsCopy{Config: s.options.Settings}
	var earlier settingsCopy
	if old, err := os.ReadFile(target); err == nil && yaml.Unmarshal(old, &earlier) == nil {
		copied.EncryptionSalt = earlier.EncryptionSalt
	}
	out, err := yaml.Marshal(copied)
	if err == nil {
		err = os.WriteFile(target, out, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(s.engine.State, "Pulumi.yaml"), s.engine.File, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the sandbox's settings: %w", err)
	}
	return nil
}

// Export returns the state of a stack as it is on disk, its secrets encrypted; empty where there is none.
func (e *Engine) Export(stack string) (apitype.UntypedDeployment, error) {
	var saved struct {
		Version    int
		Checkpoint struct{ Latest json.RawMessage }
	}
	text, err := os.ReadFile(e.stateFile(stack))
	if errors.Is(err, fs.ErrNotExist) {
		return apitype.UntypedDeployment{Version: 3}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &saved)
	}
	if err != nil {
		return apitype.UntypedDeployment{}, fmt.Errorf("reading the state of %s: %w", stack, err)
	}
	if string(saved.Checkpoint.Latest) == "null" {
		saved.Checkpoint.Latest = nil
	}
	return apitype.UntypedDeployment{Version: saved.Version, Deployment: saved.Checkpoint.Latest}, nil
}

// Graph reads the resources of a stack from its state.
func (e *Engine) Graph(stack string) (*graph.Graph, error) {
	state, err := e.Export(stack)
	if err != nil {
		return nil, err
	}
	return graph.Read(state)
}

func (s *session) graph() (*graph.Graph, error) { return s.engine.Graph(s.options.Stack) }

// run carries the operation out while it reports each step.
func (s *session) run(ctx context.Context, operation Operation) (*Result, error) {
	started := time.Now()
	result := &Result{Stack: s.options.Stack, Operation: operation, Changes: map[string]int{}}
	stream := make(chan events.EngineEvent)
	watch := &watcher{
		log: s.options.Log, preview: operation == Preview, planning: operation == Up && !s.options.SkipPreview,
		result: result, started: map[string]time.Time{}, warned: map[string]bool{},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range stream {
			watch.see(event)
		}
	}()
	before, err := s.graph()
	if err != nil {
		return result, err
	}
	err = s.operate(ctx, operation, stream)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		// A CLI that never got as far as sending events leaves the stream open; its error says what happened.
	}
	result.Seconds = time.Since(started).Seconds()
	if s.cli.wasKilled() {
		return result, fmt.Errorf("%s of %s: %w; the next run resumes from there", operation, s.options.Stack, ErrKilled)
	}
	if ctx.Err() != nil {
		return result, fmt.Errorf("interrupted during %s; the state has what was done, and the next up resumes from there",
			operation)
	}
	if err != nil {
		failed := fmt.Sprintf("%s of %s failed", operation, s.options.Stack)
		if watch.planning {
			failed += " before it changed anything"
		}
		if problems := watch.problems(); len(problems) > 0 {
			return result, fmt.Errorf("%s:\n%s%s", failed, strings.Join(problems, "\n"), s.plugin.failure())
		}
		return result, fmt.Errorf("%s: %w%s", failed, err, s.plugin.failure())
	}
	if result.Graph, err = s.graph(); err != nil {
		return result, err
	}
	if err := s.simulation.Release(func(urn string) bool {
		r := before.Get(urn)
		return r != nil && r.Retain && result.Graph.Get(urn) == nil
	}); err != nil {
		return result, err
	}
	result.Left = s.simulation.Left()
	return result, nil
}

// operate calls the engine; the stream is closed when it has ended.
func (s *session) operate(ctx context.Context, operation Operation, stream chan events.EngineEvent) error {
	switch operation {
	case Preview:
		_, err := s.stack.Preview(ctx, optpreview.EventStreams(stream))
		return err
	case Up:
		_, err := s.stack.Up(ctx, optup.EventStreams(stream))
		return err
	case Refresh:
		_, err := s.stack.Refresh(ctx, optrefresh.EventStreams(stream))
		return err
	case Destroy:
		_, err := s.stack.Destroy(ctx, optdestroy.EventStreams(stream))
		return err
	}
	close(stream)
	return fmt.Errorf("the sandbox has no operation %q", operation)
}
