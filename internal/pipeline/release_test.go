package pipeline

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFreeRelease: what a killed Helm left is taken back, what runs is waited for, and everything else is left alone.
func TestFreeRelease(t *testing.T) {
	old, now := time.Now().Add(-time.Hour).Format(time.RFC3339Nano), time.Now().Format(time.RFC3339Nano)
	row := func(number int, updated, status string) string {
		return fmt.Sprintf(`{"revision": %d, "updated": %q, "status": %q}`, number, updated, status)
	}
	for name, c := range map[string]struct {
		history   []string
		want, not string
	}{
		"healthy": {[]string{row(1, old, "superseded"), row(2, old, "deployed")}, "history", "rollback"},
		"failed":  {[]string{row(1, old, "deployed"), row(2, old, "failed")}, "history", "rollback"},
		"killed upgrade": {
			[]string{row(3, old, "deployed"), row(4, old, "pending-upgrade")}, "rollback webapp 3 ", "uninstall",
		},
		"killed rollback": {
			[]string{row(2, old, "superseded"), row(3, old, "failed"), row(4, old, "pending-rollback")},
			"rollback webapp 2 ", "uninstall",
		},
		"killed install": {[]string{row(1, old, "pending-install")}, "uninstall webapp ", "rollback"},
	} {
		r, _ := withHelm(t, "case $1 in history) echo '["+strings.Join(c.history, ",")+"]';; esac")
		require.NoError(t, r.freeRelease(t.Context(), "helm", 5*time.Minute), name)
		calls, err := os.ReadFile(filepath.Join(r.Dir, "calls"))
		require.NoError(t, err)
		assert.Contains(t, string(calls), c.want, name)
		assert.NotContains(t, string(calls), c.not, name)
	}
	// One that may still run has its time, and is taken for a killed one after that.
	running := row(3, old, "deployed") + "," + row(4, now, "pending-upgrade")
	r, out := withHelm(t, "case $1 in history) echo '["+running+"]';; esac")
	require.NoError(t, r.freeRelease(t.Context(), "helm", time.Second))
	assert.Contains(t, out.String(), "another deployment runs, or was killed. Waiting until")
	assert.Contains(t, out.String(), "+ helm rollback webapp 3 ")
}

// TestFreeNoRelease: before the first deployment there is no release, and nothing to free.
func TestFreeNoRelease(t *testing.T) {
	r, out := withHelm(t, "echo 'Error: release: not found' >&2; exit 1")
	require.NoError(t, r.freeRelease(t.Context(), "helm", time.Minute))
	assert.Contains(t, out.String(), "release: not found")
}

// withHelm returns a run whose helm is a script.
func withHelm(t *testing.T, script string) (*Run, *bytes.Buffer) {
	t.Helper()
	dir, out := t.TempDir(), &bytes.Buffer{}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "helm"),
		[]byte("#!/bin/sh\necho \"$*\" >> "+dir+"/calls\n"+script+"\n"), 0o755))
	return &Run{Dir: dir, Env: append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH")), Out: out}, out
}
