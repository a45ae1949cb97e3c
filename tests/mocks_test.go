package tests

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/internal/sandbox"
)

// today is the day the tests happen on, so that the support calendar does not fail them one day.
var today = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

var environments = []string{"dev", "prod"}

// repository is the folder that holds Pulumi.yaml.
func repository(t testing.TB) *sandbox.Sandbox {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	w, err := sandbox.Find(dir)
	require.NoError(t, err)
	return w
}

// stackConfig is the real stack file, as the program sees it.
func stackConfig(t testing.TB, stack string) map[string]string {
	t.Helper()
	raw, err := repository(t).Project.Config(stack)
	require.NoError(t, err)
	return raw
}

// deploy runs the real program under Pulumi mocks and returns what it registered.
func deploy(stack string, raw map[string]string, preview bool) (*graph.Graph, error) {
	return mockrun.Graph(stack, raw, mockrun.Options{Preview: preview, Today: today})
}

// register is deploy with the mocks themselves, which know what was registered before an error too.
func register(stack string, raw map[string]string, preview bool) (*mockrun.Mocks, error) {
	return registerWith(stack, raw, preview, nil)
}

// registerWith is register beside other stacks with the given outputs.
func registerWith(stack string, raw map[string]string, preview bool, outputs map[string]graph.Props) (*mockrun.Mocks, error) {
	return mockrun.Run(stack, raw, mockrun.Options{Preview: preview, Outputs: outputs, Today: today})
}

// graphOf is deploy for the real stack file.
func graphOf(t testing.TB, stack string, preview bool) *graph.Graph {
	t.Helper()
	g, err := deploy(stack, stackConfig(t, stack), preview)
	require.NoError(t, err)
	require.Greater(t, len(g.Resources), 80, "the program registered hardly anything")
	return g
}
