//go:build integration

package pipeline

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scanner returns the path of a tool that make quality-tools builds.
func scanner(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/" + name)
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs make quality-tools")
	}
	return path
}

// vulnerability is a planted vulnerability of a module that every program here uses.
const vulnerability = `{
  "schema_version": "1.3.1", "id": "GO-2026-9999", "details": "planted",
  "modified": "2026-11-22T00:00:00Z", "published": "2026-11-22T00:00:00Z",
  "database_specific": {"url": "https://pkg.go.dev/vuln/GO-2026-9999"},
  "affected": [{
    "package": {"name": "golang.org/x/sys", "ecosystem": "Go"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
    "ecosystem_specific": {"imports": [{"path": "golang.org/x/sys/unix"}]}
  }]
}`

// TestVulnerabilityIsFound checks that the scan fails with a database that has a vulnerability of a module of the
// program, and passes with an empty one.
func TestVulnerabilityIsFound(t *testing.T) {
	scan := func(db string) error {
		return exec.Command(scanner(t, "govulncheck"), "-db", "file://"+db, "-mode=binary", scanner(t, "gotestsum")).Run()
	}
	empty, err := filepath.Abs("testdata/vulndb")
	require.NoError(t, err)
	assert.NoError(t, scan(empty))

	db := t.TempDir()
	for name, text := range map[string]string{
		"index/db.json": `{"modified":"2026-11-22T00:00:00Z"}`,
		"index/modules.json": `[{"path":"golang.org/x/sys",` +
			`"vulns":[{"id":"GO-2026-9999","modified":"2026-11-22T00:00:00Z"}]}]`,
		"index/vulns.json":     `[{"id":"GO-2026-9999","modified":"2026-11-22T00:00:00Z"}]`,
		"ID/GO-2026-9999.json": vulnerability,
	} {
		path := filepath.Join(db, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	var exit *exec.ExitError
	require.ErrorAs(t, scan(db), &exit)
	assert.Equal(t, 3, exit.ExitCode(), "the code for found vulnerabilities")
}

// TestSecretIsFound checks that a key anywhere in the history stops quality.
func TestSecretIsFound(t *testing.T) {
	p := newProject(t, 90, 90)
	scan := func() error {
		cmd := exec.Command(scanner(t, "gitleaks"), "git", "--no-banner", "--redact", "--log-level", "warn", ".")
		cmd.Dir = p.dir
		return cmd.Run()
	}
	require.NoError(t, scan())
	// The key is in two pieces, because the scan of this repository would find it here.
	p.write(t, "notes.txt", "aws_access_key_id = AKIA"+"Z7QX5RTB3KNWLJ2M\n")
	p.git(t, "add", "--force", "notes.txt")
	p.git(t, "commit", "--quiet", "--message", "Note")
	p.git(t, "rm", "--quiet", "notes.txt")
	p.git(t, "commit", "--quiet", "--message", "Forget")
	assert.Error(t, scan(), "it is still in the history")
}
