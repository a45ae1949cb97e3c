//go:build integration

package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
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
	"groundwork/tests/golden"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
)

func run(t *testing.T, w *sandbox.Sandbox, operation engine.Operation, config ...string) *engine.Result {
	t.Helper()
	var log bytes.Buffer
	result, err := w.Run(context.Background(), operation, options("dev", &log, config...))
	require.NoError(t, err, log.String())
	return result
}

// plainState is an exported state as text by resource, without what differs in every export: times, order, ciphertext.
func plainState(t *testing.T, w *sandbox.Sandbox) map[string]map[string]string {
	t.Helper()
	exported, err := w.Export("dev")
	require.NoError(t, err)
	var state struct{ Resources []map[string]any }
	require.NoError(t, json.Unmarshal(exported.Deployment, &state))
	out := map[string]map[string]string{}
	for _, r := range state.Resources {
		flat := map[string]string{}
		for _, key := range []string{"created", "modified", "dependencies", "propertyDependencies", "sequenceNumber"} {
			delete(r, key)
		}
		flattenState(flat, "", r)
		out[r["urn"].(string)] = flat
	}
	return out
}

func flattenState(out map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if key != "ciphertext" {
				flattenState(out, path+"."+key, inner)
			}
		}
	case []any:
		for _, inner := range v {
			flattenState(out, path+"[]", inner)
		}
	default:
		text, _ := json.Marshal(v)
		out[path] += string(text)
	}
}

// madeAgain are the properties that may differ after an environment was parked and brought back: IDs that AWS makes up,
// whatever names them, and the names of the cache's snapshots.
var madeAgain = map[string][]string{
	awstype.ElasticIP:  {".id", ".outputs.id", ".outputs.allocationId", ".outputs.arn", ".outputs.publicIp"},
	awstype.NATGateway: {".id", ".outputs.id", ".inputs.allocationId", ".outputs.allocationId"},
	awstype.Route:      {".id", ".outputs.id", ".inputs.natGatewayId", ".outputs.natGatewayId"},
	awstype.NodeGroup: {
		".id",
		".outputs.id",
		".outputs.arn",
		".outputs.nodeGroupName",
		".outputs.resources[].autoscalingGroups[].name",
	},
	awstype.LoadBalancer: {".id", ".outputs.id", ".outputs.arn", ".outputs.arnSuffix", ".outputs.dnsName"},
	awstype.Listener: {
		".id",
		".outputs.id",
		".outputs.arn",
		".inputs.loadBalancerArn",
		".outputs.loadBalancerArn",
	},
	awstype.VPCOrigin: {
		".id",
		".outputs.id",
		".outputs.arn",
		".outputs.etag",
		".inputs.vpcOriginEndpointConfig.arn",
		".outputs.vpcOriginEndpointConfig.arn",
	},
	awstype.Distribution: {
		".inputs.origins[].domainName",
		".outputs.origins[].domainName",
		".inputs.origins[].vpcOriginConfig.vpcOriginId",
		".outputs.origins[].vpcOriginConfig.vpcOriginId",
	},
	awstype.RandomID: {
		".id",
		".outputs.id",
		".outputs.hex",
		".outputs.b64Std",
		".outputs.b64Url",
		".outputs.dec",
		".inputs.keepers.restoredFrom",
		".outputs.keepers.restoredFrom",
	},
	awstype.ReplicationGroup: {
		".inputs.finalSnapshotIdentifier",
		".outputs.finalSnapshotIdentifier",
		".inputs.snapshotName",
		".outputs.snapshotName",
	},
	awstype.MetricAlarm: {
		".inputs.dimensions.LoadBalancer", ".outputs.dimensions.LoadBalancer",
		".inputs.dimensions.NatGatewayId", ".outputs.dimensions.NatGatewayId",
		".inputs.dimensions.AutoScalingGroupName", ".outputs.dimensions.AutoScalingGroupName",
	},
	awstype.Association: {".id", ".outputs.id", ".outputs.arn", ".outputs.associationId"},
	awstype.Dashboard:   {".inputs.dashboardBody", ".outputs.dashboardBody"},
	"pulumi:pulumi:Stack": {
		".outputs.parking.cacheSnapshot", ".outputs.parking.restoredFrom", ".outputs.nodeGroupNames.general",
	},
}

// differences are the properties in which two states differ, but for what may.
func differences(before, after map[string]map[string]string, may map[string][]string) []string {
	var found []string
	for urn := range before {
		token := before[urn][".type"]
		token = strings.Trim(token, `"`)
		other, there := after[urn]
		if !there {
			found = append(found, urn+" is gone")
			continue
		}
		keys := map[string]bool{}
		for key := range before[urn] {
			keys[key] = true
		}
		for key := range other {
			keys[key] = true
		}
		for key := range keys {
			if before[urn][key] != other[key] && !slices.Contains(may[token], key) {
				found = append(found, token+" "+key+": "+before[urn][key]+" is now "+other[key])
			}
		}
	}
	for urn := range after {
		if before[urn] == nil {
			found = append(found, urn+" is new")
		}
	}
	slices.Sort(found)
	return found
}

