package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/edge"
	"groundwork/sandbox"
	"groundwork/stacks"
)

const (
	tableBegin = "<!-- differences: written by make golden -->\n"
	tableEnd   = "<!-- end of differences -->"
)

func readme(t *testing.T) (path, text string) {
	t.Helper()
	path = filepath.Join(repository(t).Root, "README.md")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return path, string(content)
}

// flatten lists every setting of a stack file by its path.
func flatten(t *testing.T, stack string) map[string]string {
	t.Helper()
	out := map[string]string{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		if m, ok := value.(map[string]any); ok && len(m) > 0 {
			for key, element := range m {
				walk(path+"."+key, element)
			}
			return
		}
		text, err := json.Marshal(value)
		require.NoError(t, err)
		out[path] = strings.NewReplacer(`"`, "", ",", ", ").Replace(string(text))
	}
	for key, raw := range stackConfig(t, stack) {
		var value any
		if json.Unmarshal([]byte(raw), &value) != nil || strings.HasSuffix(key, "accountId") {
			value = raw
		}
		walk(strings.TrimPrefix(key, stacks.Project+":"), value)
	}
	return out
}

// TestREADMETableOfDifferences: the table is exactly what differs between the two stack files.
func TestREADMETableOfDifferences(t *testing.T) {
	dev, prod := flatten(t, "dev"), flatten(t, "prod")
	table := "\n| setting | dev | prod |\n|---|---|---|\n"
	rows := 0
	for _, key := range slices.Sorted(maps.Keys(dev)) {
		if dev[key] != prod[key] {
			table += fmt.Sprintf("| `%s` | %s | %s |\n", key, dev[key], prod[key])
			rows++
		}
	}
	require.Greater(t, rows, 10)
	path, text := readme(t)
	before, rest, ok := strings.Cut(text, tableBegin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, tableEnd)
	require.True(t, ok)
	want := before + tableBegin + table + "\n" + tableEnd + after
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, text, "run make golden")
}

// prices are list prices in eu-west-1 in US dollars, of 2026-11. Sources: the AWS price list and public cost reports of 2026.
var prices = map[string]float64{
	"control plane hour": 0.10, "t3.medium hour": 0.0456, "t3.large hour": 0.0912, "NAT hour": 0.048, "address hour": 0.005,
	"endpoint hour": 0.011, "volume GB": 0.088, "key": 1, "alarm": 0.10, "dashboard": 3,
	"db.t4g.small singleZone hour": 0.035, "db.m7g.large multiZone hour": 0.372,
	"valkey cache.t4g.micro hour": 0.0136, "valkey cache.t4g.small hour": 0.0272, "secret": 0.40,
	"balancer hour": 0.0252, "firewall": 5, "firewall rule": 1,
	"singleZone GB": 0.127, "multiZone GB": 0.253,
}

const hoursPerMonth = 730

// monthly computes what an environment costs a month without traffic, by row of the README's table.
func monthly(t *testing.T, stack string, g *sandbox.Graph) map[string]float64 {
	t.Helper()
	c, err := load(t, stack)
	require.NoError(t, err)
	group := c.Cluster.NodeGroups["general"]
	nodes, zones := float64(group.DesiredSize), float64(len(c.Network.Zones))
	availability := string(c.Database.Availability)
	return map[string]float64{
		"EKS control plane":                prices["control plane hour"] * hoursPerMonth,
		"nodes":                            nodes * prices[group.InstanceType+" hour"] * hoursPerMonth,
		"NAT gateways and their addresses": float64(len(g.OfType(natT))) * (prices["NAT hour"] + prices["address hour"]) * hoursPerMonth,
		"PostgreSQL and its storage": prices[c.Database.InstanceClass+" "+availability+" hour"]*hoursPerMonth +
			float64(c.Database.StorageGiB)*prices[availability+" GB"],
		"cache":                      float64(c.Cache.Nodes) * prices[string(c.Cache.Engine)+" "+c.Cache.NodeType+" hour"] * hoursPerMonth,
		"load balancer and firewall": float64(len(g.OfType(balancerT)))*prices["balancer hour"]*hoursPerMonth + firewall(g),
		"interface endpoints":        float64(len(c.Network.InterfaceEndpoints)) * zones * prices["endpoint hour"] * hoursPerMonth,
		"node volumes, keys, secrets, alarms, dashboard": float64(len(g.OfType(secretT)))*prices["secret"] + nodes*float64(group.DiskGiB)*prices["volume GB"] + float64(len(g.OfType(keyT)))*prices["key"] +
			float64(len(g.OfType(alarmT)))*prices["alarm"] + prices["dashboard"],
	}
}

func firewall(g *sandbox.Graph) float64 {
	cost := 0.0
	for _, acl := range g.OfType(edge.WebACLType) {
		rules, _ := acl.Inputs["rules"].([]any)
		cost += prices["firewall"] + float64(len(rules))*prices["firewall rule"]
	}
	return cost
}

// TestREADMECosts recomputes the cost table from the resource graph; -v prints it.
func TestREADMECosts(t *testing.T) {
	_, text := readme(t)
	totals := map[string]float64{}
	costs := map[string]map[string]float64{}
	for _, stack := range environments {
		costs[stack] = monthly(t, stack, graphOf(t, stack, false))
		for _, cost := range costs[stack] {
			totals[stack] += cost
		}
	}
	for _, row := range slices.Sorted(maps.Keys(costs["dev"])) {
		t.Logf("%-40s %8.2f %8.2f", row, costs["dev"][row], costs["prod"][row])
		pattern := fmt.Sprintf(`(?m)^\| %s \| .*\b%.0f \| .*\b%.0f \|$`, regexp.QuoteMeta(row), costs["dev"][row], costs["prod"][row])
		assert.Regexp(t, pattern, text)
	}
	t.Logf("%-40s %8.2f %8.2f", "together", totals["dev"], totals["prod"])
	assert.Contains(t, text, fmt.Sprintf("| together | %.0f | %.0f |", totals["dev"], totals["prod"]))
}

// TestREADMENamesThingsThatExist: every path and make target in the README is there.
func TestREADMENamesThingsThatExist(t *testing.T) {
	_, text := readme(t)
	root := repository(t).Root
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	seen := 0
	for _, m := range regexp.MustCompile("`((?:components|stacks|sandbox|cmd|tests|docs|tools)/[^`]*)`").FindAllStringSubmatch(text, -1) {
		found, err := filepath.Glob(filepath.Join(root, m[1]))
		require.NoError(t, err)
		assert.NotEmpty(t, found, m[1])
		seen++
	}
	for _, m := range regexp.MustCompile("make ([a-z-]+)").FindAllStringSubmatch(text, -1) {
		assert.Regexp(t, `(?m)^`+m[1]+`:`, string(makefile), m[0])
		seen++
	}
	for _, m := range regexp.MustCompile(`\]\(([^)h][^)]*)\)`).FindAllStringSubmatch(text, -1) {
		assert.FileExists(t, filepath.Join(root, m[1]))
	}
	assert.Greater(t, seen, 15)
}
