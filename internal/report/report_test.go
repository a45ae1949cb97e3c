package report_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/internal/awstype"
	"groundwork/internal/report"
	"groundwork/tests/harness"
)

// TestMain removes the folder of the reference settings.
func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// TestReport checks that the page shows what the graph, the sheet, the rules and the settings say.
func TestReport(t *testing.T) {
	p := harness.ProdPage(t)
	text := harness.Written(t, p)
	g := harness.Graph(t, "prod")
	for _, subnet := range g.OfType(awstype.Subnet) {
		assert.Contains(t, text, subnet.Inputs.Str("tags.Tier")+" "+subnet.Inputs.Str("cidrBlock")+"</text>")
	}
	assert.Equal(t, 3, strings.Count(text, ">NAT gateway</text>"))
	assert.Equal(t, 2, strings.Count(text, ">PostgreSQL 15</text>"), "primary and standby")
	var flows []string
	for _, f := range p.Picture.Flows {
		flows = append(flows, f.From+" > "+f.To+" "+f.Ports)
	}
	assert.Equal(t, []string{
		"10.20.0.0/16 > VPC endpoints tcp 443",
		"CloudFront > load balancer tcp 80-443",
		"bastion > nodes tcp 443",
		"load balancer > nodes tcp 8080",
		"nodes > cache tcp 6379",
		"nodes > database tcp 5432",
	}, flows)
	fixed, usage := p.Sheet.Total()
	assert.Contains(t, text, fmt.Sprintf("<dd>$ %.2f</dd>", fixed+usage))
	assert.Greater(t, p.Held, 90)
	assert.Zero(t, p.Broken)
	assert.NotContains(t, text, "<script")
	assert.NotRegexp(t, regexp.MustCompile(`(src|href)="(https?:)?//`), text, "the page loads nothing")
	for _, d := range p.Differences {
		assert.Contains(t, text, "<code>"+d.Setting+"</code>")
	}
	assert.Len(t, p.Differences, len(report.Settings(harness.Settings(t, "prod")))-same(t))
	team := harness.Source(t, "dev", "dev", "tags.Team=shop")
	more := report.New(harness.Today, nil, harness.Source(t, "prod", "prod"), team)
	assert.Contains(t, more.Differences, report.Difference{Setting: "tags.Team", There: "shop"},
		"a setting that only the other environment has is a difference too")
}

func TestReportShowsTriedSettings(t *testing.T) {
	tried := []string{"cache.nodes=4"}
	own := harness.Source(t, "prod", "prod", tried...)
	text := harness.Written(t, report.New(harness.Today, tried, own, harness.Source(t, "dev", "dev")))
	assert.Contains(t, text, ">2 nodes of 4</text>")
	assert.Contains(t, text, "Tried with <code>cache.nodes=4</code>")
}

func TestReportShowsBrokenRules(t *testing.T) {
	open := harness.Source(t, "prod", "prod")
	open.Graph.First(awstype.DBInstance).Inputs["storageEncrypted"] = false
	broken := report.New(harness.Today, nil, open, harness.Source(t, "dev", "dev"))
	assert.Positive(t, broken.Broken)
	assert.Contains(t, harness.Written(t, broken), "not held")
}

func TestReportDrawsNothingThatIsParked(t *testing.T) {
	parked := harness.Source(t, "dev parked", "dev", "parked=true")
	text := harness.Written(t, report.New(harness.Today, nil, parked, harness.Source(t, "dev", "dev")))
	assert.Contains(t, text, "answers by itself: parked")
	for _, gone := range []string{">NAT gateway<", "load balancer, internal", ">nodes, in all zones", ">valkey"} {
		assert.NotContains(t, text, gone)
	}
}

func TestReportEscapesSettings(t *testing.T) {
	hostile := harness.Source(t, "prod", "prod")
	hostile.Raw["groundwork:owner"] = `"><script>alert(1)</script>`
	p := report.New(harness.Today, nil, hostile, harness.Source(t, "dev", "dev"))
	assert.NotContains(t, harness.Written(t, p), "<script")
}

// same returns how many settings dev and prod have in common.
func same(t *testing.T) int {
	t.Helper()
	dev, n := report.Settings(harness.Settings(t, "dev")), 0
	for key, value := range report.Settings(harness.Settings(t, "prod")) {
		if dev[key] == value {
			n++
		}
	}
	return n
}
