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
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/sandbox"
	"groundwork/stacks"
	"groundwork/tests/harness"
)

// layeredResources are the resources of graphs by type and name, their inputs without what AWS made up. Providers and
// references between stacks are what layers are made of, not what they make.
func layeredResources(t *testing.T, graphs ...*graph.Graph) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, g := range graphs {
		for _, r := range g.Resources {
			if strings.HasPrefix(r.Type, "pulumi:") {
				continue
			}
			// EC2 counts versions up by itself.
			delete(r.Inputs.Object("launchTemplate"), "version")
			key := r.Type + " " + r.Name
			text, err := json.Marshal(r.Inputs)
			require.NoError(t, err)
			_, double := all[key]
			require.False(t, double, "%s is in two layers", key)
			all[key] = madeUp.ReplaceAllString(harness.PhysicalID.ReplaceAllString(string(text), "ID"), "ID")
		}
	}
	return all
}

// madeUp is what else differs between two stacks of one environment: the stack's name in URNs, names that Pulumi
// completes, hosts of distributions.
var madeUp = regexp.MustCompile(
	`sqs\.amazonaws\.com/[0-9a-f]{12}|urn:pulumi:[a-z-]+|-[0-9a-f]{7}\b|\bd[0-9a-f]{13}\b|\b[0-9A-F]{12,32}\b`,
)

// shown is the graph of a stack with its secrets in the clear.
func shown(t *testing.T, w *sandbox.Sandbox, stack string) *graph.Graph {
	t.Helper()
	out, err := w.CLI(context.Background(), options(stack, io.Discard), "stack", "export", "--show-secrets", "--stack",
		stack)
	require.NoError(t, err)
	var state apitype.UntypedDeployment
	require.NoError(t, json.Unmarshal([]byte(out), &state))
	g, err := graph.Read(state)
	require.NoError(t, err)
	return g
}

// stateFiles are the states of the layers of an environment, as they are on disk.
func stateFiles(t *testing.T, w *sandbox.Sandbox, environment string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, layer := range stacks.Layers() {
		text, err := os.ReadFile(
			filepath.Join(w.State, "state", ".pulumi", "stacks", stacks.Project, environment+"-"+layer+".json"),
		)
		require.NoError(t, err)
		files[layer] = string(text)
	}
	return files
}

// TestLayers: four stacks, each on top of the ones that are already there, make exactly what one stack makes; a change
// in one touches no other.
func TestLayers(t *testing.T) {
	t.Parallel()
	composed := shown(t, brought(t, "prod").sandbox, "prod")
	w := scratch(t, t.TempDir())
	up := func(layer string, config ...string) *engine.Result {
		var log bytes.Buffer
		result, err := w.Run(context.Background(), engine.Up, options("prod-"+layer, &log, config...))
		require.NoError(t, err, log.String())
		return result
	}
	_, err := w.Run(context.Background(), engine.Up, options("prod-services", &bytes.Buffer{}))
	require.ErrorContains(t, err, "prod-platform", "there is nothing to build on yet")

	var graphs []*graph.Graph
	for _, layer := range stacks.Layers() {
		up(layer)
		graphs = append(graphs, shown(t, w, "prod-"+layer))
	}
	assert.Equal(t, layeredResources(t, composed), layeredResources(t, graphs...))

	for _, change := range []struct{ layer, config, changed string }{
		{stacks.LayerObservability, "observability.thresholds.nodeCpuPercent=77", "observability-nodes-general-cpu"},
		{stacks.LayerWorkloads, "delivery.revision=v2", "webapp-application"},
		{stacks.LayerServices, "edge.requestsPerFiveMinutes=3000", "edge"},
		{stacks.LayerPlatform, "registry.keepImages=60", "registry-webapp"},
	} {
		before := stateFiles(t, w, "prod")
		result := up(change.layer, change.config)
		var changed []string
		for _, c := range result.Changed {
			if !strings.HasPrefix(c.Type, "pulumi:") {
				changed = append(changed, c.Name)
			}
		}
		assert.Equal(t, []string{change.changed}, changed, "one value is one change")
		for layer, state := range stateFiles(t, w, "prod") {
			assert.Equal(t, layer == change.layer, state != before[layer], "a change of %s in the state of %s",
				change.layer, layer)
		}
	}
}

