package engine

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/stacks"
)

// watcher follows an engine's events: it prints a line for each step and collects what changed.
type watcher struct {
	log     io.Writer
	preview bool
	// planning is true while an update previews itself. Its steps are counted, not shown.
	planning bool
	result   *Result
	started  map[string]time.Time
	warned   map[string]bool
	errors   []string
	// consequences are errors that only follow from another one.
	consequences []string
	steps        int
}

// marks are how steps are shown, as Pulumi shows them.
var marks = map[apitype.OpType]string{
	apitype.OpCreate: "+", apitype.OpUpdate: "~", apitype.OpDelete: "-", apitype.OpReplace: "+-",
	apitype.OpCreateReplacement: "++", apitype.OpDeleteReplaced: "--", apitype.OpRefresh: "", apitype.OpRead: ">",
}

func (w *watcher) see(event events.EngineEvent) {
	switch {
	case event.ResourcePreEvent != nil:
		m := event.ResourcePreEvent.Metadata
		w.started[m.URN] = time.Now()
		if m.Op != apitype.OpSame && m.Op != apitype.OpRefresh {
			w.change(m)
		}
		if w.preview {
			w.print(m, "")
		}
	case event.ResOutputsEvent != nil:
		m := event.ResOutputsEvent.Metadata
		// Only after a refresh has read a resource is it known whether it differs.
		if w.result.Operation == Refresh && m.Op != apitype.OpSame && m.Op != apitype.OpRefresh {
			w.change(m)
		}
		if !w.preview && !w.planning {
			w.print(m, fmt.Sprintf("%5.1fs ", time.Since(w.started[m.URN]).Seconds()))
		}
	case event.DiagnosticEvent != nil:
		d := event.DiagnosticEvent
		message := strings.TrimSpace(d.Message)
		switch d.Severity {
		case "error":
			w.fail(message)
		case "warning":
			// The engine says this of every simulated provider and plugin found on PATH, which is how the sandbox works.
			// An update says again what its preview has said.
			if !strings.Contains(message, "$PATH") && !strings.Contains(message, "attach") && !w.warned[message] {
				w.warned[message] = true
				fmt.Fprintf(w.log, "warning: %s\n", message)
			}
		}
	case event.SummaryEvent != nil:
		for op, n := range event.SummaryEvent.ResourceChanges {
			w.result.Changes[string(op)] = n
		}
		if w.planning && len(w.problems()) == 0 {
			w.planning = false
			w.result.Changes, w.result.Changed = map[string]int{}, nil
		}
	}
}

// aftermath are what the engine says when it stops because of something else.
var aftermath = []string{"client connection is closing", "exited prematurely", "update failed", "preview failed"}

func (w *watcher) fail(message string) {
	// The Go SDK wraps the error that a program returns.
	message = strings.TrimPrefix(message, "an unhandled error occurred: 1 error occurred:\n\t* ")
	message = "  " + strings.ReplaceAll(message, "\n", "\n  ")
	if slices.ContainsFunc(aftermath, func(text string) bool { return strings.Contains(message, text) }) {
		w.consequences = append(w.consequences, message)
		return
	}
	w.errors = append(w.errors, message)
}

// problems are the errors that say what happened: the causes, or where there is none what is known.
func (w *watcher) problems() []string {
	if len(w.errors) > 0 {
		return w.errors
	}
	return w.consequences
}

// change notes one step with the properties that differ.
func (w *watcher) change(m apitype.StepEventMetadata) {
	switch m.Op {
	case apitype.OpCreateReplacement, apitype.OpDeleteReplaced:
		return // Parts of a replace step, which is noted itself.
	case apitype.OpRead:
		return // Looking at a stack's outputs changes nothing.
	}
	c := ChangedResource{
		Op:       string(m.Op),
		Type:     m.Type,
		Name:     resource.URN(m.URN).Name(),
		URN:      m.URN,
		Stateful: awstype.Of(m.Type).Stateful(),
	}
	for _, component := range strings.Split(string(resource.URN(m.URN).QualifiedType()), "$") {
		if c.Layer == "" {
			c.Layer = stacks.LayerOf(component)
		}
	}
	for property := range m.DetailedDiff {
		c.Properties = append(c.Properties, property)
	}
	if len(c.Properties) == 0 {
		c.Properties = slices.Clone(m.Diffs)
	}
	slices.Sort(c.Properties)
	var in map[string]any
	if m.New != nil {
		in = m.New.Inputs
	}
	c.Consequences = awstype.ConsequencesOf(m.Type, c.Op, c.Properties, in)
	w.result.Changed = append(w.result.Changed, c)
}

func (w *watcher) print(m apitype.StepEventMetadata, took string) {
	mark, known := marks[m.Op]
	if !known || mark == "" || m.Type == string(resource.RootStackType) {
		return
	}
	w.steps++
	line := fmt.Sprintf("%4d  %-2s %s%-38s %s", w.steps, mark, took, graph.ShortType(m.Type), resource.URN(m.URN).Name())
	if m.Op == apitype.OpUpdate || m.Op == apitype.OpReplace {
		var properties []string
		for property := range m.DetailedDiff {
			properties = append(properties, property)
		}
		slices.Sort(properties)
		if len(properties) > 0 {
			line += "  [" + strings.Join(properties, ", ") + "]"
		}
	}
	fmt.Fprintln(w.log, strings.TrimRight(line, " "))
}
