package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"groundwork/internal/awstype"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// project is a copy of what the stages work on, as a Git repository with an origin. Everything heavy is replaced: tests and linters by the
// coverage they would report, AWS, registry and clusters by stand-ins that note how they were called.
type project struct {
	dir, origin string
	env         []string
}

// profile is a coverage profile with that percentage, as printf takes it.
func profile(folder string, percent int) string {
	return fmt.Sprintf(`mode: set\ngroundwork/%s/a.go:1.1,2.2 %d 1\ngroundwork/%s/a.go:3.1,4.2 %d 0\n`, folder, percent, folder, 100-percent)
}

func newProject(t *testing.T, infrastructure, application int) *project {
	t.Helper()
	p := &project{dir: filepath.Join(t.TempDir(), "clone"), origin: filepath.Join(t.TempDir(), "origin.git")}
	files := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "go.mod", "go.sum", "Makefile", "tools/setup.sh", "tools/progress.sh", "internal/pipeline", "cmd/pipeline", "Pulumi.*", "webapp/chart", ".gitignore")
	files.Dir = "../.."
	list, err := files.Output()
	require.NoError(t, err)
	for _, name := range strings.Fields(string(list)) {
		text, err := os.ReadFile(filepath.Join("../..", name))
		require.NoError(t, err)
		p.write(t, name, string(text))
	}
	heavy := map[string]string{
		"run-tests": "@mkdir -p reports; printf '" + profile("stacks", infrastructure) + "' > reports/coverage-infrastructure.out; printf '" + profile("webapp", application) + "' > reports/coverage-application.out",
		"build":     "@true", "lint": "@true", "quality-tools": "@true", "setup": "@true",
	}
	makefile := repositoryFile(t, "Makefile")
	for target, recipe := range heavy {
		rule := regexp.MustCompile(`(?m)^` + target + `:[^\n]*\n(\t[^\n]*\n)+`)
		require.Len(t, rule.FindAllString(makefile, -1), 1, target)
		makefile = rule.ReplaceAllLiteralString(makefile, target+":\n\t"+recipe+"\n")
	}
	p.write(t, "Makefile", makefile)
	p.write(t, "tools/setup.sh", "#!/bin/sh\n")
	p.write(t, "tools/image.sh", "#!/bin/sh\necho image $* >> \"$CALLS\"\nmkdir -p bin; touch bin/webapp-image.tar\n")
	p.write(t, "bin/actionlint", "#!/bin/sh\n")
	p.write(t, "tools/groovy-lint.sh", "#!/bin/sh\n")
	p.write(t, "bin/gitleaks", "#!/bin/sh\necho gitleaks $* >> \"$CALLS\"\n")
	p.write(t, "bin/govulncheck", "#!/bin/sh\necho govulncheck $* >> \"$CALLS\"\n")
	// The sandbox says nothing for dev, and a replacement for prod.
	p.write(t, ".groundwork/bin/x", "")
	p.write(t, "stand-ins/groundwork", `#!/bin/sh
echo groundwork $* >> "$CALLS"
case "$*" in
*cost*--state*) echo '{"lines":[{"month":100},{"month":20}]}' ;;
*cost*) echo '{"lines":[{"month":100},{"month":32.41}]}' ;;
*preview*prod*) echo '{"changed":[{"op":"replace","type":"aws:rds/instance:Instance","name":"database","layer":"services","stateful":true,"properties":["engine"]}]}' ;;
*preview*) echo '{"changed":[]}' ;;
esac
`)
	p.write(t, "stand-ins/aws", `#!/bin/sh
echo aws $* >> "$CALLS"
case "$*" in
*get-login-password*) echo secret-password ;;
*batch-get-image*) echo None ;;
esac
`)
	p.write(t, "stand-ins/skopeo", `#!/bin/sh
echo skopeo $* >> "$CALLS"
[ "$1" = login ] && { [ "$(cat)" = secret-password ] || exit 1; }
[ "$1" = copy ] && echo sha256:`+strings.Repeat("a", 64)+` > reports/digest
exit 0
`)
	p.write(t, "stand-ins/helm", "#!/bin/sh\n[ \"$1\" = version ] && { echo v3.21.4; exit; }\necho helm $* >> \"$CALLS\"\n[ \"$(cat)\" = '{\"port\": 8080}' ]\n")
	p.write(t, "stand-ins/kubectl", `#!/bin/sh
echo kubectl $* >> "$CALLS"
case "$*" in
*configmap*) printf '{"port": 8080}' ;;
*application*) printf '{"status":{"sync":{"status":"Synced","revision":"%s"},"health":{"status":"%s"}}}' "$(git -C '`+p.origin+`' rev-parse main)" "${HEALTH:-Healthy}" ;;
esac
`)
	p.write(t, "stand-ins/pulumi", "#!/bin/sh\necho pulumi $* on $PULUMI_BACKEND_URL >> \"$CALLS\"\nexit ${PULUMI_SAYS:-0}\n")
	require.NoError(t, os.MkdirAll(filepath.Join(p.dir, "reports"), 0o755))
	p.git(t, "init", "--quiet", "--initial-branch", "main", ".")
	p.git(t, "init", "--quiet", "--bare", "--initial-branch", "main", p.origin)
	p.git(t, "remote", "add", "origin", p.origin)
	p.git(t, "add", "--all")
	p.git(t, "commit", "--quiet", "--message", "Begin")
	p.git(t, "push", "--quiet", "origin", "main")
	p.git(t, "fetch", "--quiet", "origin")
	p.env = append(os.Environ(), "PATH="+filepath.Join(p.dir, "stand-ins")+":"+os.Getenv("PATH"), "CALLS="+filepath.Join(p.dir, "reports", "calls"),
		"AWS_ROLE_ARN=arn:aws:iam::111122223333:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE=/token", "DRY_RUN=", "GITHUB_TOKEN=", "MAKEFLAGS=", "SONAR_TOKEN=")
	return p
}

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

