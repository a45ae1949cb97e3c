package graph_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/graph"
)

// TestSecretOutputsAreMasked: a stack output that is a secret is never printed.
func TestSecretOutputsAreMasked(t *testing.T) {
	secret := map[string]any{
		"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
		"plaintext":                        `"hunter2"`,
	}
	g, err := graph.New([]*graph.Resource{{
		URN: "urn:pulumi:dev::groundwork::pulumi:pulumi:Stack::groundwork-dev", Type: "pulumi:pulumi:Stack",
		Outputs: graph.Props{"token": secret, "list": []any{secret}, "open": "yes"},
	}})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"token": "[secret]", "list": []any{"[secret]"}, "open": "yes"}, g.StackOutputs())
}
