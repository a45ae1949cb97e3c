// Package golden compares what is rendered with a file in testdata of the package under test.
//
// UPDATE=1 go test writes the files anew; make golden does it for all of them.
package golden

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Updating reports whether golden files are written instead of compared.
func Updating() bool { return os.Getenv("UPDATE") != "" }

// Text compares text with testdata/name.
func Text(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if Updating() {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text, "run make golden where the change is meant")
}

// JSON compares a JSON document, indented, with testdata/name.json.
func JSON(t testing.TB, name, document string) {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(document), &value))
	indented, err := json.MarshalIndent(value, "", "  ")
	require.NoError(t, err)
	Text(t, name+".json", string(indented)+"\n")
}
