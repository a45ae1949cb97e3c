package sandbox

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"groundwork/stacks"
)

// Summary is a result for machines.
type Summary struct {
	*Result
	// Resources counts resources by layer.
	Resources map[string]int `json:"resources"`
	// CriticalPathSeconds is how long a first deployment takes on AWS at median latencies; CriticalPath is the chain.
	CriticalPathSeconds float64 `json:"criticalPathSeconds"`
	CriticalPath        []Step  `json:"criticalPath"`
}

// Summary counts and times what a run left in place.
func (r *Result) Summary() Summary {
	s := Summary{Result: r, Resources: map[string]int{}}
	for _, resource := range r.Graph.Resources {
		if layer := r.Graph.Layer(resource); layer != "" {
			s.Resources[layer]++
		}
	}
	s.CriticalPath, s.CriticalPathSeconds = r.Graph.CriticalPath(Median)
	r.Outputs = r.Graph.StackOutputs()
	return s
}

// Layer returns the layer of a custom resource, or "" for components and for the stack's provider.
func (g *Graph) Layer(r *Resource) string {
	if !r.Custom {
		return ""
	}
	component := g.Component(r)
	if component == nil {
		return ""
	}
	return stacks.LayerOf(component.Type)
}

// Print shows a result to people.
func (r *Result) Print(w io.Writer) {
	s := r.Summary()
	fmt.Fprintf(w, "\n%s %s: %s in %.0f s\n", r.Stack, r.Operation, r.changes(), r.Seconds)
	if r.Operation == Preview {
		fmt.Fprintf(w, "\nNext: bin/groundwork sandbox up -s %s\n", r.Stack)
		return
	}
	if len(s.Resources) > 0 {
		fmt.Fprintln(w, "\nResources by layer")
		for _, layer := range append([]string{stacks.LayerAccount}, stacks.Layers...) {
			if n := s.Resources[layer]; n > 0 {
				fmt.Fprintf(w, "  %-14s %4d\n", layer, n)
			}
		}
	}
	if len(r.Outputs) > 0 {
		fmt.Fprintln(w, "\nOutputs")
		PrintOutputs(w, r.Outputs)
	}
	if len(s.CriticalPath) > 0 && r.Operation == Up {
		fmt.Fprintf(w, "\nOn AWS a first deployment would take %s (median latencies). What decides it:\n", Minutes(s.CriticalPathSeconds))
		for _, step := range s.CriticalPath {
			if step.Seconds > 0 {
				fmt.Fprintf(w, "  %6s  + %6s  %-34s %s\n", Minutes(step.Start), Minutes(step.Seconds), SimpleType(step.Type), step.Name)
			}
		}
	}
	if r.Operation == Destroy && len(r.Left) > 0 {
		fmt.Fprintln(w, "\nLeft behind, as on AWS")
		for _, what := range slices.Sorted(maps.Keys(r.Left)) {
			fmt.Fprintf(w, "  %s: %s\n", what, r.Left[what])
		}
	}
	fmt.Fprintf(w, "\n%s\n", r.next())
}

// changes says in words what a run did.
func (r *Result) changes() string {
	words := []struct{ op, done, would string }{
		{"create", "created", "to create"}, {"update", "updated", "to update"},
		{"replace", "replaced", "to replace"}, {"delete", "deleted", "to delete"}, {"same", "unchanged", "unchanged"},
	}
	var parts []string
	for _, word := range words {
		if n := r.Changes[word.op]; n > 0 {
			text := word.done
			if r.Operation == Preview {
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

func (r *Result) next() string {
	switch r.Operation {
	case Destroy:
		return "Next: bin/groundwork sandbox up -s " + r.Stack
	case Refresh:
		return "Next: bin/groundwork sandbox preview -s " + r.Stack
	}
	if environmentOf(r.Stack) != r.Stack {
		return "Next: bin/groundwork sandbox up -s " + environmentOf(r.Stack) + "-LAYER, or bin/groundwork sandbox pulumi -s " + r.Stack + " -- stack ls"
	}
	return fmt.Sprintf("Next: change a value in Pulumi.%s.yaml and run it again: only that changes.\n"+
		"      bin/groundwork sandbox preview -s %s --config cluster.nodeGroups.general.maxSize=6\n"+
		"      bin/groundwork sandbox destroy -s %s", r.Stack, r.Stack, r.Stack)
}

// PrintOutputs shows a stack's outputs, one a line.
func PrintOutputs(w io.Writer, outputs map[string]any) {
	printOutputs(w, "", outputs)
}

func printOutputs(w io.Writer, prefix string, outputs map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		if inner, ok := outputs[name].(map[string]any); ok {
			printOutputs(w, prefix+name+".", inner)
			continue
		}
		fmt.Fprintf(w, "  %-20s %v\n", prefix+name, outputs[name])
	}
}

// Minutes shows seconds as minutes and seconds.
func Minutes(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
