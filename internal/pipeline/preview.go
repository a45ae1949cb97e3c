package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Change is one resource that an update would change, as groundwork sandbox preview --json prints it.
type Change struct {
	Op         string   `json:"op"`
	Type       string   `json:"type"`
	Name       string   `json:"name"`
	URN        string   `json:"urn"`
	Layer      string   `json:"layer"`
	Stateful   bool     `json:"stateful"`
	Properties []string `json:"properties"`
	// Consequences are what the change means besides, as clauses about the resource.
	Consequences []string `json:"consequences"`
}

// EnvironmentPreview is what a change does to one environment.
type EnvironmentPreview struct {
	Name    string
	Changes []Change
	// Cost is the cost of a month and the difference. It is "" where the cost is not known.
	Cost string
	// Err says why there is no preview. It is "" where there is one.
	Err string
}

// base returns the commit to compare with: BASE, or the one where the branch left main.
func (r *Run) base(ctx context.Context) (string, error) {
	if base := r.get(Base); base != "" {
		return base, nil
	}
	text, err := r.query(ctx, "git", "merge-base", "HEAD", "origin/main")
	if err != nil && !r.dryRun() {
		return "", fmt.Errorf("finding where the branch left origin/main: %w; give BASE, a commit", err)
	}
	return cmp.Or(strings.TrimSpace(text), "origin/main"), nil
}

// preview compares the commit with its base, for both environments and without credentials. It brings the base up in a
// sandbox and previews the commit on that state. The result is a comment on the pull request, if the inputs name one.
func (r *Run) preview(ctx context.Context) error {
	base, err := r.base(ctx)
	if err != nil {
		return err
	}
	head, err := r.commit(ctx)
	if err != nil {
		return err
	}
	worktree := r.path(".groundwork", "preview")
	if err := r.checkOut(ctx, base, worktree); err != nil {
		return err
	}
	defer func() {
		_ = r.call(context.WithoutCancel(ctx), "git", "worktree", "remove", "--force", worktree)
	}()
	if err := r.call(ctx, "make", "build"); err != nil {
		return err
	}
	if err := r.call(ctx, "make", "-C", worktree, "build"); err != nil {
		return err
	}
	var all []EnvironmentPreview
	for _, environment := range []string{"dev", "prod"} {
		p, err := r.previewOf(ctx, environment, worktree)
		if err != nil {
			return err
		}
		all = append(all, *p)
	}
	if r.dryRun() {
		return nil
	}
	comment := Comment(base[:min(12, len(base))], head[:12], all)
	if err := os.WriteFile(r.path("reports", "preview.md"), []byte(comment), 0o644); err != nil {
		return err
	}
	r.logf("%s", comment)
	return r.publish(ctx, comment)
}

