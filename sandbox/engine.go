package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"groundwork/stacks"
)

// Operation is what a run does with a stack.
type Operation string

// The operations of a run.
const (
	Preview Operation = "preview"
	Up      Operation = "up"
	Refresh Operation = "refresh"
	Destroy Operation = "destroy"
)

// Options of a run.
type Options struct {
	// Stack is the environment, "dev", or one layer of it, "dev-services".
	Stack string
	// Config are changes to the stack file, KEY=VALUE, for this run only.
	Config []string
	// Speed divides AWS's latencies; 0 takes no time at all.
	Speed float64
	// Unprotect lets a destroy take protected resources too.
	Unprotect bool
	// Today decides what AWS still supports.
	Today time.Time
	// Log receives progress: a line for each thing done.
	Log io.Writer
	// Faults are made to happen.
	Faults []Fault
}

// Result is what a run did.
type Result struct {
	Stack     string         `json:"stack"`
	Operation Operation      `json:"operation"`
	Changes   map[string]int `json:"changes"`
	// Changed lists each resource that was or would be changed, with the changed properties.
	Changed []ChangedResource `json:"changed"`
	// Seconds the run took here.
	Seconds float64        `json:"seconds"`
	Outputs map[string]any `json:"outputs,omitempty"`
	// Left is what deletions left behind, with the reason for each.
	Left  map[string]string `json:"left,omitempty"`
	Graph *Graph            `json:"-"`
}

// ChangedResource is one step of a run.
type ChangedResource struct {
	Op string `json:"op"`
	// Layer is that of the outermost component it is in; "" for providers and the like.
	Layer string `json:"layer,omitempty"`
	// Stateful is true for what holds data: replacing it loses them.
	Stateful   bool     `json:"stateful,omitempty"`
	Type       string   `json:"type"`
	Name       string   `json:"name"`
	URN        string   `json:"urn"`
	Properties []string `json:"properties,omitempty"`
}

// session is a stack with everything that a run of it needs.
type session struct {
	workspace *Workspace
	options   Options
	cloud     *Cloud
	servers   *Servers
	endpoint  *endpointProxy
	stack     auto.Stack
	release   func()
}

// passphrase encrypts the secrets of the sandbox's state. It protects nothing: there is no real secret in a sandbox.
const passphrase = "sandbox"

// backend is where states are kept. Without the metadata files that Pulumi's backend otherwise writes beside each state, and not
// in one piece: a program that reads its own stack's outputs would now and then meet half of one.
func backend(folder string) string { return "file://" + folder + "?metadata=skip" }

// environment is what the CLI runs with. Credentials of the real AWS are kept away from it.
func (w *Workspace) environment(t *Toolchain, servers *Servers, endpoint *endpointProxy) map[string]string {
	return map[string]string{
		"PATH":                                        t.Path + string(os.PathListSeparator) + os.Getenv("PATH"),
		"PULUMI_BACKEND_URL":                          backend(filepath.Join(w.State, "state")),
		"PULUMI_CONFIG_PASSPHRASE":                    passphrase,
		"PULUMI_DEBUG_PROVIDERS":                      servers.DebugProviders,
		"PULUMI_SKIP_UPDATE_CHECK":                    "true",
		"GROUNDWORK_ENDPOINT_PROXY":                   endpoint.URL(),
		"AWS_ACCESS_KEY_ID":                           "sandbox",
		"AWS_SECRET_ACCESS_KEY":                       "sandbox",
		"AWS_PROFILE":                                 "",
		"AWS_EC2_METADATA_DISABLED":                   "true",
		"PULUMI_ACCESS_TOKEN":                         "",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
	}
}

// open checks the configuration, installs the tools, starts the providers and selects the stack.
func (w *Workspace) open(ctx context.Context, o Options) (*session, error) {
	release, err := w.lock()
	if err != nil {
		return nil, err
	}
	s := &session{workspace: w, options: o, release: release}
	if err := s.start(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) start(ctx context.Context) error {
	w, o := s.workspace, s.options
	raw, err := w.prepare(o.Stack, o.Config)
	if err != nil {
		return err
	}
	// The program checks the same, but here the user reads it before anything is built or started.
	if _, err := stacks.Load(raw, o.Stack, o.Today); err != nil {
		return err
	}
	if err := s.removeStaleLocks(); err != nil {
		return err
	}
	toolchain, err := s.serve(ctx)
	if err != nil {
		return err
	}
	if now := s.cloud.Clock(); now.After(o.Today) {
		o.Today = now // Time has been let pass.
	}
	cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: toolchain.CLIRoot})
	if err != nil {
		return fmt.Errorf("starting the Pulumi CLI: %w", err)
	}
	s.stack, err = auto.UpsertStackLocalSource(ctx, o.Stack, w.State,
		auto.Pulumi(cli), auto.PulumiHome(filepath.Join(w.Tools, "home")),
		auto.Program(stacks.DeployAt(o.Today)), auto.EnvVars(w.environment(toolchain, s.servers, s.endpoint)))
	if err != nil {
		return fmt.Errorf("selecting the stack: %w", err)
	}
	return nil
}

