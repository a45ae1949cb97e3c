package tests

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/edge"
	"groundwork/components/parking"
	"groundwork/sandbox"
	"groundwork/sandbox/dry"
)

const (
	scheduleT = "aws:scheduler/schedule:Schedule"
	functionT = "aws:cloudfront/function:Function"
	powerT    = "aws:ssm/association:Association"
)

// hourly are the types that a parked environment must not have: they cost by the hour and can be made again.
var hourly = []string{natT, "aws:ec2/eip:Eip", nodesT, balancerT, originT, cacheT}

// ran is what a stack remembers that was up when it was last updated.
func ran(stack string) map[string]sandbox.Props {
	return map[string]sandbox.Props{stack: {"parking": map[string]any{"parked": false, "hadNodes": true, "cacheSnapshot": "", "restoredFrom": ""}}}
}

// resting is the graph of dev with changes, as an update of an environment that was up declares it.
func resting(t *testing.T, changes ...string) *sandbox.Graph {
	t.Helper()
	raw, err := repository(t).ReadConfig("dev", changes...)
	require.NoError(t, err)
	m, err := registerWith("dev", raw, false, ran("dev"))
	require.NoError(t, err)
	g, err := sandbox.NewGraph(m.Resources)
	require.NoError(t, err)
	return g
}

func run(t *testing.T, w *sandbox.Workspace, operation sandbox.Operation, config ...string) *sandbox.Result {
	t.Helper()
	var log bytes.Buffer
	result, err := w.Run(t0, operation, options("dev", &log, config...))
	require.NoError(t, err, log.String())
	return result
}

