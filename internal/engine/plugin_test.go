package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// toolchain has a script in the place of the plugin.
func toolchain(t *testing.T, script string) *Toolchain {
	t.Helper()
	tools := &Toolchain{Path: t.TempDir()}
	require.NoError(t, writeExecutable(filepath.Join(tools.Path, pluginName), "#!/bin/sh\n"+script))
	return tools
}

// TestPluginForwards: a client may connect before the plugin listens, and the plugin ends when its input does.
func TestPluginForwards(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	go func() {
		conn, err := server.Accept()
		if err == nil {
			fmt.Fprintln(conn, "hello")
			conn.Close()
		}
	}()
	begin, ended := filepath.Join(t.TempDir(), "go"), filepath.Join(t.TempDir(), "ended")
	p, err := toolchain(t, fmt.Sprintf(`while [ ! -e %s ]; do sleep 0.01; done
echo %d
cat
echo "$GIVEN" >%s
`, begin, server.Addr().(*net.TCPAddr).Port, ended)).startPlugin(map[string]string{"GIVEN": "value"})
	require.NoError(t, err)
	client, err := net.Dial("tcp", p.listener.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, os.WriteFile(begin, nil, 0o600))
	require.NoError(t, client.SetDeadline(time.Now().Add(10*time.Second)))
	line, err := bufio.NewReader(client).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "hello\n", line)
	assert.Empty(t, p.failure())
	p.stop()
	p.stop() // A second time does nothing.
	text, err := os.ReadFile(ended)
	require.NoError(t, err, "the plugin was killed and did not end by itself")
	assert.Equal(t, "value\n", string(text), "it has the environment of the run")
}

// TestPluginFails: a plugin that ends before it listens refuses connections, and its last words are in the error.
func TestPluginFails(t *testing.T) {
	p, err := toolchain(t, "echo cannot find module >&2; exit 1\n").startPlugin(nil)
	require.NoError(t, err)
	assert.Eventually(t, p.failed.Load, 10*time.Second, 10*time.Millisecond)
	assert.Equal(t, "\nthe pulumi-eks plugin ended: cannot find module", p.failure())
	_, err = net.Dial("tcp", p.listener.Addr().String())
	require.Error(t, err)

	_, err = (&Toolchain{Path: t.TempDir()}).startPlugin(nil)
	require.ErrorContains(t, err, "starting the pulumi-eks plugin")
	assert.Empty(t, (*plugin)(nil).failure(), "a run without one")
}

// callers counts the frames of the goroutine's stack.
func callers() int {
	var pcs [100]uintptr
	return runtime.Callers(0, pcs[:])
}

// below calls f at the bottom of a deep stack.
func below(depth int, f func()) {
	if depth > 0 {
		below(depth-1, f)
		return
	}
	f()
}

// TestShortTraces: what called the program is not on its stack, and a panic in it is an error.
func TestShortTraces(t *testing.T) {
	below(50, func() {
		assert.Greater(t, callers(), 50, "otherwise the test proves nothing")
		require.NoError(t, shortTraces(func(*pulumi.Context) error {
			assert.Less(t, callers(), 10)
			return nil
		})(nil))
	})
	err := shortTraces(func(*pulumi.Context) error { panic("no") })(nil)
	require.ErrorContains(t, err, "the program panicked: no")
	require.ErrorIs(t, shortTraces(func(*pulumi.Context) error { return os.ErrExist })(nil), os.ErrExist)
}

// TestNPMInstallOnce: npm runs only where the files that it installs from have changed.
func TestNPMInstallOnce(t *testing.T) {
	files, target := t.TempDir(), filepath.Join(t.TempDir(), "plugin")
	bin, calls := t.TempDir(), filepath.Join(t.TempDir(), "calls")
	require.NoError(t, writeExecutable(filepath.Join(bin, "npm"), "#!/bin/sh\necho \"$@\" >>"+calls+"\n"))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, name := range pluginFiles {
		require.NoError(t, os.WriteFile(filepath.Join(files, name), []byte(name), 0o600))
	}
	installed := func(times int) {
		t.Helper()
		require.NoError(t, npmInstall(context.Background(), files, target, io.Discard))
		text, err := os.ReadFile(calls)
		require.NoError(t, err)
		assert.Equal(t, strings.Repeat("ci --omit=dev --loglevel=error\n", times), string(text))
		assert.FileExists(t, filepath.Join(target, "package.json"))
	}
	installed(1)
	installed(1)
	require.NoError(t, os.WriteFile(filepath.Join(files, "package-lock.json"), []byte("newer"), 0o600))
	installed(2)
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]string{
		"v3.200.0\n": "3.200.0", `{"gitVersion":"v1.36.0"}`: "1.36.0", "version 3.1.0": "", "vim": "", "": "",
	} {
		assert.Equal(t, want, findVersion(text), text)
	}
	for version, want := range map[string]bool{"3.150.0": true, "3.200.1": true, "3.149.9": false, "": false} {
		assert.Equal(t, want, atLeast(version, oldestCLI), version)
	}
}