// serve installs the tools and starts the simulated providers.
func (s *session) serve(ctx context.Context) (*Toolchain, error) {
	w, o := s.workspace, s.options
	toolchain, err := Install(ctx, w.Root, w.Tools, o.Log)
	if err != nil {
		return nil, err
	}
	if s.cloud, err = OpenCloud(w.cloudFile(environmentOf(o.Stack))); err != nil {
		return nil, err
	}
	s.cloud.Speed = o.Speed
	s.cloud.SetClock(o.Today)
	for _, fault := range o.Faults {
		s.cloud.Inject(fault)
	}
	if s.servers, err = Serve(s.cloud); err != nil {
		return nil, err
	}
	if s.endpoint, err = startEndpointProxy(); err != nil {
		return nil, err
	}
	return toolchain, nil
}

func (s *session) close() {
	if s.servers != nil {
		s.servers.Stop()
	}
	if s.endpoint != nil {
		s.endpoint.Stop()
	}
	s.release()
}

// removeStaleLocks removes the locks on the state of runs that were killed. The folder's own lock is held, so no other run
// can be using it.
func (s *session) removeStaleLocks() error {
	locks, _ := filepath.Glob(filepath.Join(s.workspace.State, "state", ".pulumi", "locks", "organization", stacks.Project, s.options.Stack, "*.json"))
	for _, lock := range locks {
		fmt.Fprintf(s.options.Log, "Removing the lock of a run that did not end\n")
		if err := os.Remove(lock); err != nil {
			return fmt.Errorf("removing a stale lock: %w", err)
		}
	}
	return nil
}

// recover puts right what a killed run left: operations it began, and resources it made but did not record.
func (s *session) recover(ctx context.Context) error {
	state, err := s.stack.Export(ctx)
	if err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	cleaned, begun, err := dropPending(state)
	if err != nil {
		return err
	}
	known, err := recorded(cleaned)
	if err != nil {
		return err
	}
	// What another stack of the environment took over is not lost.
	others, err := s.workspace.recordedByOthers(s.options.Stack)
	if err != nil {
		return err
	}
	made := "urn:pulumi:" + s.options.Stack + "::"
	lost, err := s.cloud.Forget(func(o Object) bool {
		return strings.HasPrefix(o.URN, made) && !known[o.Type+"|"+o.ID] && !others[o.Type+"|"+o.ID]
	})
	if err != nil {
		return err
	}
	for _, o := range lost {
		fmt.Fprintf(s.options.Log, "An interrupted run created %s %s and did not record it; the sandbox removes it (on AWS: pulumi import, or delete it)\n", o.Type, o.ID)
	}
	if len(begun) == 0 {
		return nil
	}
	fmt.Fprintf(s.options.Log, "An interrupted run had begun %s; going on from there\n", strings.Join(begun, ", "))
	if err := s.stack.Import(ctx, cleaned); err != nil {
		return fmt.Errorf("repairing the state: %w", err)
	}
	return nil
}

// Run does one operation on a stack in the sandbox.
func (w *Workspace) Run(ctx context.Context, operation Operation, o Options) (*Result, error) {
	if operation == Destroy && o.Unprotect {
		// As on AWS: protection is a setting, so taking it off is an update of its own.
		release := o
		release.Config = append(slices.Clone(o.Config), "protect=false")
		fmt.Fprintf(o.Log, "Taking protection off first (protect=false)\n")
		if _, err := w.Run(ctx, Up, release); err != nil {
			return nil, fmt.Errorf("taking protection off: %w", err)
		}
	}
	s, err := w.open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if operation == Up || operation == Destroy {
		if err := s.recover(ctx); err != nil {
			return nil, err
		}
	}
	if operation == Destroy {
		if err := s.refuseDestroy(ctx); err != nil {
			return nil, err
		}
	}
	return s.run(ctx, operation)
}

