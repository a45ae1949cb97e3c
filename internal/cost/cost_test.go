package cost_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/cost"
	"groundwork/internal/graph"
	"groundwork/stacks"
	"groundwork/tests/golden"
	"groundwork/tests/harness"
)

// TestMain removes the folder of the reference settings.
func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// handRegions are the regions of the columns of handPrices.
var handRegions = []string{"eu-west-1", "us-east-1", "us-west-2", "eu-central-1"}

// handPrices are list prices of 2026-11 in US dollars. The table repeats prices.json and the list of instances on
// purpose, so that a wrong price in one of the two fails the tests.
var handPrices = map[string][4]float64{
	"control plane": {0.10, 0.10, 0.10, 0.10}, "volume": {0.088, 0.08, 0.08, 0.0952},
	"t4g.micro": {0.0092, 0.0084, 0.0084, 0.0096},
	"t3.medium": {0.0456, 0.0416, 0.0416, 0.048}, "t3.large": {0.0912, 0.0832, 0.0832, 0.096},
	"nat": {0.048, 0.045, 0.045, 0.052}, "address": {0.005, 0.005, 0.005, 0.005},
	"endpoint": {0.011, 0.01, 0.01, 0.012}, "endpointGB": {0.01, 0.01, 0.01, 0.01},
	"load balancer": {0.0252, 0.0225, 0.0225, 0.027}, "unit": {0.008, 0.008, 0.008, 0.008},
	"acl": {5, 5, 5, 5}, "rule": {1, 1, 1, 1}, "requests": {0.6, 0.6, 0.6, 0.6},
	"db.t4g.small": {0.035, 0.032, 0.032, 0.037}, "db.m7g.large x2": {0.372, 0.336, 0.336, 0.4},
	"storage": {0.127, 0.115, 0.115, 0.137}, "storage x2": {0.253, 0.23, 0.23, 0.274},
	"cache.t4g.micro": {0.0136, 0.0128, 0.0128, 0.0144}, "cache.t4g.small": {0.0272, 0.0256, 0.0256, 0.0288},
	"secret": {0.4, 0.4, 0.4, 0.4}, "key": {1, 1, 1, 1}, "alarm": {0.1, 0.1, 0.1, 0.1}, "dashboard": {3, 3, 3, 3},
	"metric": {0.3, 0.3, 0.3, 0.3}, "logs": {0.57, 0.5, 0.5, 0.63}, "logs kept": {0.03, 0.03, 0.03, 0.0324},
	"images": {0.1, 0.1, 0.1, 0.1}, "buckets": {0.023, 0.023, 0.023, 0.0245},
	"between zones": {0.01, 0.01, 0.01, 0.01}, "observations": {0.21, 0.21, 0.21, 0.21},
}

// moved returns the changes that move a stack to another region.
func moved(stack, region string) []string {
	letters := map[string][]string{"dev": {"a", "b"}, "prod": {"a", "b", "c"}}[stack]
	zones := make([]string, len(letters))
	for i, letter := range letters {
		zones[i] = region + letter
	}
	return []string{"aws:region=" + region, "network.zones=[" + strings.Join(zones, ", ") + "]"}
}

