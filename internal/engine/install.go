package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/blang/semver"
)

const (
	// cliVersion is the Pulumi CLI that is built where none is installed; tools/go.mod pins the same version.
	cliVersion = "3.200.0"
	// oldestCLI is the oldest installed CLI that is used as it is.
	oldestCLI = "3.150.0"
	// eksVersion is the pulumi-eks plugin, the version that the program's SDK asks for.
	eksPluginVersion = "2.8.1"
	// oldestKubectl is what the eks plugin asks for.
	oldestKubectl = "1.24.0"
)

// Toolchain is what a run needs on the machine besides this program.
type Toolchain struct {
	// CLIRoot holds bin/pulumi.
	CLIRoot string
	// Path is the folder with the plugin and the stand-ins, to go first on the CLI's PATH.
	Path string
}

// Install finds or makes the toolchain below dir (the repository's .groundwork folder) and says on log what it does. A
// second call finds everything in place.
func Install(ctx context.Context, root, dir string, log io.Writer) (*Toolchain, error) {
	t := &Toolchain{CLIRoot: filepath.Join(dir, "pulumi-"+cliVersion), Path: filepath.Join(dir, "path")}
	if err := os.MkdirAll(t.Path, 0o755); err != nil {
		return nil, fmt.Errorf("installing the sandbox's tools: %w", err)
	}
	if err := t.installCLI(ctx, root, log); err != nil {
		return nil, err
	}
	if err := t.installPlugin(ctx, root, dir, log); err != nil {
		return nil, err
	}
	return t, t.standIns(ctx)
}

// installCLI uses the machine's own CLI where it is new enough, and otherwise builds the pinned one.
func (t *Toolchain) installCLI(ctx context.Context, root string, log io.Writer) error {
	built := filepath.Join(t.CLIRoot, "bin", "pulumi")
	if isFile(built) {
		return nil
	}
	if found, err := exec.LookPath("pulumi"); err == nil && atLeast(versionOf(ctx, found, "version"), oldestCLI) {
		// The Automation API wants the CLI in a folder called bin.
		if err := os.MkdirAll(filepath.Dir(built), 0o755); err != nil {
			return fmt.Errorf("linking the Pulumi CLI: %w", err)
		}
		// A link may be left of a CLI that has moved.
		if err := os.Remove(built); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("linking the Pulumi CLI: %w", err)
		}
		fmt.Fprintf(log, "Using the Pulumi CLI at %s\n", found)
		return os.Symlink(found, built)
	}
	fmt.Fprintf(log, "Building the Pulumi CLI %s (once; about 4 CPU-minutes, no pulumi on PATH) ...\n", cliVersion)
	ldflags := "-w -s -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v" + cliVersion
	return run(ctx, log, filepath.Join(root, "tools"), "building the Pulumi CLI",
		"go", "build", "-buildvcs=false", "-ldflags", ldflags, "-o", built, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi")
}

// installPlugin puts an executable pulumi-resource-eks on the engine's PATH that starts the plugin's own code with
// node. HTTPS requests of the plugin go to the sandbox, which stands in for the clusters' endpoints; requests to the
// engine on the loopback interface do not.
func (t *Toolchain) installPlugin(ctx context.Context, root, dir string, log io.Writer) error {
	start := ""
	if executable := installedPlugin(); isFile(executable) {
		start = "'" + executable + "'"
	} else {
		source := filepath.Join(dir, "eks-plugin-"+eksPluginVersion)
		if err := npmInstall(ctx, root, source, log); err != nil {
			return err
		}
		start = "node '" + filepath.Join(source, pluginMain) + "'"
	}
	script := fmt.Sprintf(`#!/bin/sh
# Starts the pulumi-eks plugin; see internal/engine/install.go.
if [ -n "$GROUNDWORK_ENDPOINT_PROXY" ]; then
  export HTTPS_PROXY="$GROUNDWORK_ENDPOINT_PROXY" https_proxy="$GROUNDWORK_ENDPOINT_PROXY"
  export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost no_grpc_proxy=127.0.0.1,localhost
fi
exec %s "$@"
`, start)
	return writeExecutable(filepath.Join(t.Path, "pulumi-resource-eks"), script)
}

