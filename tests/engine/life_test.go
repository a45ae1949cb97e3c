//go:build integration

package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/sandbox"
	"groundwork/internal/timeline"
	"groundwork/stacks"
	"groundwork/tests/harness"
)

// TestLife brings each environment up under the real engine, does it again, previews one changed value, and reads back
// what there is.
func TestLife(t *testing.T) {
	const nodes, alarm = "cluster.nodeGroups.general.maxSize=6", "observability.thresholds.nodeCpuPercent=70"
	changed := map[string]struct{ config, want string }{
		"dev": {nodes, "update aws:eks/nodeGroup:NodeGroup cluster-nodes-general [scalingConfig.maxSize]"},
		"prod": {alarm, "update aws:cloudwatch/metricAlarm:MetricAlarm observability-nodes-general-cpu " +
			"[alarmDescription threshold]"},
	}
	for _, stack := range harness.Environments {
		t.Run(stack, func(t *testing.T) {
			up := brought(t, stack)
			// From here on both environments, each with a workspace of its own; other users of these have ended.
			t.Parallel()
			do := func(operation engine.Operation, config ...string) *engine.Result {
				t.Helper()
				result, err := up.sandbox.Run(context.Background(), operation, options(stack, io.Discard, config...))
				require.NoError(t, err)
				return result
			}
			again := do(engine.Up)
			assert.Empty(t, again.Changed, "a second up changes nothing")
			assert.Greater(t, again.Changes["same"], 100)
			preview := do(engine.Preview, changed[stack].config)
			assert.Equal(t, []string{changed[stack].want}, described(preview), "exactly the changed value")
			assert.Empty(t, do(engine.Preview).Changed, "a preview changes nothing")
			assert.Empty(t, do(engine.Refresh).Changes["update"], "nothing has drifted")
		})
	}
}

// TestDestroy destroys each environment to nothing but what is meant to stay. Protected resources need a word more.
func TestDestroy(t *testing.T) {
	const meantToStay = `^(KMS key |database snapshot |cache snapshot |secret groundwork-prod/|` +
		`bucket (aws-waf-logs-)?groundwork-prod-|log group RDSOSMetrics$)`
	// Keys, two snapshots and RDS's own log group; of prod three secrets and two buckets of logs too.
	left := map[string]int{"dev": 2 + 3, "prod": 9 + 3 + 5}
	for _, stack := range harness.Environments {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			w, o := copied(t, stack), options(stack, io.Discard)
			if stack == "prod" {
				_, err := w.Run(context.Background(), engine.Destroy, o)
				require.ErrorContains(t, err, "resources are protected, nothing was deleted")
				require.ErrorContains(t, err, "add --unprotect")
			}
			o.Unprotect = true
			destroyed, err := w.Run(context.Background(), engine.Destroy, o)
			require.NoError(t, err)
			assert.Empty(t, destroyed.Graph.Resources)
			cloud, err := awssim.OpenCloud(filepath.Join(w.State, "cloud-"+stack+".json"))
			require.NoError(t, err)
			for _, o := range cloud.Objects() {
				assert.Equal(t, "RDSOSMetrics", o.ID, "nothing else is left in the account")
			}
			for what := range destroyed.Left {
				assert.Regexp(t, meantToStay, what)
			}
			assert.Len(t, destroyed.Left, left[stack])
		})
	}
}

// TestCriticalPath: the first deployment of production stays under the bound at median latencies.
func TestCriticalPath(t *testing.T) {
	chain, seconds := timeline.CriticalPath(brought(t, "prod").result.Graph, awstype.Median)
	assert.LessOrEqual(t, seconds, 15.6*60, "%v", chain)
	assert.Greater(t, seconds, 840.0, "the database alone takes longer")
	total := 0.0
	for _, step := range chain {
		assert.InDelta(t, total, step.Start, 0.001, "the chain has no gap")
		total += step.Seconds
	}
	assert.InDelta(t, seconds, total, 0.001)
	_, dev := timeline.CriticalPath(brought(t, "dev").result.Graph, awstype.Median)
	assert.Less(t, dev, seconds)
}

// TestSecretsStaySecret: no generated value is in the exported state in the clear, and none is in an output of the
// stack.
func TestSecretsStaySecret(t *testing.T) {
	for _, stack := range harness.Environments {
		up := brought(t, stack)
		state, err := up.sandbox.Export(stack)
		require.NoError(t, err)
		cloud, err := awssim.OpenCloud(filepath.Join(up.sandbox.State, "cloud-"+stack+".json"))
		require.NoError(t, err)
		seen := 0
		for _, o := range cloud.Objects() {
			for _, value := range []string{o.State.Str("result"), o.State.Str("authToken"), o.State.Str("secretString")} {
				if value == "" {
					continue
				}
				seen++
				quoted, err := json.Marshal(value)
				require.NoError(t, err)
				assert.False(t, strings.Contains(string(state.Deployment), strings.Trim(string(quoted), `"`)),
					"%s %s is in the state in the clear", o.Type, o.ID)
			}
		}
		assert.Equal(t, 6, seen, "two passwords, one token, three secrets")
		assert.Contains(t, string(state.Deployment), "ciphertext")
	}
}