// TestCostByHand compares the sheet with a calculation that knows only the settings and handPrices.
func TestCostByHand(t *testing.T) {
	for _, stack := range harness.Environments {
		for i, region := range handRegions {
			changes := moved(stack, region)
			g := harness.Graph(t, stack, changes...)
			c := harness.Config(t, stack, changes...)
			p := func(name string) float64 { return handPrices[name][i] }
			hours := func(name string) float64 { return p(name) * 730 }
			group := c.Cluster.NodeGroups["general"]
			nodes, zones := float64(group.DesiredSize), float64(len(c.Network.Zones))
			gateways, class, storage := 1.0, hours("db.t4g.small"), p("storage")
			if stack == "prod" {
				gateways, class, storage = zones, hours("db.m7g.large x2"), p("storage x2")
			}
			metrics := 0.0
			for _, r := range g.OfType(awstype.MetricAlarm) {
				// "metricName" appears once for each metric that the alarm queries.
				metrics += max(1, float64(strings.Count(fmt.Sprint(map[string]any(r.Inputs)), "metricName:")))
			}
			fixed := hours("control plane") + nodes*(hours(group.InstanceType)+float64(group.DiskGiB)*p("volume")) +
				// A node sends seven metrics.
				nodes*7*p("metric") +
				gateways*(hours("nat")+hours("address")) +
				float64(len(c.Network.InterfaceEndpoints))*zones*hours("endpoint") +
				hours("load balancer") + class + float64(c.Database.StorageGiB)*storage +
				float64(c.Cache.Nodes)*hours(c.Cache.NodeType) +
				// RDS makes one more secret, that of the database.
				float64(len(g.OfType(awstype.Secret))+1)*p("secret") +
				float64(len(g.OfType(awstype.Key)))*p("key") + metrics*p("alarm") + p("dashboard") +
				float64(len(g.OfType(awstype.LogMetricFilter)))*p("metric")
			// 100 GB in 730 hours are less than one capacity unit. Of 10 GB of logs a month, 15 % are kept until they expire.
			// A node with 15 pods has 26 + 15 x 46 metrics a minute. Enhanced Monitoring logs 16.07 GB at one event a second.
			usage := gateways*50*p("nat") + 100.0/730*p("unit")*730 + 10*p("logs") +
				10*0.15*float64(c.LogRetentionDays)/365*12*p("logs kept") + 2*p("images") + 5*p("buckets") +
				2*50*p("between zones") + nodes*(26+15*46)*730*60/1e6*p("observations") +
				16.07/float64(c.Database.MonitoringSeconds)*p("logs")
			if stack == "prod" {
				rules, _ := g.First(awstype.WebACL).Inputs["rules"].([]any)
				fixed += p("acl") + float64(len(rules))*p("rule")
				// The endpoint of prod is private: a bastion with 8 GiB leads to it, and runs when somebody uses it.
				fixed += 8 * p("volume")
				usage += 2*p("requests") + 20*p("endpointGB") + 60*p("t4g.micro")
			}
			sheet := harness.Sheet(t, stack, g, region)
			gotFixed, gotUsage := sheet.Total()
			assert.InDelta(t, fixed, gotFixed, 0.005, "%s in %s", stack, region)
			assert.InDelta(t, usage, gotUsage, 0.005, "%s in %s by use", stack, region)
			assert.Empty(t, sheet.Unpriced, "every resource is priced or declared free")
			sum := 0.0
			for _, layer := range stacks.Layers() {
				sum += sheet.Layers()[layer]
			}
			assert.InDelta(t, gotFixed+gotUsage, sum, 1e-9, "every line is in a layer")
		}
	}
}

// TestSettingsThatCost: each setting that AWS bills changes the sum.
func TestSettingsThatCost(t *testing.T) {
	total := func(changes ...string) float64 {
		fixed, usage := harness.Sheet(t, "prod", harness.Graph(t, "prod", changes...), "eu-west-1").Total()
		return fixed + usage
	}
	base := total()
	for change, more := range map[string]float64{
		"database.insights=advanced":   2 * 0.0125 * 730,
		"database.monitoringSeconds=1": (16.07 - 16.07/float64(harness.Config(t, "prod").Database.MonitoringSeconds)) * 0.57,
		"logRetentionDays=3653":        10 * 0.15 * (3653 - 365) / 365 * 12 * 0.03,
	} {
		assert.InDelta(t, base+more, total(change), 0.01, change)
	}
}

// TestWholeSums: a sum that is too small says so in its headline, and is an error.
func TestWholeSums(t *testing.T) {
	g := harness.Graph(t, "dev")
	sheet := harness.Sheet(t, "dev", g, "ap-south-1")
	require.Error(t, sheet.Err())
	assert.ErrorContains(t, sheet.Err(), "pricing dev in ap-south-1: the sum is too small")
	var out bytes.Buffer
	sheet.Print(&out)
	assert.Contains(t, out.String(), "together, WITHOUT ")
	out.Reset()
	whole := harness.Sheet(t, "dev", g, "eu-west-1")
	require.NoError(t, whole.Err())
	cost.PrintComparison(&out, whole, sheet)
	assert.Regexp(t, `of dev WITHOUT [0-9]+ items that have no price`, out.String())
}

