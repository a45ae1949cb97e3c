package sandbox

import (
	"slices"
	"strings"

	"groundwork/components/helm"
)

// Milestone is what people wait for, in seconds from the beginning.
type Milestone struct {
	What    string  `json:"what"`
	Seconds float64 `json:"seconds"`
}

// ChangeTimeline returns how an update goes that was done already: what it created and changed, as its dependencies allow, and
// after all of that what it deleted, in the opposite order. before is the graph that it began with.
func ChangeTimeline(p Percentile, before *Graph, r *Result) *Timeline {
	op := map[string]string{}
	for _, c := range r.Changed {
		op[c.URN] = c.Op
	}
	t := r.Graph.timeline(p, func(resource *Resource) float64 {
		switch op[resource.URN] {
		case "create", "replace":
			if resource.Type == associationType && runbooks[resource.Inputs.Str("name")] == available && before.Get(resource.URN) != nil {
				return latencies[associationType+"(start of a stopped instance)"][p]
			}
			return Latency(resource.Type, resource.Inputs, p)
		case "update":
			return UpdateLatency(resource.Type, p)
		}
		return 0
	})
	t.Milestones = answering(p, t)
	layers := map[string]string{}
	for _, resource := range before.Resources {
		layers[resource.Type+resource.Name] = before.Layer(resource)
	}
	gone := before.reversed(func(resource *Resource) bool { return op[resource.URN] == "delete" })
	deletions := gone.timeline(p, func(resource *Resource) float64 { return DeleteLatency(resource.Type, resource.Inputs, p) })
	for _, b := range deletions.Bars {
		b.Start += t.Seconds
		b.Layer = layers[b.Type+b.Name]
		t.Bars = append(t.Bars, b)
	}
	for _, step := range deletions.Critical {
		step.Start += t.Seconds
		t.Critical = append(t.Critical, step)
	}
	t.Seconds += deletions.Seconds
	t.sort()
	return t
}

// reversed is the part of a graph that is deleted, each waiting for what waited for it.
func (g *Graph) reversed(deleted func(*Resource) bool) *Graph {
	waiting := map[string][]string{}
	for _, r := range g.Resources {
		for _, dependency := range g.behind(r.Dependencies, map[string]bool{}) {
			if deleted(r) {
				waiting[dependency] = append(waiting[dependency], r.URN)
			}
		}
	}
	var resources []*Resource
	for _, r := range g.Resources {
		if r.Custom && deleted(r) {
			gone := *r
			gone.Parent, gone.Dependencies = "", waiting[r.URN]
			resources = append(resources, &gone)
		}
	}
	// The URNs are those of a graph, so no two are equal.
	part, _ := NewGraph(resources)
	return part
}

// behind replaces components among dependencies by what they contain.
func (g *Graph) behind(dependencies []string, seen map[string]bool) []string {
	var all []string
	for _, urn := range dependencies {
		r := g.Get(urn)
		if r == nil || seen[urn] {
			continue
		}
		seen[urn] = true
		if r.Custom {
			all = append(all, urn)
			continue
		}
		for _, child := range g.Resources {
			if child.Parent == urn {
				all = append(all, g.behind([]string{child.URN}, seen)...)
			}
		}
	}
	return all
}

// answering says when the application answers again after an update that brought back what it runs on; nothing for other updates.
func answering(p Percentile, t *Timeline) []Milestone {
	ready, begins, deployed := 0.0, 0.0, 0.0
	nodes, cluster := false, false
	for _, b := range t.Bars {
		end := b.Start + b.Seconds
		switch b.Type {
		case nodeGroupType, associationType, "aws:elasticache/replicationGroup:ReplicationGroup", "aws:eks/addon:Addon", helm.ReleaseType:
			ready = max(ready, end)
		case distributionType:
			begins, deployed = b.Start, end
		}
		nodes, cluster = nodes || b.Type == nodeGroupType, cluster || b.Type == clusterType
	}
	if !nodes || deployed == 0 {
		return nil
	}
	if cluster {
		// A new cluster has no application yet.
		return []Milestone{{"the application can be deployed", ready}, {"CloudFront reaches it from everywhere", deployed}}
	}
	pods := ready + Latency("app release --wait", nil, p)
	// CloudFront takes a change to its edge locations one after another, and says so when the last has it.
	return []Milestone{
		{"nodes, database and cache are there", ready}, {"the application's pods are ready", pods},
		{"the application answers at the first edge locations", max(pods, begins)}, {"it answers at all of them", max(pods, deployed)},
	}
}

// ApplicationTimeline returns how a new version of the application goes out: no resource of the program changes.
func ApplicationTimeline(p Percentile, argoCD bool) *Timeline {
	t := &Timeline{Percentile: p}
	steps := []string{"app release --wait"}
	if argoCD {
		steps = []string{"argocd notices a commit", "app release --wait"}
	}
	for _, step := range steps {
		b := Bar{Step: Step{Type: strings.TrimSuffix(step, " --wait"), Start: t.Seconds, Seconds: Latency(step, nil, p)}}
		t.Bars, t.Critical = append(t.Bars, b), append(t.Critical, b.Step)
		t.Seconds += b.Seconds
	}
	return t
}

// Changes are the updates that a timeline can be asked for, besides a first deployment.
var Changes = []string{"application", "hibernate", "park", "unpark", "wake"}

// KnownChange reports whether there is a timeline of a change.
func KnownChange(name string) bool { return slices.Contains(Changes, name) }
