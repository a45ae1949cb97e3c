package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// pushAttempts is how often a deployment through Git tries again after somebody else pushed first.
const pushAttempts = 5

// deployThroughGit commits the digest to the values that Argo CD follows, on top of the newest commit of the branch. It
// waits until Argo CD says that the commit is synced and healthy.
func (r *Run) deployThroughGit(ctx context.Context, env *settings, digest string, timeout time.Duration) error {
	source, err := r.commit(ctx)
	if err != nil {
		return err
	}
	if r.dryRun() {
		r.logf("+ write %s to %s on %s and push it", digest, env.Values, env.Revision)
		r.logf("+ kubectl --namespace argocd get application webapp, until that commit is synced and healthy, "+
			"for %s at most", timeout)
		return nil
	}
	// The checkout stays at the commit that was built, so the deployment has a worktree.
	worktree := r.path(".groundwork", "deploy")
	if err := r.addWorktree(ctx, env, worktree); err != nil {
		return err
	}
	defer r.removeWorktree(context.WithoutCancel(ctx), worktree)
	var commit string
	for attempt := range pushAttempts {
		if attempt > 0 {
			if err := r.updateWorktree(ctx, env, worktree); err != nil {
				return err
			}
		}
		if commit, err = r.commitDigest(ctx, env, worktree, digest, source); err != nil {
			return err
		}
		err = r.call(ctx, "git", "-C", worktree, "push", "--quiet", "origin", "HEAD:"+env.Revision)
		if err == nil {
			return r.awaitArgoCD(ctx, commit, timeout)
		}
	}
	return fmt.Errorf("pushing the digest to %s: %w", env.Revision, err)
}

// addWorktree makes a worktree of the branch that Argo CD follows.
func (r *Run) addWorktree(ctx context.Context, env *settings, worktree string) error {
	r.removeWorktree(ctx, worktree)
	if err := os.RemoveAll(worktree); err != nil {
		return err
	}
	if err := r.call(ctx, "git", "fetch", "--quiet", "origin", env.Revision); err != nil {
		return err
	}
	return r.call(ctx, "git", "worktree", "add", "--quiet", "--force", "--detach", worktree, "FETCH_HEAD")
}

// updateWorktree moves a worktree to the newest commit of the branch, after somebody else pushed to it.
func (r *Run) updateWorktree(ctx context.Context, env *settings, worktree string) error {
	if err := r.call(ctx, "git", "-C", worktree, "fetch", "--quiet", "origin", env.Revision); err != nil {
		return err
	}
	return r.call(ctx, "git", "-C", worktree, "reset", "--quiet", "--hard", "FETCH_HEAD")
}

// removeWorktree removes a worktree, if there is one.
func (r *Run) removeWorktree(ctx context.Context, worktree string) {
	_, _ = r.query(ctx, "git", "worktree", "remove", "--force", worktree)
}

var (
	digestLine   = regexp.MustCompile(`(?m)^(  digest: )\S+$`)
	deployedFrom = regexp.MustCompile(`(?m)^Deployed-from: ([0-9a-f]{40})$`)
)

// commitDigest commits the digest in a worktree of the branch, and returns the commit. Where the branch has the digest
// already, that is its newest commit.
func (r *Run) commitDigest(ctx context.Context, env *settings, worktree, digest, source string) (string, error) {
	file := filepath.Join(worktree, env.Values)
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the values that Argo CD follows: %w", err)
	}
	if len(digestLine.FindAllString(string(text), -1)) != 1 {
		return "", fmt.Errorf("%s has no one line \"  digest: ...\" below image", env.Values)
	}
	name := r.get(Environment)
	if err := r.refuseOlder(ctx, worktree, name, source); err != nil {
		return "", err
	}
	if changed := digestLine.ReplaceAllString(string(text), "${1}"+digest); changed == string(text) {
		r.logf("%s has this digest already", env.Values)
	} else {
		r.logf("+ write %s to %s", digest, env.Values)
		if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
			return "", err
		}
		// The marker keeps pipelines from running for this commit.
		message := fmt.Sprintf("Deploy %.19s to %s [skip ci]\n\nDeployed-from: %s", digest, name, source)
		if err := r.call(ctx, "git", "-C", worktree, "-c", "user.name=pipeline", "-c", "user.email=pipeline@localhost",
			"commit", "--quiet", "--message", message, "--", env.Values); err != nil {
			return "", err
		}
	}
	commit, err := r.query(ctx, "git", "-C", worktree, "rev-parse", "HEAD")
	return strings.TrimSpace(commit), err
}

// refuseOlder refuses a source commit that is older than the one that the environment runs. An older run that somebody
// approved late would undo a newer one.
func (r *Run) refuseOlder(ctx context.Context, worktree, environment, source string) error {
	last, err := r.query(ctx, "git", "-C", worktree, "log", "-1", "--format=%B", "--fixed-strings",
		"--grep", " to "+environment+" [skip ci]")
	if err != nil {
		return err
	}
	match := deployedFrom.FindStringSubmatch(last)
	if match == nil || match[1] == source {
		return nil
	}
	_, err = r.query(ctx, "git", "-C", worktree, "merge-base", "--is-ancestor", source, match[1])
	if err == nil {
		return fmt.Errorf("%s runs commit %.12s, which is newer than %.12s; "+
			"to go back, revert in Git and let that commit pass", environment, match[1], source)
	}
	return nil
}

// application is the part of an Argo CD Application that the pipeline reads.
type application struct {
	Status struct {
		Sync struct {
			Status   string
			Revision string
		}
		Health struct{ Status, Message string }
	}
}

// includes reports whether a revision is the commit, or a later one: others push to the branch too.
func (r *Run) includes(ctx context.Context, revision, commit string) bool {
	if revision == commit {
		return true
	}
	if _, err := r.query(ctx, "git", "fetch", "--quiet", "origin", revision); err != nil {
		return false
	}
	_, err := r.query(ctx, "git", "merge-base", "--is-ancestor", commit, revision)
	return err == nil
}

// awaitArgoCD waits until Argo CD says that a commit is synced and healthy.
func (r *Run) awaitArgoCD(ctx context.Context, commit string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	last := ""
	for {
		text, err := r.query(ctx, "kubectl", "--namespace", "argocd", "get", "application", "webapp",
			"--output", "json")
		var app application
		if err == nil {
			err = json.Unmarshal([]byte(text), &app)
		}
		s := app.Status
		now := fmt.Sprintf("Argo CD: %s at %.12s, %s %s", s.Sync.Status, s.Sync.Revision, s.Health.Status,
			s.Health.Message)
		if err != nil {
			// A failed request says nothing about the release, so the pipeline keeps asking.
			now = fmt.Sprintf("asking Argo CD: %v", err)
		}
		if now != last {
			last = now
			r.logf("%s", strings.TrimSpace(now))
		}
		if s.Sync.Status == "Synced" && s.Health.Status == "Healthy" && r.includes(ctx, s.Sync.Revision, commit) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("commit %.12s is not synced and healthy after %s; last seen: %s. "+
				"The version before goes on serving; git revert and push takes the commit back", commit, timeout, last)
		case <-time.After(2 * time.Second):
		}
	}
}
