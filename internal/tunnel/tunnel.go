// Package tunnel leads from this machine to a private Kubernetes endpoint: through a port forwarding session of AWS
// Systems Manager that ends at the environment's bastion.
//
// A server process listens on the cluster's port of the loopback interface. It starts the bastion and the session when
// the first connection comes, starts another session when one has ended, and ends when nobody has been connected for a
// while. Open starts the server where there is none. Each session is a process of its own: AWS's library ends the
// process with the session.
package tunnel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Target is a cluster and the port that leads to it.
type Target struct {
	// Cluster and Region are the cluster's; the name of the bastion follows from Cluster.
	Cluster, Region string
	// Host is the name of the Kubernetes endpoint, without "https://".
	Host string
	// Port is the port of the loopback interface.
	Port int
}

func (t Target) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(t.Port)) }

// Flags returns t as the flags of the commands of a tunnel.
func (t Target) Flags() []string {
	return []string{
		"--cluster", t.Cluster, "--region", t.Region, "--host", t.Host, "--port", strconv.Itoa(t.Port),
	}
}

// openTimeout is how long a tunnel may take to open: a bastion that was stopped has to start.
const openTimeout = 5 * time.Minute

// errClosed means that nothing listens on the port.
var errClosed = errors.New("there is no tunnel")

// Open returns when the Kubernetes API answers on the port of t. Where there is no tunnel, it starts server, the
// command line of a process that calls Serve. The error is what kept the tunnel from opening.
func Open(ctx context.Context, t Target, server ...string) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	err := probe(ctx, t)
	if !errors.Is(err, errClosed) {
		return err
	}
	process, err := start(t, server)
	if err != nil {
		return fmt.Errorf("starting the tunnel to %s: %w", t.Cluster, err)
	}
	for {
		err := probe(ctx, t)
		if err == nil {
			return nil
		}
		select {
		case <-process.ended:
			// Another process may have taken the port first.
			if err := probe(ctx, t); err != nil {
				return fmt.Errorf("opening the tunnel to %s: %s", t.Cluster, process.reason())
			}
			return nil
		case <-ctx.Done():
			return fmt.Errorf("opening the tunnel to %s: %w; %s has more", t.Cluster, err, process.log)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// probe asks for the certificate on the port of t. Clients check who signed it; this checks only that it is the
// cluster's, because another program may listen there.
func probe(ctx context.Context, t Target) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", t.address())
	if err != nil {
		return errClosed
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	secure := tls.Client(conn, &tls.Config{ServerName: t.Host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	err = secure.HandshakeContext(ctx)
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record):
		return occupied(t)
	case err != nil:
		return errClosed // The server ended, with or without this connection.
	}
	if err := secure.ConnectionState().PeerCertificates[0].VerifyHostname(t.Host); err != nil {
		return occupied(t)
	}
	return nil
}

func occupied(t Target) error {
	return fmt.Errorf("port %d of this machine leads somewhere else than to %s: stop the program that listens there "+
		"(lsof -i :%d)", t.Port, t.Host, t.Port)
}

// process is a server that runs in the background.
type process struct {
	log   string
	ended chan struct{}
}

// start starts a server that outlives this process and its terminal.
func start(t Target, command []string) (*process, error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	p := &process{
		log:   filepath.Join(dir, fmt.Sprintf("tunnel-%s-%d-%d.log", t.Cluster, t.Port, os.Getpid())),
		ended: make(chan struct{}),
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(command[0], slices.Concat(command[1:], t.Flags())...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// cacheDir returns the folder of logs and programs of tunnels. It removes those that are older than a week.
func cacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "groundwork")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	old, _ := filepath.Glob(filepath.Join(dir, "tunnel-*"))
	for _, path := range old {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > 7*24*time.Hour {
			_ = os.Remove(path)
		}
	}
	return dir, nil
}

// KeepExecutable returns a copy of this program that nobody deletes before remove does.
func KeepExecutable() (path string, remove func(), err error) {
	dir, err := cacheDir()
	if err != nil {
		return "", nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	from, err := os.Open(self)
	if err != nil {
		return "", nil, err
	}
	defer from.Close()
	to, err := os.CreateTemp(dir, "tunnel-program-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.Remove(to.Name()) }
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Chmod(0o700), to.Close()); err != nil {
		remove()
		return "", nil, err
	}
	return to.Name(), remove, nil
}

// reason returns the last line that the server wrote.
func (p *process) reason() string {
	text, err := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if last := lines[len(lines)-1]; err == nil && last != "" {
		return last
	}
	return "its process ended; " + p.log + " has more"
}
