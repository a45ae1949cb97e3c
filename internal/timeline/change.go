package timeline

import (
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// startRunbook starts a database. If the instance existed before the update, it was stopped.
const startRunbook = "AWS-StartRdsInstance"

// Milestone is a moment that people wait for.
type Milestone struct {
	// What is reached.
	What string `json:"what"`
	// Seconds is when, from the beginning of the update.
	Seconds float64 `json:"seconds"`
}

// OfUpdate returns the timeline of an update that has been made: it creates and changes resources as their
// dependencies allow, and then deletes others in the opposite order. before and after are the graphs before and after
// the update. op is the operation on each resource, by URN: "create", "update", "replace" or "delete".
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
	t.Milestones = milestones(p, t)
	layers := map[string]string{}
	for _, resource := range before.Resources {
		layers[resource.Type+resource.Name] = before.Layer(resource)
	}
	deleted := deletionGraph(before, func(resource *graph.Resource) bool { return op[resource.URN] == "delete" })
	deletions := of(deleted, p, func(resource *graph.Resource) float64 {
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

// deletionGraph returns the part of a graph that is deleted, with its edges reversed: each resource waits for those
// that depend on it.
func deletionGraph(g *graph.Graph, deleted func(*graph.Resource) bool) *graph.Graph {
	waiting := map[string][]string{}
	for _, r := range g.Resources {
		for _, dependency := range expand(g, r.Dependencies, map[string]bool{}) {
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
	// New refuses duplicate URNs only, and those of a graph are unique.
	part, _ := graph.New(resources)
	return part
}

// expand replaces the components among dependencies by the resources that they contain.
func expand(g *graph.Graph, dependencies []string, seen map[string]bool) []string {
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
				all = append(all, expand(g, []string{child.URN}, seen)...)
			}
		}
	}
	return all
}

// milestones returns when the application answers again after an update that starts nodes, or when it can be deployed
// if the update creates the cluster. It returns none for other updates.
func milestones(p awstype.Percentile, t *Timeline) []Milestone {
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
		return []Milestone{
			{"the application can be deployed", ready},
			{"CloudFront reaches it from everywhere", deployed},
		}
	}
	pods := ready + awstype.ApplicationRelease.At(p)
	// CloudFront deploys a change to one edge location after another, and reports it deployed when the last one has it.
	return []Milestone{
		{"nodes, database and cache are there", ready},
		{"the application's pods are ready", pods},
		{"the application answers at the first edge locations", max(pods, begins)},
		{"it answers at all of them", max(pods, deployed)},
	}
}

// OfApplication returns the timeline of a release of the application. It changes no resource of the program. argoCD
// says whether Argo CD releases the application, after it notices the commit.
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
