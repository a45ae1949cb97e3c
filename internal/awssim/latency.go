package awssim

import (
	"context"
	"fmt"
	"time"
)

// SkipLatency ends every wait until Resume. Operations in progress complete at once, so that an interrupted run ends
// soon and its state records everything that it began.
func (c *Cloud) SkipLatency() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.skip:
	default:
		close(c.skip)
	}
}

// Resume restores the latencies after SkipLatency.
func (c *Cloud) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.skip:
		c.skip = make(chan struct{})
	default:
	}
}

// wait takes as long as AWS would, divided by Speed.
func (c *Cloud) wait(ctx context.Context, seconds float64) error {
	if c.Speed == 0 {
		return nil
	}
	c.mu.Lock()
	skip := c.skip
	c.mu.Unlock()
	timer := time.NewTimer(time.Duration(seconds / c.Speed * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-skip:
	case <-ctx.Done():
		return fmt.Errorf("waiting for AWS: %w", ctx.Err())
	}
	return nil
}
