package awssim

import "fmt"

// Fault makes one operation fail as AWS would.
type Fault struct {
	// Type is the type token, and Operation is "create", "update", "delete" or "call", that the fault applies to. An
	// empty one matches all. The Type of a call is its service and operation, such as "rds:startDBInstance".
	Type, Operation string
	// Error is AWS's message, code first: "Throttling: Rate exceeded".
	Error string
	// Times is how often it happens; 0 means always.
	Times int
}

// Inject adds a fault.
func (c *Cloud) Inject(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
}

// fault returns the error of the first fault that matches, and counts it. The caller holds mu.
func (c *Cloud) fault(operation, token string) error {
	for i := range c.faults {
		f := &c.faults[i]
		// A negative count marks a fault that is used up.
		if (f.Type != "" && f.Type != token) || (f.Operation != "" && f.Operation != operation) || f.Times < 0 {
			continue
		}
		if f.Times > 0 {
			f.Times--
			if f.Times == 0 {
				f.Times = -1
			}
		}
		return apiError(f.Error)
	}
	return nil
}

// apiError formats an AWS error as the provider reports it.
func apiError(format string, a ...any) error {
	return fmt.Errorf("api error "+format, a...)
}
