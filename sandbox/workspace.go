package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gopkg.in/yaml.v3"

	"groundwork/stacks"
)

// Workspace says where the sandbox keeps things.
type Workspace struct {
	// Root is the repository. Its files are only read.
	Root string
	// Tools holds the CLI and the plugin, State the stacks' states, clouds and copied settings.
	Tools, State string
}

// FindWorkspace looks for the repository from dir upwards.
func FindWorkspace(dir string) (*Workspace, error) {
	for at := dir; ; at = filepath.Dir(at) {
		if isFile(filepath.Join(at, "Pulumi.yaml")) && isFile(filepath.Join(at, "tools", "go.mod")) {
			own := filepath.Join(at, ".groundwork")
			return &Workspace{Root: at, Tools: own, State: filepath.Join(own, "sandbox")}, nil
		}
		if at == filepath.Dir(at) {
			return nil, fmt.Errorf("finding the project: neither %s nor a folder above it holds Pulumi.yaml and tools/go.mod; run this inside the repository", dir)
		}
	}
}

// environmentOf is the part of a stack's name that says which environment it is, or is a layer of.
func environmentOf(stack string) string {
	environment, _, _ := strings.Cut(stack, "-")
	return environment
}

// cloudFile is where the simulated cloud of an environment is kept. Each has an account of its own, as in real life.
func (w *Workspace) cloudFile(environment string) string {
	return filepath.Join(w.State, "cloud-"+environment+".json")
}

// lock makes sure that one run at a time works in the folder. The operating system drops the lock of a process that
// dies, so it is never stale.
func (w *Workspace) lock() (release func(), err error) {
	if err := os.MkdirAll(filepath.Join(w.State, "state"), 0o755); err != nil {
		return nil, fmt.Errorf("locking the sandbox: %w", err)
	}
	path := filepath.Join(w.State, "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the sandbox: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, errors.New("locking the sandbox: another sandbox run is working in this repository; wait for it to end")
	}
	return func() { file.Close() }, nil
}

// stackFile is what the sandbox needs of a Pulumi.<stack>.yaml.
type stackFile struct {
	EncryptionSalt string         `yaml:"encryptionsalt,omitempty"`
	Config         map[string]any `yaml:"config"`
}

// secretStandIn takes the place of encrypted values, which only the real stack's key could read.
const secretStandIn = "sandbox-secret"

// prepare copies the project and stack file into the sandbox with the given changes, and returns the configuration as the
// program will see it. The repository's own files are only read.
func (w *Workspace) prepare(stack string, changes []string) (map[string]string, error) {
	config, err := w.readStack(stack, changes)
	if err != nil {
		return nil, err
	}
	// The sandbox has its own passphrase; the salt of an earlier run belongs to the state it made.
	target := filepath.Join(w.State, "Pulumi."+stack+".yaml")
	copied := stackFile{Config: config}
	var earlier stackFile
	if old, err := os.ReadFile(target); err == nil && yaml.Unmarshal(old, &earlier) == nil {
		copied.EncryptionSalt = earlier.EncryptionSalt
	}
	out, err := yaml.Marshal(copied)
	if err != nil {
		return nil, fmt.Errorf("writing the sandbox's stack file: %w", err)
	}
	if err := os.WriteFile(target, out, 0o600); err != nil {
		return nil, fmt.Errorf("writing the sandbox's stack file: %w", err)
	}
	project, err := os.ReadFile(filepath.Join(w.Root, "Pulumi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading the project file: %w", err)
	}
	if err := os.WriteFile(filepath.Join(w.State, "Pulumi.yaml"), project, 0o600); err != nil {
		return nil, fmt.Errorf("writing the sandbox's project file: %w", err)
	}
	return rawConfig(config)
}

// readStack reads the stack file of a stack's environment, which its layers share, and makes the given changes to what it says. Encrypted values, which
// only the real stack's key could read, are replaced by a stand-in.
func (w *Workspace) readStack(stack string, changes []string) (map[string]any, error) {
	source := filepath.Join(w.Root, "Pulumi."+environmentOf(stack)+".yaml")
	text, err := os.ReadFile(source)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the stack file: %s does not exist; stacks here are %s", source, strings.Join(w.Stacks(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the stack file: %w", err)
	}
	var file stackFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("reading the stack file %s: %w", source, err)
	}
	if file.Config == nil {
		file.Config = map[string]any{}
	}
	config := withoutSecrets(file.Config).(map[string]any)
	for _, change := range changes {
		if err := apply(config, change); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// Stacks lists the environments that have a stack file.
func (w *Workspace) Stacks() []string {
	files, _ := filepath.Glob(filepath.Join(w.Root, "Pulumi.*.yaml"))
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml"))
	}
	return names
}

// withoutSecrets replaces every {secure: ...} by a stand-in.
func withoutSecrets(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if _, ok := v["secure"]; ok && len(v) == 1 {
			return secretStandIn
		}
		out := map[string]any{}
		for key, element := range v {
			out[key] = withoutSecrets(element)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = withoutSecrets(element)
		}
		return out
	}
	return value
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

// rawConfig turns a stack file's configuration into the form in which Pulumi hands it to programs: scalars as text,
// everything else as JSON.
func rawConfig(config map[string]any) (map[string]string, error) {
	raw := map[string]string{}
	for key, value := range config {
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

// ReadConfig returns the configuration of a stack file, with changes as --config takes them, as the program would see it.
func (w *Workspace) ReadConfig(stack string, changes ...string) (map[string]string, error) {
	config, err := w.readStack(stack, changes)
	if err != nil {
		return nil, err
	}
	return rawConfig(config)
}

// servedState is the state of a user's own pulumi.
func (w *Workspace) servedState() string { return filepath.Join(w.State, "served-state") }
