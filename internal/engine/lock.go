package engine

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"groundwork/internal/recovery"
)

// Lock makes sure that one run at a time works in the folder of states. The operating system drops the lock of a
// process that dies, so it is never stale. what says what the run does, for others that find the folder locked.
func (e *Engine) Lock(what string) (release func(), err error) {
	if err := os.MkdirAll(filepath.Join(e.State, "state"), 0o755); err != nil {
		return nil, fmt.Errorf("locking the sandbox: %w", err)
	}
	path := filepath.Join(e.State, "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the sandbox: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("locking the sandbox: another sandbox run is working in %s%s; wait for it to end", e.State,
			holder(path))
	}
	host, _ := os.Hostname()
	// Who holds the lock is a help for others: a run does not fail because it cannot say so.
	if text, err := json.Marshal(holding{os.Getpid(), host, what, time.Now().UTC()}); err == nil {
		_ = file.Truncate(0)
		_, _ = file.WriteAt(text, 0)
	}
	return func() {
		// A process that is being started at this moment has a copy of the descriptor until it executes its program. Closing
		// alone would leave the lock with it.
		_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
		file.Close()
	}, nil
}

// holding is what the lock says of the run that holds it.
type holding struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	What  string    `json:"what"`
	Since time.Time `json:"since"`
}

// holder says which run holds the lock, as a clause in brackets; empty where that is not known.
func holder(path string) string {
	var h holding
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return ""
	}
	return fmt.Sprintf(" (%s, process %d on %s, since %s)", h.What, h.PID, h.Host, h.Since.Format(time.TimeOnly)+" UTC")
}

// removeStaleLocks removes the locks on the state of runs that were killed. The session holds the folder's own lock, so
// that only a pulumi that somebody ran by hand can be using them.
func (s *session) removeStaleLocks() error {
	locks, _ := filepath.Glob(filepath.Join(s.engine.State, "state", ".pulumi", "locks", "organization",
		s.engine.Project, s.options.Stack, "*.json"))
	for _, path := range locks {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a lock: %w", err)
		}
		lock, err := recovery.ReadLock(text)
		if err != nil {
			return fmt.Errorf("reading the lock %s: %w", path, err)
		}
		if lock.Alive() {
			return fmt.Errorf("the state of %s is locked by %s, which is running; wait for it to end", s.options.Stack, lock)
		}
		fmt.Fprintf(s.options.Log, "Removing the lock of %s, a run that did not end\n", lock)
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("removing a stale lock: %w", err)
		}
	}
	return nil
}
