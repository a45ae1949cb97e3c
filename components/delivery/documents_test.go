package delivery_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/delivery"
	"groundwork/tests/golden"
)

var kindLine = regexp.MustCompile(`(?m)^kind: ([A-Za-z]+)$`)

// TestKindsAreTheCharts: a release may have exactly the kinds that the chart has, whoever deploys it.
func TestKindsAreTheCharts(t *testing.T) {
	files, err := filepath.Glob("../../webapp/chart/templates/*.yaml")
	require.NoError(t, err)
	of := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range kindLine.FindAllStringSubmatch(string(text), -1) {
			of[m[1]] = true
		}
	}
	allowed := map[string]bool{}
	for _, kind := range delivery.Kinds() {
		allowed[kind.Kind] = true
	}
	assert.Equal(t, of, allowed)
}

func TestRenderedDocuments(t *testing.T) {
	policy := delivery.ReaderPolicy("eu-west-1", []string{"arn:secret"}, []string{"arn:key"})
	golden.JSON(t, "policy-secrets-reader", policy.JSON())
}