// pluginMain is where the plugin's npm package has its entry point.
const pluginMain = "node_modules/@pulumi/eks/cmd/provider/index.js"

// npmInstall puts the plugin's npm package into the folder source, all or nothing.
func npmInstall(ctx context.Context, root, source string, log io.Writer) error {
	if isFile(filepath.Join(source, pluginMain)) {
		return nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New(
			"installing the pulumi-eks plugin: npm is not on PATH; install Node.js 18 or newer (Debian: apt-get install " +
				"nodejs npm)",
		)
	}
	fmt.Fprintf(log, "Installing the pulumi-eks plugin %s with npm (once; about 200 MB) ...\n", eksPluginVersion)
	unfinished := source + ".new"
	if err := copyFiles(filepath.Join(root, "tools", "eks-plugin"), unfinished, "package.json", "package-lock.json",
		".npmrc"); err != nil {
		return err
	}
	if err := run(ctx, log, unfinished, "installing the pulumi-eks plugin", "npm", "ci", "--omit=dev",
		"--loglevel=error"); err != nil {
		return err
	}
	if err := os.Rename(unfinished, source); err != nil {
		return fmt.Errorf("installing the pulumi-eks plugin: %w", err)
	}
	return nil
}

// installedPlugin is where the user's own CLI would have put the plugin.
func installedPlugin() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".pulumi", "plugins", "resource-eks-v"+eksPluginVersion, "pulumi-resource-eks")
}

// standIns answers for the two commands that the eks plugin asks the version of, where the machine has none or one that
// is too old. They answer that question and refuse everything else: nothing in the sandbox may reach a cluster.
func (t *Toolchain) standIns(ctx context.Context) error {
	refuse := `echo "$(basename "$0"): a stand-in of the sandbox that only tells its version" >&2; exit 1`
	kubectl := filepath.Join(t.Path, "kubectl")
	if found, err := exec.LookPath("kubectl"); err != nil || found == kubectl ||
		!atLeast(versionOf(ctx, found, "version", "--client=true", "--output=json"), oldestKubectl) {
		answer := `{"clientVersion":{"gitVersion":"v1.36.0"}}`
		script := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = version ]; then echo '%s'; exit 0; fi\n%s\n", answer, refuse)
		if err := writeExecutable(kubectl, script); err != nil {
			return err
		}
	}
	if found, err := exec.LookPath("aws"); err != nil || found == filepath.Join(t.Path, "aws") {
		script := "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'aws-cli/2.31.0 Sandbox/1.0'; exit 0; fi\n" + refuse + "\n"
		if err := writeExecutable(filepath.Join(t.Path, "aws"), script); err != nil {
			return err
		}
	}
	return nil
}

// versionOf returns the first version in the output of a command, or "".
func versionOf(ctx context.Context, command string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, command, args...).Output()
	if err != nil {
		return ""
	}
	return findVersion(string(out))
}

// findVersion returns the first word of text that is a version with a leading v, without the v.
func findVersion(text string) string {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n\t\",:", r) }) {
		if v, ok := strings.CutPrefix(word, "v"); ok {
			if _, err := semver.Parse(v); err == nil {
				return v
			}
		}
	}
	return ""
}

func atLeast(version, oldest string) bool {
	v, err := semver.Parse(version)
	return err == nil && v.GE(semver.MustParse(oldest))
}

// run executes a command that may take minutes: it says so every ten seconds, and shows the output when it fails.
func run(ctx context.Context, log io.Writer, dir, what, command string, args ...string) error {
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	started := time.Now()
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	go func() { done <- cmd.Wait() }()
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("%s: %w\n%s", what, err, out.String())
			}
			fmt.Fprintf(log, "  done in %s\n", time.Since(started).Round(time.Second))
			return nil
		case <-ticker.C:
			fmt.Fprintf(log, "  still %s (%s)\n", what, time.Since(started).Round(time.Second))
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func copyFiles(from, to string, names ...string) error {
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("copying files to %s: %w", to, err)
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("copying files to %s: %w", to, err)
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), content, 0o644)
		}
		if err != nil {
			return fmt.Errorf("copying files to %s: %w", to, err)
		}
	}
	return nil
}

func writeExecutable(path, content string) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == content {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