// plainState is an exported state as text by resource, without what differs in every export: times, order, ciphertext.
func plainState(t *testing.T, w *sandbox.Workspace) map[string]map[string]string {
	t.Helper()
	exported, err := w.Export(t0, options("dev", io.Discard))
	require.NoError(t, err)
	var state struct{ Resources []map[string]any }
	require.NoError(t, json.Unmarshal(exported.Deployment, &state))
	out := map[string]map[string]string{}
	for _, r := range state.Resources {
		if r["type"] == "pulumi:pulumi:StackReference" {
			continue // What the stack read of itself is what it left the time before.
		}
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
	"aws:ec2/eip:Eip":                {".id", ".outputs.id", ".outputs.allocationId", ".outputs.arn", ".outputs.publicIp"},
	natT:                             {".id", ".outputs.id", ".inputs.allocationId", ".outputs.allocationId"},
	"aws:ec2/route:Route":            {".id", ".outputs.id", ".inputs.natGatewayId", ".outputs.natGatewayId"},
	nodesT:                           {".id", ".outputs.id", ".outputs.arn", ".outputs.nodeGroupName", ".outputs.resources[].autoscalingGroups[].name"},
	balancerT:                        {".id", ".outputs.id", ".outputs.arn", ".outputs.arnSuffix", ".outputs.dnsName"},
	"aws:lb/listener:Listener":       {".id", ".outputs.id", ".outputs.arn", ".inputs.loadBalancerArn", ".outputs.loadBalancerArn"},
	originT:                          {".id", ".outputs.id", ".outputs.arn", ".outputs.etag", ".inputs.vpcOriginEndpointConfig.arn", ".outputs.vpcOriginEndpointConfig.arn"},
	distributionT:                    {".inputs.origins[].domainName", ".outputs.origins[].domainName", ".inputs.origins[].vpcOriginConfig.vpcOriginId", ".outputs.origins[].vpcOriginConfig.vpcOriginId"},
	"random:index/randomId:RandomId": {".id", ".outputs.id", ".outputs.hex", ".outputs.b64Std", ".outputs.b64Url", ".outputs.dec", ".inputs.keepers.restoredFrom", ".outputs.keepers.restoredFrom"},
	cacheT:                           {".inputs.finalSnapshotIdentifier", ".outputs.finalSnapshotIdentifier", ".inputs.snapshotName", ".outputs.snapshotName"},
	alarmT: {
		".inputs.dimensions.LoadBalancer", ".outputs.dimensions.LoadBalancer", ".inputs.dimensions.NatGatewayId", ".outputs.dimensions.NatGatewayId",
		".inputs.dimensions.AutoScalingGroupName", ".outputs.dimensions.AutoScalingGroupName",
	},
	powerT:                               {".id", ".outputs.id", ".outputs.arn", ".outputs.associationId"},
	"aws:cloudwatch/dashboard:Dashboard": {".inputs.dashboardBody", ".outputs.dashboardBody"},
	"pulumi:pulumi:Stack":                {".outputs.parking.cacheSnapshot", ".outputs.parking.restoredFrom"},
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
		for _, endpoint := range g.OfType(endpointT) {
			assert.Equal(t, "Gateway", endpoint.Inputs.Str("vpcEndpointType"))
		}
		assert.Equal(t, "AWS-StopRdsInstance", first(g, powerT).Inputs.Str("name"))
		assert.Len(t, g.OfType(rdsT), 1)
		assert.Len(t, g.OfType("aws:lb/targetGroup:TargetGroup"), 1, "its ARN is what the application is bound to")
		for _, alarm := range g.OfType(alarmT) {
			standing := strings.HasSuffix(alarm.Name, "api-errors") || strings.HasSuffix(alarm.Name, "failed-call")
			assert.Equal(t, standing, alarm.Inputs["alarmActions"] != nil, alarm.Name)
		}
		page := first(g, functionT).Outputs.Str("arn")
		distribution := first(g, distributionT).Inputs
		assert.Equal(t, page, distribution.Str("defaultCacheBehavior.functionAssociations.0.functionArn"))
		ordered := distribution["orderedCacheBehaviors"].([]any)
		assert.Len(t, ordered, 2)
		for _, behaviour := range ordered {
			assert.Equal(t, page, sandbox.Props(behaviour.(map[string]any)).Str("functionAssociations.0.functionArn"))
		}
		clusters := 1
		if len(mode) > 1 && strings.HasPrefix(mode[1], "hibernated") {
			clusters = 0
			assert.Empty(t, g.OfType(releaseT))
		}
		assert.Len(t, g.OfType(clusterT), clusters)
	}
	running := resting(t)
	for _, token := range hourly {
		assert.NotEmpty(t, running.OfType(token), "the test looks for what is there when the environment runs: "+token)
	}
	assert.Empty(t, running.OfType(scheduleT))
}

