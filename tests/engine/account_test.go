//go:build integration

package engine

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/drain"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/tests/harness"
)

// TestBootstrap: from nothing to a state in the bucket that it describes, by the real Pulumi with its S3 backend and
// its KMS provider; a second run changes nothing, from another machine neither; an interrupted one is gone on with.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	w := scratch(t, t.TempDir())
	var log bytes.Buffer
	o := options("dev", &log, harness.Pipelines("dev")...)

	broken := o
	broken.Faults = []awssim.Injection{{Fault: awssim.Fault{
		Type: awstype.BucketPolicy, Operation: "create", Error: "Throttling: Rate exceeded", Times: 1,
	}}}
	_, err := w.Bootstrap(context.Background(), broken)
	require.ErrorContains(t, err, "Rate exceeded")

	result, err := w.Bootstrap(context.Background(), o)
	require.NoError(t, err, log.String())
	assert.True(t, result.Moved)
	assert.Equal(t, "s3://groundwork-dev-state-111122223333?region=eu-west-1&awssdk=v2", result.Outputs["backend"])
	kept, err := os.ReadFile(filepath.Join(w.State, "buckets-dev.json"))
	require.NoError(t, err)
	assert.Contains(t, string(kept), ".pulumi/stacks/groundwork/dev-account.json", "the state is in the bucket")
	left, err := filepath.Glob(filepath.Join(w.State, "bootstrap-dev/state/.pulumi/stacks/groundwork/*.json"))
	require.NoError(t, err)
	assert.Empty(t, left, "and nowhere else")

	for _, elsewhere := range []bool{false, true} {
		if elsewhere {
			require.NoError(t, os.RemoveAll(filepath.Join(w.State, "bootstrap-dev")))
		}
		again, err := w.Bootstrap(context.Background(), o)
		require.NoError(t, err, log.String())
		assert.False(t, again.Moved)
		assert.Equal(t, map[string]int{"same": 22}, again.Changes, "on another machine: %v", elsewhere)
	}

	changed := o
	changed.Config = append(harness.Pipelines("dev"), "pipelines.github.branch=trunk")
	again, err := w.Bootstrap(context.Background(), changed)
	require.NoError(t, err, log.String())
	assert.Equal(t, map[string]int{"same": 21, "update": 1}, again.Changes,
		"a change of the settings is an update like any other")
}

// TestDrain: what a controller made stops a destroy, in words that name it; after draining the destroy succeeds.
func TestDrain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := copied(t, "dev")
	o := options("dev", &bytes.Buffer{})
	up := brought(t, "dev").result

	// A Service of type LoadBalancer, and what the controller makes of it.
	cloud, err := awssim.OpenCloud(filepath.Join(w.State, "cloud-dev.json"))
	require.NoError(t, err)
	here := cloud.In("eu-west-1")
	subnets := up.Graph.First(awstype.LoadBalancer).Inputs["subnets"]
	tags := map[string]any{"elbv2.k8s.aws/cluster": "groundwork-dev", "service.k8s.aws/stack": "default/legacy"}
	group := graph.Props{"name": "k8s-legacy", "vpcId": up.Graph.First(awstype.VPC).ID, "tags": tags}
	require.NoError(t, here.Seed(awssim.Object{Type: awstype.SecurityGroup, ID: "sg-stray", State: group}))
	balancer := graph.Props{
		"name": "k8s-legacy", "subnets": subnets, "securityGroups": []any{"sg-stray"}, "tags": tags,
	}
	id := "loadbalancer/app/k8s-legacy/1"
	require.NoError(t, here.Seed(awssim.Object{Type: awstype.LoadBalancer, ID: id, State: balancer}))

	_, err = w.Run(ctx, engine.Destroy, o)
	require.ErrorContains(t, err, "k8s-legacy", "the error names what is in the way")

	drained := func(d drain.Options) (string, error) {
		var out bytes.Buffer
		d.Out = &out
		err := w.Drain(ctx, o, d)
		return out.String(), err
	}
	shown, err := drained(drain.Options{})
	require.NoError(t, err)
	assert.Contains(t, shown, "loadbalancer/app/k8s-legacy/1")
	assert.Contains(t, shown, "sg-stray")
	assert.Contains(t, shown, "--remove deletes them")
	removed, err := drained(drain.Options{Remove: true})
	require.NoError(t, err)
	assert.Contains(t, removed, "All of it is removed")
	again, err := drained(drain.Options{})
	require.NoError(t, err)
	assert.Contains(t, again, "Nothing that controllers made")
	_, err = w.Run(ctx, engine.Destroy, o)
	require.NoError(t, err)
}
