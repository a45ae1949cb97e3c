// Package timeline computes how long a deployment takes on AWS, and why: the critical path, the slack of each
// resource, and the edges worth removing.
package timeline

import (
	"cmp"
	"slices"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// Step is one resource on the critical path.
type Step struct {
	// Type is the Pulumi type token.
	Type string `json:"type"`
	// Name is the logical name.
	Name string `json:"name"`
	// Start is when the resource can begin, in seconds from the beginning of the deployment.
	Start float64 `json:"start"`
	// Seconds is how long the resource takes on AWS.
	Seconds float64 `json:"seconds"`
}

// Bar is one resource of a timeline.
type Bar struct {
	Step
	// Layer of the program that the resource belongs to.
	Layer string `json:"layer"`
	// Slack is how many seconds later the resource could be ready without delaying the end of the deployment.
	Slack float64 `json:"slack"`
}

// Edge is one dependency on the critical path.
type Edge struct {
	// From is the resource that To waits for, as short type and name.
	From string `json:"from"`
	// To is the resource that waits.
	To string `json:"to"`
	// Saves is how many seconds earlier the deployment would end without the edge.
	Saves float64 `json:"saves"`
}

// Timeline is how a deployment proceeds on AWS with unlimited parallelism.
type Timeline struct {
	// Percentile of the latencies.
	Percentile awstype.Percentile `json:"percentile"`
	// Seconds is how long the deployment takes.
	Seconds float64 `json:"seconds"`
	// Critical is the chain of resources that decides how long the deployment takes.
	Critical []Step `json:"critical"`
	// Milestones are what people wait for, where that is not the end.
	Milestones []Milestone `json:"milestones,omitempty"`
	// Bars are all resources that take time, in the order in which they begin.
	Bars []Bar `json:"bars"`
	// Edges are those of the critical chain, the one that would save most first.
	Edges []Edge `json:"edges"`
}

// creation returns how long resources take in a first deployment.
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

// steps returns the critical path without components.
func (s *schedule) steps() []Step {
	var steps []Step
	for _, urn := range s.chain() {
		if r := s.graph.Get(urn); r.Custom {
			steps = append(steps, Step{r.Type, r.Name, s.finish[urn] - s.seconds(r), s.seconds(r)})
		}
	}
	return steps
}

// New returns the timeline of a first deployment of one layer, when the others are already deployed, or of all layers
// when layer is "".
func New(g *graph.Graph, p awstype.Percentile, layer string) *Timeline {
	return of(g, p, func(r *graph.Resource) float64 {
		if layer != "" && g.Layer(r) != layer {
			return 0
		}
		return awstype.CreateSeconds(r.Type, r.Inputs, p)
	})
}

// of returns the timeline of a graph whose resources take the given times.
func of(g *graph.Graph, p awstype.Percentile, takes func(*graph.Resource) float64) *Timeline {
	s := newSchedule(g, takes, [2]string{})
	_, end := s.last()
	t := &Timeline{Percentile: p, Seconds: end, Critical: s.steps()}
	slack := s.slack()
	for _, r := range g.Resources {
		if seconds := s.seconds(r); seconds > 0 {
			t.Bars = append(t.Bars, Bar{
				Step:  Step{r.Type, r.Name, s.finish[r.URN] - seconds, seconds},
				Layer: g.Layer(r),
				Slack: slack[r.URN],
			})
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

// sort puts the bars into the order in which they begin, the longest of a moment first.
func (t *Timeline) sort() {
	slices.SortFunc(t.Bars, func(a, b Bar) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.Name, b.Name))
	})
}

// label returns the short type and the name of a resource.
func label(g *graph.Graph, urn string) string {
	r := g.Get(urn)
	return graph.ShortType(r.Type) + " " + r.Name
}