// TestParkingRefusals: where the environment is protected, and whatever else cannot be.
func TestParkingRefusals(t *testing.T) {
	for change, want := range map[string]string{
		"parked=true":               "groundwork:parked true does not go with protect",
		"hibernated=true":           "groundwork:hibernated true is parked without its cluster: set parked to true as well",
		`schedule={"days":["MON"]}`: "groundwork:schedule true does not go with protect",
		`schedule={"days":["MONDAY"],"start":"7:00","stop":"25:00","timeZone":"Mars"}`: "groundwork:schedule.days \"MONDAY\" is not one of MON, TUE",
		`schedule={"days":["MON","MON"]}`:                                              "groundwork:schedule.days \"MON\" is given twice",
		`schedule={"days":["MON"],"start":"20:00","stop":"07:00"}`:                     "groundwork:schedule.stop \"07:00\" is less than an hour after start 20:00",
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
	require.NoError(t, cloud.Hold(cacheT, "groundwork-dev-cache", "4711 sessions"))
	before := plainState(t, w)

	park := run(t, w, sandbox.Up, "parked=true")
	parked := plainState(t, w)
	assert.NotEmpty(t, differences(before, parked, madeAgain), "parking changes something")
	again := run(t, w, sandbox.Up, "parked=true")
	assert.Empty(t, again.Changed, "a second up of a parked environment changes nothing")
	cloud, err = w.Cloud("dev")
	require.NoError(t, err)
	for _, o := range cloud.Objects() {
		assert.NotContains(t, hourly, o.Type, o.ID)
	}
	assert.Equal(t, "stopped", find(t, cloud, rdsT).State.Str("status"))
	assert.Empty(t, run(t, w, sandbox.Up, "parked=true", "addons.replicas=2").Changed, "operators wait until there are nodes")
	_, err = w.Run(t0, sandbox.Up, options("dev", io.Discard, "parked=true", "database.instanceClass=db.t4g.medium"))
	require.ErrorContains(t, err, "is not in available state", "a stopped database cannot be changed")

	unpark := run(t, w, sandbox.Up)
	checkTimelines(t, brought(t, "dev").result.Graph, park, unpark)
	assert.Empty(t, differences(before, plainState(t, w), madeAgain))
	assert.Empty(t, run(t, w, sandbox.Up).Changed, "and then nothing changes any more")
	cloud, err = w.Cloud("dev")
	require.NoError(t, err)
	assert.Equal(t, "4711 sessions", find(t, cloud, cacheT).Holds, "what was in the cache is in it again")
	assert.Equal(t, "available", find(t, cloud, rdsT).State.Str("status"))

	// The next time takes another snapshot.
	run(t, w, sandbox.Up, "parked=true")
	run(t, w, sandbox.Up)
	assert.Empty(t, differences(before, plainState(t, w), madeAgain))
}

// checkTimelines: unparking takes no longer than ten minutes until the application answers, and parking deletes in order.
func checkTimelines(t *testing.T, before *sandbox.Graph, park, unpark *sandbox.Result) {
	t.Helper()
	back := sandbox.ChangeTimeline(sandbox.Median, park.Graph, unpark)
	reached := map[string]float64{}
	for _, m := range back.Milestones {
		reached[m.What] = m.Seconds
	}
	answers := reached["the application answers at the first edge locations"]
	assert.InDelta(t, 483+75, answers, 2, "the cache from its snapshot, then the pods")
	assert.LessOrEqual(t, answers, 600.0)
	// Load balancer, listener, VPC origin, distribution.
	assert.InDelta(t, 152+1+300+228, reached["it answers at all of them"], 2)
	down := sandbox.ChangeTimeline(sandbox.Median, before, park)
	bars := map[string]sandbox.Bar{}
	for _, b := range down.Bars {
		bars[b.Type] = b
	}
	for _, order := range [][2]string{{nodesT, natT}, {natT, "aws:ec2/eip:Eip"}, {distributionT, originT}, {originT, balancerT}, {powerT, nodesT}} {
		first, then := bars[order[0]], bars[order[1]]
		assert.Positive(t, first.Seconds, order)
		assert.GreaterOrEqual(t, then.Start, first.Start+first.Seconds, order)
	}
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
			if slices.Contains([]string{rdsT, secretT, repoT, keyT, bucketT, logT, distributionT, "aws:lb/targetGroup:TargetGroup"}, o.Type) {
				ids[o.Type+" "+o.ID] = o.URN
			}
		}
		return ids
	}
	before := kept()
	for _, steps := range [][][]string{{{"parked=true"}, {"parked=true", "hibernated=true"}}, {{"parked=true", "hibernated=true"}, {"parked=true"}}} {
		for _, step := range steps {
			run(t, w, sandbox.Up, step...)
			assert.Equal(t, before, kept(), step)
		}
		assert.Empty(t, run(t, w, sandbox.Up, steps[1]...).Changed, steps[1])
		result := run(t, w, sandbox.Up)
		assert.Equal(t, before, kept())
		assert.Len(t, result.Graph.OfType(releaseT), len(brought(t, "dev").result.Graph.OfType(releaseT)))
	}
}

