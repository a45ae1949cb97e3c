// Package bootstrap makes an account ready: the bucket and key that Pulumi's states need are made by Pulumi too, so the
// first state is kept in a folder until the bucket is there, and then moved into it.
package bootstrap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optremove"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Options say what is made ready, and with what.
type Options struct {
	// Stack is the account layer's, such as dev-account.
	Stack string
	// Project and Settings are the texts of Pulumi.yaml and of the stack's settings.
	Project, Settings []byte
	// Dir is where the first state is kept until it has moved, and both copies of the settings.
	Dir string
	// Program declares the stack.
	Program pulumi.RunFunc
	// Backend and SecretsProvider are what the stack itself makes: s3:// and awskms:// URLs.
	Backend, SecretsProvider string
	// CLI runs Pulumi, Home is its home (empty for the user's own), Env its environment besides this process's.
	CLI  auto.PulumiCommand
	Home string
	Env  map[string]string
	// Log gets what is done, and what Pulumi says.
	Log io.Writer
}

// Result says what a run did.
type Result struct {
	// Changes counts the resources by what became of them.
	Changes map[string]int
	// Moved is true when the state was moved into the bucket by this run.
	Moved bool
	// Outputs are the stack's.
	Outputs map[string]any
}

// firstPassphrase encrypts the first state, which has no secret in it.
const firstPassphrase = "bootstrap"

// Run brings the account layer up, with its state in the bucket that it makes. A run that was interrupted is gone on with; where
// everything is there, nothing changes.
func Run(ctx context.Context, o Options) (*Result, error) {
	home, err := o.stack(ctx, true)
	switch {
	case err == nil:
		state, err := home.Export(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the state: %w", err)
		}
		if strings.Contains(string(state.Deployment), `"resources"`) {
			if err := o.remember(state.Deployment); err != nil {
				return nil, err
			}
			fmt.Fprintf(o.Log, "The state of %s is in %s\n", o.Stack, o.Backend)
			return o.up(ctx, home, &Result{})
		}
		// The stack was made in the bucket, and its state not moved yet.
	case auto.IsSelectStack404Error(err), noBucket(err):
	default:
		return nil, fmt.Errorf("looking into %s: %w", o.Backend, err)
	}
	return o.first(ctx)
}

// first brings the stack up with its state in a folder, and moves it.
func (o Options) first(ctx context.Context) (*Result, error) {
	fmt.Fprintf(o.Log, "There is no state in %s yet: it is kept in %s until the bucket is there\n", o.Backend, o.Dir)
	folder, err := o.stack(ctx, false)
	if err != nil {
		return nil, fmt.Errorf("making the first state: %w", err)
	}
	result, err := o.up(ctx, folder, &Result{})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Log, "Moving the state into %s\n", o.Backend)
	state, err := folder.Export(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the first state: %w", err)
	}
	home, err := o.stack(ctx, true)
	if auto.IsSelectStack404Error(err) {
		home, err = o.initialized(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", o.Backend, err)
	}
	if state.Deployment, err = withoutProvider(state.Deployment); err != nil {
		return nil, err
	}
	if err := home.Import(ctx, state); err != nil {
		return nil, fmt.Errorf("moving the state: %w", err)
	}
	made := result.Changes
	// An update that changes nothing writes the state once more, under the new key, and proves that it is whole.
	if result, err = o.up(ctx, home, result); err != nil {
		return nil, err
	}
	if changed := len(result.Changes) - min(1, result.Changes["same"]); changed > 0 {
		return nil, fmt.Errorf("the moved state is not what it was: %v; the first one is still in %s", result.Changes, o.Dir)
	}
	if err := folder.Workspace().RemoveStack(ctx, o.Stack, optremove.Force()); err != nil {
		return nil, fmt.Errorf("removing the first state: %w", err)
	}
	result.Changes, result.Moved = made, true
	return result, nil
}

// withoutProvider takes out of a state how its secrets were encrypted: the stack that it is moved into encrypts them with the key.
func withoutProvider(deployment json.RawMessage) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(deployment, &fields); err != nil {
		return nil, fmt.Errorf("reading the first state: %w", err)
	}
	delete(fields, "secrets_providers")
	return json.Marshal(fields)
}

