//go:build integration

package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/recovery"
	"groundwork/internal/sandbox"
	"groundwork/stacks"
	"groundwork/tests/harness"
)

// TestFailureAndInterruptionLeaveAStateToGoOnFrom: AWS fails in the middle, then the user interrupts, then it works.
func TestFailureAndInterruptionLeaveAStateToGoOnFrom(t *testing.T) {
	t.Parallel()
	w := scratch(t, t.TempDir())
	o := options("dev", io.Discard)
	o.SkipCheckpoints = false
	o.Faults = []awssim.Injection{{Fault: awssim.Fault{
		Type: awstype.NodeGroup, Operation: "create", Error: "ResourceLimitExceeded: no capacity",
	}}}
	_, err := w.Run(context.Background(), engine.Up, o)
	require.ErrorContains(t, err, "api error ResourceLimitExceeded: no capacity")
	assert.NotContains(t, err.Error(), "connection is closing", "only what happened, not what followed from it")

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	slow := options("dev", onLine{"nodes-general", cancel}, "cluster.nodeGroups.general.diskGiB=60")
	slow.Speed, slow.SkipCheckpoints = 2, false
	_, err = w.Run(ctx, engine.Up, slow)
	require.ErrorContains(t, err, "interrupted during up")

	done, err := w.Run(context.Background(), engine.Up, options("dev", io.Discard))
	require.NoError(t, err)
	assert.Len(t, done.Graph.OfType(awstype.NodeGroup), 1)
	again, err := w.Run(context.Background(), engine.Up, options("dev", io.Discard))
	require.NoError(t, err)
	assert.Empty(t, again.Changed)
}

// TestKilledRunIsPutRight plants what a killed run leaves: a lock, an operation that was begun, a resource nobody
// recorded.
func TestKilledRunIsPutRight(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")

	locks := filepath.Join(w.State, "state", ".pulumi", "locks", "organization", stacks.Project, "dev")
	require.NoError(t, os.MkdirAll(locks, 0o755))
	require.NoError(t, writeFile(filepath.Join(locks, "dead.json"), "{}"))
	file := filepath.Join(w.State, "cloud-dev.json")
	cloud, err := awssim.OpenCloud(file)
	require.NoError(t, err)
	_, _, err = cloud.In("eu-west-1").
		Create(context.Background(), "urn:pulumi:dev::groundwork::aws:ec2/vpc:Vpc::lost", awstype.VPC,
			graph.Props{"cidrBlock": "10.99.0.0/16"})
	require.NoError(t, err)
	state := filepath.Join(w.State, "state", ".pulumi", "stacks", stacks.Project, "dev.json")
	text, err := os.ReadFile(state)
	require.NoError(t, err)
	var checkpoint map[string]any
	require.NoError(t, json.Unmarshal(text, &checkpoint))
	latest := checkpoint["checkpoint"].(map[string]any)["latest"].(map[string]any)
	resources := latest["resources"].([]any)
	latest["pending_operations"] = []any{map[string]any{"type": "creating", "resource": resources[len(resources)-1]}}
	text, err = json.Marshal(checkpoint)
	require.NoError(t, err)
	require.NoError(t, writeFile(state, string(text)))

	var log bytes.Buffer
	result, err := w.Run(context.Background(), engine.Up, options("dev", &log))
	require.NoError(t, err)
	assert.Empty(t, result.Changed)
	for _, want := range []string{"Removing the lock", "No state records ec2 Vpc", "had begun creating"} {
		assert.Contains(t, log.String(), want)
	}

	// What no state records is somebody's decision; what holds data needs another one.
	found, err := w.Recover(context.Background(), options("dev", &log), recovery.Options{Orphans: true, Delete: true})
	require.NoError(t, err)
	require.Len(t, found.Orphans, 1, "a VPC is stateful: AWS gives nobody the same one twice")
	assert.Contains(t, log.String(), "Keeping ec2 Vpc")
	found, err = w.Recover(context.Background(), options("dev", &log),
		recovery.Options{Orphans: true, Delete: true, Data: true})
	require.NoError(t, err)
	assert.Empty(t, found.Orphans)
	wholeAccount(t, w)
	again, err := w.Run(context.Background(), engine.Up, options("dev", &log))
	require.NoError(t, err)
	assert.Empty(t, again.Changed)
}