func find(t *testing.T, c *sandbox.Cloud, token string) sandbox.Object {
	t.Helper()
	for _, o := range c.Objects() {
		if o.Type == token {
			return o
		}
	}
	require.Fail(t, "there is no "+token)
	return sandbox.Object{}
}

// office is a schedule, of an environment in Dublin: winter time is UTC, summer time an hour ahead.
const office = `schedule={"days":["MON","TUE","WED","THU","FRI"],"start":"07:00","stop":"20:00","timeZone":"Europe/Dublin"}`

// monday lets it be noon on a working day. (RDS refuses to start what runs, so a schedule's first morning after a start by hand fails.)
func monday(t *testing.T, w *sandbox.Workspace) {
	t.Helper()
	_, _, err := w.Advance("dev", 36*time.Hour)
	require.NoError(t, err)
}

// duplicate is a copy of a sandbox, for a test to change.
func duplicate(t *testing.T, w *sandbox.Workspace) *sandbox.Workspace {
	t.Helper()
	c := scratch(t, t.TempDir())
	require.NoError(t, os.CopyFS(c.State, os.DirFS(w.State)))
	return c
}

// at is what a cloud looks like at one moment.
type at struct {
	nodes    float64
	database string
	alarms   bool
}

func stateOf(t *testing.T, c *sandbox.Cloud) at {
	t.Helper()
	nodes, _ := find(t, c, nodesT).State.Num("scalingConfig.desiredSize")
	alarms := true
	for _, o := range c.Objects() {
		if o.Type == alarmT && strings.HasSuffix(o.State.Str("name"), "database-cpu") {
			alarms = o.State.Flag("actionsEnabled")
		}
	}
	return at{nodes, find(t, c, rdsT).State.Str("status"), alarms}
}

// TestSchedule: nodes and database are down at night and on weekends, by schedules that may do no more than that; neither the
// autoscaler nor the program fights it.
func TestSchedule(t *testing.T) {
	t.Parallel()
	w := copied(t, "dev")
	monday(t, w)
	run(t, w, sandbox.Up, office)
	cloud, err := w.Cloud("dev")
	require.NoError(t, err)
	day, night := at{2, "available", true}, at{0, "stopped", false}
	advance := func(moment string) []sandbox.Event {
		to, err := time.Parse(time.RFC3339, moment)
		require.NoError(t, err)
		events, err := cloud.Advance(to)
		require.NoError(t, err)
		for _, e := range events {
			assert.Empty(t, e.Error, "%s %s", e.By, e.What)
		}
		return events
	}
	for _, step := range []struct {
		moment string
		want   at
	}{
		{"2026-11-23T19:59:00Z", day}, {"2026-11-23T20:05:00Z", night}, {"2026-11-24T06:59:00Z", night}, {"2026-11-24T07:01:00Z", at{2, "available", false}}, {"2026-11-24T07:31:00Z", day},
		{"2026-11-27T20:05:00Z", night}, {"2026-11-29T12:00:00Z", night}, {"2026-11-30T08:00:00Z", day},
		// Summer: seven o'clock in Dublin is six in UTC.
		{"2027-07-02T05:59:00Z", night}, {"2027-07-02T06:31:00Z", day}, {"2027-07-02T19:05:00Z", night},
	} {
		advance(step.moment)
		assert.Equal(t, step.want, stateOf(t, cloud), step.moment)
	}
	// An update at night leaves the night alone, even one that has read back what is there.
	for _, operation := range []sandbox.Operation{sandbox.Up, sandbox.Refresh, sandbox.Up} {
		run(t, w, operation, office)
		cloud, err = w.Cloud("dev")
		require.NoError(t, err)
		assert.Equal(t, night, stateOf(t, cloud), operation)
	}
	// Parked at night, and brought back at night: then it is up.
	run(t, w, sandbox.Up, office, "parked=true")
	run(t, w, sandbox.Up, office)
	cloud, err = w.Cloud("dev")
	require.NoError(t, err)
	assert.Equal(t, day, stateOf(t, cloud))
}

