package tests

import (
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

	"groundwork/internal/cost"
	"groundwork/internal/report"
	"groundwork/tests/harness"
)

const (
	tableBegin = "<!-- differences: written by make golden -->\n"
	tableEnd   = "<!-- end of differences -->"
)

func readme(t *testing.T) (path, text string) {
	t.Helper()
	path = filepath.Join(harness.Root(t), "README.md")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return path, string(content)
}

// TestREADMETableOfDifferences: the table is exactly what differs between the two stack files.
func TestREADMETableOfDifferences(t *testing.T) {
	dev, prod := report.Settings(harness.Settings(t, "dev")), report.Settings(harness.Settings(t, "prod"))
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
	if harness.Updating() {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, text, "run make golden")
}

// costRows are the rows of the README's table, by the beginnings of the prices in them; the last takes the rest.
var costRows = []struct {
	row    string
	prices []string
}{
	{"EKS control plane", []string{"eks."}}, {"nodes", []string{"ec2."}}, {"NAT gateways and their addresses", []string{"nat.", "public_ipv4."}},
	{"PostgreSQL and its storage", []string{"rds."}}, {"cache", []string{"elasticache."}}, {"load balancer and firewall", []string{"alb.", "waf."}},
	{"interface endpoints", []string{"vpce."}}, {"node volumes, keys, secrets, alarms, dashboard", []string{""}},
}

// monthly is what an environment costs a month whatever is used, by row of the README's table.
func monthly(sheet *cost.Sheet) map[string]float64 {
	sums := map[string]float64{}
	for _, l := range sheet.Lines {
		i := slices.IndexFunc(costRows, func(row struct {
			row    string
			prices []string
		}) bool {
			return slices.ContainsFunc(row.prices, func(prefix string) bool { return strings.HasPrefix(l.Price, prefix) })
		})
		if !l.Usage {
			sums[costRows[i].row] += l.Month
		}
	}
	return sums
}

// TestREADMECosts: the table of costs is what groundwork cost says.
func TestREADMECosts(t *testing.T) {
	_, text := readme(t)
	totals := map[string]float64{}
	costs := map[string]map[string]float64{}
	for _, stack := range harness.Environments {
		costs[stack] = monthly(harness.Sheet(t, stack, harness.Graph(t, stack), "eu-west-1"))
		for _, cost := range costs[stack] {
			totals[stack] += cost
		}
	}
	for _, r := range costRows {
		row := r.row
		pattern := fmt.Sprintf(`(?m)^\| %s \| .*\b%.0f \| .*\b%.0f \|$`, regexp.QuoteMeta(row), costs["dev"][row], costs["prod"][row])
		assert.Regexp(t, pattern, text)
	}
	assert.Contains(t, text, fmt.Sprintf("| together | %.0f | %.0f |", totals["dev"], totals["prod"]))
}

// TestREADMENamesThingsThatExist: every path and make target in the README is there.
func TestREADMENamesThingsThatExist(t *testing.T) {
	_, text := readme(t)
	root := harness.Root(t)
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