// refuseDestroy stops a destroy before it has deleted half of a stack.
func (s *session) refuseDestroy(ctx context.Context) error {
	graph, err := s.graph(ctx)
	if err != nil {
		return err
	}
	if kept, ok := graph.StackOutputs()["parking"].(map[string]any); ok && kept["parked"] == true && len(graph.OfType(instanceType)) > 0 {
		return fmt.Errorf("destroying %s: it is parked, and of a stopped database RDS makes no final snapshot; nothing was deleted\nbring it back first: up with parked=false", s.options.Stack)
	}
	var names []string
	for _, r := range graph.Resources {
		if r.Protect {
			names = append(names, SimpleType(r.Type)+" "+r.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("destroying %s: %d resources are protected, nothing was deleted:\n  %s\nadd --unprotect to delete them too",
		s.options.Stack, len(names), strings.Join(names, "\n  "))
}

func (s *session) graph(ctx context.Context) (*Graph, error) {
	state, err := s.stack.Export(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	return ReadGraph(state)
}

// run carries the operation out while it reports each step.
func (s *session) run(ctx context.Context, operation Operation) (*Result, error) {
	started := time.Now()
	result := &Result{Stack: s.options.Stack, Operation: operation, Changes: map[string]int{}}
	stream := make(chan events.EngineEvent)
	watch := &watcher{log: s.options.Log, preview: operation == Preview, result: result, started: map[string]time.Time{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range stream {
			watch.see(event)
		}
	}()
	before, err := s.graph(ctx)
	if err != nil {
		return result, err
	}
	err = s.operate(ctx, operation, stream)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		// A command line that never got as far as sending events leaves the stream open; its error says what happened.
	}
	result.Seconds = time.Since(started).Seconds()
	if ctx.Err() != nil {
		return result, fmt.Errorf("interrupted during %s; what was done is in the state, and the next up goes on from there", operation)
	}
	if err != nil {
		if problems := watch.problems(); len(problems) > 0 {
			return result, fmt.Errorf("%s of %s failed:\n%s", operation, s.options.Stack, strings.Join(problems, "\n"))
		}
		return result, fmt.Errorf("%s of %s failed: %w", operation, s.options.Stack, err)
	}
	if result.Graph, err = s.graph(ctx); err != nil {
		return result, err
	}
	if err := s.cloud.Keep(func(o Object) bool {
		r := before.Get(o.URN)
		return r != nil && r.Retain && result.Graph.Get(o.URN) == nil
	}); err != nil {
		return result, err
	}
	result.Left = s.cloud.Left()
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

// CLI runs the sandbox's own pulumi with the given arguments, on the states that the sandbox keeps, and returns what it
// printed.
func (w *Workspace) CLI(ctx context.Context, o Options, args ...string) (string, error) {
	s, err := w.open(ctx, o)
	if err != nil {
		return "", err
	}
	defer s.close()
	var env []string
	for name, value := range s.stack.Workspace().GetEnvVars() {
		env = append(env, name+"="+value)
	}
	env = append(env, "PULUMI_HOME="+s.stack.Workspace().PulumiHome())
	out, problems, _, err := s.stack.Workspace().PulumiCommand().Run(ctx, w.State, nil, nil, nil, env, args...)
	if err != nil {
		return out, fmt.Errorf("pulumi %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(problems))
	}
	return out, nil
}

// Export returns the state of a stack, its secrets encrypted. (The Automation API's own export decrypts them.)
func (w *Workspace) Export(ctx context.Context, o Options) (apitype.UntypedDeployment, error) {
	var state apitype.UntypedDeployment
	out, err := w.CLI(ctx, o, "stack", "export", "--stack", o.Stack)
	if err != nil {
		return state, fmt.Errorf("reading the state: %w", err)
	}
	if err := json.Unmarshal([]byte(out), &state); err != nil {
		return state, fmt.Errorf("reading the state: %w", err)
	}
	return state, nil
}

// Outputs returns the outputs of a stack; secret ones are not shown.
func (w *Workspace) Outputs(ctx context.Context, o Options) (map[string]any, error) {
	s, err := w.open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	graph, err := s.graph(ctx)
	if err != nil {
		return nil, err
	}
	return graph.StackOutputs(), nil
}
