package engine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// eksPluginVersion is the pulumi-eks plugin, the version that the program's SDK asks for.
	eksPluginVersion = "2.8.1"
	// pluginName is the command that the engine looks for on its PATH.
	pluginName = "pulumi-resource-eks"
)

// pluginFiles are what npm installs the plugin from.
var pluginFiles = []string{"package.json", "package-lock.json", ".npmrc"}

// installPlugin puts an executable pulumi-resource-eks on the engine's PATH that starts the plugin's own code with
// node. HTTPS requests of the plugin go to the sandbox, which stands in for the clusters' endpoints; requests to the
// engine on the loopback interface do not.
func (t *Toolchain) installPlugin(ctx context.Context, root, dir string, log io.Writer) error {
	files, target := filepath.Join(root, "tools", "eks-plugin"), filepath.Join(dir, "eks-plugin-"+eksPluginVersion)
	if err := npmInstall(ctx, files, target, log); err != nil {
		return err
	}
	// It has to stand beside the packages that it loads.
	start := filepath.Join(target, "start.js")
	text, err := os.ReadFile(filepath.Join(files, "start.js"))
	if err != nil {
		return fmt.Errorf("installing the pulumi-eks plugin: %w", err)
	}
	if err := writeExecutable(start, string(text)); err != nil {
		return err
	}
	script := fmt.Sprintf(`#!/bin/sh
# Starts the pulumi-eks plugin; see internal/engine/plugin.go.
if [ -n "$GROUNDWORK_ENDPOINT_PROXY" ]; then
  export HTTPS_PROXY="$GROUNDWORK_ENDPOINT_PROXY" https_proxy="$GROUNDWORK_ENDPOINT_PROXY"
  export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost no_grpc_proxy=127.0.0.1,localhost
fi
exec node '%s' "$@"
`, start)
	return writeExecutable(filepath.Join(t.Path, pluginName), script)
}

// npmInstall puts the plugin's npm package into a folder, all or nothing, and again where its files have changed.
func npmInstall(ctx context.Context, files, target string, log io.Writer) error {
	if sameFiles(files, target, pluginFiles) {
		return nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New("installing the pulumi-eks plugin: npm is not on PATH; install Node.js 18 or newer " +
			"(Debian: apt-get install nodejs npm)")
	}
	fmt.Fprintf(log, "Installing the pulumi-eks plugin %s with npm (once; about 200 MB) ...\n", eksPluginVersion)
	unfinished := target + ".new"
	if err := copyFiles(files, unfinished, pluginFiles...); err != nil {
		return err
	}
	if err := run(ctx, log, unfinished, "installing the pulumi-eks plugin", "npm", "ci", "--omit=dev",
		"--loglevel=error"); err != nil {
		return err
	}
	err := os.RemoveAll(target)
	if err == nil {
		err = os.Rename(unfinished, target)
	}
	if err != nil {
		return fmt.Errorf("installing the pulumi-eks plugin: %w", err)
	}
	return nil
}

// sameFiles reports whether files of two folders have the same content.
func sameFiles(a, b string, names []string) bool {
	for _, name := range names {
		first, err := os.ReadFile(filepath.Join(a, name))
		second, err2 := os.ReadFile(filepath.Join(b, name))
		if err != nil || err2 != nil || !bytes.Equal(first, second) {
			return false
		}
	}
	return true
}

// plugin is a pulumi-eks plugin that was started before the engine asks for it. Node.js loads it in a second, while the
// CLI starts and the program runs.
type plugin struct {
	command  *exec.Cmd
	input    io.Closer
	listener net.Listener
	stopping sync.Once
	// failed is set when the plugin ended before it listened; problems then say why.
	failed   atomic.Bool
	problems bytes.Buffer
}

// startPlugin starts the plugin with the environment of a run. The engine may connect to the port at once; what it
// sends waits until the plugin listens.
func (t *Toolchain) startPlugin(env map[string]string) (*plugin, error) {
	p := &plugin{command: exec.Command(filepath.Join(t.Path, pluginName))}
	p.command.Env = os.Environ()
	for name, value := range env {
		p.command.Env = append(p.command.Env, name+"="+value)
	}
	p.command.Stderr = &p.problems
	input, err := p.command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the pulumi-eks plugin: %w", err)
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the pulumi-eks plugin: %w", err)
	}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("starting the pulumi-eks plugin: %w", err)
	}
	p.input = input
	if err := p.command.Start(); err != nil {
		p.listener.Close()
		return nil, fmt.Errorf("starting the pulumi-eks plugin: %w", err)
	}
	go p.forward(output)
	return p, nil
}

// attach is the part of PULUMI_DEBUG_PROVIDERS that attaches an engine to the plugin.
func (p *plugin) attach() string {
	return fmt.Sprintf("eks:%d", p.listener.Addr().(*net.TCPAddr).Port)
}

// forward reads the plugin's port from the first line of its output and connects clients to it.
func (p *plugin) forward(output io.Reader) {
	lines := bufio.NewReader(output)
	port, err := lines.ReadString('\n')
	if err != nil {
		p.failed.Store(true)
		p.listener.Close()
		return
	}
	go io.Copy(io.Discard, lines)
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", "127.0.0.1:"+strings.TrimSpace(port))
		if err != nil {
			client.Close()
			continue
		}
		for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
			go func() {
				defer pair[1].Close()
				_, _ = io.Copy(pair[1], pair[0])
			}()
		}
	}
}

// stop ends the plugin: it exits when its input ends.
func (p *plugin) stop() {
	p.stopping.Do(func() {
		p.listener.Close()
		p.input.Close()
		late := time.AfterFunc(5*time.Second, func() { _ = p.command.Process.Kill() })
		defer late.Stop()
		_ = p.command.Wait()
	})
}

// failure returns why the plugin ended before it listened; "" where it did not.
func (p *plugin) failure() string {
	if p == nil || !p.failed.Load() {
		return ""
	}
	p.stop()
	return "\nthe pulumi-eks plugin ended: " + strings.TrimSpace(p.problems.String())
}
