package awssim

import (
	"context"
	"fmt"
)

// Effect is what a fault does.
type Effect int

// Effects. Where none is given, the operation fails and changes nothing.
const (
	Fails Effect = iota
	// NotReady lets a creation happen, after which the resource never becomes ready. The provider reports an error with
	// the resource, so the engine records it.
	NotReady
	// Unanswered lets the operation happen, but the answer never arrives. The engine records nothing.
	Unanswered
	// Slow makes the operation take ten times as long.
	Slow
	// Retried refuses the operation, and the provider tries again until its patience ends.
	Retried
	// KillBefore kills the engine before the operation has an effect, KillAfter before its answer arrives.
	KillBefore
	KillAfter
)

// slowness is by how much Slow multiplies a latency.
const slowness = 10

// Fault makes one operation go wrong.
type Fault struct {
	// Type is the type token, and Operation is "create", "update", "delete" or "call", that the fault applies to. An
	// empty one matches all. The Type of a call is its service and operation, such as "rds:startDBInstance".
	Type, Operation string
	// Error is AWS's message, code first: "Throttling: Rate exceeded".
	Error string
	// ErrorOf has AWS's message by type where it differs between types; the fault applies to those types alone.
	ErrorOf map[string]string
	// Skip is how many matching operations go well before the fault.
	Skip int
	// Times is how often it happens; 0 means always.
	Times int
	// Effect is what happens.
	Effect Effect
	// Patience is how often the provider tries again after a refusal, for Retried.
	Patience int
}

// Inject adds a fault.
func (c *Cloud) Inject(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
}

// OnKill sets what kills the engine, for the faults that do.
func (c *Cloud) OnKill(kill func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kill = kill
}

// strike is what faults do to one operation. The zero strike is none.
type strike struct {
	effect Effect
	// err is what the operation returns: at once, or after its effect.
	err error
	// retries is how often the provider tries again.
	retries int
}

// strike returns what the first fault that matches does, and counts it. The caller holds mu.
func (c *Cloud) strike(operation, token string) strike {
	for i := range c.faults {
		f := &c.faults[i]
		if !f.matches(operation, token) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		return f.strike(token)
	}
	return strike{}
}

// matches reports whether a fault is about an operation. A negative count marks a fault that is used up.
func (f *Fault) matches(operation, token string) bool {
	_, listed := f.ErrorOf[token]
	return f.Times >= 0 && (f.Type == "" || f.Type == token) && (f.Operation == "" || f.Operation == operation) &&
		(f.ErrorOf == nil || listed) && (f.Effect != NotReady || operation == "create")
}

// strike counts one occurrence of a fault.
func (f *Fault) strike(token string) strike {
	message := f.Error
	if f.ErrorOf != nil {
		message = f.ErrorOf[token]
	}
	s := strike{effect: f.Effect, err: apiError("%s", message)}
	if f.Effect == Retried {
		if s.retries = f.Times; f.Times > 0 && f.Times <= f.Patience {
			s.err = nil
		}
		f.Times = -1
		return s
	}
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			f.Times = -1
		}
	}
	return s
}

// retrySeconds is how long the provider waits between two attempts.
const retrySeconds = 5

// begin applies a strike before an operation has an effect, and returns the latency of the operation.
func (c *Cloud) begin(ctx context.Context, s strike, seconds float64) (float64, error) {
	switch s.effect {
	case Fails:
		return seconds, s.err
	case Slow:
		return seconds * slowness, nil
	case Retried:
		return seconds + float64(s.retries*retrySeconds), s.err
	case KillBefore:
		return 0, c.killed(ctx)
	}
	return seconds, nil
}

// end applies a strike after an operation had its effect.
func (c *Cloud) end(ctx context.Context, s strike) error {
	switch s.effect {
	case Unanswered:
		return s.err
	case KillAfter:
		return c.killed(ctx)
	}
	return nil
}

// killed kills the engine, and waits until it has noticed.
func (c *Cloud) killed(ctx context.Context) error {
	c.mu.Lock()
	kill := c.kill
	c.mu.Unlock()
	if kill == nil {
		return apiError("Killed: nothing here can kill the engine")
	}
	kill()
	<-ctx.Done()
	return fmt.Errorf("the engine was killed: %w", ctx.Err())
}

// notReadyError is the error of a creation after which a resource is there, but not ready.
type notReadyError struct{ reason error }

func (e *notReadyError) Error() string { return e.reason.Error() }

// apiError formats an AWS error as the provider reports it.
func apiError(format string, a ...any) error {
	return fmt.Errorf("api error "+format, a...)
}
