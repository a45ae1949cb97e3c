package engine

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// kill ends the engine as a machine that loses power does: it gets no chance to write its state or to remove its lock.
// The Automation API can only interrupt it, so the process is found by the address at which it reaches the program.
func (c *command) kill() {
	c.mu.Lock()
	client := c.client
	c.killed = true
	c.mu.Unlock()
	if client == "" {
		return
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	if len(lines) == 0 {
		// The error says that there is no such process.
		_ = exec.Command("pkill", "-KILL", "-f", "--", client).Run()
		return
	}
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(line, []byte(client+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// wasKilled reports whether the engine was killed.
func (c *command) wasKilled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killed
}

// remember keeps what tells the engine's process from others.
func (c *command) remember(args []string) {
	for _, arg := range args {
		if strings.HasPrefix(arg, "--client=") {
			c.mu.Lock()
			c.client = arg
			c.mu.Unlock()
		}
	}
}
