package tests

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBootstrap: from nothing to a state in the bucket that it describes, by the real Pulumi with its S3 backend and its KMS
// provider; a second run changes nothing, from another machine neither; an interrupted one is gone on with.
func TestBootstrap(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the Pulumi engine")
	}
	t.Parallel()
	w := scratch(t, t.TempDir())
	var log bytes.Buffer
	o := options("dev", &log, pipelines("dev")...)

	broken := o
	broken.Faults = []awssim.Fault{{Type: awstype.BucketPolicy, Operation: "create", Error: "Throttling: Rate exceeded", Times: 1}}
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
	changed.Config = append(pipelines("dev"), "pipelines.github.branch=trunk")
	again, err := w.Bootstrap(context.Background(), changed)
	require.NoError(t, err, log.String())
	assert.Equal(t, map[string]int{"same": 21, "update": 1}, again.Changes, "a change of the settings is an update like any other")
}