func (p *project) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%v: %s", args, out)
	return strings.TrimSpace(string(out))
}

// sh runs one shell step of a pipeline, as its agent would.
func (p *project) sh(line string, env ...string) (string, error) {
	cmd := exec.Command("bash", "-eo", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = p.dir, append(p.env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// calls are the stand-ins' notes.
func (p *project) calls() string {
	text, _ := os.ReadFile(filepath.Join(p.dir, "reports", "calls"))
	return string(text)
}

// run runs the steps of a pipeline in order up to the first that fails; it returns the steps that ran and the error of the last.
func (p *project) run(commands []command, env ...string) (ran []string, said string, err error) {
	for _, c := range commands {
		ran = append(ran, c.line)
		if said, err = p.sh(c.line, env...); err != nil {
			return ran, said, err
		}
	}
	return ran, said, nil
}

// TestRunsOfBoth runs the shell steps of both pipelines on every occasion, as they are written there.
func TestRunsOfBoth(t *testing.T) {
	for occasion, both := range flows(t) {
		for i, name := range []string{"GitHub", "Jenkins"} {
			t.Run(name+" "+occasion, func(t *testing.T) {
				t.Parallel()
				p := newProject(t, 90, 90)
				// The sandbox is the one of the worktree and of the clone.
				_, err := p.sh("cp stand-ins/groundwork bin/groundwork")
				require.NoError(t, err)
				p.git(t, "add", "--force", "bin/groundwork")
				p.git(t, "commit", "--quiet", "--message", "Stand in")
				p.git(t, "push", "--quiet", "origin", "main")
				p.git(t, "fetch", "--quiet", "origin")
				_, said, err := p.run(both[i])
				require.NoError(t, err, said)
				calls := p.calls()
				switch occasion {
				case "pull request":
					assert.Contains(t, calls, "gitleaks git")
					assert.Contains(t, calls, "pulumi preview --stack prod --diff --non-interactive on s3://groundwork-prod-state-444455556666?region=eu-west-1&awssdk=v2")
					comment, err := os.ReadFile(filepath.Join(p.dir, "reports/preview.md"))
					require.NoError(t, err)
					assert.Contains(t, string(comment), "| dev | 0 | 0 | 0 | 0 | 132.41 USD, +12.41 |")
					assert.Contains(t, string(comment), "**prod: 1 resource(s) that hold data would be lost or replaced.**")
					assert.Empty(t, p.git(t, "worktree", "prune", "-v"))
					assert.NoDirExists(t, filepath.Join(p.dir, ".groundwork/preview"))
				case "main":
					digest := "sha256:" + strings.Repeat("a", 64)
					assert.Contains(t, calls, "docker://111122223333.dkr.ecr.eu-west-1.amazonaws.com/groundwork-dev/webapp:")
					assert.Contains(t, calls, "docker://444455556666.dkr.ecr.eu-west-1.amazonaws.com/groundwork-prod/webapp:")
					assert.Contains(t, calls, "helm upgrade --install webapp webapp/chart --namespace webapp --atomic --wait --timeout 5m0s --values webapp/chart/values-dev.yaml --values - --set image.digest="+digest)
					assert.NotContains(t, calls+said, "secret-password")
					assert.Equal(t, 1, strings.Count(calls, "helm upgrade"), "Argo CD owns prod")
					p.git(t, "fetch", "origin")
					assert.Contains(t, p.git(t, "show", "origin/main:webapp/chart/values-prod.yaml"), digest)
					assert.Contains(t, p.git(t, "log", "-1", "--format=%s", "origin/main"), "[skip ci]")
					assert.NoFileExists(t, filepath.Join(p.dir, "reports/registry-credentials.json"))
				case "drift":
					assert.Contains(t, calls, "pulumi preview --stack dev --diff --non-interactive --refresh --expect-no-changes")
				}
			})
		}
	}
}

// TestLowCoverageStopsBoth: with less than 80 % nothing is built, wherever it runs.
func TestLowCoverageStopsBoth(t *testing.T) {
	both := flows(t)["main"]
	for i, name := range []string{"GitHub", "Jenkins"} {
		for part, project := range map[string]*project{"infrastructure": newProject(t, 79, 90), "application": newProject(t, 90, 79)} {
			ran, said, err := project.run(both[i])
			require.Error(t, err, name)
			assert.Equal(t, []string{"make test", "make quality"}, ran, "%s stops before image", name)
			assert.Contains(t, said, "the tests run 79.0 % of the "+part+"; at least 80 % is asked, and nothing is built with less")
			// Nor does it help to go on by hand, or to lower the bar.
			said, err = project.sh("make image")
			require.Error(t, err)
			assert.Contains(t, said, "has not passed quality")
			said, err = project.sh("make quality", "MINIMUM_COVERAGE=50")
			require.Error(t, err)
			assert.Contains(t, said, `MINIMUM_COVERAGE "50" is not 80 to 100`)
			assert.NotContains(t, project.calls(), "image")
		}
	}
}

// TestPassedIsForOneCommit: what passed is a commit, not a folder.
func TestPassedIsForOneCommit(t *testing.T) {
	p := newProject(t, 90, 90)
	_, said, err := p.run([]command{{line: "make test"}, {line: "make quality"}, {line: "make image"}})
	require.NoError(t, err, said)
	p.git(t, "commit", "--quiet", "--allow-empty", "--message", "Another")
	said, err = p.sh("make image")
	require.Error(t, err)
	assert.Contains(t, said, "has not passed quality")
}

// TestUncommittedChangesStop: what is built is what a commit holds.
func TestUncommittedChangesStop(t *testing.T) {
	p := newProject(t, 90, 90)
	p.write(t, "webapp/chart/values-dev.yaml", "environment: dev\n")
	said, err := p.sh("make test")
	require.NoError(t, err, said)
	assert.Contains(t, said, "values-dev.yaml")
	said, err = p.sh("make quality")
	require.Error(t, err)
	assert.Contains(t, said, "there are changes that are in no commit")
}

// TestDeploymentsThroughGit: others push meanwhile, without a Git identity on the machine; a late older run is refused, the same one again is not.
func TestDeploymentsThroughGit(t *testing.T) {
	p := newProject(t, 90, 90)
	nobody := []string{"ENVIRONMENT=prod", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "EMAIL="}
	deploy := func(digit string) (string, error) {
		return p.sh("make deploy", append(nobody, "DIGEST=sha256:"+strings.Repeat(digit, 64))...)
	}
	onMain := func() string {
		p.git(t, "fetch", "--quiet", "origin", "main")
		return p.git(t, "show", "FETCH_HEAD:webapp/chart/values-prod.yaml")
	}
	older := p.git(t, "rev-parse", "HEAD")
	p.git(t, "commit", "--quiet", "--allow-empty", "--message", "Newer")
	p.git(t, "push", "--quiet", "origin", "main")
	p.git(t, "commit", "--quiet", "--allow-empty", "--message", "Not deployed yet")
	p.git(t, "push", "--quiet", "origin", "main")
	p.git(t, "checkout", "--quiet", "HEAD~1")
	said, err := deploy("a")
	require.NoError(t, err, said)
	assert.Contains(t, onMain(), strings.Repeat("a", 64))
	said, err = deploy("a")
	require.NoError(t, err, said)
	assert.Contains(t, said, "has this digest already")

	p.git(t, "checkout", "--quiet", older)
	said, err = deploy("b")
	require.Error(t, err)
	assert.Contains(t, said, "is newer than "+older[:12])
	assert.Contains(t, onMain(), strings.Repeat("a", 64))

	p.git(t, "checkout", "--quiet", "main")
	said, err = deploy("c")
	require.NoError(t, err, said)
	assert.Contains(t, onMain(), strings.Repeat("c", 64))
	assert.NoDirExists(t, filepath.Join(p.dir, ".groundwork/deploy"))
}

// TestDryRuns: every stage says what it would do with no credentials and nothing installed, and changes nothing.
func TestDryRuns(t *testing.T) {
	p := newProject(t, 90, 90)
	before := p.git(t, "status", "--porcelain")
	for _, stage := range Stages() {
		said, err := p.sh("make "+stage+" DRY_RUN=1 ENVIRONMENT=prod", "DRY_RUN=1", "ENVIRONMENT=prod", "AWS_ROLE_ARN=", "AWS_WEB_IDENTITY_TOKEN_FILE=", "AWS_ACCESS_KEY_ID=", "AWS_PROFILE=")
		require.NoError(t, err, "%s: %s", stage, said)
		assert.Contains(t, said, "+ ", stage)
	}
	assert.Empty(t, p.calls())
	assert.Equal(t, before, p.git(t, "status", "--porcelain"))
}

func TestInputs(t *testing.T) {
	get := func(values map[string]string) func(string) string {
		return func(name string) string { return values[name] }
	}
	err := check("deploy", get(nil))
	require.Error(t, err)
	for _, want := range []string{"2 problem(s)", "ENVIRONMENT is missing", "AWS credentials are missing", "AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or AWS_ACCESS_KEY_ID"} {
		assert.ErrorContains(t, err, want)
	}
	assert.NoError(t, check("deploy", get(map[string]string{"ENVIRONMENT": "dev", "DRY_RUN": "1"})))
	assert.NoError(t, check("deploy", get(map[string]string{"ENVIRONMENT": "dev", "AWS_PROFILE": "me"})))
	for _, c := range []struct{ stage, name, value, want string }{
		{"deploy", "ENVIRONMENT", "../prod", "is not an environment such as dev"},
		{"deploy", "DIGEST", "latest", "is not sha256: and 64"},
		{"deploy", "TIMEOUT", "5", "is not a time such as 90s or 5m"},
		{"push", "TAG", "a b", "is not an image tag"},
		{"push", "REGISTRY", "host", "is not HOST/REPOSITORY"},
		{"preview", "BASE", "--all", "is not a commit"},
		{"preview", "PULL_REQUEST", "7;ls", "is not a number"},
		{"quality", "MINIMUM_COVERAGE", "0", "is not 80 to 100: below 80 nothing is built"},
		{"test", "DRY_RUN", "yes", "is not 1 or nothing"},
	} {
		err := check(c.stage, get(map[string]string{c.name: c.value}))
		assert.ErrorContains(t, err, fmt.Sprintf("%s %q %s", c.name, c.value, c.want))
	}
	assert.ErrorContains(t, check("preview", get(map[string]string{"GITHUB_TOKEN": "x"})), "PULL_REQUEST is missing")
	assert.Contains(t, repositoryFile(t, "docs/pipelines.md"), Table(), "the table in the docs is that of the program")
}

func TestCoverageOfProfiles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want float64
		err  string
	}{
		"half":           {"mode: set\na.go:1.1,2.2 3 1\na.go:3.1,4.2 3 0\n", 50, ""},
		"twice reported": {"mode: set\na.go:1.1,2.2 3 0\na.go:1.1,2.2 3 2\n", 100, ""},
		"empty":          {"mode: set\n", 0, "it has no statements"},
		"torn":           {"mode: set\na.go:1.1,2.2 3\n", 0, `line 2 "a.go:1.1,2.2 3" is not of a coverage profile`},
		"no number":      {"mode: set\na.go:1.1,2.2 x 1\n", 0, "line 2"},
	} {
		path := filepath.Join(t.TempDir(), "c.out")
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o644))
		got, err := Coverage(path)
		if c.err != "" {
			assert.ErrorContains(t, err, c.err, name)
			continue
		}
		require.NoError(t, err, name)
		assert.InDelta(t, c.want, got, 0.01, name)
	}
}

