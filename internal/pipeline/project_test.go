//go:build integration

package pipeline

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// project is a copy of what the stages work on, as a Git repository with an origin. Stand-ins replace everything that
// takes long: tests and linters only write the coverage that they would report. AWS, the registry and the clusters only
// note how they were called.
type project struct {
	dir, origin string
	env         []string
}

// projectFiles are the files of this repository that a project has.
var projectFiles = []string{
	"go.mod", "go.sum", "Makefile", "tools/setup.sh", "tools/progress.sh", "internal/pipeline", "cmd/pipeline",
	"Pulumi.*", "webapp/chart", ".gitignore",
}

// newProject makes a project whose tests cover the given percentages.
func newProject(t *testing.T, infrastructure, application int) *project {
	t.Helper()
	p := &project{dir: filepath.Join(t.TempDir(), "clone"), origin: filepath.Join(t.TempDir(), "origin.git")}
	p.copyFiles(t)
	p.write(t, "Makefile", standInTargets(t, infrastructure, application))
	p.writeStandIns(t)
	p.commitAll(t)
	p.env = append(os.Environ(),
		"PATH="+filepath.Join(p.dir, "stand-ins")+":"+os.Getenv("PATH"),
		"CALLS="+filepath.Join(p.dir, "reports", "calls"),
		"ORIGIN="+p.origin,
		"AWS_ROLE_ARN=arn:aws:iam::111122223333:role/x",
		"AWS_WEB_IDENTITY_TOKEN_FILE=/token",
		"DRY_RUN=", "GITHUB_TOKEN=", "MAKEFLAGS=", "SONAR_TOKEN=",
	)
	return p
}

// copyFiles copies projectFiles as they are in the working tree.
func (p *project) copyFiles(t *testing.T) {
	t.Helper()
	files := exec.Command("git", append([]string{"ls-files", "--cached", "--others", "--exclude-standard"},
		projectFiles...)...)
	files.Dir = "../.."
	list, err := files.Output()
	require.NoError(t, err)
	for _, name := range strings.Fields(string(list)) {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if errors.Is(err, os.ErrNotExist) {
			continue // Git lists a deleted file until the deletion is committed.
		}
		require.NoError(t, err)
		p.write(t, name, string(text))
	}
}

// standInTargets returns the Makefile with stand-ins for the targets that take long.
func standInTargets(t *testing.T, infrastructure, application int) string {
	t.Helper()
	makefile := repositoryFile(t, "Makefile")
	for target, recipe := range map[string]string{
		"run-tests": "@mkdir -p reports; " +
			"printf '" + profile("stacks", infrastructure) + "' > reports/coverage-infrastructure.out; " +
			"printf '" + profile("webapp", application) + "' > reports/coverage-application.out",
		"build":         "@true",
		"lint":          "@true",
		"quality-tools": "@true",
		"setup":         "@true",
	} {
		rule := regexp.MustCompile(`(?m)^` + target + `:[^\n]*\n(\t[^\n]*\n)+`)
		require.Len(t, rule.FindAllString(makefile, -1), 1, target)
		makefile = rule.ReplaceAllLiteralString(makefile, target+":\n\t"+recipe+"\n")
	}
	return makefile
}

// profile returns a coverage profile of a folder with that percentage, as a format of printf.
func profile(folder string, percent int) string {
	return fmt.Sprintf(`mode: set\ngroundwork/%[1]s/a.go:1.1,2.2 %[2]d 1\ngroundwork/%[1]s/a.go:3.1,4.2 %[3]d 0\n`,
		folder, percent, 100-percent)
}

// writeStandIns writes the stand-ins for commands.
func (p *project) writeStandIns(t *testing.T) {
	t.Helper()
	for name, text := range map[string]string{
		"tools/setup.sh":       "",
		"tools/groovy-lint.sh": "",
		"tools/image.sh":       "echo image $* >> \"$CALLS\"\nmkdir -p bin; touch bin/webapp-image.tar\n",
		"bin/actionlint":       "",
		"bin/gitleaks":         "echo gitleaks $* >> \"$CALLS\"\n",
		"bin/govulncheck":      "echo govulncheck $* >> \"$CALLS\"\n",
	} {
		p.write(t, name, "#!/bin/sh\n"+text)
	}
	p.write(t, ".groundwork/bin/x", "")
	const folder = "testdata/stand-ins"
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
		p.write(t, "stand-ins/"+entry.Name(), string(text))
		if entry.Name() == "groundwork" {
			p.write(t, "bin/groundwork", string(text))
		}
	}
	require.NoError(t, os.MkdirAll(filepath.Join(p.dir, "reports"), 0o755))
}

// commitAll makes a repository with one commit, and an origin that has it.
func (p *project) commitAll(t *testing.T) {
	t.Helper()
	p.git(t, "init", "--quiet", "--initial-branch", "main", ".")
	p.git(t, "init", "--quiet", "--bare", "--initial-branch", "main", p.origin)
	p.git(t, "remote", "add", "origin", p.origin)
	p.git(t, "add", "--all")
	p.git(t, "commit", "--quiet", "--message", "Begin")
	p.git(t, "push", "--quiet", "origin", "main")
	p.git(t, "fetch", "--quiet", "origin")
}

// write writes a file. A text that begins with "#!" becomes executable.
func (p *project) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	require.NoError(t, os.WriteFile(path, []byte(text), mode))
}

// git runs git in the project and returns what it prints.
func (p *project) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%v: %s", args, out)
	return strings.TrimSpace(string(out))
}

// sh runs one shell step of a pipeline, as its agent would, and returns what it prints.
func (p *project) sh(line string, env ...string) (string, error) {
	cmd := exec.Command("bash", "-eo", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = p.dir, append(p.env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// calls returns the notes of the stand-ins.
func (p *project) calls() string {
	text, _ := os.ReadFile(filepath.Join(p.dir, "reports", "calls"))
	return string(text)
}

// run runs the steps of a pipeline in order, up to the first that fails. It returns the lines of the steps that ran,
// and the output and the error of the last one.
func (p *project) run(commands []command, env ...string) (ran []string, output string, err error) {
	for _, c := range commands {
		ran = append(ran, c.line)
		if output, err = p.sh(c.line, env...); err != nil {
			return ran, output, err
		}
	}
	return ran, output, nil
}
