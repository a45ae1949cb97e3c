package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Change is one resource that an update would change, as groundwork sandbox preview --json says it.
type Change struct {
	Op         string   `json:"op"`
	Type       string   `json:"type"`
	Name       string   `json:"name"`
	URN        string   `json:"urn"`
	Layer      string   `json:"layer"`
	Stateful   bool     `json:"stateful"`
	Properties []string `json:"properties"`
}

// EnvironmentPreview is what a change does to one environment.
type EnvironmentPreview struct {
	Name    string
	Changes []Change
	// Cost is the difference in a month, "" where it is not known.
	Cost string
	// Err says why there is no preview.
	Err string
}

// preview compares the commit with the one that its branch started from, for both environments and with no credentials: the base is brought
// up in a sandbox, and the head previewed on its state. The result is a comment, on the pull request where the inputs say which.
func (r *Run) preview(ctx context.Context) error {
	base := r.get(Base)
	if base == "" {
		text, err := r.look(ctx, "", nil, "git", "merge-base", "HEAD", "origin/main")
		if err != nil && !r.dry() {
			return fmt.Errorf("finding where the branch left origin/main: %w; give BASE, a commit", err)
		}
		if base = strings.TrimSpace(text); base == "" {
			base = "origin/main"
		}
	}
	head, err := r.commit(ctx)
	if err != nil {
		return err
	}
	worktree := r.path(".groundwork", "preview")
	if err := r.checkOut(ctx, base, worktree); err != nil {
		return err
	}
	defer func() { _ = r.call(context.WithoutCancel(ctx), "git", "worktree", "remove", "--force", worktree) }()
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
	if r.dry() {
		return nil
	}
	comment := Comment(base[:min(12, len(base))], head[:12], all)
	if err := os.WriteFile(r.path("reports", "preview.md"), []byte(comment), 0o644); err != nil {
		return err
	}
	r.say("%s", comment)
	return r.publish(ctx, comment)
}

// checkOut puts the base into a worktree of its own, with the tools that are installed already.
func (r *Run) checkOut(ctx context.Context, base, worktree string) error {
	if !r.dry() {
		// What an interrupted run left.
		_, _ = r.look(ctx, "", nil, "git", "worktree", "remove", "--force", worktree)
		if err := os.RemoveAll(worktree); err != nil {
			return err
		}
	}
	if err := r.call(ctx, "git", "worktree", "add", "--quiet", "--force", "--detach", worktree, base); err != nil {
		return err
	}
	if r.dry() {
		return nil
	}
	// Where a tool's version differs, the sandbox installs the other one beside it.
	if err := os.MkdirAll(filepath.Join(worktree, ".groundwork"), 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(r.path(".groundwork"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != "sandbox" && entry.Name() != "preview" {
			if err := os.Symlink(r.path(".groundwork", entry.Name()), filepath.Join(worktree, ".groundwork", entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// previewOf brings an environment of the base up and previews the head on it. A head that cannot be previewed is what the comment has to say.
func (r *Run) previewOf(ctx context.Context, environment, worktree string) (*EnvironmentPreview, error) {
	// In the base's folder and with the base's program.
	up := fmt.Sprintf("cd '%s' && bin/groundwork sandbox up -s %s --speed 0", worktree, environment)
	r.say("+ %s", up)
	if !r.dry() {
		if _, err := r.look(ctx, "", nil, "bash", "-c", up+" 2>&1 | tail -n 20 >&2; exit ${PIPESTATUS[0]}"); err != nil {
			return nil, fmt.Errorf("bringing the base's %s up: %w", environment, err)
		}
	}
	state := filepath.Join(worktree, ".groundwork", "sandbox")
	command := []string{"bin/groundwork", "sandbox", "preview", "-s", environment, "--speed", "0", "--state", state, "--json"}
	r.say("+ %s", strings.Join(command, " "))
	if r.dry() {
		return &EnvironmentPreview{}, nil
	}
	p := &EnvironmentPreview{Name: environment}
	problems := r.path("reports", "preview-"+environment+".log")
	text, err := r.look(ctx, "", nil, "bash", "-c", strings.Join(command, " ")+" 2>"+problems)
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

// monthly is what an environment costs a month, by this commit's prices: what is up in a kept sandbox, or what this commit would make.
func (r *Run) monthly(ctx context.Context, environment string, kept ...string) (float64, error) {
	text, err := r.look(ctx, "", nil, append([]string{"bin/groundwork", "cost", "-s", environment, "--json"}, kept...)...)
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

// publish posts the comment where the inputs say, and shows it in the run's summary where there is one.
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
		r.say("GITHUB_TOKEN is not given: the comment is in reports/preview.md")
		return nil
	}
	g := &gitHub{api: r.or("GITHUB_API_URL", "https://api.github.com"), repository: r.get(GitHubRepository), token: r.get(GitHubToken)}
	return g.comment(ctx, r.get(PullRequest), comment)
}

// previewAccount is pulumi preview against the account, with a role that reads.
func (r *Run) previewAccount(ctx context.Context) error { return r.pulumiPreview(ctx) }

// drift fails when the account is not what the program says.
func (r *Run) drift(ctx context.Context) error {
	if err := r.pulumiPreview(ctx, "--refresh", "--expect-no-changes"); err != nil {
		return fmt.Errorf("%w: somebody changed the account, or the program was not brought up to date", err)
	}
	return nil
}

// pulumiPreview takes no lock and writes nothing, so it disturbs no update. A refresh would, even when it only shows.
func (r *Run) pulumiPreview(ctx context.Context, more ...string) error {
	env, err := r.environment()
	if err != nil {
		return err
	}
	name := r.get(Environment)
	if err := r.call(ctx, "make", "pulumi"); err != nil {
		return err
	}
	r.Env = append(r.Env, "PULUMI_BACKEND_URL="+Backend(name, env.AccountID, env.Region), "PATH="+r.path("bin")+":"+r.get("PATH"),
		// What the settings file does not say about the encryption of secrets, the state does.
		"PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER=true")
	return r.call(ctx, append([]string{"pulumi", "preview", "--stack", name, "--diff", "--non-interactive"}, more...)...)
}
