//go:build integration

package pipeline

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDeploymentsThroughGit deploys while others push, on a machine without a Git identity. It checks that a late run
// of an older commit is refused, and that a repeated run is not.
func TestDeploymentsThroughGit(t *testing.T) {
	p := newProject(t, 90, 90)
	noIdentity := []string{"ENVIRONMENT=prod", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "EMAIL="}
	deploy := func(digit string) (string, error) {
		return p.sh("make deploy", append(noIdentity, "DIGEST=sha256:"+strings.Repeat(digit, 64))...)
	}
	onMain := func() string {
		p.git(t, "fetch", "--quiet", "origin", "main")
		return p.git(t, "show", "FETCH_HEAD:webapp/chart/values-prod.yaml")
	}
	older := p.git(t, "rev-parse", "HEAD")
	p.git(t, "commit", "--quiet", "--allow-empty", "--message", "Newer")
	p.git(t, "push", "--quiet", "origin", "main")
	p.git(t, "commit", "--quiet", "--allow-empty", "--message", "Not deployed yet")
	p.git(t, "push", "--quiet", "origin", "main")
	p.git(t, "checkout", "--quiet", "HEAD~1")
	output, err := deploy("a")
	require.NoError(t, err, output)
	assert.Contains(t, onMain(), strings.Repeat("a", 64))
	output, err = deploy("a")
	require.NoError(t, err, output)
	assert.Contains(t, output, "has this digest already")

	p.git(t, "checkout", "--quiet", older)
	output, err = deploy("b")
	require.Error(t, err)
	assert.Contains(t, output, "is newer than "+older[:12])
	assert.Contains(t, onMain(), strings.Repeat("a", 64))

	p.git(t, "checkout", "--quiet", "main")
	output, err = deploy("c")
	require.NoError(t, err, output)
	assert.Contains(t, onMain(), strings.Repeat("c", 64))
	assert.NoDirExists(t, filepath.Join(p.dir, ".groundwork/deploy"))
}

// TestArgoCDTimeout checks that a deployment that does not become healthy ends in time, and that the error says what to
// do.
func TestArgoCDTimeout(t *testing.T) {
	p := newProject(t, 90, 90)
	output, err := p.sh("make deploy", "ENVIRONMENT=prod", "TIMEOUT=3s", "HEALTH=Degraded",
		"DIGEST=sha256:"+strings.Repeat("b", 64))
	require.Error(t, err)
	assert.Contains(t, output, "is not synced and healthy after 3s; last seen: Argo CD: Synced at ")
	assert.Contains(t, output, "Degraded")
	output, err = p.sh("make deploy", "ENVIRONMENT=prod")
	require.Error(t, err)
	assert.Contains(t, output, "there is no DIGEST, and no push has left one in reports/digest-prod")
}
