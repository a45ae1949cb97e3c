package tests

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/edge"
	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/internal/sandbox"
	"groundwork/internal/timeline"
)

// hourly are the types that a parked environment must not have: they cost by the hour and can be made again.
var hourly = []string{awstype.NATGateway, awstype.ElasticIP, awstype.NodeGroup, awstype.LoadBalancer, awstype.VPCOrigin, awstype.ReplicationGroup}

// resting is the graph of dev with changes, as an update of an environment that was up declares it.
func resting(t *testing.T, changes ...string) *graph.Graph {
	t.Helper()
	raw, err := repository(t).Project.Config("dev", changes...)
	require.NoError(t, err)
	m, err := registerWith("dev", raw, false, map[string]graph.Props{"dev": mockrun.WasUp})
	require.NoError(t, err)
	g, err := graph.New(m.Resources)
	require.NoError(t, err)
	return g
}

func run(t *testing.T, w *sandbox.Sandbox, operation engine.Operation, config ...string) *engine.Result {
	t.Helper()
	var log bytes.Buffer
	result, err := w.Run(t0, operation, options("dev", &log, config...))
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

// madeAgain are the properties that may differ after an environment was parked and brought back: IDs that AWS makes up, whatever
// names them, and the names of the cache's snapshots.
var madeAgain = map[string][]string{
	awstype.ElasticIP:        {".id", ".outputs.id", ".outputs.allocationId", ".outputs.arn", ".outputs.publicIp"},
	awstype.NATGateway:       {".id", ".outputs.id", ".inputs.allocationId", ".outputs.allocationId"},
	awstype.Route:            {".id", ".outputs.id", ".inputs.natGatewayId", ".outputs.natGatewayId"},
	awstype.NodeGroup:        {".id", ".outputs.id", ".outputs.arn", ".outputs.nodeGroupName", ".outputs.resources[].autoscalingGroups[].name"},
	awstype.LoadBalancer:     {".id", ".outputs.id", ".outputs.arn", ".outputs.arnSuffix", ".outputs.dnsName"},
	awstype.Listener:         {".id", ".outputs.id", ".outputs.arn", ".inputs.loadBalancerArn", ".outputs.loadBalancerArn"},
	awstype.VPCOrigin:        {".id", ".outputs.id", ".outputs.arn", ".outputs.etag", ".inputs.vpcOriginEndpointConfig.arn", ".outputs.vpcOriginEndpointConfig.arn"},
	awstype.Distribution:     {".inputs.origins[].domainName", ".outputs.origins[].domainName", ".inputs.origins[].vpcOriginConfig.vpcOriginId", ".outputs.origins[].vpcOriginConfig.vpcOriginId"},
	awstype.RandomID:         {".id", ".outputs.id", ".outputs.hex", ".outputs.b64Std", ".outputs.b64Url", ".outputs.dec", ".inputs.keepers.restoredFrom", ".outputs.keepers.restoredFrom"},
	awstype.ReplicationGroup: {".inputs.finalSnapshotIdentifier", ".outputs.finalSnapshotIdentifier", ".inputs.snapshotName", ".outputs.snapshotName"},
	awstype.MetricAlarm: {
		".inputs.dimensions.LoadBalancer", ".outputs.dimensions.LoadBalancer", ".inputs.dimensions.NatGatewayId", ".outputs.dimensions.NatGatewayId",
		".inputs.dimensions.AutoScalingGroupName", ".outputs.dimensions.AutoScalingGroupName",
	},
	awstype.Association:   {".id", ".outputs.id", ".outputs.arn", ".outputs.associationId"},
	awstype.Dashboard:     {".inputs.dashboardBody", ".outputs.dashboardBody"},
	"pulumi:pulumi:Stack": {".outputs.parking.cacheSnapshot", ".outputs.parking.restoredFrom"},
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

// TestParkedGraph: nothing that costs by the hour is left, what would fire is silent, and the URL says so.
func TestParkedGraph(t *testing.T) {
	for _, mode := range [][]string{{"parked=true"}, {"parked=true", "hibernated=true"}, {"parked=true", `network.interfaceEndpoints=["ecr.api","sts"]`}} {
		g := resting(t, mode...)
		for _, token := range hourly {
			assert.Empty(t, g.OfType(token), "%s in %v", token, mode)
		}
		for _, endpoint := range g.OfType(awstype.VPCEndpoint) {
			assert.Equal(t, "Gateway", endpoint.Inputs.Str("vpcEndpointType"))
		}
		assert.Equal(t, "AWS-StopRdsInstance", first(g, awstype.Association).Inputs.Str("name"))
		assert.Len(t, g.OfType(awstype.DBInstance), 1)
		assert.Len(t, g.OfType(awstype.TargetGroup), 1, "its ARN is what the application is bound to")
		for _, alarm := range g.OfType(awstype.MetricAlarm) {
			standing := strings.HasSuffix(alarm.Name, "api-errors") || strings.HasSuffix(alarm.Name, "failed-call")
			assert.Equal(t, standing, alarm.Inputs["alarmActions"] != nil, alarm.Name)
		}
		page := first(g, awstype.CloudFrontFunction).Outputs.Str("arn")
		distribution := first(g, awstype.Distribution).Inputs
		assert.Equal(t, page, distribution.Str("defaultCacheBehavior.functionAssociations[0].functionArn"))
		ordered := distribution["orderedCacheBehaviors"].([]any)
		assert.Len(t, ordered, 2)
		for _, behaviour := range ordered {
			assert.Equal(t, page, graph.Props(behaviour.(map[string]any)).Str("functionAssociations[0].functionArn"))
		}
		clusters := 1
		if len(mode) > 1 && strings.HasPrefix(mode[1], "hibernated") {
			clusters = 0
			assert.Empty(t, g.OfType(awstype.HelmRelease))
		}
		assert.Len(t, g.OfType(awstype.EKSCluster), clusters)
	}
	running := resting(t)
	for _, token := range hourly {
		assert.NotEmpty(t, running.OfType(token), "the test looks for what is there when the environment runs: "+token)
	}
	assert.Empty(t, running.OfType(awstype.Schedule))
}

// TestParkingRefusals: where the environment is protected, and whatever else cannot be.
func TestParkingRefusals(t *testing.T) {
	for change, want := range map[string]string{
		"parked=true":               "groundwork:parked true does not go with protect",
		"hibernated=true":           "groundwork:hibernated true is parked without its cluster: set parked to true as well",
		`schedule={"days":["MON"]}`: "groundwork:schedule true does not go with protect",
		`schedule={"days":["MONDAY"],"start":"7:00","stop":"25:00","timeZone":"Mars"}`: "groundwork:schedule.days \"MONDAY\" is not one of MON, TUE",
		`schedule={"days":["MON","MON"]}`:                                              "groundwork:schedule.days \"MON\" is given twice",
		`schedule={"days":["MON"],"start":"20:00","stop":"07:00"}`:                     "groundwork:schedule.stop \"07:00\" is less than four hours after start 20:00",
		`schedule={"days":["MON"],"stop":"23:45"}`:                                     "groundwork:schedule.stop \"23:45\" is later than 23:30",
		`schedule={"days":["MON"],"timeZone":"Local"}`:                                 "groundwork:schedule.timeZone \"Local\" is not a time zone",
		"encryptionKeys=none":                                                          "groundwork:encryptionKeys \"none\" is not one of separate, shared",
	} {
		_, err := load(t, "prod", change)
		assert.ErrorContains(t, err, want, change)
	}
	_, err := load(t, "dev", "parked=true", `schedule={"days":["MON"]}`)
	assert.NoError(t, err)
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
		assert.NotContains(t, hourly, o.Type, o.ID)
	}
	assert.Equal(t, "stopped", find(t, cloud, awstype.DBInstance).State.Str("status"))
	assert.Empty(t, run(t, w, engine.Up, "parked=true", "addons.replicas=2").Changed, "operators wait until there are nodes")
	_, err = w.Run(t0, engine.Up, options("dev", io.Discard, "parked=true", "database.instanceClass=db.t4g.medium"))
	require.ErrorContains(t, err, "is not in available state", "a stopped database cannot be changed")
	_, err = w.Run(t0, engine.Destroy, options("dev", io.Discard, "parked=true"))
	require.ErrorContains(t, err, "it is parked, and RDS makes no final snapshot of a stopped database; nothing was deleted")

	unpark := run(t, w, engine.Up)
	checkTimelines(t, brought(t, "dev").result.Graph, park, unpark)
	assert.Empty(t, differences(before, plainState(t, w), madeAgain))
	assert.Empty(t, run(t, w, engine.Up).Changed, "and then nothing changes any more")
	cloud, err = w.Cloud("dev")
	require.NoError(t, err)
	assert.Equal(t, "4711 sessions", find(t, cloud, awstype.ReplicationGroup).Contents, "what was in the cache is in it again")
	assert.Equal(t, "available", find(t, cloud, awstype.DBInstance).State.Str("status"))

	// The next time takes another snapshot.
	run(t, w, engine.Up, "parked=true")
	run(t, w, engine.Up)
	assert.Empty(t, differences(before, plainState(t, w), madeAgain))
}

// checkTimelines: unparking takes no longer than ten minutes until the application answers, and parking deletes in order.
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
	for _, order := range [][2]string{{awstype.NodeGroup, awstype.NATGateway}, {awstype.NATGateway, awstype.ElasticIP}, {awstype.Distribution, awstype.VPCOrigin}, {awstype.VPCOrigin, awstype.LoadBalancer}, {awstype.Association, awstype.NodeGroup}} {
		first, then := bars[order[0]], bars[order[1]]
		assert.Positive(t, first.Seconds, order)
		assert.GreaterOrEqual(t, then.Start, first.Start+first.Seconds, order)
	}
	record, err := os.ReadFile(filepath.Join(repository(t).Project.Root, "docs/decisions/0012-parking.md"))
	require.NoError(t, err)
	assert.Contains(t, string(record), timeline.Minutes(answers)+" at median latencies, until the last edge location does, "+timeline.Minutes(reached["it answers at all of them"]))
	var out bytes.Buffer
	back.Print(&out, 20)
	golden(t, "timeline-unpark.txt", out.String())
}