// TestParkAndUnpark: an environment that was parked and brought back is the same one, with its data.
func TestParkAndUnpark(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	cloud, err := w.Cloud("dev")
	require.NoError(t, err)
	require.NoError(t, cloud.SetContents(awstype.ReplicationGroup, "groundwork-dev-cache", "4711 sessions"))
	before := plainState(t, w)

	park := run(t, w, engine.Up, "parked=true")
	parked := plainState(t, w)
	assert.NotEmpty(t, differences(before, parked, madeAgain), "parking changes something")
	again := run(t, w, engine.Up, "parked=true")
	assert.Empty(t, again.Changed, "a second up of a parked environment changes nothing")
	cloud, err = w.Cloud("dev")
	require.NoError(t, err)
	for _, o := range cloud.Objects() {
		assert.NotContains(t, properties.Hourly, o.Type, o.ID)
	}
	assert.Equal(t, "stopped", find(t, cloud, awstype.DBInstance).State.Str("status"))
	assert.Empty(t, run(t, w, engine.Up, "parked=true", "addons.replicas=2").Changed,
		"operators wait until there are nodes")
	_, err = w.Run(context.Background(), engine.Up,
		options("dev", io.Discard, "parked=true", "database.instanceClass=db.t4g.medium"))
	require.ErrorContains(t, err, "resume the environment first", "a stopped database cannot be changed")
	_, err = w.Run(context.Background(), engine.Destroy, options("dev", io.Discard, "parked=true"))
	require.ErrorContains(t, err,
		"groundwork-dev-main is stopped, and RDS makes no final snapshot of a stopped database; nothing was deleted")

	unpark := run(t, w, engine.Up)
	checkTimelines(t, brought(t, "dev").result.Graph, park, unpark)
	assert.Empty(t, differences(before, plainState(t, w), madeAgain))
	assert.Empty(t, run(t, w, engine.Up).Changed, "and then nothing changes any more")
	cloud, err = w.Cloud("dev")
	require.NoError(t, err)
	assert.Equal(t, "4711 sessions", find(t, cloud, awstype.ReplicationGroup).Contents,
		"what was in the cache is in it again")
	assert.Equal(t, "available", find(t, cloud, awstype.DBInstance).State.Str("status"))

	// The next time takes another snapshot.
	run(t, w, engine.Up, "parked=true")
	run(t, w, engine.Up)
	assert.Empty(t, differences(before, plainState(t, w), madeAgain))
}

// checkTimelines: unparking takes no longer than ten minutes until the application answers, and parking deletes in
// order.
func checkTimelines(t *testing.T, before *graph.Graph, park, unpark *engine.Result) {
	t.Helper()
	back := timeline.OfUpdate(awstype.Median, park.Graph, unpark.Graph, unpark.Operations())
	reached := map[string]float64{}
	for _, m := range back.Milestones {
		reached[m.What] = m.Seconds
	}
	answers := reached["the application answers at the first edge locations"]
	assert.InDelta(t, 483+75, answers, 2, "the cache from its snapshot, then the pods")
	assert.LessOrEqual(t, answers, 600.0)
	// Load balancer, listener, VPC origin, distribution.
	assert.InDelta(t, 152+1+300+228, reached["it answers at all of them"], 2)
	down := timeline.OfUpdate(awstype.Median, before, park.Graph, park.Operations())
	bars := map[string]timeline.Bar{}
	for _, b := range down.Bars {
		bars[b.Type] = b
	}
	for _, order := range [][2]string{
		{awstype.NodeGroup, awstype.NATGateway}, {awstype.NATGateway, awstype.ElasticIP},
		{awstype.Distribution, awstype.VPCOrigin}, {awstype.VPCOrigin, awstype.LoadBalancer},
		{awstype.Association, awstype.NodeGroup},
	} {
		first, then := bars[order[0]], bars[order[1]]
		assert.Positive(t, first.Seconds, order)
		assert.GreaterOrEqual(t, then.Start, first.Start+first.Seconds, order)
	}
	everywhere := timeline.Minutes(reached["it answers at all of them"])
	assert.Contains(t, harness.Document(t, "docs/decisions/0012-parking.md"),
		timeline.Minutes(answers)+" at median latencies, until the last edge location does, "+everywhere)
	var out bytes.Buffer
	back.Print(&out, 20)
	golden.Text(t, "timeline-unpark.txt", out.String())
}

// TestHibernate: without the cluster, from running and from parked, and back; what holds data stays all the time.
func TestHibernate(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	stays := []string{awstype.DBInstance, awstype.Secret, awstype.Repository, awstype.Key, awstype.Bucket,
		awstype.LogGroup, awstype.Distribution, awstype.TargetGroup}
	kept := func() map[string]string {
		ids := map[string]string{}
		cloud, err := w.Cloud("dev")
		require.NoError(t, err)
		for _, o := range cloud.Objects() {
			if slices.Contains(stays, o.Type) {
				ids[o.Type+" "+o.ID] = o.URN
			}
		}
		return ids
	}
	before := kept()
	parked, hibernated := []string{"parked=true"}, []string{"parked=true", "hibernated=true"}
	for _, steps := range [][][]string{{parked, hibernated}, {hibernated, parked}} {
		for _, step := range steps {
			run(t, w, engine.Up, step...)
			assert.Equal(t, before, kept(), step)
		}
		assert.Empty(t, run(t, w, engine.Up, steps[1]...).Changed, steps[1])
		result := run(t, w, engine.Up)
		assert.Equal(t, before, kept())
		assert.Len(t, result.Graph.OfType(awstype.HelmRelease),
			len(brought(t, "dev").result.Graph.OfType(awstype.HelmRelease)))
	}
}

func find(t *testing.T, c *awssim.Cloud, token string) awssim.Object {
	t.Helper()
	for _, o := range c.Objects() {
		if o.Type == token {
			return o
		}
	}
	require.Fail(t, "there is no "+token)
	return awssim.Object{}
}
