// Package timeline says how long a deployment takes on AWS, and why: critical path, slack, and the edges worth removing.
package timeline

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// Step is one resource on the critical path.
type Step struct {
	Type string `json:"type"`
	Name string `json:"name"`
	// Start and Seconds: when the resource can begin and how long it takes, in seconds on AWS.
	Start   float64 `json:"start"`
	Seconds float64 `json:"seconds"`
}

// Bar is one resource of a timeline.
type Bar struct {
	Step
	Layer string `json:"layer"`
	// Slack is how much later it could be ready without anything else being later in the end.
	Slack float64 `json:"slack"`
}

// Edge is one dependency on the critical path.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Saves is how many seconds earlier everything would be ready without it.
	Saves float64 `json:"saves"`
}

// Timeline is how a deployment goes on AWS with unlimited parallelism.
type Timeline struct {
	Percentile awstype.Percentile `json:"percentile"`
	Seconds    float64            `json:"seconds"`
	// Critical is the chain that decides how long it takes.
	Critical []Step `json:"critical"`
	// Milestones are what people wait for, where that is not the end.
	Milestones []Milestone `json:"milestones,omitempty"`
	// Bars are all resources that take time, the first to begin first; Edges those of the critical chain, the one that would save most first.
	Bars  []Bar  `json:"bars"`
	Edges []Edge `json:"edges"`
}

// schedule is when each resource of a graph can begin and is ready.
type schedule struct {
	graph *graph.Graph
	// takes is how long a resource takes where it is not a component or provider, which take no time themselves.
	takes func(*graph.Resource) float64
	// without is an edge that is left out; the zero value leaves out none.
	without  [2]string
	children map[string][]string
	finish   map[string]float64
	previous map[string]string
}

func newSchedule(g *graph.Graph, takes func(*graph.Resource) float64, without [2]string) *schedule {
	s := &schedule{graph: g, takes: takes, without: without, children: map[string][]string{}, finish: map[string]float64{}, previous: map[string]string{}}
	for _, r := range g.Resources {
		if r.Parent != "" {
			s.children[r.Parent] = append(s.children[r.Parent], r.URN)
		}
	}
	for _, r := range g.Resources {
		s.visit(r.URN)
	}
	return s
}

// waits are what a resource waits for. A component takes no time itself and waits for what it contains.
func (s *schedule) waits(r *graph.Resource) []string {
	if !r.Custom {
		return s.children[r.URN]
	}
	return r.Dependencies
}

// seconds is how long a resource takes.
func (s *schedule) seconds(r *graph.Resource) float64 {
	if !r.Custom || strings.HasPrefix(r.Type, "pulumi:") {
		return 0
	}
	return s.takes(r)
}

func (s *schedule) visit(urn string) float64 {
	if at, done := s.finish[urn]; done {
		return at
	}
	s.finish[urn] = 0 // A resource never waits for itself, however it is reached.
	r := s.graph.Get(urn)
	if r == nil {
		return 0
	}
	start := 0.0
	for _, dependency := range s.waits(r) {
		if s.without == [2]string{dependency, urn} {
			continue
		}
		// Of two that are ready at the same time the first by name, so that the chain is always the same.
		if at := s.visit(dependency); at > start || at == start && at > 0 && dependency < s.previous[urn] {
			start, s.previous[urn] = at, dependency
		}
	}
	s.finish[urn] = start + s.seconds(r)
	return s.finish[urn]
}

// last is the resource that is ready last, and when that is.
func (s *schedule) last() (urn string, end float64) {
	for _, r := range s.graph.Resources {
		if at := s.finish[r.URN]; r.Custom && (at > end || at == end && r.URN < urn) {
			urn, end = r.URN, at
		}
	}
	return urn, end
}

// chain is the critical path, components included.
func (s *schedule) chain() []string {
	var urns []string
	last, _ := s.last()
	for urn := last; urn != ""; urn = s.previous[urn] {
		urns = append(urns, urn)
	}
	slices.Reverse(urns)
	return urns
}

