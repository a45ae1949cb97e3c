package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Lock is the lock that a run of Pulumi puts on a state in a bucket or a folder.
type Lock struct {
	PID       int       `json:"pid"`
	Username  string    `json:"username"`
	Hostname  string    `json:"hostname"`
	Timestamp time.Time `json:"timestamp"`
}

// ReadLock reads the content of a lock.
func ReadLock(text []byte) (Lock, error) {
	var l Lock
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("this is no lock of Pulumi: %w", err)
	}
	return l, nil
}

// String names the run.
func (l Lock) String() string {
	since := l.Timestamp.UTC().Format(time.DateTime)
	return fmt.Sprintf("%s@%s (process %d, since %s)", l.Username, l.Hostname, l.PID, since)
}

// Here reports whether the run was on this machine: only then can anybody know whether it still runs.
func (l Lock) Here() bool {
	host, err := os.Hostname()
	return err == nil && host == l.Hostname
}

// Alive reports whether the process of the run exists on this machine. Another program that got its number later is
// not it, where the system tells what a process runs.
func (l Lock) Alive() bool {
	if !l.Here() || l.PID <= 0 {
		return false
	}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", l.PID)); err == nil {
		return strings.HasPrefix(string(name), "pulumi")
	}
	err := syscall.Kill(l.PID, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
