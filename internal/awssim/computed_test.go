package awssim

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/internal/awstype"
)

// TestUpdateKeepsWhatAWSComputes: an update, and the preview of one, keep each output that AWS computes, also inside a
// block of inputs, of every type. Without it everything that reads the output would be shown as changed.
func TestUpdateKeepsWhatAWSComputes(t *testing.T) {
	nested := 0
	for _, token := range awstype.Tokens() {
		for path, p := range awstype.Properties(token) {
			if !p.Computed || strings.Contains(path, "[]") {
				continue
			}
			old, in := Props{}, Props{}
			block, key := map[string]any(old), map[string]any(in)
			names := strings.Split(path, ".")
			for _, name := range names[:len(names)-1] {
				inner, given := map[string]any{}, map[string]any{"other": "input"}
				block[name], key[name] = inner, given
				block, key = inner, given
				nested++
			}
			block[names[len(names)-1]] = "computed"
			assert.Equal(t, "computed", updated(token, catalog[token], old, in).Get(path), "%s %s", token, path)
		}
	}
	assert.Greater(t, nested, 20)
}

// TestUpdateDropsWhatIsNoLongerGiven: an input that AWS does not compute is gone when the program stops giving it.
func TestUpdateDropsWhatIsNoLongerGiven(t *testing.T) {
	seen := 0
	for _, token := range awstype.Tokens() {
		for path, p := range awstype.Properties(token) {
			if p.Computed || strings.ContainsAny(path, ".[") {
				continue
			}
			seen++
			assert.NotContains(t, updated(token, catalog[token], Props{path: "given"}, Props{}), path, token)
		}
	}
	assert.Greater(t, seen, 200)
}
