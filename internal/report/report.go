// Package report writes one self-contained HTML page about an environment, from the resources that the program makes.
// The page shows the architecture, how long a deployment takes and why, the costs, the security rules, and the
// differences from another environment. It loads nothing and runs no script.
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

// Source is one environment, or one state of it, that the page shows.
type Source struct {
	// Name is the name on the page, such as "prod" or "dev parked".
	Name   string
	Config *stacks.Config
	// Raw is the configuration as Pulumi passes it to the program.
	Raw   map[string]string
	Graph *graph.Graph
	Sheet *cost.Sheet
}

// Page has everything that the page shows.
type Page struct {
	Title   string
	Written string
	Config  *stacks.Config
	// Tried lists the settings that were changed for this page, as KEY=VALUE.
	Tried []string
	// Resources counts the resources of each layer, lowest layer first. Total is their sum.
	Resources []Count
	Total     int
	Picture   *Picture
	// Timelines has a row for each kind of deployment, Chart and Edges show the first one.
	Timelines []Timeline
	Chart     []ChartBar
	Edges     []timeline.Edge
	// Columns names the sources, each of which has a column in Costs.
	Columns []string
	Costs   []CostRow
	// Sheet prices the environment, Lines are its lines that cost something.
	Sheet *cost.Sheet
	Lines []cost.Line
	// Findings are the results of the security rules. Held and Broken count those that are met and those that are not;
	// the others found nothing to look at.
	Findings     []rules.Finding
	Held, Broken int
	Waivers      []rules.Waiver
	// Other is the environment that Differences compares with.
	Other       string
	Differences []Difference
}

// Count is the number of resources of a layer.
type Count struct {
	Layer string
	N     int
}

// Timeline is how long one deployment takes at each speed of AWS.
type Timeline struct {
	What               string
	Fast, Median, Slow string
}

// ChartBar is one bar of the timeline. From and Width are percentages of the whole.
type ChartBar struct {
	Label, Start, Takes, Slack string
	From, Width                float64
	Critical                   bool
}

// CostRow is one row of the comparison of costs. Bold rows are sums.
type CostRow struct {
	What    string
	Amounts []string
	Bold    bool
}

// Difference is a setting that has different values in two environments.
type Difference struct{ Setting, Here, There string }

// shortestBar is the shortest duration in the chart, in seconds.
const shortestBar = 20

// New gathers the page about the first source, for which the settings in tried were changed. The second source is the
// environment that the first is compared with. All sources are columns in the comparison of costs.
func New(now time.Time, tried []string, sources ...*Source) *Page {
	own, other := sources[0], sources[1]
	p := &Page{
		Title:       "groundwork " + own.Name,
		Written:     now.UTC().Format("2 January 2006, 15:04 MST"),
		Config:      own.Config,
		Tried:       tried,
		Picture:     draw(own.Graph),
		Sheet:       own.Sheet,
		Waivers:     rules.Waivers,
		Other:       other.Name,
		Differences: differences(own.Raw, other.Raw),
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
	p.Findings = rules.Evaluate(own.Graph, own.Config.Protect, !own.Config.Parked)
	for _, f := range p.Findings {
		switch {
		case f.Held():
			p.Held++
		case f.Broken():
			p.Broken++
		}
	}
	return p
}

// timelines fills in how long deployments take at each speed of AWS, and the chart of the first deployment.
func (p *Page) timelines(g *graph.Graph) {
	for _, layer := range append([]string{""}, stacks.Layers()...) {
		what := "everything, the first time"
		if layer != "" {
			what = "only " + layer
		}
		at := func(speed awstype.Percentile) string {
			return timeline.Minutes(timeline.New(g, speed, layer).Seconds)
		}
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
			Label:    graph.ShortType(b.Type) + " " + b.Name,
			Start:    timeline.Minutes(b.Start),
			Takes:    timeline.Minutes(b.Seconds),
			Slack:    timeline.Minutes(b.Slack),
			From:     100 * b.Start / t.Seconds,
			Width:    100 * b.Seconds / t.Seconds,
			Critical: critical[b.Type+b.Name],
		})
	}
}

// costs fills in the comparison of costs, and the lines of the environment's own sheet.
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
	month := "a month"
	for _, source := range sources {
		if !source.Sheet.Complete() {
			month = "a month, without what has no price"
		}
	}
	row(month, true, func(s *cost.Sheet) float64 { fixed, usage := s.Total(); return fixed + usage })
	row("of it by use, as assumed", false, func(s *cost.Sheet) float64 { _, usage := s.Total(); return usage })
	row("twelve hours at night", false, (*cost.Sheet).Night)
	for _, l := range p.Sheet.Grouped() {
		if l.Month >= 0.005 {
			p.Lines = append(p.Lines, l)
		}
	}
}

// differences lists the settings in which two configurations differ, sorted by path.
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

// Settings returns every setting of a configuration as text, by its path.
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
		// A value that was read from JSON can always be written as JSON.
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
	// The result is safe in a style: it has a number and no text from elsewhere.
	"percent": func(p float64) template.CSS { return template.CSS(fmt.Sprintf("%.3f%%", p)) },
}).Parse(pageHTML))

// Write writes the page as HTML.
func (p *Page) Write(w io.Writer) error {
	if err := page.Execute(w, p); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
