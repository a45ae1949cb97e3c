package tests

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/rules"
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
