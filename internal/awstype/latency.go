package awstype

import "fmt"

// Percentile names one of the three latencies known of a type.
type Percentile string

// The percentiles of a latency.
const (
	Fast   Percentile = "p10"
	Median Percentile = "p50"
	Slow   Percentile = "p90"
)

// Percentiles lists them, the fastest first.
func Percentiles() []Percentile { return []Percentile{Fast, Median, Slow} }

// Latency is how many seconds AWS takes for something: the 10th, 50th and 90th percentile of so many public deployment
// logs, written on 2026-11-22. Without samples it is from documentation or an estimate.
type Latency struct {
	P10, P50, P90 float64
	Samples       int
}

func took(p10, p50, p90 float64, samples int) Latency { return Latency{p10, p50, p90, samples} }

// small is a call that answers at once. It is the latency of whatever the table does not know better.
var small = took(1, 1, 3, 0)

// Latencies of what is no creation of a resource.
var (
	// StartOfAStoppedDatabase is the start runbook on an instance that is stopped; on another it does nothing.
	StartOfAStoppedDatabase = took(180, 300, 600, 0)
	// ApplicationRelease is helm upgrade --wait of the application.
	ApplicationRelease = took(30, 75, 150, 0)
	// ArgoCDNotices is how long Argo CD takes to see a commit.
	ArgoCDNotices = took(20, 90, 170, 0)
)

// At returns the seconds of a percentile.
func (l Latency) At(p Percentile) float64 {
	return map[Percentile]float64{Fast: l.P10, Median: l.P50, Slow: l.P90}[p]
}

// or returns l, or other where nothing is known of l.
func (l Latency) or(other Latency) Latency {
	if l == (Latency{}) {
		return other
	}
	return l
}

// CreateSeconds returns how many seconds AWS takes to create a resource with the given inputs.
func CreateSeconds(token string, inputs map[string]any, p Percentile) float64 {
	t := Of(token)
	if t.Instant {
		return 0
	}
	latency := t.Create
	if t.VariesBy != "" {
		value := inputs[t.VariesBy]
		if value == nil {
			value = false // The one input that is left out for its default is a flag.
		}
		latency = t.Variants[fmt.Sprint(value)].or(latency)
	}
	return latency.or(small).At(p)
}

// UpdateSeconds returns how many seconds AWS takes to change a resource.
func UpdateSeconds(token string, p Percentile) float64 { return Of(token).Update.or(small).At(p) }

// DeleteSeconds returns how many seconds AWS takes to delete a resource with the given inputs.
func DeleteSeconds(token string, inputs map[string]any, p Percentile) float64 {
	if known := Of(token).Delete; known != (Latency{}) {
		return known.At(p)
	}
	return CreateSeconds(token, inputs, p) / 2
}
