package tests

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/rules"
)

func TestSecurityRules(t *testing.T) {
	for _, v := range views(t) {
		for _, r := range rules.All {
			if r.ProdOnly && v.stack != "prod" || r.EngineOnly && !strings.HasPrefix(v.name, "engine") {
				continue
			}
			t.Run(v.name+"/"+r.ID, func(t *testing.T) {
				seen, wrong := r.Check(v.graph)
				assert.Positive(t, seen, "the rule looked at nothing")
				assert.Empty(t, wrong)
				broken := copyOf(t, v.graph)
				r.Plant(broken)
				_, wrong = r.Check(broken)
				assert.NotEmpty(t, wrong, "the rule does not see a planted violation")
			})
		}
	}
}

func TestWaiversGiveReasons(t *testing.T) {
	for id, reason := range rules.Waivers {
		require.Greater(t, len(reason), 40, id)
	}
}

// TestRulesAtRest: what is left of a parked and a hibernated environment is held to the same rules.
func TestRulesAtRest(t *testing.T) {
	for _, mode := range [][]string{{"parked=true"}, {"parked=true", "hibernated=true"}} {
		held := 0
		for _, f := range rules.Look(resting(t, mode...), false, false) {
			assert.False(t, f.Broken(), "%v: %s %v", mode, f.ID, f.Wrong)
			if f.Held() {
				held++
			}
		}
		assert.Greater(t, held, 50, mode)
	}
}
