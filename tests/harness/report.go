package harness

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"groundwork/internal/cost"
	"groundwork/internal/graph"
	"groundwork/internal/report"
)

// Sheet prices a graph in a region, under the usual assumptions with the given changes.
func Sheet(t testing.TB, stack string, g *graph.Graph, region string, assume ...string) *cost.Sheet {
	t.Helper()
	assumed, err := cost.Assume(assume)
	require.NoError(t, err)
	return cost.New(stack, g, cost.Prices{Region: region}, assumed, Today)
}

// Source is one environment as the report takes it.
func Source(t testing.TB, name, stack string, changes ...string) *report.Source {
	t.Helper()
	c, g := Config(t, stack, changes...), Graph(t, stack, changes...)
	return &report.Source{
		Name: name, Config: c, Raw: Settings(t, stack, changes...), Graph: g, Sheet: Sheet(t, name, g, c.Region),
	}
}

// ProdPage is the report about prod, beside dev and a parked dev.
func ProdPage(t testing.TB) *report.Page {
	t.Helper()
	return report.New(Today, nil, Source(t, "prod", "prod"), Source(t, "dev", "dev"),
		Source(t, "dev parked", "dev", "parked=true"))
}

// Written is the page as HTML.
func Written(t testing.TB, p *report.Page) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, p.Write(&out))
	return out.String()
}