// TestCostParkedByHand is TestCostByHand for dev while it is parked, hibernated, or on a schedule.
func TestCostParkedByHand(t *testing.T) {
	for i, region := range handRegions {
		changes := moved("dev", region)
		p := func(name string) float64 { return handPrices[name][i] }
		// CloudFront's alarms are in us-east-1. In another region, their topic needs a second key.
		keys := 2 * p("key")
		if region == "us-east-1" {
			keys = p("key")
		}
		// The database runs three hours of a week's 168.
		data := 20*p("storage") + 4*p("secret") + keys + 3.0/168*p("db.t4g.small")*730
		c := harness.Config(t, "dev")
		kept := 2*p("images") + 10*0.15*float64(c.LogRetentionDays)/365*12*p("logs kept") + 5*p("buckets") + 0.5*0.085 +
			3.0/168*16.07/float64(c.Database.MonitoringSeconds)*p("logs")
		for _, c := range []struct {
			settings             []string
			fixed, usage, alarms float64
		}{
			{[]string{"parked=true"}, p("control plane")*730 + data, kept + 1*p("logs"), 14},
			{[]string{"parked=true", "hibernated=true"}, data, kept, 8},
		} {
			g := harness.Graph(t, "dev", append(changes, c.settings...)...)
			assert.InDelta(t, c.alarms, float64(len(g.OfType(awstype.MetricAlarm))), 0)
			sheet := harness.Sheet(t, "dev", g, region)
			fixed, usage := sheet.Total()
			assert.InDelta(t, c.fixed+c.alarms*p("alarm"), fixed, 0.005, "%v in %s", c.settings, region)
			assert.InDelta(t, c.usage, usage, 0.005, "%v in %s by use", c.settings, region)
			assert.Empty(t, sheet.Unpriced)
		}
		always, _ := harness.Sheet(t, "dev", harness.Graph(t, "dev", changes...), region).Total()
		scheduled := harness.Sheet(t, "dev", harness.Graph(t, "dev", append(changes, harness.Office)...), region)
		assert.Contains(t, strings.Join(scheduled.Hints, "\n"),
			"with a schedule a night is counted as twelve average hours")
		weekdays, _ := scheduled.Total()
		// The environment runs 65 hours of 168, its nodes two minutes longer each day. The schedule adds three alarms.
		stopped := (1-(65+10.0/60)/168)*2*(p("t3.medium")*730+50*p("volume")+7*p("metric")) +
			(1-65.0/168)*p("db.t4g.small")*730
		assert.InDelta(t, always-stopped+3*p("alarm"), weekdays, 0.005, region)
	}
}

// TestOvernight compares a parked and a hibernated night with the night after the article's script, at the article's
// sizes.
func TestOvernight(t *testing.T) {
	night := func(changes ...string) *cost.Sheet {
		g := harness.Graph(t, "dev", append(slices.Clone(cost.ArticleSettings), changes...)...)
		return harness.Sheet(t, "dev", g, "us-east-1")
	}
	running, parked, hibernated := night(), night("parked=true"), night("parked=true", "hibernated=true")
	assert.LessOrEqual(t, parked.Night(), 1.33)
	assert.LessOrEqual(t, hibernated.Night(), 0.13)
	// By the hour: control plane, NAT gateway, its address, load balancer, cache. By the month: capacity units for 100 GB,
	// NAT traffic, volume of the database, key, secrets, alarms, dashboard, metric, logs, images, buckets.
	kept := 0.15 * float64(harness.Config(t, "dev").LogRetentionDays) / 365 * 12 * 0.03
	want := 12*(0.1+0.045+0.005+0.0225+0.017) +
		(100*0.008+50*0.045+20*0.115+1+4*0.4+26*0.1+3+0.3+10*(0.5+kept)+0.2+5*0.023)*12/730
	assert.InDelta(t, want, running.AfterScript().Night(), 0.005)
	article, _, err := cost.Article()
	require.NoError(t, err)
	assert.InDelta(t, 12*(0.1+0.017+0.045+3*0.005+0.0225+0.008)+(20*0.115+3*0.4)*12/730, article, 0.005)
	var out bytes.Buffer
	require.NoError(t, cost.PrintOvernight(&out, running, parked, hibernated))
	golden.Text(t, "overnight.txt", out.String())
	assert.Contains(t, harness.Document(t, "docs/environments.md"), fmt.Sprintf(
		"$ %.2f for twelve hours at small sizes, $ %.2f without the cluster", parked.Night(), hibernated.Night()))
	guide := harness.Document(t, "docs/parking.md")
	assert.Contains(t, guide, fmt.Sprintf("$ %.2f, of it 1.20 the control plane", parked.Night()))
	assert.Contains(t, guide, fmt.Sprintf("$ %.2f |", hibernated.Night()))
}

