package environment

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestPower: each state has less than the one before, and a schedule changes nothing about what is there.
func TestPower(t *testing.T) {
	on := Schedule{Days: []string{"MON"}, Start: "07:00", Stop: "20:00", TimeZone: "UTC"}
	answers := func(p Power) []bool {
		return []bool{
			p.HasCluster(), p.HasNodes(), p.HasEgress(), p.HasCache(), p.HasLoadBalancer(), p.RunsDatabase(), p.AlarmsOn(),
			p.HasDashboard(),
		}
	}
	for _, schedule := range []Schedule{{}, on} {
		running, parked := answers(Power{Schedule: schedule}), answers(Power{State: Parked, Schedule: schedule})
		hibernated := answers(Power{State: Hibernated, Schedule: schedule})
		assert.NotContains(t, running, false)
		for i := range running {
			assert.False(t, hibernated[i] && !parked[i], "question %d", i)
		}
		assert.Equal(t, []bool{true, false, false, false, false, false, false, false}, parked)
		assert.NotContains(t, hibernated, true)
	}
	assert.True(t, Power{Schedule: on}.Scheduled())
	assert.False(t, Power{State: Parked, Schedule: on}.Scheduled(), "what is parked stays parked in the morning")
	assert.False(t, Power{}.HasScheduler(), "nothing stops or starts by itself")
	assert.True(t, Power{State: Hibernated}.HasScheduler(), "a stopped database runs once a week")
	assert.True(t, Power{}.HadNodesEver())
	assert.True(t, Power{State: Parked, HadNodes: true}.HadNodesEver())
	assert.False(t, Power{State: Parked}.HadNodesEver(), "a cluster that never had a node")
	assert.False(t, Power{State: Hibernated, HadNodes: true}.HadNodesEver(), "its cluster is gone")
}
