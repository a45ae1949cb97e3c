package bootstrap

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// firstPassphrase encrypts the first state, which contains no secret.
const firstPassphrase = "bootstrap"

// stack selects the stack in the bucket, or creates it in the folder if it does not exist there.
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

// initialized creates the stack in the bucket, encrypted with the key.
func (o Options) initialized(ctx context.Context) (auto.Stack, error) {
	w, err := o.workspace(ctx, true)
	if err != nil {
		return auto.Stack{}, err
	}
	return auto.NewStack(ctx, o.Stack, w)
}

// workspace writes the project and the settings for one of the two places of the state, and returns the workspace.
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
	// The file keeps what an earlier run wrote about the encryption; the other settings are always the current ones.
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

// encryption returns the lines of a settings file that say how its secrets are encrypted.
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