// TestArgoCDThatNeverGetsThere: the deadline is kept, and the error says what was seen and what to do.
func TestArgoCDThatNeverGetsThere(t *testing.T) {
	p := newProject(t, 90, 90)
	said, err := p.sh("make deploy", "ENVIRONMENT=prod", "TIMEOUT=3s", "HEALTH=Degraded", "DIGEST=sha256:"+strings.Repeat("b", 64))
	require.Error(t, err)
	assert.Contains(t, said, "is not synced and healthy after 3s; last seen: Argo CD: Synced at ")
	assert.Contains(t, said, "Degraded")
	said, err = p.sh("make deploy", "ENVIRONMENT=prod")
	require.Error(t, err)
	assert.Contains(t, said, "there is no DIGEST, and no push has left one in reports/digest-prod")
}

func TestComment(t *testing.T) {
	long := EnvironmentPreview{Name: "dev"}
	for i := range 3000 {
		long.Changes = append(long.Changes, Change{Op: "create", Type: awstype.VPC, Name: fmt.Sprintf("network-%04d", i), Layer: "platform"})
	}
	text := Comment("aaaa", "bbbb", []EnvironmentPreview{
		{Name: "dev", Changes: []Change{
			{Op: "update", Type: awstype.NodeGroup, Name: "cluster-nodes-general", Layer: "platform", Properties: []string{"scalingConfig.maxSize"}},
			{Op: "create", Type: awstype.MetricAlarm, Name: "observability-new", Layer: "observability"},
			{Op: "update", Type: "pulumi:providers:aws", Name: "aws"},
		}, Cost: "+12.41 USD"},
		{Name: "prod", Changes: []Change{{Op: "replace", Type: awstype.DBInstance, Name: "data`base", Layer: "services", Stateful: true, Properties: []string{"engine"}}}},
		{Name: "refused", Err: "configuration of stack refused has 1 problem(s):\n  network.cidr"},
		{Name: "same"},
	})
	want, err := os.ReadFile("testdata/comment.md")
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile("testdata/comment.md", []byte(text), 0o644))
	} else {
		require.NoError(t, err)
		assert.Equal(t, string(want), text, "UPDATE=1 go test ./internal/pipeline where the change is meant")
	}
	cut := Comment("a", "b", []EnvironmentPreview{long})
	assert.Less(t, len(cut), 65536)
	assert.Contains(t, cut, "Cut here")
}