// TestReplacement: what AWS cannot change is replaced, and the preview says so.
func TestReplacement(t *testing.T) {
	up := brought(t, "dev")
	preview, err := up.sandbox.Run(context.Background(), engine.Preview,
		options("dev", io.Discard, "cache.engine=redis", "allow=[replace cache]"))
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{
		"replace random:index/randomId:RandomId cache-final-snapshot [keepers.engine]",
		"replace aws:elasticache/parameterGroup:ParameterGroup cache [family name]",
		"replace aws:elasticache/replicationGroup:ReplicationGroup cache " +
			"[engine engineVersion finalSnapshotIdentifier parameterGroupName]",
		"replace aws:secretsmanager/secretVersion:SecretVersion secrets-cache []",
		"update aws:iam/rolePolicy:RolePolicy webapp-secrets-role-policy [policy]",
		"update kubernetes:core/v1:ConfigMap webapp-values [data.values.yaml]",
	}, described(preview))
	_, err = up.sandbox.Run(context.Background(), engine.Preview,
		options("dev", io.Discard, "database.username=other_admin"))
	require.ErrorContains(t, err, "the instance would be replaced by an empty one")
}

// TestNodesRollInPlace: another instance type is a new version of the template, not a new group, and a group that has
// to be replaced comes up before the old one goes.
func TestNodesRollInPlace(t *testing.T) {
	up := brought(t, "dev")
	preview, err := up.sandbox.Run(context.Background(), engine.Preview,
		options("dev", io.Discard, "cluster.nodeGroups.general.instanceType=t3.large"))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"update aws:ec2/launchTemplate:LaunchTemplate cluster-nodes-general [instanceType]",
		"update aws:eks/nodeGroup:NodeGroup cluster-nodes-general [launchTemplate.version]",
	}, described(preview))

	w := copied(t, "dev")
	var log bytes.Buffer
	_, err = w.Run(context.Background(), engine.Up, options("dev", &log, "cluster.nodeGroups.general.capacityType=SPOT"))
	require.NoError(t, err)
	created, deleted := strings.Index(log.String(), "++"), strings.Index(log.String(), "--")
	assert.Positive(t, created)
	assert.Less(t, created, deleted, "new nodes first")
}

// TestGrowingDoesNotThreatenWhatIsThere: what is only added must not make a preview fear for what depends on it.
func TestGrowingDoesNotThreatenWhatIsThere(t *testing.T) {
	up := brought(t, "prod")
	preview, err := up.sandbox.Run(context.Background(), engine.Preview, options("prod", io.Discard,
		"network.interfaceEndpoints=[ec2, ecr.api, ecr.dkr, logs, secretsmanager, sts, kms]"))
	require.NoError(t, err)
	assert.Equal(t, []string{"create aws:ec2/vpcEndpoint:VpcEndpoint network-endpoint-kms []"}, described(preview))
}

// TestWhatAWSRefusesOnUpdate: refusals that depend on what is there already.
func TestWhatAWSRefusesOnUpdate(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	for config, want := range map[string]string{
		`database.version="16"`:            "set database.allowMajorVersionUpgrade and database.applyImmediately to true",
		`cluster.kubernetesVersion="1.35"`: "a control plane goes back by one minor version only",
	} {
		_, err := w.Run(context.Background(), engine.Up, options("dev", io.Discard, config))
		require.ErrorContains(t, err, want, config)
	}
	_, err := w.Run(context.Background(), engine.Up,
		options("dev", io.Discard, `database.version="16"`, "database.allowMajorVersionUpgrade=true"))
	require.NoError(t, err)
	_, err = w.Run(context.Background(), engine.Up, options("dev", io.Discard))
	require.ErrorContains(t, err, "RDS has no way back to an older major version")
	// A replaced cache leaves a snapshot, and so does the destroy after it: under another name.
	_, err = w.Run(context.Background(), engine.Up,
		options("dev", io.Discard, `database.version="16"`, "cache.engine=redis", "allow=[replace cache]"))
	require.NoError(t, err)
	destroyed, err := w.Run(context.Background(), engine.Destroy, options("dev", io.Discard))
	require.NoError(t, err)
	snapshots := 0
	for what := range destroyed.Left {
		if strings.HasPrefix(what, "cache snapshot") {
			snapshots++
		}
	}
	assert.Equal(t, 2, snapshots)
}