// slack is, for each resource, how much later it could be ready.
func (s *schedule) slack() map[string]float64 {
	_, end := s.last()
	latest := map[string]float64{}
	// Whoever is ready last is looked at first: what waits for a resource comes before it.
	order := slices.Clone(s.graph.Resources)
	slices.SortStableFunc(order, func(a, b *graph.Resource) int {
		// A component is ready with the last of its children and has to come before them.
		return cmp.Or(cmp.Compare(s.finish[b.URN], s.finish[a.URN]), compareBool(a.Custom, b.Custom))
	})
	// Chains of resources that take no time may come in any order; as many rounds as it takes settle them.
	for changed := true; changed; {
		changed = false
		for _, r := range order {
			until, known := latest[r.URN]
			if !known {
				until = end
				latest[r.URN] = end
			}
			for _, dependency := range s.waits(r) {
				at := until - s.seconds(r)
				if before, known := latest[dependency]; !known || at < before {
					latest[dependency], changed = at, true
				}
			}
		}
	}
	slack := map[string]float64{}
	for urn, at := range latest {
		slack[urn] = max(0, at-s.finish[urn])
	}
	return slack
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// creation is how long resources take where nothing is there yet.
func creation(p awstype.Percentile) func(*graph.Resource) float64 {
	return func(r *graph.Resource) float64 { return awstype.CreateSeconds(r.Type, r.Inputs, p) }
}

// CriticalPath returns the chain of resources that decides how long a first deployment takes on AWS with unlimited
// parallelism, and its length in seconds.
func CriticalPath(g *graph.Graph, p awstype.Percentile) ([]Step, float64) {
	s := newSchedule(g, creation(p), [2]string{})
	_, end := s.last()
	return s.steps(), end
}

func (s *schedule) steps() []Step {
	var steps []Step
	for _, urn := range s.chain() {
		if r := s.graph.Get(urn); r.Custom {
			steps = append(steps, Step{r.Type, r.Name, s.finish[urn] - s.seconds(r), s.seconds(r)})
		}
	}
	return steps
}

// New returns how the deployment of one layer goes where all others are there, or of all where layer is "".
func New(g *graph.Graph, p awstype.Percentile, layer string) *Timeline {
	return of(g, p, func(r *graph.Resource) float64 {
		if layer != "" && g.Layer(r) != layer {
			return 0
		}
		return awstype.CreateSeconds(r.Type, r.Inputs, p)
	})
}

// of is the timeline of a graph whose resources take the given times.
func of(g *graph.Graph, p awstype.Percentile, takes func(*graph.Resource) float64) *Timeline {
	s := newSchedule(g, takes, [2]string{})
	_, end := s.last()
	t := &Timeline{Percentile: p, Seconds: end, Critical: s.steps()}
	slack := s.slack()
	for _, r := range g.Resources {
		if seconds := s.seconds(r); seconds > 0 {
			t.Bars = append(t.Bars, Bar{Step: Step{r.Type, r.Name, s.finish[r.URN] - seconds, seconds}, Layer: g.Layer(r), Slack: slack[r.URN]})
		}
	}
	t.sort()
	chain := s.chain()
	for i := 1; i < len(chain); i++ {
		_, without := newSchedule(g, takes, [2]string{chain[i-1], chain[i]}).last()
		if saves := end - without; saves >= 1 {
			t.Edges = append(t.Edges, Edge{label(g, chain[i-1]), label(g, chain[i]), saves})
		}
	}
	slices.SortStableFunc(t.Edges, func(a, b Edge) int { return cmp.Compare(b.Saves, a.Saves) })
	return t
}

func (t *Timeline) sort() {
	slices.SortFunc(t.Bars, func(a, b Bar) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
}

func label(g *graph.Graph, urn string) string {
	r := g.Get(urn)
	return graph.ShortType(r.Type) + " " + r.Name
}

// chartWidth is how many characters a chart is wide.
const chartWidth = 60

// Print shows a timeline to people: what takes at least shortest seconds as a chart, the critical chain, and what would shorten it.
func (t *Timeline) Print(w io.Writer, shortest float64) {
	fmt.Fprintf(w, "%s at %s latencies\n\n", Minutes(t.Seconds), t.Percentile)
	critical := map[string]bool{}
	for _, step := range t.Critical {
		critical[step.Type+step.Name] = true
	}
	scale := chartWidth / max(t.Seconds, 1)
	left := 0
	for _, b := range t.Bars {
		if b.Seconds < shortest && !(critical[b.Type+b.Name] && b.Seconds >= 1) {
			left++
			continue
		}
		mark := "─"
		if critical[b.Type+b.Name] {
			mark = "█"
		}
		from := int(b.Start * scale)
		length := max(1, int((b.Start+b.Seconds)*scale)-from)
		bar := strings.Repeat(" ", from) + strings.Repeat(mark, length)
		label := strings.TrimSpace(graph.ShortType(b.Type) + " " + b.Name)
		if len(label) > 46 {
			label = label[:45] + "…"
		}
		fmt.Fprintf(w, "%-46s %6s %6s  slack %6s  %s\n", label, Minutes(b.Start), Minutes(b.Seconds), Minutes(b.Slack), bar)
	}
	fmt.Fprintf(w, "\n%d more take less than %.0f s each.\n", left, shortest)
	if len(t.Milestones) > 0 {
		fmt.Fprintln(w)
	}
	for _, m := range t.Milestones {
		fmt.Fprintf(w, "  %6s  %s\n", Minutes(m.Seconds), m.What)
	}
	if len(t.Edges) > 0 {
		fmt.Fprintln(w, "\nWithout one of these edges it would be ready earlier by")
		for _, e := range t.Edges[:min(8, len(t.Edges))] {
			fmt.Fprintf(w, "  %6s  %s -> %s\n", Minutes(e.Saves), e.From, e.To)
		}
	}
}

// Minutes shows seconds as minutes and seconds.
func Minutes(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
