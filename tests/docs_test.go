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
	"groundwork/internal/rules"
	"groundwork/tests/golden"
	"groundwork/tests/harness"
)

// page reads a document of the repository.
func page(t *testing.T, name string) (path, text string) {
	t.Helper()
	path = filepath.Join(harness.Root(t), name)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return path, string(content)
}

// TestREADMETableOfDifferences: the table is exactly what differs between the two reference settings.
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
	written(t, "docs/environments.md", "differences", table+"\n")
}

// TestREADMEWaivers: the record of the rules that are not held is the table of the package rules.
func TestREADMEWaivers(t *testing.T) {
	written(t, "docs/decisions/0006-waivers.md", "waivers", "\n"+rules.WaiverTable()+"\n")
}

// written compares the part of a document between two marks with a table, or writes it with -update.
func written(t *testing.T, name, mark, table string) {
	t.Helper()
	path, text := page(t, name)
	begin, end := "<!-- "+mark+": written by make golden -->\n", "<!-- end of "+mark+" -->"
	before, rest, ok := strings.Cut(text, begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := before + begin + table + end + after
	if golden.Updating() {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, text, "run make golden")
}

// costRows are the rows of the table, by the beginnings of the prices in them; the last takes the rest.
var costRows = []struct {
	row    string
	prices []string
}{
	{
		"EKS control plane",
		[]string{"eks."},
	}, {"nodes", []string{"ec2."}}, {"NAT gateways and their addresses", []string{"nat.", "public_ipv4."}},
	{
		"PostgreSQL and its storage",
		[]string{"rds."},
	}, {"cache", []string{"elasticache."}}, {"load balancer and firewall", []string{"alb.", "waf."}},
	{"interface endpoints", []string{"vpce."}},
	{"volumes and metrics of nodes, keys, secrets, alarms, dashboard", []string{""}},
}

// monthly is what an environment costs a month whatever is used, by row of the table.
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
	_, text := page(t, "docs/environments.md")
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
		pattern := fmt.Sprintf(`(?m)^\| %s \| .*\b%.0f \| .*\b%.0f \|$`, regexp.QuoteMeta(row), costs["dev"][row],
			costs["prod"][row])
		assert.Regexp(t, pattern, text)
	}
	assert.Contains(t, text, fmt.Sprintf("| together | %.0f | %.0f |", totals["dev"], totals["prod"]))
}

// TestREADMENamesThingsThatExist: every path, make target and page that the guides name is there.
func TestREADMENamesThingsThatExist(t *testing.T) {
	root := harness.Root(t)
	_, makefile := page(t, "Makefile")
	guides, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	seen := 0
	for _, guide := range append(guides, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		content, err := os.ReadFile(guide)
		require.NoError(t, err)
		text := string(content)
		for _, m := range codePath.FindAllStringSubmatch(text, -1) {
			found, err := filepath.Glob(filepath.Join(root, m[1]))
			require.NoError(t, err)
			assert.NotEmpty(t, found, "%s names %s", filepath.Base(guide), m[1])
			seen++
		}
		for _, m := range makeTarget.FindAllStringSubmatch(text, -1) {
			assert.Regexp(t, `(?m)^`+m[1]+`[: ]|^\.PHONY:.* `+m[1]+`\b`, makefile, "%s: %s", filepath.Base(guide), m[0])
			seen++
		}
		for _, m := range pageLink.FindAllStringSubmatch(text, -1) {
			assert.FileExists(t, filepath.Join(filepath.Dir(guide), m[1]), filepath.Base(guide))
		}
	}
	assert.Greater(t, seen, 40)
}

var (
	codePath   = regexp.MustCompile("`((?:components|stacks|internal|command|cmd|tests|docs|tools)/[^` :]*)`")
	makeTarget = regexp.MustCompile("`make ([a-z-]+)")
	pageLink   = regexp.MustCompile(`\]\(([^)h#][^)# ]*\.(?:md|go|png))\)`)
)

// TestDecisionsAreListed: the index of the decisions has every record, by its title.
func TestDecisionsAreListed(t *testing.T) {
	_, index := page(t, "docs/decisions/README.md")
	records, err := filepath.Glob(filepath.Join(harness.Root(t), "docs", "decisions", "0*.md"))
	require.NoError(t, err)
	assert.Greater(t, len(records), 15)
	for _, record := range records {
		text, err := os.ReadFile(record)
		require.NoError(t, err)
		title, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		number, title, _ := strings.Cut(title, " ")
		assert.Contains(t, index, fmt.Sprintf("| [%s](%s) | %s |\n", number, filepath.Base(record), title))
	}
}
