package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Session forwards connections to the Kubernetes API.
type Session struct {
	// Address is where it accepts connections.
	Address string
	// Ended is closed when the session has ended.
	Ended <-chan struct{}
	// Stop ends it.
	Stop func()
}

// Server accepts connections for the lifetime of a tunnel and passes them on to sessions.
type Server struct {
	// Start starts a session. It returns when the session accepts connections.
	Start func(context.Context) (*Session, error)
	// Idle is how long the server waits for another connection before it ends.
	Idle time.Duration
	// Answer is how long a new connection may wait for the first byte from the API. After that, the session counts as
	// dead: a session whose bastion is gone stays open and silent.
	Answer time.Duration

	mu      sync.Mutex
	session *Session
	open    int
	changed chan struct{}
}

// attempts is how many sessions a connection tries: the one that is open, and a new one twice.
const attempts = 3

// Serve accepts connections until nobody has been connected for Idle or ctx ends. It returns an error if a session
// could not be started: the process that asked for the tunnel gets the reason.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.changed = make(chan struct{}, 1)
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	go s.endWhenIdle(ctx, cancel)
	var connections sync.WaitGroup
	for {
		conn, err := listener.Accept()
		if err != nil {
			break
		}
		connections.Go(func() {
			defer conn.Close()
			if err := s.forward(ctx, conn); err != nil {
				cancel(err)
			}
		})
	}
	// A session that is being started holds the mutex until the context ends.
	cancel(nil)
	s.mu.Lock()
	if s.session != nil {
		s.session.Stop()
	}
	s.mu.Unlock()
	connections.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// count notes that a connection was opened or closed.
func (s *Server) count(change int) {
	s.mu.Lock()
	s.open += change
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// endWhenIdle ends the server when there has been no connection for Idle.
func (s *Server) endWhenIdle(ctx context.Context, cancel context.CancelCauseFunc) {
	idle := time.NewTimer(s.Idle)
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
			idle.Reset(s.Idle)
		case <-idle.C:
			s.mu.Lock()
			open := s.open
			s.mu.Unlock()
			if open == 0 {
				cancel(nil)
				return
			}
			idle.Reset(s.Idle)
		}
	}
}

// current returns the session, or a new one where it has ended.
func (s *Server) current(ctx context.Context) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		select {
		case <-s.session.Ended:
		default:
			return s.session, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	session, err := s.Start(ctx)
	if err != nil {
		return nil, err
	}
	s.session = session
	return session, nil
}

// forward passes a connection on. The client speaks first: what it says is sent again where a session does not answer.
// The error is that of a session that could not be started.
func (s *Server) forward(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	hello := make([]byte, 16<<10)
	_ = conn.SetReadDeadline(time.Now().Add(s.Answer))
	n, err := conn.Read(hello)
	if err != nil {
		return nil // The client says nothing, and does not keep the tunnel open.
	}
	_ = conn.SetReadDeadline(time.Time{})
	s.count(1)
	defer s.count(-1)
	for range attempts {
		session, err := s.current(ctx)
		if err != nil {
			return fmt.Errorf("starting a session: %w", err)
		}
		backend, answer := s.ask(session, hello[:n])
		if backend == nil {
			session.Stop()
			<-session.Ended
			continue
		}
		relay(conn, backend, answer)
		return nil
	}
	return fmt.Errorf("the Kubernetes API did not answer through %d sessions", attempts)
}

// ask opens a connection through a session and returns it with the first bytes of the answer, or nil for a session that
// does not answer.
func (s *Server) ask(session *Session, hello []byte) (backend net.Conn, answer []byte) {
	backend, err := net.DialTimeout("tcp", session.Address, s.Answer)
	if err != nil {
		return nil, nil
	}
	answer = make([]byte, 16<<10)
	_ = backend.SetDeadline(time.Now().Add(s.Answer))
	n := 0
	if _, err = backend.Write(hello); err == nil {
		n, err = backend.Read(answer)
	}
	if err != nil {
		backend.Close()
		return nil, nil
	}
	_ = backend.SetDeadline(time.Time{})
	return backend, answer[:n]
}

// relay passes bytes on in both directions until one side closes.
func relay(client, backend net.Conn, answer []byte) {
	defer backend.Close()
	if _, err := client.Write(answer); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(backend, client)
		backend.Close()
	}()
	_, _ = io.Copy(client, backend)
}