// noBucket reports whether an error says that the bucket is not there yet, and not that it may not be seen.
func noBucket(err error) bool {
	text := err.Error()
	return strings.Contains(text, "NoSuchBucket") || strings.Contains(text, "NotFound") || strings.Contains(text, "specified bucket does not exist")
}

// remember writes how the state's secrets are encrypted into the settings, where another machine than this one made the account ready: the state says
// it too.
func (o Options) remember(deployment json.RawMessage) error {
	file := o.settings("settings")
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "encryptedkey:") {
		return err
	}
	var fields struct {
		Provider struct {
			State struct{ URL, EncryptedKey string }
		} `json:"secrets_providers"`
	}
	if err := json.Unmarshal(deployment, &fields); err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	s := fields.Provider.State
	return os.WriteFile(file, fmt.Appendf(nil, "secretsprovider: %s\nencryptedkey: %s\n%s", s.URL, s.EncryptedKey, text), 0o600)
}

// settings is the settings file in one of the two folders.
func (o Options) settings(folder string) string {
	return filepath.Join(o.Dir, folder, "Pulumi."+o.Stack+".yaml")
}

// workspace is the folder of the settings that go with one of the two places of the state.
func (o Options) workspace(ctx context.Context, inBucket bool) (auto.Workspace, error) {
	name, backend := "first", "file://"+filepath.Join(o.Dir, "state")
	if inBucket {
		name, backend = "settings", o.Backend
	}
	dir := filepath.Join(o.Dir, name)
	for _, folder := range []string{dir, filepath.Join(o.Dir, "state")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), o.Project, 0o600); err != nil {
		return nil, err
	}
	env := map[string]string{"PULUMI_BACKEND_URL": backend, "PULUMI_SKIP_UPDATE_CHECK": "true"}
	if !inBucket {
		env["PULUMI_CONFIG_PASSPHRASE"] = firstPassphrase
	}
	for name, value := range o.Env {
		env[name] = value
	}
	options := []auto.LocalWorkspaceOption{auto.WorkDir(dir), auto.Program(o.Program), auto.EnvVars(env)}
	if o.CLI != nil {
		options = append(options, auto.Pulumi(o.CLI))
	}
	if o.Home != "" {
		options = append(options, auto.PulumiHome(o.Home))
	}
	if inBucket {
		options = append(options, auto.SecretsProvider(o.SecretsProvider))
	}
	// What an earlier run noted about the encryption stays; the settings are always those of today.
	file := o.settings(name)
	kept, err := encryption(file)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, append(kept, o.Settings...), 0o600); err != nil {
		return nil, err
	}
	return auto.NewLocalWorkspace(ctx, options...)
}

// encryption are the lines of a settings file that say how its secrets are encrypted.
func encryption(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var kept []byte
	for line := range strings.Lines(string(text)) {
		for _, key := range []string{"secretsprovider:", "encryptedkey:", "encryptionsalt:"} {
			if strings.HasPrefix(line, key) {
				kept = append(kept, line...)
			}
		}
	}
	return kept, nil
}

// stack selects the stack in the bucket, or makes it in the folder.
func (o Options) stack(ctx context.Context, inBucket bool) (auto.Stack, error) {
	w, err := o.workspace(ctx, inBucket)
	if err != nil {
		return auto.Stack{}, err
	}
	if inBucket {
		return auto.SelectStack(ctx, o.Stack, w)
	}
	return auto.UpsertStack(ctx, o.Stack, w)
}

// initialized makes the stack in the bucket, under the key.
func (o Options) initialized(ctx context.Context) (auto.Stack, error) {
	w, err := o.workspace(ctx, true)
	if err != nil {
		return auto.Stack{}, err
	}
	return auto.NewStack(ctx, o.Stack, w)
}

func (o Options) up(ctx context.Context, s auto.Stack, result *Result) (*Result, error) {
	up, err := s.Up(ctx, optup.ProgressStreams(o.Log), optup.SuppressOutputs())
	if err != nil {
		return nil, fmt.Errorf("bringing %s up: %w", o.Stack, err)
	}
	result.Changes, result.Outputs = map[string]int{}, map[string]any{}
	if up.Summary.ResourceChanges != nil {
		for op, n := range *up.Summary.ResourceChanges {
			result.Changes[op] = n
		}
	}
	for name, output := range up.Outputs {
		result.Outputs[name] = output.Value
	}
	return result, nil
}