// TestCostDropsNothing checks that the sheet lists a type without a price, and a price that the table lacks.
func TestCostDropsNothing(t *testing.T) {
	g := harness.Copy(t, harness.Graph(t, "dev"))
	before, _ := harness.Sheet(t, "dev", g, "eu-west-1").Total()
	g.First(awstype.DBInstance).Inputs["instanceClass"] = "db.x99.mega"
	g.First(awstype.NATGateway).Type = "aws:new/thing:Thing"
	sheet := harness.Sheet(t, "dev", g, "eu-west-1")
	require.Len(t, sheet.Unpriced, 2)
	assert.Contains(t, sheet.Unpriced[0], "aws:new/thing:Thing")
	assert.Contains(t, sheet.Unpriced[1], "no price for db.x99.mega")
	fixed, _ := sheet.Total()
	assert.Less(t, fixed, before)
	var out bytes.Buffer
	sheet.Print(&out)
	assert.Contains(t, out.String(), "NOT in the sums")
	elsewhere := harness.Sheet(t, "dev", g, "ap-south-1")
	assert.Greater(t, len(elsewhere.Unpriced), 9)
	out.Reset()
	elsewhere.Print(&out)
	assert.Contains(t, out.String(), "Regions with all prices are eu-central-1, eu-west-1, us-east-1, us-west-2")
	for _, l := range elsewhere.Lines {
		assert.NotContains(t, []string{"nat.hour", "alb.hour", "ebs.gp3.storage"}, l.Price, "an invented price")
	}
}

func TestCostOfUse(t *testing.T) {
	g := harness.Graph(t, "prod")
	_, base := harness.Sheet(t, "prod", g, "eu-west-1").Total()
	_, more := harness.Sheet(t, "prod", g, "eu-west-1", "natGB=150", "requests=12", "deliveryGB=2024").Total()
	// Three gateways, ten million more requests through the firewall, two million requests and 1,000 GB beyond the free
	// tier of CloudFront, and 1,924 GB more through the load balancer.
	assert.InDelta(t, base+3*100*0.048+10*0.6+2*100*0.012+1000*0.085+1924*0.008, more, 0.005)
	for change, want := range map[string]string{
		"nat=1":     "known are",
		"natGB":     "want natGB=NUMBER",
		"natGB=x":   "want natGB=NUMBER",
		"natGB=-1":  "not below 0",
		"natGB=NaN": "not below 0",
		"natGB=Inf": "not below 0",
	} {
		_, err := cost.Assume([]string{change})
		assert.ErrorContains(t, err, want, change)
	}
}

func TestCostHints(t *testing.T) {
	hints := strings.Join(harness.Sheet(t, "prod", harness.Graph(t, "prod"), "eu-west-1").Hints, "\n")
	assert.Contains(t, hints, "from 2027-08-02 on Kubernetes 1.36 would cost 365.00 a month more")
	assert.Contains(t, hints, "t4g.large would save 38.54 a month") // 3 x (0.0912 - 0.0736) x 730
	assert.Contains(t, hints, "interface endpoints cost 144.54 a month and save 0.038 a GB against NAT: "+
		"they pay for themselves from 3804 GB")
	later, err := cost.Assume(nil)
	require.NoError(t, err)
	old := cost.New("prod", harness.Graph(t, "prod"), cost.Prices{Region: "eu-west-1"}, later,
		time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC))
	i := slices.IndexFunc(old.Lines, func(l cost.Line) bool { return l.Price == "eks.control_plane.extended" })
	require.GreaterOrEqual(t, i, 0, "a version in extended support has the price of extended support")
	assert.InDelta(t, 438, old.Lines[i].Month, 0.005)
}

// TestEveryTypeHasAPrice checks that every type of the sandbox is priced or free, so that a new type is not forgotten.
func TestEveryTypeHasAPrice(t *testing.T) {
	var resources []*graph.Resource
	for i, token := range awssim.KnownTypes() {
		resources = append(resources, &graph.Resource{
			URN: fmt.Sprint("urn:", i), Type: token, Name: token, Custom: true,
			Inputs: graph.Props{}, Outputs: graph.Props{},
		})
	}
	g, err := graph.New(resources)
	require.NoError(t, err)
	for _, problem := range harness.Sheet(t, "all", g, "eu-west-1").Unpriced {
		assert.NotContains(t, problem, "nothing is known", problem)
	}
}

func TestCostRendered(t *testing.T) {
	var out bytes.Buffer
	prod := harness.Sheet(t, "prod", harness.Graph(t, "prod"), "eu-west-1")
	prod.Print(&out)
	golden.Text(t, "cost-prod.txt", out.String())
	out.Reset()
	cost.PrintComparison(&out, harness.Sheet(t, "dev", harness.Graph(t, "dev"), "eu-west-1"), prod)
	golden.Text(t, "cost-comparison.txt", out.String())
	night := 0.0
	for _, l := range prod.Lines {
		night += l.Night()
	}
	fixed, usage := prod.Total()
	assert.InDelta(t, (fixed+usage)*12/730, night, 1e-9)
	assert.False(t, math.IsNaN(night))
}
