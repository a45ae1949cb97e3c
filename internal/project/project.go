// Package project reads a repository of Groundwork: its project file and the settings of its environments, with changes
// for one run.
package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"groundwork/stacks"
)

// Project is a repository. Its files are only read.
type Project struct {
	// Root is the folder that holds Pulumi.yaml.
	Root string
	// Secrets puts encrypted settings in the clear; nil refuses them.
	Secrets Secrets
}

// Secrets returns the value of a setting of an environment in the clear. key is a top-level key such as
// "groundwork:accountId"; value is what the settings file says, with {secure: ...} somewhere in it.
type Secrets func(environment, key string, value any) (any, error)

// Find looks for the repository from dir upwards.
func Find(dir string) (*Project, error) {
	for at := dir; ; at = filepath.Dir(at) {
		if isFile(filepath.Join(at, "Pulumi.yaml")) && isFile(filepath.Join(at, "tools", "go.mod")) {
			return &Project{Root: at}, nil
		}
		if at == filepath.Dir(at) {
			return nil, fmt.Errorf("finding the project: neither %s nor a folder above it holds Pulumi.yaml and tools/go.mod; "+
				"run this inside the repository", dir)
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// File is the text of Pulumi.yaml.
func (p *Project) File() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(p.Root, "Pulumi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading the project file: %w", err)
	}
	return text, nil
}

// Environments lists the environments that have a settings file, sorted by name.
func (p *Project) Environments() []string {
	files, _ := filepath.Glob(filepath.Join(p.Root, "Pulumi.*.yaml"))
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml"))
	}
	return names
}

// EnvironmentOf returns the environment that a stack is, or is a layer of: "prod" for "prod" and "prod-services".
func EnvironmentOf(stack string) string {
	environment, _, _ := strings.Cut(stack, "-")
	return environment
}

// settingsFile is what Groundwork reads of a Pulumi.<environment>.yaml.
type settingsFile struct {
	Config map[string]any `yaml:"config"`
}

// Settings returns the settings of a stack's environment, which its layers share, with the given changes made. A change
// has the form KEY=VALUE; see apply.
func (p *Project) Settings(stack string, changes ...string) (map[string]any, error) {
	environment := EnvironmentOf(stack)
	source := filepath.Join(p.Root, "Pulumi."+environment+".yaml")
	text, err := os.ReadFile(source)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the stack file: %s does not exist; stacks here are %s",
			source, strings.Join(p.Environments(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the stack file: %w", err)
	}
	var file settingsFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("reading the stack file %s: %w", source, err)
	}
	if file.Config == nil {
		file.Config = map[string]any{}
	}
	for _, change := range changes {
		if err := apply(file.Config, change); err != nil {
			return nil, err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(file.Config)) {
		if !encrypted(file.Config[key]) {
			continue
		}
		if p.Secrets == nil {
			return nil, fmt.Errorf("reading the stack file %s: %s is encrypted, and this command cannot decrypt it", source, key)
		}
		if file.Config[key], err = p.Secrets(environment, key, file.Config[key]); err != nil {
			return nil, fmt.Errorf("reading the stack file %s: %s is encrypted: %w", source, key, err)
		}
	}
	return file.Config, nil
}

// Config is Settings in the form in which Pulumi hands it to programs.
func (p *Project) Config(stack string, changes ...string) (map[string]string, error) {
	settings, err := p.Settings(stack, changes...)
	if err != nil {
		return nil, err
	}
	return Raw(settings)
}

// Secure reports whether a value is the ciphertext of one setting, which YAML writes as {secure: TEXT}.
func Secure(value any) bool {
	object, ok := value.(map[string]any)
	return ok && len(object) == 1 && object["secure"] != nil
}

// encrypted reports whether a value is encrypted, or holds something that is.
func encrypted(value any) bool {
	if Secure(value) {
		return true
	}
	switch v := value.(type) {
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), encrypted)
	case []any:
		return slices.ContainsFunc(v, encrypted)
	}
	return false
}

// apply makes one change of the form KEY=VALUE: KEY is a path such as database.instanceClass below the project's
// namespace (groundwork: may be given, aws:region and the like must be), VALUE is YAML.
func apply(config map[string]any, change string) error {
	key, text, ok := strings.Cut(change, "=")
	if !ok || key == "" {
		return fmt.Errorf("reading --config %q: want KEY=VALUE, such as database.instanceClass=db.t4g.medium", change)
	}
	if !strings.Contains(strings.SplitN(key, ".", 2)[0], ":") {
		key = stacks.Project + ":" + key
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return fmt.Errorf("reading --config %q: %w", change, err)
	}
	steps := strings.Split(key, ".")
	at := config
	for _, step := range steps[:len(steps)-1] {
		next, ok := at[step].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[step] = next
		}
		at = next
	}
	at[steps[len(steps)-1]] = value
	return nil
}

// Raw turns settings into the form in which Pulumi hands them to programs: scalars as text, everything else as JSON.
func Raw(settings map[string]any) (map[string]string, error) {
	raw := map[string]string{}
	for key, value := range settings {
		switch v := value.(type) {
		case string:
			raw[key] = v
		case map[string]any, []any:
			text, err := json.Marshal(v)
			if err != nil {
				return nil, fmt.Errorf("reading the stack file: %s: %w", key, err)
			}
			raw[key] = string(text)
		case nil:
			raw[key] = ""
		default:
			raw[key] = fmt.Sprint(v)
		}
	}
	return raw, nil
}
