package timeline

import (
	"cmp"
	"slices"
	"strings"

	"groundwork/internal/graph"
)

// schedule says when each resource of a graph can begin and when it is ready.
type schedule struct {
	graph *graph.Graph
	// takes returns how long a resource takes. Components and providers take no time.
	takes func(*graph.Resource) float64
	// without is an edge that the schedule leaves out; the zero value leaves out none.
	without [2]string
	// children are the resources of each component.
	children map[string][]string
	// finish is when each resource is ready.
	finish map[string]float64
	// previous is the resource that each resource waits for longest.
	previous map[string]string
}

func newSchedule(g *graph.Graph, takes func(*graph.Resource) float64, without [2]string) *schedule {
	s := &schedule{
		graph:    g,
		takes:    takes,
		without:  without,
		children: map[string][]string{},
		finish:   map[string]float64{},
		previous: map[string]string{},
	}
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

// waits returns the resources that a resource waits for. A component waits for its children.
func (s *schedule) waits(r *graph.Resource) []string {
	if !r.Custom {
		return s.children[r.URN]
	}
	return r.Dependencies
}

// seconds returns how long a resource takes.
func (s *schedule) seconds(r *graph.Resource) float64 {
	if !r.Custom || strings.HasPrefix(r.Type, "pulumi:") {
		return 0
	}
	return s.takes(r)
}

// visit computes when a resource is ready.
func (s *schedule) visit(urn string) float64 {
	if at, done := s.finish[urn]; done {
		return at
	}
	s.finish[urn] = 0 // Ends a cycle: a resource does not wait for itself.
	r := s.graph.Get(urn)
	if r == nil {
		return 0
	}
	start := 0.0
	for _, dependency := range s.waits(r) {
		if s.without == [2]string{dependency, urn} {
			continue
		}
		// Of two dependencies that are ready at the same time, the first by name counts, so that the chain is
		// deterministic.
		if at := s.visit(dependency); at > start || at == start && at > 0 && dependency < s.previous[urn] {
			start, s.previous[urn] = at, dependency
		}
	}
	s.finish[urn] = start + s.seconds(r)
	return s.finish[urn]
}

// last returns the resource that is ready last, and when it is ready.
func (s *schedule) last() (urn string, end float64) {
	for _, r := range s.graph.Resources {
		if at := s.finish[r.URN]; r.Custom && (at > end || at == end && r.URN < urn) {
			urn, end = r.URN, at
		}
	}
	return urn, end
}

// chain returns the critical path, components included.
func (s *schedule) chain() []string {
	var urns []string
	last, _ := s.last()
	for urn := last; urn != ""; urn = s.previous[urn] {
		urns = append(urns, urn)
	}
	slices.Reverse(urns)
	return urns
}

// slack returns how much later each resource could be ready without delaying the end.
func (s *schedule) slack() map[string]float64 {
	_, end := s.last()
	latest := map[string]float64{}
	// The resource that is ready last comes first, so what waits for a resource comes before that resource.
	order := slices.Clone(s.graph.Resources)
	slices.SortStableFunc(order, func(a, b *graph.Resource) int {
		// A component is ready at the same time as the last of its children, and must come before them.
		return cmp.Or(cmp.Compare(s.finish[b.URN], s.finish[a.URN]), compareBool(a.Custom, b.Custom))
	})
	// Resources that take no time may be in any order, so repeat until nothing changes.
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