// TestScheduleFailures: what AWS refuses for a moment is tried again; what it goes on refusing is in the queue.
func TestScheduleFailures(t *testing.T) {
	t.Parallel()
	evening := time.Date(2026, 11, 23, 20, 30, 0, 0, time.UTC)
	up := copied(t, "dev")
	monday(t, up)
	run(t, up, sandbox.Up, office)
	open := func(t *testing.T) *sandbox.Cloud {
		cloud, err := duplicate(t, up).Cloud("dev")
		require.NoError(t, err)
		return cloud
	}
	messages := func(t *testing.T, c *sandbox.Cloud) []string {
		for _, o := range c.Objects() {
			if o.Type == "aws:sqs/queue:Queue" && o.State.Str("name") == "groundwork-dev-parking-failures" {
				return o.State.Strs("messages")
			}
		}
		return nil
	}
	t.Run("passes", func(t *testing.T) {
		c := open(t)
		c.Inject(sandbox.Fault{Operation: "call", Type: "rds:stopDBInstance", Error: "Throttling: Rate exceeded", Times: 3})
		events, err := c.Advance(evening)
		require.NoError(t, err)
		i := slices.IndexFunc(events, func(e sandbox.Event) bool { return strings.HasPrefix(e.What, "rds:stopDBInstance") })
		assert.Equal(t, 4, events[i].Attempts)
		assert.Empty(t, messages(t, c))
		assert.Equal(t, "stopped", stateOf(t, c).database)
	})
	t.Run("stays", func(t *testing.T) {
		c := open(t)
		c.Inject(sandbox.Fault{Operation: "call", Type: "rds:stopDBInstance", Error: "Throttling: Rate exceeded"})
		_, err := c.Advance(evening)
		require.NoError(t, err)
		require.Len(t, messages(t, c), 1)
		assert.Contains(t, messages(t, c)[0], "database-stop: api error Throttling")
	})
	// Planted violations: without the hold the autoscaler wins, without the permission nothing happens.
	t.Run("no hold", func(t *testing.T) {
		c := open(t)
		require.NoError(t, c.Tamper(scheduleT, "groundwork-dev-parking/nodes-general-hold", "state", "DISABLED"))
		_, err := c.Advance(evening)
		require.NoError(t, err)
		assert.InDelta(t, 1, stateOf(t, c).nodes, 0)
	})
	t.Run("no permission", func(t *testing.T) {
		c := open(t)
		for _, o := range c.Objects() {
			if o.Type == inlineT && o.State.Str("name") == "groundwork-dev-parking" {
				require.NoError(t, c.Tamper(inlineT, o.ID, "policy", strings.Replace(o.State.Str("policy"), "rds:StopDBInstance", "rds:RebootDBInstance", 1)))
			}
		}
		_, err := c.Advance(evening)
		require.NoError(t, err)
		require.Len(t, messages(t, c), 1)
		assert.Contains(t, messages(t, c)[0], "is not authorized to perform rds:StopDBInstance")
	})
}

