package sandbox

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"groundwork/internal/awstype"
	"groundwork/internal/engine"
	"groundwork/internal/graph"
	"groundwork/internal/project"
	"groundwork/internal/timeline"
	"groundwork/stacks"
)

// Summary is a result for machines.
type Summary struct {
	*engine.Result
	// Resources counts resources by layer.
	Resources map[string]int `json:"resources"`
	// CriticalPathSeconds is how long a first deployment takes on AWS at median latencies; CriticalPath is the chain.
	CriticalPathSeconds float64         `json:"criticalPathSeconds"`
	CriticalPath        []timeline.Step `json:"criticalPath"`
}

// Summarize counts and times what a run left in place.
func Summarize(r *engine.Result) Summary {
	s := Summary{Result: r, Resources: map[string]int{}}
	for _, resource := range r.Graph.Resources {
		if layer := r.Graph.Layer(resource); layer != "" {
			s.Resources[layer]++
		}
	}
	s.CriticalPath, s.CriticalPathSeconds = timeline.CriticalPath(r.Graph, awstype.Median)
	r.Outputs = r.Graph.StackOutputs()
	return s
}

// Print shows a result to people.
func Print(w io.Writer, r *engine.Result) {
	s := Summarize(r)
	fmt.Fprintf(w, "\n%s %s: %s in %.0f s\n", r.Stack, r.Operation, changes(r), r.Seconds)
	printConsequences(w, r)
	if r.Operation == engine.Preview {
		fmt.Fprintf(w, "\nNext: bin/groundwork sandbox up -s %s\n", r.Stack)
		return
	}
	if len(s.Resources) > 0 {
		fmt.Fprintln(w, "\nResources by layer")
		columns(w, func(row func(cells ...any)) {
			for _, layer := range stacks.AllLayers() {
				if n := s.Resources[layer]; n > 0 {
					row(layer, n)
				}
			}
		})
	}
	if len(r.Outputs) > 0 {
		fmt.Fprintln(w, "\nOutputs")
		PrintOutputs(w, r.Outputs)
	}
	if len(s.CriticalPath) > 0 && r.Operation == engine.Up {
		fmt.Fprintf(w, "\nOn AWS a first deployment would take %s (median latencies). What decides it:\n",
			timeline.Minutes(s.CriticalPathSeconds))
		columns(w, func(row func(cells ...any)) {
			for _, step := range s.CriticalPath {
				if step.Seconds > 0 {
					row(timeline.Minutes(step.Start), "+ "+timeline.Minutes(step.Seconds), graph.ShortType(step.Type), step.Name)
				}
			}
		})
	}
	if r.Operation == engine.Destroy && len(r.Left) > 0 {
		fmt.Fprintln(w, "\nLeft behind, as on AWS")
		for _, what := range slices.Sorted(maps.Keys(r.Left)) {
			fmt.Fprintf(w, "  %s: %s\n", what, r.Left[what])
		}
	}
	fmt.Fprintf(w, "\n%s\n", next(r))
}

// printConsequences shows what steps mean besides what they change. What loses something has a "!".
func printConsequences(w io.Writer, r *engine.Result) {
	if r.Operation == engine.Destroy {
		return
	}
	heading := "\nWhat that means\n"
	for _, c := range r.Changed {
		mark := " "
		if c.Stateful && (c.Op == "delete" || c.Op == "replace") {
			mark = "!"
		}
		for _, what := range c.Consequences {
			fmt.Fprintf(w, "%s%s %s %s %s\n", heading, mark, graph.ShortType(c.Type), c.Name, what)
			heading = ""
		}
	}
}

// changes says in words what a run did.
func changes(r *engine.Result) string {
	words := []struct{ op, done, would string }{
		{"create", "created", "to create"}, {"update", "updated", "to update"},
		{"replace", "replaced", "to replace"}, {"delete", "deleted", "to delete"}, {"same", "unchanged", "unchanged"},
	}
	var parts []string
	for _, word := range words {
		if n := r.Changes[word.op]; n > 0 {
			text := word.done
			if r.Operation == engine.Preview {
				text = word.would
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, text))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

func next(r *engine.Result) string {
	switch r.Operation {
	case engine.Destroy:
		return "Next: bin/groundwork sandbox up -s " + r.Stack
	case engine.Refresh:
		return "Next: bin/groundwork sandbox preview -s " + r.Stack
	}
	if project.EnvironmentOf(r.Stack) != r.Stack {
		return fmt.Sprintf("Next: bin/groundwork sandbox up -s %s-LAYER, or bin/groundwork sandbox pulumi -s %s -- stack ls",
			project.EnvironmentOf(r.Stack), r.Stack)
	}
	return fmt.Sprintf("Next: change a value in Pulumi.%s.yaml and run it again: only that changes.\n"+
		"      bin/groundwork sandbox preview -s %s --config cluster.nodeGroups.general.maxSize=6\n"+
		"      bin/groundwork sandbox destroy -s %s", r.Stack, r.Stack, r.Stack)
}

// PrintOutputs shows a stack's outputs, one a line, without what the program keeps for itself.
func PrintOutputs(w io.Writer, outputs map[string]any) {
	shown := maps.Clone(outputs)
	for _, own := range stacks.OwnOutputs {
		delete(shown, own)
	}
	columns(w, func(row func(cells ...any)) { addOutputs(row, "", shown) })
}

func addOutputs(row func(cells ...any), prefix string, outputs map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		if inner, ok := outputs[name].(map[string]any); ok {
			addOutputs(row, prefix+name+".", inner)
			continue
		}
		row(prefix+name, outputs[name])
	}
}

// columns prints indented rows whose cells are aligned.
func columns(w io.Writer, add func(row func(cells ...any))) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	add(func(cells ...any) {
		format := "  %v" + strings.Repeat("\t%v", len(cells)-1) + "\n"
		fmt.Fprintf(table, format, cells...)
	})
	_ = table.Flush() // What cannot be written here cannot be written elsewhere either.
}