// checkOut checks the base out into a worktree, and shares the installed tools with it.
func (r *Run) checkOut(ctx context.Context, base, worktree string) error {
	if !r.dryRun() {
		// An interrupted run may have left a worktree.
		r.removeWorktree(ctx, worktree)
		if err := os.RemoveAll(worktree); err != nil {
			return err
		}
	}
	if err := r.call(ctx, "git", "worktree", "add", "--quiet", "--force", "--detach", worktree, base); err != nil {
		return err
	}
	if r.dryRun() {
		return nil
	}
	// Where the base needs another version of a tool, the sandbox installs it next to the shared one.
	if err := os.MkdirAll(filepath.Join(worktree, ".groundwork"), 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(r.path(".groundwork"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if name == "sandbox" || name == "preview" {
			continue
		}
		if err := os.Symlink(r.path(".groundwork", name), filepath.Join(worktree, ".groundwork", name)); err != nil {
			return err
		}
	}
	return nil
}

// previewOf brings an environment of the base up and previews the head on it. Where the head cannot be previewed, the
// comment says why.
func (r *Run) previewOf(ctx context.Context, environment, worktree string) (*EnvironmentPreview, error) {
	// The base comes up in its own folder, with its own program.
	up := fmt.Sprintf("cd '%s' && bin/groundwork sandbox up -s %s --speed 0", worktree, environment)
	r.logf("+ %s", up)
	if !r.dryRun() {
		if _, err := r.query(ctx, "bash", "-c", up+" 2>&1 | tail -n 20 >&2; exit ${PIPESTATUS[0]}"); err != nil {
			return nil, fmt.Errorf("bringing the base's %s up: %w", environment, err)
		}
	}
	state := filepath.Join(worktree, ".groundwork", "sandbox")
	command := fmt.Sprintf("bin/groundwork sandbox preview -s %s --speed 0 --state %s --json", environment, state)
	r.logf("+ %s", command)
	if r.dryRun() {
		return &EnvironmentPreview{}, nil
	}
	p := &EnvironmentPreview{Name: environment}
	problems := r.path("reports", "preview-"+environment+".log")
	text, err := r.query(ctx, "bash", "-c", command+" 2>"+problems)
	if err != nil {
		said, _ := os.ReadFile(problems)
		_, p.Err, _ = strings.Cut(string(said), "error: ")
		if p.Err == "" {
			return nil, fmt.Errorf("previewing %s: %w: %s", environment, err, said)
		}
		return p, nil
	}
	var result struct{ Changed []Change }
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		return nil, fmt.Errorf("reading the preview of %s: %w", environment, err)
	}
	p.Changes = result.Changed
	if before, err := r.monthly(ctx, environment, "--state", state); err == nil {
		if after, err := r.monthly(ctx, environment); err == nil {
			p.Cost = fmt.Sprintf("%.2f USD, %+.2f", after, after-before)
		}
	}
	return p, nil
}

// monthly returns what an environment costs a month at this commit's prices. With the arguments --state DIR, that is
// the environment in the sandbox of DIR; without, it is the one that this commit declares.
func (r *Run) monthly(ctx context.Context, environment string, arguments ...string) (float64, error) {
	command := append([]string{"bin/groundwork", "cost", "-s", environment, "--json"}, arguments...)
	text, err := r.query(ctx, command...)
	if err != nil {
		return 0, err
	}
	var sheet struct{ Lines []struct{ Month float64 } }
	if err := json.Unmarshal([]byte(text), &sheet); err != nil {
		return 0, fmt.Errorf("reading the cost of %s: %w", environment, err)
	}
	sum := 0.0
	for _, l := range sheet.Lines {
		sum += l.Month
	}
	return sum, nil
}

// publish posts the comment on the pull request, if the inputs name one, and adds it to the summary of the run, if
// there is one.
func (r *Run) publish(ctx context.Context, comment string) error {
	if summary := r.get("GITHUB_STEP_SUMMARY"); summary != "" {
		file, err := os.OpenFile(summary, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("writing the summary: %w", err)
		}
		defer file.Close()
		if _, err := file.WriteString(comment); err != nil {
			return fmt.Errorf("writing the summary: %w", err)
		}
	}
	if r.get(GitHubToken) == "" {
		r.logf("GITHUB_TOKEN is not given: the comment is in reports/preview.md")
		return nil
	}
	g := &gitHub{
		api:        r.inputOr("GITHUB_API_URL", "https://api.github.com"),
		repository: r.get(GitHubRepository),
		token:      r.get(GitHubToken),
	}
	return g.comment(ctx, r.get(PullRequest), comment)
}

// previewAccount runs pulumi preview against the account, with the role of previews.
func (r *Run) previewAccount(ctx context.Context) error { return r.pulumiPreview(ctx) }

// drift fails where the account differs from what the program declares.
func (r *Run) drift(ctx context.Context) error {
	if err := r.pulumiPreview(ctx, "--refresh", "--expect-no-changes"); err != nil {
		return fmt.Errorf("%w: somebody changed the account, or the program was not brought up to date", err)
	}
	return nil
}

// pulumiPreview takes no lock and writes nothing, so it disturbs no update. A refresh takes the lock, even with
// --preview-only.
func (r *Run) pulumiPreview(ctx context.Context, more ...string) error {
	env, err := r.environment()
	if err != nil {
		return err
	}
	name := r.get(Environment)
	if err := r.call(ctx, "make", "pulumi"); err != nil {
		return err
	}
	r.Env = append(r.Env,
		"PULUMI_BACKEND_URL="+Backend(name, env.AccountID, env.Region),
		"PATH="+r.path("bin")+":"+r.get("PATH"),
		// The settings file may not name the secrets provider. The state does.
		"PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER=true")
	command := []string{"pulumi", "preview", "--stack", name, "--diff", "--non-interactive"}
	return r.call(ctx, append(command, more...)...)
}