// TestOneComment: the comment is updated where it is there, on whichever page, and made where it is not.
func TestOneComment(t *testing.T) {
	type comment struct {
		ID   int64  `json:"id"`
		Body string `json:"body"`
	}
	var stored []comment
	forbidden := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forbidden || r.Header.Get("Authorization") != "Bearer t" {
			http.Error(w, "Resource not accessible by integration", http.StatusForbidden)
			return
		}
		var body comment
		_ = json.NewDecoder(r.Body).Decode(&body)
		switch r.Method {
		case "GET":
			page := stored
			if r.URL.Query().Get("page") == "1" {
				page = page[:min(100, len(page))]
			} else {
				page = page[min(100, len(page)):]
			}
			_ = json.NewEncoder(w).Encode(page)
		case "POST":
			assert.Equal(t, "/repos/o/r/issues/7/comments", r.URL.Path)
			stored = append(stored, comment{int64(len(stored) + 1), body.Body})
			w.WriteHeader(http.StatusCreated)
		case "PATCH":
			for i := range stored {
				if r.URL.Path == fmt.Sprintf("/repos/o/r/issues/comments/%d", stored[i].ID) {
					stored[i].Body = body.Body
				}
			}
		}
	}))
	defer server.Close()
	for i := range 150 {
		stored = append(stored, comment{int64(i + 1), "me too"})
	}
	var out bytes.Buffer
	r := &Run{Dir: t.TempDir(), Out: &out, Env: []string{"GITHUB_API_URL=" + server.URL, "GITHUB_TOKEN=t", "GITHUB_REPOSITORY=o/r", "PULL_REQUEST=7", "GITHUB_STEP_SUMMARY=" + filepath.Join(t.TempDir(), "summary")}}
	require.NoError(t, r.publish(context.Background(), marker+"first"))
	require.Len(t, stored, 151)
	require.NoError(t, r.publish(context.Background(), marker+"second"))
	require.Len(t, stored, 151, "in the place of the first")
	assert.Equal(t, marker+"second", stored[150].Body)
	summary, err := os.ReadFile(r.get("GITHUB_STEP_SUMMARY"))
	require.NoError(t, err)
	assert.Equal(t, marker+"first"+marker+"second", string(summary))
	forbidden = true
	err = r.publish(context.Background(), marker+"third")
	assert.ErrorContains(t, err, "does the token have pull-requests: write?")
}

func FuzzComment(f *testing.F) {
	f.Add("database", "engine", "replace")
	f.Fuzz(func(t *testing.T, name, property, op string) {
		text := Comment("a", "b", []EnvironmentPreview{{Name: "dev", Changes: []Change{{Op: op, Type: "aws:a/b:C", Name: name, Layer: "platform", Properties: []string{property}}}}})
		if strings.Count(text, "```")%2 != 0 && !strings.Contains(name+property, "`") {
			t.Fatalf("a fence is left open: %s", text)
		}
	})
}
