package bastion

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStopWhenIdle runs the script of the instance with stand-ins for its commands.
func TestStopWhenIdle(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the script is for bash")
	}
	dir := t.TempDir()
	used, calls := filepath.Join(dir, "used"), filepath.Join(dir, "calls")
	script := strings.Replace(stopWhenIdle, "/run/last-session", used, 1)
	require.NotEqual(t, stopWhenIdle, script)
	for name, text := range map[string]string{
		"pgrep": "exit $NO_SESSION", "systemctl": "echo $* >>" + calls, "dnf": "echo dnf $* >>" + calls + "; exit 1",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	}
	run := func(session bool, idle time.Duration) string {
		if idle >= 0 {
			then := time.Now().Add(-idle)
			require.NoError(t, os.WriteFile(used, nil, 0o644))
			require.NoError(t, os.Chtimes(used, then, then))
		}
		require.NoError(t, os.RemoveAll(calls))
		cmd := exec.Command(bash, "-c", script)
		cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "NO_SESSION=1"}
		if session {
			cmd.Env[1] = "NO_SESSION=0"
		}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		made, _ := os.ReadFile(calls)
		return string(made)
	}
	assert.Empty(t, run(false, -1), "the instance has just started")
	assert.FileExists(t, used)
	assert.Empty(t, run(false, 20*time.Minute), "not idle for long enough")
	assert.Empty(t, run(true, time.Hour), "a session is open")
	info, err := os.Stat(used)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), info.ModTime(), time.Minute, "a session counts as use")
	assert.Equal(t, "dnf --assumeyes --releasever=latest --downloadonly upgrade\npoweroff\n", run(false, time.Hour),
		"an update that fails does not keep it up")
}

// TestUserData: the first start installs the script as it is, with a timer that runs it.
func TestUserData(t *testing.T) {
	assert.Contains(t, userData(), "\n"+stopWhenIdle+"SCRIPT\n")
	assert.NotContains(t, stopWhenIdle, "\nSCRIPT\n")
	assert.Contains(t, userData(), "systemctl enable --now stop-when-idle.timer")
	assert.Less(t, len(userData()), 16<<10, "EC2 takes 16 KiB")
}
