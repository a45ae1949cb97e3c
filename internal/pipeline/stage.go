package pipeline

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stages returns the names of the stages, in the order in which a change passes them. Each is a make target.
func Stages() []string {
	return []string{"test", "quality", "preview", "image", "push", "deploy", "preview-account", "drift"}
}

// Run is one run of a stage.
type Run struct {
	// Dir is the repository.
	Dir string
	// Env has the environment of the stage and of the commands that it runs, as NAME=VALUE.
	Env []string
	// Out receives what the stage does, and what the commands print.
	Out io.Writer
}

// Do runs a stage. It checks all inputs before the stage does anything, and its error names every wrong one.
func (r *Run) Do(ctx context.Context, stage string) error {
	if err := check(stage, r.get); err != nil {
		return err
	}
	do := map[string]func(context.Context) error{
		"test":            r.test,
		"quality":         r.quality,
		"preview":         r.preview,
		"image":           r.image,
		"push":            r.push,
		"deploy":          r.deploy,
		"preview-account": r.previewAccount,
		"drift":           r.drift,
	}[stage]
	if do == nil {
		return fmt.Errorf("%q is not a stage; the stages are %s", stage, strings.Join(Stages(), ", "))
	}
	if err := os.MkdirAll(r.path("reports"), 0o755); err != nil {
		return err
	}
	if err := do(ctx); err != nil {
		return fmt.Errorf("%s: %w", stage, err)
	}
	return nil
}

// get returns an environment variable, or "".
func (r *Run) get(name string) string {
	for _, variable := range slices.Backward(r.Env) {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}

// inputOr returns an input, or a fallback where the input is not set.
func (r *Run) inputOr(name, fallback string) string {
	if value := r.get(name); value != "" {
		return value
	}
	return fallback
}

// dryRun reports whether the stage only shows what it would do.
func (r *Run) dryRun() bool { return r.get(DryRun) == "1" }

// path returns a path inside the repository.
func (r *Run) path(elements ...string) string {
	return filepath.Join(append([]string{r.Dir}, elements...)...)
}

// commit returns the commit that is checked out.
func (r *Run) commit(ctx context.Context) (string, error) {
	text, err := r.query(ctx, "git", "rev-parse", "HEAD")
	return strings.TrimSpace(text), err
}

// clean refuses a checkout with uncommitted changes, because what passes a stage and what is built is a commit.
func (r *Run) clean(ctx context.Context) error {
	text, err := r.query(ctx, "git", "status", "--porcelain")
	if err != nil || text == "" {
		return err
	}
	changes := strings.TrimRight(text, "\n")
	if r.dryRun() {
		r.logf("these changes would have to be committed first:\n%s", changes)
		return nil
	}
	return fmt.Errorf("there are uncommitted changes; commit or remove them first:\n%s", changes)
}

// passed reports whether a stage noted that the commit passed it.
func (r *Run) passed(note, commit string) bool {
	text, err := os.ReadFile(r.path(note))
	return err == nil && strings.TrimSpace(string(text)) == commit
}

// tag returns the tag of the image: TAG, or the commit.
func (r *Run) tag(ctx context.Context) (string, error) {
	commit, err := r.commit(ctx)
	if err != nil {
		return "", err
	}
	return r.inputOr(Tag, commit[:12]), nil
}