// TestSplit follows docs/layers.md: the stack of a whole environment becomes four, nothing in the cloud changes, and
// the four can be destroyed one after the other.
func TestSplit(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := copied(t, "dev")
	run := func(operation engine.Operation, stack string) *engine.Result {
		var log bytes.Buffer
		result, err := w.Run(ctx, operation, options(stack, &log))
		require.NoError(t, err, log.String())
		return result
	}
	objects := func() (ids []string) {
		c, err := awssim.OpenCloud(filepath.Join(w.State, "cloud-dev.json"))
		require.NoError(t, err)
		for _, o := range c.Objects() {
			if o.URN == "" {
				continue // What AWS made by itself, such as RDS its log group.
			}
			ids = append(ids, o.Type+" "+o.ID)
		}
		return ids
	}
	before := objects()
	require.Greater(t, len(before), 100)

	// The printed commands, with the sandbox's pulumi in the place of the user's; what it does at the end, up, is below.
	binary := groundwork(t)
	dir := checkout(t)
	link := filepath.Join(dir, ".groundwork", "sandbox")
	require.NoError(t, os.RemoveAll(link))
	require.NoError(t, os.Symlink(w.State, link))
	exported, _, err := command(t, dir, binary, "sandbox", "export", "-s", "dev")
	require.NoError(t, err)
	script, _, err := commandWith(t, dir, exported, binary, "split", "-s", "dev")
	require.NoError(t, err)
	bin := t.TempDir()
	shim := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = up ] && exit 0\nexec %s sandbox pulumi -s dev -- \"$@\"\n", binary)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "pulumi"), []byte(shim), 0o755))
	bash := exec.Command("bash")
	bash.Dir, bash.Stdin = dir, strings.NewReader(script)
	bash.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "GROUNDWORK="+binary, "SECRETS_PROVIDER=passphrase")
	out, err := bash.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.FileExists(t, filepath.Join(dir, "Pulumi.dev.yaml"), "the shared settings are where they were")

	for _, layer := range stacks.Layers() {
		result := run(engine.Up, "dev-"+layer)
		for _, change := range result.Changed {
			// Components are no things in the cloud, and neither are providers.
			r := result.Graph.Get(change.URN)
			harmless := strings.HasPrefix(change.Type, "pulumi:") || change.Op == "update" && r != nil && !r.Custom
			assert.True(t, harmless, "%s: %s of %s %s", layer, change.Op, change.Type, change.Name)
		}
	}
	assert.Equal(t, before, objects(), "nothing in the cloud has changed")
	for i := len(stacks.Layers()) - 1; i >= 0; i-- {
		run(engine.Destroy, "dev-"+stacks.Layers()[i])
	}
	assert.Empty(t, objects(), "all of it can be destroyed, from the top down")
}

// TestAddingADomain: the new way is there before the old one goes, and the quota of the security group is kept.
func TestAddingADomain(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	var log bytes.Buffer
	result, err := w.Run(context.Background(), engine.Up,
		options("dev", &log, "edge.domain=shop.example.com", "edge.hostedZoneId=Z0123456789"))
	require.NoError(t, err, log.String())
	assert.Zero(t, result.Changes["replace"])
	assert.Equal(t, "https://shop.example.com", result.Graph.StackOutputs()["url"])
	created, deleted := strings.Index(log.String(), " edge-https\n"), strings.LastIndex(log.String(), " edge-http\n")
	assert.Positive(t, created)
	assert.Less(t, created, deleted, "the new way comes before the old one goes")
}

// TestLayersRest: layers park from the top and come back from the bottom; parked, they are what the composed
// environment is parked.
func TestLayersRest(t *testing.T) {
	t.Parallel()
	w := scratch(t, t.TempDir())
	all := func(order []string, config ...string) []*graph.Graph {
		var graphs []*graph.Graph
		for _, layer := range order {
			var log bytes.Buffer
			_, err := w.Run(context.Background(), engine.Up, options("dev-"+layer, &log, config...))
			require.NoError(t, err, log.String())
			graphs = append(graphs, shown(t, w, "dev-"+layer))
		}
		return graphs
	}
	fromTop := slices.Clone(stacks.Layers())
	slices.Reverse(fromTop)
	up := all(stacks.Layers())
	composed := copied(t, "dev")
	run(t, composed, engine.Up, "parked=true")
	parked := layeredResources(t, shown(t, composed, "dev"))
	assert.Equal(t, parked, layeredResources(t, all(fromTop, "parked=true")...))
	before, after := layeredResources(t, up...), layeredResources(t, all(stacks.Layers())...)
	for _, cache := range []string{awstype.ReplicationGroup + " cache", "random:index/randomId:RandomId " +
		"cache-final-snapshot"} {
		assert.NotEqual(t, before[cache], after[cache], "it begins with a snapshot")
		delete(before, cache)
		delete(after, cache)
	}
	assert.Equal(t, before, after)
}
