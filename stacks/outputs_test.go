package stacks_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/graph"
	"groundwork/tests/harness"
)

// TestErrorsOfLowerStacks: an error about the outputs of a lower stack names the stack and every missing or wrong
// field.
func TestErrorsOfLowerStacks(t *testing.T) {
	good := graph.Props{"platform": map[string]any{"contractVersion": 1.0}}
	for name, c := range map[string]struct {
		outputs map[string]graph.Props
		wants   []string
	}{
		"nothing": {nil, []string{
			"reading stack dev-platform",
			"output platform is missing",
			"pulumi up -s dev-platform --config-file Pulumi.dev.yaml",
		}},
		"another version": {
			map[string]graph.Props{"dev-platform": {"platform": map[string]any{"contractVersion": 2.0}}},
			[]string{"output platform has contract version 2; this program reads version 1"},
		},
		"fields missing": {map[string]graph.Props{"dev-platform": good}, []string{
			"output platform.cluster is missing",
			"output platform.placement is missing",
			"output platform.logsKeyArn is missing",
		}},
		"fields wrong": {map[string]graph.Props{"dev-platform": {"platform": map[string]any{
			"contractVersion": 1.0,
			"placement": map[string]any{
				"vpcId": 7.0, "privateSubnetIds": "subnet-1", "dataSubnetIds": []any{1.0},
			},
			"cluster":           "main",
			"autoScalingGroups": []any{},
			"natGatewayIds":     map[string]any{"a": 1.0},
			"logsKeyArn":        true,
		}}}, []string{
			"output platform.placement.vpcId 7 is not text",
			`output platform.placement.privateSubnetIds "subnet-1" is not a list`,
			"output platform.placement.dataSubnetIds 1 is not text",
			`output platform.cluster "main" is not a mapping`,
			"output platform.autoScalingGroups [] is not a mapping",
			"output platform.natGatewayIds.a 1 is not text",
			"output platform.logsKeyArn true is not text",
		}},
	} {
		m, err := harness.Run("dev-services", harness.Settings(t, "dev"), c.outputs)
		require.Error(t, err, name)
		for _, want := range c.wants {
			assert.ErrorContains(t, err, want, name)
		}
		for _, r := range m.Resources {
			assert.True(t, strings.HasPrefix(r.Type, "pulumi:"),
				"%s: %s was registered before the outputs were read", name, r.Type)
		}
	}
}
