// Package bootstrap prepares an account for Pulumi's states. Pulumi itself creates the bucket and the key that states
// need, so the first state is kept in a folder until the bucket exists, and then moved into it.
package bootstrap

import (
	"context"
	"encoding/json"
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

// Options say which account layer Run brings up, and with what.
type Options struct {
	// Stack is the stack of the account layer, such as dev-account.
	Stack string
	// Project and Settings are the contents of Pulumi.yaml and of the stack's settings file.
	Project, Settings []byte
	// Dir is the folder of the first state, until Run moves it, and of both copies of the settings.
	Dir string
	// Program declares the stack.
	Program pulumi.RunFunc
	// Backend and SecretsProvider are the s3:// and awskms:// URLs of the bucket and the key that the stack creates.
	Backend, SecretsProvider string
	// CLI runs Pulumi; nil means the installed one.
	CLI auto.PulumiCommand
	// Home is Pulumi's home folder; empty means the user's own.
	Home string
	// Env are environment variables of Pulumi besides those of this process.
	Env map[string]string
	// Log receives Run's progress and Pulumi's output.
	Log io.Writer
}

// Result says what a run did.
type Result struct {
	// Changes counts the resources by Pulumi operation: "create", "same".
	Changes map[string]int
	// Moved is true when this run moved the state into the bucket.
	Moved bool
	// Outputs are the outputs of the stack.
	Outputs map[string]any
}

// Run brings the account layer up, with its state in the bucket that it creates. It resumes an interrupted run, and
// changes nothing when everything exists.
func Run(ctx context.Context, o Options) (*Result, error) {
	home, err := o.stack(ctx, true)
	switch {
	case err == nil:
		state, err := home.Export(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the state: %w", err)
		}
		if strings.Contains(string(state.Deployment), `"resources"`) {
			if err := o.restoreEncryption(state.Deployment); err != nil {
				return nil, err
			}
			fmt.Fprintf(o.Log, "The state of %s is in %s\n", o.Stack, o.Backend)
			return o.up(ctx, home, &Result{})
		}
		// An interrupted run created the stack in the bucket, and did not move the state yet.
	case auto.IsSelectStack404Error(err), noBucket(err):
	default:
		return nil, fmt.Errorf("looking into %s: %w", o.Backend, err)
	}
	return o.first(ctx)
}

// noBucket reports whether an error says that the bucket does not exist yet, and not that access is denied.
func noBucket(err error) bool {
	text := err.Error()
	return strings.Contains(text, "NoSuchBucket") || strings.Contains(text, "NotFound") ||
		strings.Contains(text, "specified bucket does not exist")
}

// first brings the stack up with its state in a folder, and moves the state into the bucket.
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
	home, err := o.move(ctx, folder)
	if err != nil {
		return nil, err
	}
	created := result.Changes
	// An update that changes nothing writes the state again, encrypted with the key, and proves that it is complete.
	if result, err = o.up(ctx, home, result); err != nil {
		return nil, err
	}
	if changed := len(result.Changes) - min(1, result.Changes["same"]); changed > 0 {
		return nil, fmt.Errorf("the moved state is not what it was: %v; the first one is still in %s", result.Changes, o.Dir)
	}
	if err := folder.Workspace().RemoveStack(ctx, o.Stack, optremove.Force()); err != nil {
		return nil, fmt.Errorf("removing the first state: %w", err)
	}
	result.Changes, result.Moved = created, true
	return result, nil
}

// move copies the state of the stack in the folder to the stack in the bucket, and returns that stack.
func (o Options) move(ctx context.Context, folder auto.Stack) (auto.Stack, error) {
	fmt.Fprintf(o.Log, "Moving the state into %s\n", o.Backend)
	state, err := folder.Export(ctx)
	if err != nil {
		return auto.Stack{}, fmt.Errorf("reading the first state: %w", err)
	}
	home, err := o.stack(ctx, true)
	if auto.IsSelectStack404Error(err) {
		home, err = o.initialized(ctx)
	}
	if err != nil {
		return auto.Stack{}, fmt.Errorf("opening %s: %w", o.Backend, err)
	}
	if state.Deployment, err = withoutProvider(state.Deployment); err != nil {
		return auto.Stack{}, err
	}
	if err := home.Import(ctx, state); err != nil {
		return auto.Stack{}, fmt.Errorf("moving the state: %w", err)
	}
	return home, nil
}

// withoutProvider removes from a state how its secrets are encrypted: the stack in the bucket encrypts them with the
// key.
func withoutProvider(deployment json.RawMessage) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(deployment, &fields); err != nil {
		return nil, fmt.Errorf("reading the first state: %w", err)
	}
	delete(fields, "secrets_providers")
	return json.Marshal(fields)
}

// restoreEncryption writes into the settings how the state's secrets are encrypted. The settings lack it when another
// machine prepared the account; the state contains it too.
func (o Options) restoreEncryption(deployment json.RawMessage) error {
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
	text = fmt.Appendf(nil, "secretsprovider: %s\nencryptedkey: %s\n%s", s.URL, s.EncryptedKey, text)
	return os.WriteFile(file, text, 0o600)
}

// settings returns the path of the settings file in one of the two workspaces.
func (o Options) settings(folder string) string {
	return filepath.Join(o.Dir, folder, "Pulumi."+o.Stack+".yaml")
}

// up updates a stack and puts what changed, and the outputs, into the result.
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
