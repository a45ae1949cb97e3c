package sandbox

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// Percentile names one of the three latencies known of a type.
type Percentile string

// The percentiles of the latency table.
const (
	Fast   Percentile = "p10"
	Median Percentile = "p50"
	Slow   Percentile = "p90"
)

//go:embed latencies.json
var latencyTable []byte

var latencies = readLatencies(latencyTable)

func readLatencies(text []byte) map[string]map[Percentile]float64 {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		panic(fmt.Sprintf("reading latencies.json: %v", err))
	}
	delete(raw, "_comment")
	table := map[string]map[Percentile]float64{}
	for key, row := range raw {
		var values map[Percentile]float64
		if err := json.Unmarshal(row, &values); err != nil {
			panic(fmt.Sprintf("reading latencies.json: %s: %v", key, err))
		}
		table[key] = values
	}
	return table
}

// Latency returns how many seconds AWS takes to create a resource with the given inputs. Types that the table does not
// name are "small": calls that answer at once.
func Latency(token string, in Props, p Percentile) float64 {
	if variant := latencyVariant(token, in); variant != "" {
		if row, ok := latencies[token+"("+variant+")"]; ok {
			return row[p]
		}
	}
	if row, ok := latencies[token]; ok {
		return row[p]
	}
	return latencies["small"][p]
}

// UpdateLatency returns how many seconds AWS takes to change a resource of a type. Most changes are small; the table
// names those that are not.
func UpdateLatency(token string, p Percentile) float64 {
	if row, ok := latencies[token+"(update)"]; ok {
		return row[p]
	}
	return latencies["small"][p]
}

// DeleteLatency returns how many seconds AWS takes to delete a resource: half of what its creation takes. Few deployment logs say.
func DeleteLatency(token string, in Props, p Percentile) float64 {
	if token == associationType {
		return latencies["small"][p] // It runs nothing when it goes.
	}
	return Latency(token, in, p) / 2
}

// latencyVariant tells resources of one type apart that take very different times.
func latencyVariant(token string, in Props) string {
	switch token {
	case associationType:
		return in.Str("name")
	case "aws:eks/addon:Addon":
		return in.Str("addonName")
	case "aws:rds/instance:Instance":
		if in.Flag("multiAz") {
			return "Multi-AZ"
		}
		return "single-AZ"
	case balancerType:
		return "ALB"
	case "aws:ec2/vpcEndpoint:VpcEndpoint":
		return in.Str("vpcEndpointType")
	case "kubernetes:helm.sh/v3:Release":
		return in.Str("chart")
	}
	return ""
}
