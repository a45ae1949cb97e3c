package timeline

import (
	"fmt"
	"io"
	"strings"
	"time"

	"groundwork/internal/graph"
)

// chartWidth is the width of a chart in characters; labelWidth is that of the labels beside it.
const (
	chartWidth = 60
	labelWidth = 46
)

// Print writes a timeline for people: a chart of the resources that take at least shortest seconds, the milestones, and
// the edges whose removal would shorten the deployment. The chart marks the critical chain.
func (t *Timeline) Print(w io.Writer, shortest float64) {
	fmt.Fprintf(w, "%s at %s latencies\n\n", Minutes(t.Seconds), t.Percentile)
	critical := map[string]bool{}
	for _, step := range t.Critical {
		critical[step.Type+step.Name] = true
	}
	scale := chartWidth / max(t.Seconds, 1)
	left := 0
	for _, b := range t.Bars {
		onPath := critical[b.Type+b.Name]
		if b.Seconds < shortest && !(onPath && b.Seconds >= 1) {
			left++
			continue
		}
		b.print(w, scale, onPath)
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

// print writes one line of the chart, with scale characters for each second.
func (b Bar) print(w io.Writer, scale float64, onPath bool) {
	mark := "─"
	if onPath {
		mark = "█"
	}
	from := int(b.Start * scale)
	length := max(1, int((b.Start+b.Seconds)*scale)-from)
	bar := strings.Repeat(" ", from) + strings.Repeat(mark, length)
	label := strings.TrimSpace(graph.ShortType(b.Type) + " " + b.Name)
	if len(label) > labelWidth {
		label = label[:labelWidth-1] + "…"
	}
	fmt.Fprintf(w, "%-*s %6s %6s  slack %6s  %s\n",
		labelWidth, label, Minutes(b.Start), Minutes(b.Seconds), Minutes(b.Slack), bar)
}

// Minutes formats seconds as minutes and seconds: "14:28".
func Minutes(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
