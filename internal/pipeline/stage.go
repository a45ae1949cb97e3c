package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Stages are the names of the stages, in the order in which a change passes them; each is a make target.
func Stages() []string {
	return []string{"test", "quality", "preview", "image", "push", "deploy", "preview-account", "drift"}
}

// Run is one run of a stage.
type Run struct {
	// Dir is the repository.
	Dir string
	// Env are the variables that inputs are read from and commands get, as NAME=VALUE.
	Env []string
	// Out gets what is done, and what the commands say.
	Out io.Writer
}

// Do runs a stage. The error names every problem of its inputs before anything was done.
func (r *Run) Do(ctx context.Context, stage string) error {
	if err := check(stage, r.get); err != nil {
		return err
	}
	do := map[string]func(context.Context) error{
		"quality": r.quality, "preview": r.preview, "image": r.image, "push": r.push, "deploy": r.deploy,
		"preview-account": r.previewAccount, "drift": r.drift, "test": r.test,
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

func (r *Run) get(name string) string {
	for _, variable := range slices.Backward(r.Env) {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}

// or is an input, or what is taken in its place.
func (r *Run) or(name, otherwise string) string {
	if value := r.get(name); value != "" {
		return value
	}
	return otherwise
}

func (r *Run) dry() bool { return r.get(DryRun) == "1" }

func (r *Run) path(elements ...string) string {
	return filepath.Join(append([]string{r.Dir}, elements...)...)
}

func (r *Run) say(format string, a ...any) { fmt.Fprintf(r.Out, format+"\n", a...) }

// call says a command and, but for a dry run, runs it in the repository.
func (r *Run) call(ctx context.Context, command ...string) error {
	_, err := r.ask(ctx, "", command...)
	return err
}

// ask is call with text for the command's input; it returns what the command printed. A dry run returns "".
func (r *Run) ask(ctx context.Context, input string, command ...string) (string, error) {
	r.say("+ %s", strings.Join(command, " "))
	if r.dry() {
		return "", nil
	}
	return r.look(ctx, input, r.Out, command...)
}

// look runs a command that changes nothing, in a dry run too, and returns what it printed; out gets it as well.
func (r *Run) look(ctx context.Context, input string, out io.Writer, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.Dir, r.Env, strings.NewReader(input)
	// Whoever stops a pipeline stops it in the middle of something: helm rolls back on an interrupt, and leaves a release that nobody can touch when it is killed.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Minute
	var printed, problems bytes.Buffer
	cmd.Stdout = &printed
	cmd.Stderr = io.MultiWriter(r.Out, &problems)
	if out != nil {
		cmd.Stdout = io.MultiWriter(out, &printed)
	}
	// A command is looked up where the stage's own environment says.
	if found := r.find(command[0]); found != "" {
		cmd.Path, cmd.Err = found, nil
	}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return printed.String(), fmt.Errorf("%s ended with %d", strings.Join(command[:min(3, len(command))], " "), exit.ExitCode())
		}
		return printed.String(), fmt.Errorf("running %s: %w", command[0], err)
	}
	return printed.String(), nil
}

// find is where a command is on the stage's PATH, or "".
func (r *Run) find(name string) string {
	if strings.Contains(name, "/") {
		return r.path(strings.TrimPrefix(name, "./"))
	}
	for _, dir := range filepath.SplitList(r.get("PATH")) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return filepath.Join(dir, name)
		}
	}
	return ""
}

// commit is the one that is checked out.
func (r *Run) commit(ctx context.Context) (string, error) {
	text, err := r.look(ctx, "", nil, "git", "rev-parse", "HEAD")
	return strings.TrimSpace(text), err
}

// clean refuses a folder with changes that are in no commit: what passes, and what is built, is a commit.
func (r *Run) clean(ctx context.Context) error {
	text, err := r.look(ctx, "", nil, "git", "status", "--porcelain")
	if err != nil || text == "" {
		return err
	}
	if r.dry() {
		r.say("these changes would have to be committed first:\n%s", strings.TrimRight(text, "\n"))
		return nil
	}
	return fmt.Errorf("there are changes that are in no commit; commit or remove them first:\n%s", strings.TrimRight(text, "\n"))
}

// passed reports whether a stage noted that the commit passed it.
func (r *Run) passed(note, commit string) bool {
	text, err := os.ReadFile(r.path(note))
	return err == nil && strings.TrimSpace(string(text)) == commit
}

// tag is the image's: TAG, or the commit.
func (r *Run) tag(ctx context.Context) (string, error) {
	commit, err := r.commit(ctx)
	if err != nil {
		return "", err
	}
	return r.or(Tag, commit[:12]), nil
}

// InfrastructureValues is the ConfigMap that the infrastructure leaves the chart's values in.
const InfrastructureValues = "infrastructure-values"

// EnvironmentName is the first part of an environment's physical names, the name of its cluster.
func EnvironmentName(environment string) string { return "groundwork-" + environment }

// Backend is where the states of an environment are, as pulumi login takes it. This package imports nothing of the program, which says the same; a test
// holds the two together.
func Backend(environment, account, region string) string {
	return "s3://" + EnvironmentName(environment) + "-state-" + account + "?region=" + region + "&awssdk=v2"
}

// settings is what the stages need of an environment's Pulumi file.
type settings struct {
	Region    string
	AccountID string
	Prefix    string
	Owner     string
	Revision  string
	Values    string
}

// environment reads the settings of ENVIRONMENT.
func (r *Run) environment() (*settings, error) {
	name := r.get(Environment)
	text, err := os.ReadFile(r.path("Pulumi." + name + ".yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading the settings of ENVIRONMENT %q: %w", name, err)
	}
	var file struct {
		Config struct {
			Region    string `yaml:"aws:region"`
			AccountID string `yaml:"groundwork:accountId"`
			Delivery  struct {
				Owner    string
				Revision string
				Path     string
			} `yaml:"groundwork:delivery"`
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("reading Pulumi.%s.yaml: %w", name, err)
	}
	c := file.Config
	return &settings{
		Region: c.Region, AccountID: c.AccountID, Prefix: EnvironmentName(name),
		Owner: c.Delivery.Owner, Revision: c.Delivery.Revision, Values: filepath.Join(c.Delivery.Path, "values-"+name+".yaml"),
	}, nil
}