// TestLivingLock: the lock of a process that runs is not touched, and its holder is named.
func TestLivingLock(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	engineOfSomebody := exec.Command(filepath.Join(t.TempDir(), "pulumi"), "60")
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(sleep, engineOfSomebody.Path))
	require.NoError(t, engineOfSomebody.Start())
	defer func() {
		_ = engineOfSomebody.Process.Kill()
		_ = engineOfSomebody.Wait()
	}()
	host, err := os.Hostname()
	require.NoError(t, err)
	locks := filepath.Join(w.State, "state", ".pulumi", "locks", "organization", stacks.Project, "dev")
	require.NoError(t, os.MkdirAll(locks, 0o755))
	lock := fmt.Sprintf(`{"pid": %d, "username": "ann", "hostname": %q, "timestamp": "2026-11-22T10:00:00Z"}`,
		engineOfSomebody.Process.Pid, host)
	require.NoError(t, writeFile(filepath.Join(locks, "living.json"), lock))
	_, err = w.Run(context.Background(), engine.Up, options("dev", io.Discard))
	require.ErrorContains(t, err, "the state of dev is locked by ann@"+host)
	assert.FileExists(t, filepath.Join(locks, "living.json"))
}

// TestFaults: what users can make go wrong goes wrong, and the next run puts it right.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault string
		// err is in the error of the run.
		err string
		// change makes the run do something.
		change string
	}{
		{"credentials", "ExpiredToken", "database.backupRetentionDays=3"},
		{"create-then-fail:cloudwatch/metricAlarm", "unexpected state 'FAILED'", "cache.nodes=2"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			injection, err := awssim.ParseFault(c.fault)
			require.NoError(t, err)
			w := copied(t, "dev")
			o := options("dev", io.Discard, c.change)
			failing := o
			failing.Faults = []awssim.Injection{injection}
			_, err = w.Run(context.Background(), engine.Up, failing)
			require.ErrorContains(t, err, c.err)
			_, err = w.Run(context.Background(), engine.Up, o)
			require.NoError(t, err)
			wholeAccount(t, w)
		})
	}
}

// served is a sandbox whose providers are up for a pulumi of the user's own.
type served struct {
	sandbox *sandbox.Sandbox
	// env has the printed variables, folder is a project with the settings, cli the folder of the CLI.
	env         map[string]string
	folder, cli string
	// stop ends it, and returns why it ended.
	stop func() error
}

// serve serves the simulated providers.
func serve(t *testing.T) *served {
	t.Helper()
	s := &served{sandbox: scratch(t, t.TempDir()), env: map[string]string{}, folder: t.TempDir()}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	printed, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- s.sandbox.Serve(ctx, options("dev", io.Discard), func(variables string) { printed <- variables })
	}()
	s.stop = func() error {
		stop()
		return <-ended
	}
	select {
	case variables := <-printed:
		for _, line := range strings.Split(strings.TrimSpace(variables), "\n") {
			name, value, _ := strings.Cut(strings.TrimPrefix(line, "export "), "=")
			s.env[name] = strings.ReplaceAll(strings.Trim(value, `"`), "$PATH", os.Getenv("PATH"))
		}
	case err := <-ended:
		t.Fatal(err)
	}
	for _, name := range []string{"Pulumi.yaml", "Pulumi.dev.yaml"} {
		text, err := os.ReadFile(filepath.Join(s.sandbox.Project.Root, name))
		require.NoError(t, err)
		require.NoError(t, writeFile(filepath.Join(s.folder, name), string(text)))
	}
	tools, err := engine.Install(context.Background(), s.sandbox.Project.Root, s.sandbox.Tools, io.Discard)
	require.NoError(t, err)
	s.cli = tools.CLIRoot
	return s
}

// up brings dev up with the user's own pulumi.
func (s *served) up(t *testing.T) auto.Stack {
	t.Helper()
	s.env["PULUMI_SKIP_CHECKPOINTS"], s.env["PULUMI_EXPERIMENTAL"] = "true", "true" // Nothing is killed here.
	cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: s.cli})
	require.NoError(t, err)
	stack, err := auto.UpsertStackLocalSource(context.Background(), "dev", s.folder, auto.Pulumi(cli),
		auto.EnvVars(s.env), auto.Program(stacks.DeployAt(harness.Today)))
	require.NoError(t, err)
	_, err = stack.Up(context.Background())
	require.NoError(t, err)
	return stack
}

