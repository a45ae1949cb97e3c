package timeline_test

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/timeline"
	"groundwork/stacks"
	"groundwork/tests/golden"
	"groundwork/tests/harness"
)

// TestMain removes the folder of the reference settings.
func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// ready computes independently of the package when everything is up: a resource begins when all of its dependencies are
// ready. The resource delayed takes longer by delay.
func ready(g *graph.Graph, p awstype.Percentile, delayed string, delay float64) float64 {
	done := map[string]float64{}
	for changed := true; changed; {
		changed = false
		for _, r := range g.Resources {
			at := 0.0
			if r.Custom {
				for _, dependency := range r.Dependencies {
					at = max(at, done[dependency])
				}
				if !strings.HasPrefix(r.Type, "pulumi:") {
					at += awstype.CreateSeconds(r.Type, r.Inputs, p)
				}
				if r.URN == delayed {
					at += delay
				}
			} else {
				for _, child := range g.Resources {
					if child.Parent == r.URN {
						at = max(at, done[child.URN])
					}
				}
			}
			if at != done[r.URN] {
				done[r.URN], changed = at, true
			}
		}
	}
	end := 0.0
	for _, r := range g.Resources {
		if r.Custom {
			end = max(end, done[r.URN])
		}
	}
	return end
}

// TestTimelineByHand compares length and slack with a slower calculation: a resource may be late by its slack, and not
// by a second more.
func TestTimelineByHand(t *testing.T) {
	g := harness.Graph(t, "dev")
	whole := timeline.New(g, awstype.Median, "")
	assert.InDelta(t, ready(g, awstype.Median, "", 0), whole.Seconds, 1e-6)
	urns := map[string]string{}
	for _, r := range g.Resources {
		urns[r.Type+r.Name] = r.URN
	}
	checked, onPath := 0, 0
	for i, b := range whole.Bars {
		if b.Slack < 1e-9 {
			onPath++
		}
		// The calculation is slow, so check only every tenth resource.
		if i%10 != 0 {
			continue
		}
		checked++
		urn := urns[b.Type+b.Name]
		assert.InDelta(t, whole.Seconds, ready(g, awstype.Median, urn, b.Slack), 1e-6,
			"%s %s may be late by its slack", b.Type, b.Name)
		assert.Greater(t, ready(g, awstype.Median, urn, b.Slack+1), whole.Seconds+0.5,
			"%s %s may not be later", b.Type, b.Name)
	}
	assert.Greater(t, checked, 10)
	assert.GreaterOrEqual(t, onPath, len(whole.Critical)-3, "the critical path has no slack")
}

// TestTimelineEdges: removing an edge from the graph saves as much as the timeline says.
func TestTimelineEdges(t *testing.T) {
	g := harness.Graph(t, "prod")
	whole := timeline.New(g, awstype.Median, "")
	require.NotEmpty(t, whole.Edges)
	edge := whole.Edges[0]
	changed := harness.Copy(t, g)
	removed := 0
	for _, r := range changed.Resources {
		var kept []string
		for _, dependency := range r.Dependencies {
			from := changed.Get(dependency)
			if from != nil && names(edge.From, from) && names(edge.To, r) {
				removed++
				continue
			}
			kept = append(kept, dependency)
		}
		r.Dependencies = kept
	}
	require.Equal(t, 1, removed, "%v", edge)
	assert.InDelta(t, whole.Seconds-edge.Saves, timeline.New(changed, awstype.Median, "").Seconds, 1e-6)
}

// names reports whether an end of an edge names a resource: it has the end of its type, and its name.
func names(end string, r *graph.Resource) bool {
	return strings.HasSuffix(end, " "+r.Name) && strings.Contains(end, r.Type[strings.LastIndex(r.Type, ":")+1:])
}

// TestTimelinesOfLayers: one layer takes no longer than all of them at once, and one layer after another takes no less.
func TestTimelinesOfLayers(t *testing.T) {
	for _, stack := range harness.Environments {
		g := harness.Graph(t, stack)
		for _, p := range []awstype.Percentile{awstype.Fast, awstype.Median, awstype.Slow} {
			whole, sum := timeline.New(g, p, ""), 0.0
			for _, layer := range stacks.Layers() {
				part := timeline.New(g, p, layer).Seconds
				assert.LessOrEqual(t, part, whole.Seconds, "%s %s %s", stack, p, layer)
				assert.Greater(t, part, 0.0)
				sum += part
			}
			assert.GreaterOrEqual(t, math.Round(sum), math.Round(whole.Seconds), "%s %s", stack, p)
			_, end := timeline.CriticalPath(g, p)
			assert.InDelta(t, end, whole.Seconds, 1e-9)
		}
	}
}

func TestTimelineRendered(t *testing.T) {
	var out bytes.Buffer
	timeline.New(harness.Graph(t, "prod"), awstype.Median, "").Print(&out, 20)
	golden.Text(t, "timeline-prod.txt", out.String())
}
