package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCoverageOfProfiles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want float64
		err  string
	}{
		"half":           {"mode: set\na.go:1.1,2.2 3 1\na.go:3.1,4.2 3 0\n", 50, ""},
		"twice reported": {"mode: set\na.go:1.1,2.2 3 0\na.go:1.1,2.2 3 2\n", 100, ""},
		"empty":          {"mode: set\n", 0, "it has no statements"},
		"torn":           {"mode: set\na.go:1.1,2.2 3\n", 0, `line "a.go:1.1,2.2 3" doesn't match expected format`},
		"no number":      {"mode: set\na.go:1.1,2.2 x 1\n", 0, `couldn't parse "NumStmt"`},
	} {
		path := filepath.Join(t.TempDir(), "c.out")
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o644))
		got, err := Coverage(path)
		if c.err != "" {
			assert.ErrorContains(t, err, c.err, name)
			continue
		}
		require.NoError(t, err, name)
		assert.InDelta(t, c.want, got, 0.01, name)
	}
}
