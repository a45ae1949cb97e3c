// Package report writes one self-contained HTML page about an environment, from the resources that the program makes: a picture of
// it, how long its deployment takes and why, what it costs, the security rules it is held to, how it differs from the other
// environment. The page loads nothing and runs no script.
package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"groundwork/internal/awstype"
	"groundwork/internal/cost"
	"groundwork/internal/graph"
	"groundwork/internal/rules"
	"groundwork/internal/timeline"
	"groundwork/stacks"
)

// Source is one environment, or one state of it, that the page tells about.
type Source struct {
	// Name is how the page calls it: "prod", "dev parked".
	Name   string
	Config *stacks.Config
	// Raw is its configuration as Pulumi hands it over.
	Raw   map[string]string
	Graph *graph.Graph
	Sheet *cost.Sheet
}

// Page is everything the page says.
type Page struct {
	Title   string
	Written string
	Config  *stacks.Config
	// Tried are settings that were changed for this page, KEY=VALUE.
	Tried []string
	// Resources by layer, lowest first.
	Resources []Count
	Total     int
	Picture   *Picture
	Timelines []Timeline
	Chart     []ChartBar
	Edges     []timeline.Edge
	// Costs has a column for each source.
	Columns []string
	Costs   []CostRow
	Sheet   *cost.Sheet
	Lines   []cost.Line
	// Findings are what the rules say; Held of them are held, Broken are not; the rest found nothing to look at.
	Findings     []rules.Finding
	Held, Broken int
	Waivers      []Waiver
	// Other is the environment that it is compared with.
	Other       string
	Differences []Difference
}

// Count is how many resources a layer has.
type Count struct {
	Layer string
	N     int
}

// Timeline is how long one deployment takes at each speed of AWS.
type Timeline struct {
	What               string
	Fast, Median, Slow string
}

// ChartBar is one bar, in percent of the whole.
type ChartBar struct {
	Label, Start, Takes, Slack string
	From, Width                float64
	Critical                   bool
}

// CostRow is one line of the comparison; Bold ones are sums.
type CostRow struct {
	What    string
	Amounts []string
	Bold    bool
}

// Waiver is a rule that is knowingly not held.
type Waiver struct{ ID, Reason string }

// Difference is a setting that two environments have different values for.
type Difference struct{ Setting, Here, There string }

// shortestBar is how long something takes to be in the chart, in seconds.
const shortestBar = 20

// New gathers what the page says about the first source, for which the settings in tried were changed; the second is the environment it is compared with, the rest are further
// columns of the comparison of costs.
func New(now time.Time, tried []string, sources ...*Source) *Page {
	own, other := sources[0], sources[1]
	p := &Page{
		Title: "groundwork " + own.Name, Written: now.UTC().Format("2 January 2006, 15:04 MST"), Config: own.Config, Tried: tried, Picture: draw(own.Graph),
		Sheet: own.Sheet, Other: other.Name, Differences: differences(own.Raw, other.Raw),
	}
	counts := map[string]int{}
	for _, r := range own.Graph.Resources {
		if layer := own.Graph.Layer(r); layer != "" {
			counts[layer]++
			p.Total++
		}
	}
	for _, layer := range stacks.Layers() {
		p.Resources = append(p.Resources, Count{layer, counts[layer]})
	}
	p.timelines(own.Graph)
	p.costs(sources)
	p.Findings = rules.Look(own.Graph, own.Config.Protect, !own.Config.Parked)
	for _, f := range p.Findings {
		switch {
		case f.Held():
			p.Held++
		case f.Broken():
			p.Broken++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rules.Waivers)) {
		p.Waivers = append(p.Waivers, Waiver{id, rules.Waivers[id]})
	}
	return p
}

func (p *Page) timelines(g *graph.Graph) {
	for _, layer := range append([]string{""}, stacks.Layers()...) {
		what := "everything, the first time"
		if layer != "" {
			what = "only " + layer
		}
		at := func(speed awstype.Percentile) string { return timeline.Minutes(timeline.New(g, speed, layer).Seconds) }
		p.Timelines = append(p.Timelines, Timeline{what, at(awstype.Fast), at(awstype.Median), at(awstype.Slow)})
	}
	t := timeline.New(g, awstype.Median, "")
	p.Edges = t.Edges[:min(6, len(t.Edges))]
	critical := map[string]bool{}
	for _, step := range t.Critical {
		critical[step.Type+step.Name] = true
	}
	for _, b := range t.Bars {
		if b.Seconds < shortestBar {
			continue
		}
		p.Chart = append(p.Chart, ChartBar{
			Label: graph.ShortType(b.Type) + " " + b.Name, Start: timeline.Minutes(b.Start), Takes: timeline.Minutes(b.Seconds), Slack: timeline.Minutes(b.Slack),
			From: 100 * b.Start / t.Seconds, Width: 100 * b.Seconds / t.Seconds, Critical: critical[b.Type+b.Name],
		})
	}
}

func (p *Page) costs(sources []*Source) {
	row := func(what string, bold bool, of func(*cost.Sheet) float64) {
		r := CostRow{What: what, Bold: bold}
		for _, s := range sources {
			r.Amounts = append(r.Amounts, fmt.Sprintf("%.2f", of(s.Sheet)))
		}
		p.Costs = append(p.Costs, r)
	}
	for _, s := range sources {
		p.Columns = append(p.Columns, s.Name)
	}
	for _, layer := range stacks.Layers() {
		row(layer, false, func(s *cost.Sheet) float64 { return s.Layers()[layer] })
	}
	row("a month", true, func(s *cost.Sheet) float64 { fixed, usage := s.Total(); return fixed + usage })
	row("of it by use, as assumed", false, func(s *cost.Sheet) float64 { _, usage := s.Total(); return usage })
	row("twelve hours at night", false, (*cost.Sheet).Night)
	for _, l := range p.Sheet.Grouped() {
		if l.Month >= 0.005 {
			p.Lines = append(p.Lines, l)
		}
	}
}

// differences lists the settings in which two configurations differ, by path.
func differences(here, there map[string]string) []Difference {
	a, b := Settings(here), Settings(there)
	var all []Difference
	keys := map[string]bool{}
	for _, settings := range []map[string]string{a, b} {
		for key := range settings {
			keys[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if a[key] != b[key] {
			all = append(all, Difference{key, a[key], b[key]})
		}
	}
	return all
}

// Settings lists every setting of a configuration by its path, as text.
func Settings(raw map[string]string) map[string]string {
	out := map[string]string{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		if m, ok := value.(map[string]any); ok && len(m) > 0 {
			for key, element := range m {
				walk(path+"."+key, element)
			}
			return
		}
		// What came out of JSON goes back into it.
		text, _ := json.Marshal(value)
		out[path] = strings.NewReplacer(`"`, "", ",", ", ").Replace(string(text))
	}
	for key, text := range raw {
		var value any
		if json.Unmarshal([]byte(text), &value) != nil || strings.HasSuffix(key, "accountId") {
			value = text
		}
		walk(strings.TrimPrefix(key, stacks.Project+":"), value)
	}
	return out
}

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"add":   func(a, b int) int { return a + b },
	"line":  func(y, i int) int { return y + 36 + i*lineHeight },
	"money": func(amount float64) string { return fmt.Sprintf("%.2f", amount) },
	// A percentage is a number and nothing else.
	"percent": func(p float64) template.CSS { return template.CSS(fmt.Sprintf("%.3f%%", p)) },
}).Parse(pageHTML))

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	if err := page.Execute(w, p); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
