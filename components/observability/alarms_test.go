package observability_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/hardware"
	"groundwork/components/observability"
)

// TestDashboardWidgetsDoNotOverlap: no two widgets share a cell of the grid.
func TestDashboardWidgetsDoNotOverlap(t *testing.T) {
	body := observability.DashboardBody(
		observability.Subjects{NATGateways: map[string]string{"a": "nat-1"}, AutoScalingGroups: map[string]string{"g": "x"}},
	)
	var parsed struct {
		Widgets []struct{ X, Y, Width, Height int }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &parsed))
	taken := map[[2]int]bool{}
	for _, w := range parsed.Widgets {
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				assert.False(t, taken[[2]int{x, y}], "%v", w)
				assert.Less(t, x, 24)
				taken[[2]int{x, y}] = true
			}
		}
	}
	assert.Greater(t, len(parsed.Widgets), 10)
}

// TestAlarmTable: every row says what happened, what to do, and what missing data mean. Every threshold can be crossed.
func TestAlarmTable(t *testing.T) {
	thresholds := observability.Thresholds{
		NodeCPUPercent:             80,
		DatabaseCPUPercent:         80,
		DatabaseFreeStoragePercent: 15,
		DatabaseConnectionsPercent: 80,
		NodeMemoryPercent:          85,
		NodeDiskPercent:            85,
		CacheCPUPercent:            80,
		CacheMemoryPercent:         80,
		LatencyMilliseconds:        1000,
		ErrorPercent:               5,
		ContainerRestarts:          5,
	}
	find := func(service hardware.Service, name string) hardware.Type {
		one, known := hardware.Find(service, name)
		require.True(t, known, name)
		return one
	}
	fixed, burstable := find(hardware.RDS, "db.m7g.large"), find(hardware.RDS, "db.t4g.small")
	small, large := find(hardware.ElastiCache, "cache.t4g.small"), find(hardware.ElastiCache, "cache.m7g.xlarge")
	all := observability.NodeAlarms(thresholds)
	all = append(all, observability.ClusterAlarms(thresholds)...)
	all = append(all, observability.NATAlarms()...)
	all = append(all, observability.CacheAlarms(thresholds, small)...)
	all = append(all, observability.LoadBalancerAlarms(thresholds)...)
	all = append(all, observability.TargetAlarms()...)
	all = append(all, observability.DistributionAlarms(thresholds)...)
	for _, row := range observability.LogAlarms("groundwork-dev", true) {
		all = append(all, row.Alarm)
	}
	assert.Len(t, observability.LogAlarms("x", false), 1, "no alarms of Argo CD if it does not deploy")
	all = append(all, observability.DatabaseAlarms(thresholds, burstable, 20)...)
	for _, a := range all {
		assert.Contains(t, a.Description, ":", "%s: say what to do first", a.Name)
		assert.NotEmpty(t, a.Missing, a.Name)
		assert.LessOrEqual(t, a.Datapoints, a.Periods, a.Name)
		if strings.HasPrefix(a.Comparison, "Less") {
			assert.Positive(t, a.Threshold, "%s can never fire", a.Name)
		}
	}
	assert.Len(t, observability.DatabaseAlarms(thresholds, burstable, 20),
		len(observability.DatabaseAlarms(thresholds, fixed, 20))+1, "an alarm on CPU credits if there are any")
	cpu := observability.CacheAlarms(thresholds, small)[0]
	assert.Equal(t, "CPUUtilization", cpu.Metric, "a node with two cores is watched as a whole")
	assert.InDelta(t, 40, cpu.Threshold, 0.001, "80 % of one of two cores")
	cpu = observability.CacheAlarms(thresholds, large)[0]
	assert.Equal(t, "EngineCPUUtilization", cpu.Metric)
	assert.InDelta(t, 80, cpu.Threshold, 0.001)
	assert.Len(t, observability.CacheAlarms(thresholds, small), len(observability.CacheAlarms(thresholds, large))+1)
	assert.InDelta(t, 3*float64(1<<30), observability.DatabaseAlarms(thresholds, fixed, 20)[1].Threshold, 1)
}
