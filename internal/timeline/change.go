package timeline

import (
	"slices"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// startRunbook starts a database; where the instance was there before, it was stopped.
const startRunbook = "AWS-StartRdsInstance"

// Milestone is what people wait for, in seconds from the beginning.
type Milestone struct {
	What    string  `json:"what"`
	Seconds float64 `json:"seconds"`
}

// OfUpdate returns how an update goes that was done already: what it created and changed, as its dependencies allow, and
// after all of that what it deleted, in the opposite order. before and after are the graphs around it; op says what was
// done with each resource, by URN: "create", "update", "replace" or "delete".
func OfUpdate(p awstype.Percentile, before, after *graph.Graph, op map[string]string) *Timeline {
	t := of(after, p, func(resource *graph.Resource) float64 {
		switch op[resource.URN] {
		case "create", "replace":
			if resource.Type == awstype.Association && resource.Inputs.Str("name") == startRunbook &&
				before.Get(resource.URN) != nil {
				return awstype.StartOfAStoppedDatabase.At(p)
			}
			return awstype.CreateSeconds(resource.Type, resource.Inputs, p)
		case "update":
			return awstype.UpdateSeconds(resource.Type, p)
		}
		return 0
	})
	t.Milestones = answering(p, t)
	layers := map[string]string{}
	for _, resource := range before.Resources {
		layers[resource.Type+resource.Name] = before.Layer(resource)
	}
	gone := reversed(before, func(resource *graph.Resource) bool { return op[resource.URN] == "delete" })
	deletions := of(gone, p, func(resource *graph.Resource) float64 {
		return awstype.DeleteSeconds(resource.Type, resource.Inputs, p)
	})
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
func reversed(g *graph.Graph, deleted func(*graph.Resource) bool) *graph.Graph {
	waiting := map[string][]string{}
	for _, r := range g.Resources {
		for _, dependency := range behind(g, r.Dependencies, map[string]bool{}) {
			if deleted(r) {
				waiting[dependency] = append(waiting[dependency], r.URN)
			}
		}
	}
	var resources []*graph.Resource
	for _, r := range g.Resources {
		if r.Custom && deleted(r) {
			gone := *r
			gone.Parent, gone.Dependencies = "", waiting[r.URN]
			resources = append(resources, &gone)
		}
	}
	// The URNs are those of a graph, so no two are equal.
	part, _ := graph.New(resources)
	return part
}

// behind replaces components among dependencies by what they contain.
func behind(g *graph.Graph, dependencies []string, seen map[string]bool) []string {
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
				all = append(all, behind(g, []string{child.URN}, seen)...)
			}
		}
	}
	return all
}

// answering says when the application answers again after an update that brought back what it runs on; nothing for other updates.
func answering(p awstype.Percentile, t *Timeline) []Milestone {
	ready, begins, deployed := 0.0, 0.0, 0.0
	nodes, cluster := false, false
	for _, b := range t.Bars {
		end := b.Start + b.Seconds
		switch b.Type {
		case awstype.NodeGroup, awstype.Association, awstype.ReplicationGroup, awstype.Addon, awstype.HelmRelease:
			ready = max(ready, end)
		case awstype.Distribution:
			begins, deployed = b.Start, end
		}
		nodes, cluster = nodes || b.Type == awstype.NodeGroup, cluster || b.Type == awstype.EKSCluster
	}
	if !nodes || deployed == 0 {
		return nil
	}
	if cluster {
		// A new cluster has no application yet.
		return []Milestone{{"the application can be deployed", ready}, {"CloudFront reaches it from everywhere", deployed}}
	}
	pods := ready + awstype.ApplicationRelease.At(p)
	// CloudFront takes a change to its edge locations one after another, and says so when the last has it.
	return []Milestone{
		{"nodes, database and cache are there", ready}, {"the application's pods are ready", pods},
		{"the application answers at the first edge locations", max(pods, begins)}, {"it answers at all of them", max(pods, deployed)},
	}
}

// OfApplication returns how a new version of the application goes out: no resource of the program changes.
func OfApplication(p awstype.Percentile, argoCD bool) *Timeline {
	t := &Timeline{Percentile: p}
	add := func(what string, seconds float64) {
		b := Bar{Step: Step{Type: what, Start: t.Seconds, Seconds: seconds}}
		t.Bars, t.Critical = append(t.Bars, b), append(t.Critical, b.Step)
		t.Seconds += seconds
	}
	if argoCD {
		add("argocd notices a commit", awstype.ArgoCDNotices.At(p))
	}
	add("app release", awstype.ApplicationRelease.At(p))
	return t
}

// Changes are the updates that a timeline can be asked for, besides a first deployment.
var Changes = []string{"application", "hibernate", "park", "unpark", "wake"}

// KnownChange reports whether there is a timeline of a change.
func KnownChange(name string) bool { return slices.Contains(Changes, name) }
