package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// revision is one revision of a release, as helm history prints it.
type revision struct {
	Revision int       `json:"revision"`
	Updated  time.Time `json:"updated"`
	Status   string    `json:"status"`
}

// pending reports whether Helm began the revision and has not ended it.
func (r revision) pending() bool { return strings.HasPrefix(r.Status, "pending-") }

// stuck returns the last revision of a history if Helm has not ended it, and the number of the last revision that was
// deployed; 0 where none was.
func stuck(history []revision) (last revision, deployed int) {
	if len(history) == 0 {
		return revision{}, 0
	}
	last = slices.MaxFunc(history, func(a, b revision) int { return a.Revision - b.Revision })
	if !last.pending() {
		return revision{}, 0
	}
	for _, r := range history {
		if r.Status == "deployed" || r.Status == "superseded" {
			deployed = max(deployed, r.Revision)
		}
	}
	return last, deployed
}

// pollRelease is how often freeRelease looks whether another deployment has ended.
const pollRelease = 5 * time.Second

// freeRelease frees a release that a killed Helm left in the middle: without it, every later deployment fails with
// "another operation is in progress". A canceled job of GitHub kills Helm ten seconds after it interrupts make, which
// passes no signal on. A deployment that may still run has timeout to end, from when it began.
func (r *Run) freeRelease(ctx context.Context, helm string, timeout time.Duration) error {
	if r.dryRun() {
		return nil
	}
	for said := false; ; said = true {
		text, err := r.query(ctx, helm, "history", "webapp", "--namespace", "webapp", "--output", "json")
		if err != nil {
			return nil // There is no release yet, or what is wrong stops the deployment that follows too.
		}
		var history []revision
		if err := json.Unmarshal([]byte(text), &history); err != nil {
			return fmt.Errorf("reading the history of the release: %w", err)
		}
		last, deployed := stuck(history)
		if !last.pending() {
			return nil
		}
		ends := last.Updated.Add(timeout)
		if time.Now().After(ends) {
			return r.takeBack(ctx, helm, last, deployed, timeout)
		}
		if !said {
			r.logf("Revision %d is %s since %s: another deployment runs, or was killed. Waiting until %s",
				last.Revision, last.Status, last.Updated.UTC().Format(time.TimeOnly), ends.UTC().Format(time.TimeOnly))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollRelease):
		}
	}
}

// takeBack brings the last revision that was deployed back, or removes a first installation that never ended.
func (r *Run) takeBack(ctx context.Context, helm string, last revision, deployed int, timeout time.Duration) error {
	r.logf("Revision %d is %s since %s: the deployment was killed", last.Revision, last.Status,
		last.Updated.UTC().Format(time.DateTime))
	if deployed == 0 {
		return r.call(ctx, helm, "uninstall", "webapp", "--namespace", "webapp", "--wait", "--timeout", timeout.String())
	}
	return r.call(ctx, helm, "rollback", "webapp", strconv.Itoa(deployed), "--namespace", "webapp", "--wait",
		"--timeout", timeout.String())
}