// unchanged holds that an update would change nothing.
func unchanged(t *testing.T, stack auto.Stack) {
	t.Helper()
	preview, err := stack.Preview(context.Background())
	require.NoError(t, err)
	assert.Greater(t, preview.ChangeSummary["same"], 100)
	assert.Len(t, preview.ChangeSummary, 1, "nothing changes")
}

// TestServe: a pulumi of the user's own, here through the Automation API, works against the served providers with
// nothing but the printed variables.
func TestServe(t *testing.T) {
	t.Parallel()
	s := serve(t)
	assert.Contains(t, s.env["PULUMI_DEBUG_PROVIDERS"], "aws:")
	unchanged(t, s.up(t))
	_, err := s.sandbox.Run(context.Background(), engine.Preview, options("dev", io.Discard))
	require.ErrorContains(t, err, "another sandbox run is working", "two runs must not share a folder")
	require.ErrorContains(t, err, "(serve of dev, process ")
	require.NoError(t, s.stop())
}

// plantBegun writes into the state of dev in a folder what a killed run leaves: the flow log is created and not
// recorded, a change of the database had begun.
func plantBegun(t *testing.T, folder string) {
	t.Helper()
	file := filepath.Join(folder, ".pulumi", "stacks", stacks.Project, "dev.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var saved map[string]any
	require.NoError(t, json.Unmarshal(text, &saved))
	latest := saved["checkpoint"].(map[string]any)["latest"].(map[string]any)
	var kept, begun []any
	for _, element := range latest["resources"].([]any) {
		switch r := element.(map[string]any); r["type"] {
		case awstype.FlowLog:
			delete(r, "id")
			delete(r, "outputs")
			begun = append(begun, map[string]any{"type": "creating", "resource": r})
			continue
		case awstype.DBInstance:
			begun = append(begun, map[string]any{"type": "updating", "resource": r})
		}
		kept = append(kept, element)
	}
	require.Len(t, begun, 2)
	latest["resources"], latest["pending_operations"] = kept, begun
	text, err = json.Marshal(saved)
	require.NoError(t, err)
	require.NoError(t, writeFile(file, string(text)))
}

// TestRecoverByCommand: groundwork recover works with the user's own pulumi command. What a killed run had created is
// planted in the state as begun.
func TestRecoverByCommand(t *testing.T) {
	t.Parallel()
	s := serve(t)
	stack := s.up(t)
	pulumi := &recovery.Pulumi{Stack: "dev", Command: filepath.Join(s.cli, "bin", "pulumi"), Dir: s.folder}
	for name, value := range s.env {
		pulumi.Env = append(pulumi.Env, name+"="+value)
	}
	plantBegun(t, strings.TrimSuffix(strings.TrimPrefix(s.env["PULUMI_BACKEND_URL"], "file://"), "?metadata=skip"))

	cloud, err := awssim.OpenCloud(s.sandbox.CloudFile("dev-served"))
	require.NoError(t, err)
	var out bytes.Buffer
	result, err := recovery.Run(t.Context(), pulumi, cloud, recovery.Options{Orphans: true, Out: &out})
	require.NoError(t, err, out.String())
	assert.Len(t, result.Begun, 2)
	assert.Len(t, result.Imported, 1)
	assert.Empty(t, result.Orphans)
	unchanged(t, stack)
	require.NoError(t, s.stop())
}

func TestWorkspaceErrors(t *testing.T) {
	t.Parallel()
	_, err := sandbox.Find("/")
	require.ErrorContains(t, err, "run this inside the repository")
	w := scratch(t, t.TempDir())
	_, err = w.Run(context.Background(), engine.Preview, options("staging", io.Discard))
	require.ErrorContains(t, err, "Pulumi.staging.yaml does not exist; stacks here are dev, prod")
	for _, bad := range []string{"nonsense", "=1", "a=[1"} {
		_, err = w.Run(context.Background(), engine.Preview, options("dev", io.Discard, bad))
		require.ErrorContains(t, err, "reading --config", bad)
	}
	_, err = w.Run(context.Background(), engine.Up,
		options("dev", io.Discard, "network.cidr=10.0.0.0/8", "database.port=80"))
	require.ErrorContains(t, err, "2 problem(s)")
	require.NoError(t, w.Serve(canceled(), options("dev", io.Discard), func(string) {}))
	require.Error(t, w.Serve(context.Background(), options("staging", io.Discard), nil))
}