// TestHibernate: without the cluster, from running and from parked, and back; what holds data stays all the time.
func TestHibernate(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	kept := func() map[string]string {
		ids := map[string]string{}
		cloud, err := w.Cloud("dev")
		require.NoError(t, err)
		for _, o := range cloud.Objects() {
			if slices.Contains([]string{awstype.DBInstance, awstype.Secret, awstype.Repository, awstype.Key, awstype.Bucket, awstype.LogGroup, awstype.Distribution, awstype.TargetGroup}, o.Type) {
				ids[o.Type+" "+o.ID] = o.URN
			}
		}
		return ids
	}
	before := kept()
	for _, steps := range [][][]string{{{"parked=true"}, {"parked=true", "hibernated=true"}}, {{"parked=true", "hibernated=true"}, {"parked=true"}}} {
		for _, step := range steps {
			run(t, w, engine.Up, step...)
			assert.Equal(t, before, kept(), step)
		}
		assert.Empty(t, run(t, w, engine.Up, steps[1]...).Changed, steps[1])
		result := run(t, w, engine.Up)
		assert.Equal(t, before, kept())
		assert.Len(t, result.Graph.OfType(awstype.HelmRelease), len(brought(t, "dev").result.Graph.OfType(awstype.HelmRelease)))
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

// TestParkedPage runs the function that answers for a parked environment, as CloudFront would.
func TestParkedPage(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs Node.js")
	}
	for uri, want := range map[string]string{"/": "groundwork-dev is parked", "/api/products": `{"error":"groundwork-dev is parked"}`} {
		script := edge.ParkedPage("groundwork-dev") + `;process.stdout.write(JSON.stringify(handler({request:{uri:"` + uri + `"}})))`
		out, err := exec.CommandContext(t0, node, "-e", script).Output()
		require.NoError(t, err)
		var response struct {
			StatusCode int
			Headers    map[string]struct{ Value string }
			Body       struct{ Encoding, Data string }
		}
		require.NoError(t, json.Unmarshal(out, &response))
		assert.Equal(t, 503, response.StatusCode, "so that nobody takes it for the application")
		assert.Equal(t, "no-store", response.Headers["cache-control"].Value)
		assert.Contains(t, response.Body.Data, want)
	}
}

// left is the output in which an update leaves what the next one reads, with changes.
func left(changes map[string]any) map[string]any {
	kept := maps.Clone(mockrun.WasUp["parking"].(map[string]any))
	maps.Copy(kept, changes)
	return map[string]any{"parking": kept}
}

// TestPreviousState: what an update makes of what the last one left.
func TestPreviousState(t *testing.T) {
	declare := func(now time.Time, outputs map[string]any, changes ...string) (*graph.Graph, error) {
		raw, err := repository(t).Project.Config("dev", changes...)
		require.NoError(t, err)
		return mockrun.Graph("dev", raw, mockrun.Options{Outputs: map[string]graph.Props{"dev": outputs}, Today: now})
	}
	// Taking a schedule off is refused at night, when nobody would bring the environment up again.
	scheduled := left(map[string]any{"schedule": "MON,TUE 07:00 20:00 Europe/Dublin"})
	day, night := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 21, 0, 0, 0, time.UTC)
	_, err := declare(night, scheduled)
	require.ErrorContains(t, err, "groundwork:schedule cannot be removed outside working hours")
	for _, now := range []time.Time{day, night} {
		for _, changes := range [][]string{{office}, {"parked=true"}} {
			_, err = declare(now, scheduled, changes...)
			require.NoError(t, err)
		}
	}
	_, err = declare(day, scheduled)
	require.NoError(t, err)

	// What cannot be read is no "never parked": the cache would come back empty.
	for name, wrong := range map[string]any{
		"parked": "yes", "hadNodes": nil, "cacheSnapshot": 7.0, "restoredFrom": nil, "schedule": "MON from 7 to 8",
	} {
		_, err := declare(day, left(map[string]any{name: wrong}))
		assert.ErrorContains(t, err, "output parking."+name, name)
	}
	_, err = declare(day, map[string]any{"parking": "parked"})
	require.ErrorContains(t, err, "output parking parked is not a mapping")

	// Protection would keep a parked environment from being brought back whole.
	_, err = declare(day, left(map[string]any{"parked": true}), "protect=true", "edge.firewall=managed", "edge.accessLogs=keep", "database.backupRetentionDays=7", "cache.snapshotRetentionDays=7")
	require.ErrorContains(t, err, "groundwork:protect true comes too early, the environment is parked")

	// An environment of before this memory has been running, so there is something in its cluster.
	before, err := declare(day, map[string]any{"clusterName": "groundwork-dev"}, "parked=true")
	require.NoError(t, err)
	assert.NotEmpty(t, before.OfType(awstype.HelmRelease))
	// One that never ran has a bare cluster: what needs a node waits.
	raw, err := repository(t).Project.Config("dev", "parked=true")
	require.NoError(t, err)
	bare, err := mockrun.Graph("dev", raw, mockrun.Options{Today: day})
	require.NoError(t, err)
	assert.Empty(t, bare.OfType(awstype.HelmRelease))
	assert.Len(t, bare.OfType(awstype.Addon), 3)

	// A cache that is made again later does not begin with an old snapshot.
	restored, err := declare(day, left(map[string]any{"cacheSnapshot": "second", "restoredFrom": "first"}))
	require.NoError(t, err)
	assert.Nil(t, first(restored, awstype.ReplicationGroup).Inputs["snapshotName"])
	for _, r := range restored.OfType(awstype.RandomID) {
		if r.Name == "cache-final-snapshot" {
			assert.Equal(t, "first", r.Inputs.Str("keepers.restoredFrom"), "as long as it is the same cache, so is the name that it will leave")
		}
	}
	_, err = declare(day, map[string]any{"parking": map[string]any{"parked": true, "hadNodes": true, "cacheSnapshot": "gone"}})
	require.ErrorContains(t, err, "SnapshotNotFoundFault: gone not found", "and a snapshot that is not there is not passed over")
}