// TestSevenDays: a parked database is never started by AWS; without its weekly hours it would be.
func TestSevenDays(t *testing.T) {
	t.Parallel()
	up := copied(t, "dev")
	run(t, up, sandbox.Up, "parked=true")
	for _, exercised := range []bool{true, false} {
		c, err := duplicate(t, up).Cloud("dev")
		require.NoError(t, err)
		if !exercised {
			for _, name := range []string{"start", "stop"} {
				require.NoError(t, c.Tamper(scheduleT, "groundwork-dev-parking/database-exercise-"+name, "state", "DISABLED"))
			}
		}
		events, err := c.Advance(c.Clock().Add(60 * 24 * time.Hour))
		require.NoError(t, err)
		byAWS := slices.ContainsFunc(events, func(e sandbox.Event) bool { return e.By == "RDS" })
		assert.Equal(t, !exercised, byAWS)
		assert.Equal(t, exercised, find(t, c, rdsT).State.Str("status") == "stopped")
	}
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

// TestMemory: what an update makes of what the last one left.
func TestMemory(t *testing.T) {
	declare := func(now time.Time, outputs map[string]any, changes ...string) (*sandbox.Graph, error) {
		raw, err := repository(t).ReadConfig("dev", changes...)
		require.NoError(t, err)
		return dry.Graph("dev", raw, dry.Options{Outputs: map[string]sandbox.Props{"dev": outputs}, Today: now})
	}
	// Taking a schedule off is refused at night, when nobody would bring the environment up again.
	scheduled := map[string]any{"parking": map[string]any{"parked": false, "hadNodes": true, "schedule": "MON,TUE 07:00 20:00 Europe/Dublin"}}
	day, night := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 21, 0, 0, 0, time.UTC)
	_, err := declare(night, scheduled)
	require.ErrorContains(t, err, "groundwork:schedule is taken off while the environment is down for the night")
	for _, now := range []time.Time{day, night} {
		for _, changes := range [][]string{{office}, {"parked=true"}} {
			_, err = declare(now, scheduled, changes...)
			require.NoError(t, err)
		}
	}
	_, err = declare(day, scheduled)
	require.NoError(t, err)

	// An environment of before this memory has been running, so there is something in its cluster.
	before, err := declare(day, map[string]any{"clusterName": "groundwork-dev"}, "parked=true")
	require.NoError(t, err)
	assert.NotEmpty(t, before.OfType(releaseT))
	// One that never ran has a bare cluster: what needs a node waits.
	raw, err := repository(t).ReadConfig("dev", "parked=true")
	require.NoError(t, err)
	bare, err := dry.Graph("dev", raw, dry.Options{Today: day})
	require.NoError(t, err)
	assert.Empty(t, bare.OfType(releaseT))
	assert.Len(t, bare.OfType(addonT), 3)

	// A cache that is made again later does not begin with an old snapshot; its own takes another name.
	snapshot := func(parked bool) sandbox.Props {
		g, err := declare(day, map[string]any{"parking": map[string]any{"parked": parked, "hadNodes": true, "cacheSnapshot": "second", "restoredFrom": "first"}})
		require.NoError(t, err)
		return first(g, cacheT).Inputs
	}
	assert.Nil(t, snapshot(false)["snapshotName"])
	_, err = declare(day, map[string]any{"parking": map[string]any{"parked": true, "hadNodes": true, "cacheSnapshot": "gone"}})
	require.ErrorContains(t, err, "SnapshotNotFoundFault: gone not found", "and a snapshot that is not there is not passed over")
}

// TestScheduleTimes: expressions and hours of a schedule.
func TestScheduleTimes(t *testing.T) {
	s := parking.Schedule{Days: []string{"FRI", "MON"}, Start: "07:45", Stop: "20:00", TimeZone: "UTC"}
	assert.Equal(t, "cron(45 7 ? * MON,FRI *)", s.Mornings())
	assert.Equal(t, "cron(15 8 ? * MON,FRI *)", s.Settled())
	assert.Equal(t, "cron(0 20 ? * MON,FRI *)", s.Evenings())
	assert.Equal(t, "cron(2 20 ? * MON,FRI *)", s.NodesDown())
	assert.Equal(t, s.Mornings(), parking.ReadSchedule(s.Text()).Mornings())
	assert.False(t, parking.ReadSchedule("").On())
	for moment, working := range map[string]bool{
		"2026-11-23T08:14:00Z": false, "2026-11-23T08:15:00Z": true, "2026-11-23T19:59:00Z": true, "2026-11-23T20:00:00Z": false, "2026-11-24T12:00:00Z": false,
	} {
		at, err := time.Parse(time.RFC3339, moment)
		require.NoError(t, err)
		assert.Equal(t, working, s.Working(at), moment)
	}
}