// TestDriftIsFoundAndPutRight: a change behind Pulumi's back shows in refresh, and the next up undoes it.
func TestDriftIsFoundAndPutRight(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	file := filepath.Join(w.State, "cloud-dev.json")
	cloud, err := awssim.OpenCloud(file)
	require.NoError(t, err)
	for _, o := range cloud.Objects() {
		if o.Type == awstype.DBInstance {
			require.NoError(t, cloud.In("eu-west-1").InjectDrift(awstype.DBInstance, o.ID, "publiclyAccessible", true))
		}
	}
	refreshed, err := w.Run(context.Background(), engine.Refresh, options("dev", io.Discard))
	require.NoError(t, err)
	assert.Equal(t, 1, refreshed.Changes["update"])
	up, err := w.Run(context.Background(), engine.Up, options("dev", io.Discard))
	require.NoError(t, err)
	assert.Equal(t, []string{"update aws:rds/instance:Instance database [publiclyAccessible]"}, described(up))
}

// TestSummaries: the summary, for people and for machines, says what matters next.
func TestSummaries(t *testing.T) {
	up := brought(t, "prod")
	var text bytes.Buffer
	sandbox.Print(&text, up.result)
	for _, want := range []string{"prod up: ", "created", "Resources by layer", "platform", "clusterName",
		"bin/groundwork tunnel -s prod", "On AWS a first deployment would take 14:", "Next: "} {
		assert.Contains(t, text.String(), want)
	}
	summary := sandbox.Summarize(up.result)
	assert.Greater(t, summary.Resources[stacks.LayerPlatform], 50)
	machine, err := json.Marshal(summary)
	require.NoError(t, err)
	assert.Contains(t, string(machine), `"criticalPathSeconds":86`)
	state, err := up.sandbox.Graph("prod")
	require.NoError(t, err)
	assert.Equal(t, "groundwork-prod", state.StackOutputs()["clusterName"])
	exported, err := up.sandbox.Export("prod")
	require.NoError(t, err)
	assert.Equal(t, 3, exported.Version)

	for operation, want := range map[engine.Operation]string{engine.Preview: "nothing to do",
		engine.Destroy: "Left behind, as on AWS", engine.Refresh: "Next: bin/groundwork sandbox preview -s dev"} {
		var out bytes.Buffer
		empty, err := graph.New(nil)
		require.NoError(t, err)
		sandbox.Print(&out,
			&engine.Result{Stack: "dev", Operation: operation, Graph: empty, Left: map[string]string{"x": "y"}})
		assert.Contains(t, out.String(), want)
	}
}

// TestProgressShowsEachResource: the log of a run has a line for each resource and none that only repeats the engine.
func TestProgressShowsEachResource(t *testing.T) {
	up := brought(t, "dev")
	for _, want := range []string{"ec2 Vpc", "eks Cluster", "rds Instance", "cluster-nodes-general"} {
		assert.Contains(t, up.log.String(), want)
	}
	assert.NotContains(t, up.log.String(), "warning:")
}

// TestNoOutputIsSecret: a program that reads its own stack's outputs is given none of them as soon as one is a secret.
func TestNoOutputIsSecret(t *testing.T) {
	for _, stack := range harness.Environments {
		outputs := brought(t, stack).result.Graph.StackOutputs()
		text, err := json.Marshal(outputs)
		require.NoError(t, err)
		assert.Contains(t, outputs, "parking", "what the next update reads")
		assert.NotContains(t, string(text), "[secret]")
	}
}

// TestEngineAgreesWithMocks: what the real engine creates is what the mocks saw, and the children of pulumi-eks.
func TestEngineAgreesWithMocks(t *testing.T) {
	for _, stack := range harness.Environments {
		engine, mock := brought(t, stack).result.Graph, harness.Graph(t, stack)
		inEngine := map[string]bool{}
		for _, r := range engine.Resources {
			inEngine[r.Type+" "+r.Name] = true
		}
		for _, r := range mock.Resources {
			assert.True(t, inEngine[r.Type+" "+r.Name], "%s %s is not in the engine's state", r.Type, r.Name)
			delete(inEngine, r.Type+" "+r.Name)
		}
		for left := range inEngine {
			assert.Regexp(t,
				`^(pulumi:|aws:ec2/securityGroup.* cluster-|aws:eks/accessEntry:AccessEntry cluster-defaultNodeGroup)`,
				left)
		}
	}
}

// TestCostOfTheRealEngine: what the real engine makes costs what the mocks say, the parts that pulumi-eks makes
// included.
func TestCostOfTheRealEngine(t *testing.T) {
	for _, stack := range harness.Environments {
		engine := harness.Sheet(t, stack, brought(t, stack).result.Graph, "eu-west-1")
		mocks := harness.Sheet(t, stack, harness.Graph(t, stack), "eu-west-1")
		assert.Empty(t, engine.Unpriced)
		fixed, usage := engine.Total()
		wantFixed, wantUsage := mocks.Total()
		assert.InDelta(t, wantFixed, fixed, 0.005)
		assert.InDelta(t, wantUsage, usage, 0.005)
	}
}
