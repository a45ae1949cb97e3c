//go:build integration

package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRunsOfBoth runs the shell steps of both pipelines on every occasion, as the pipeline files have them.
func TestRunsOfBoth(t *testing.T) {
	checks := map[string]func(*testing.T, *project, string){
		"pull request": checkPullRequest,
		"main":         checkMain,
		"drift": func(t *testing.T, p *project, _ string) {
			assert.Contains(t, p.calls(),
				"pulumi preview --stack dev --diff --non-interactive --refresh --expect-no-changes")
		},
	}
	for occasion, both := range flows(t) {
		for i, name := range []string{"GitHub", "Jenkins"} {
			t.Run(name+" "+occasion, func(t *testing.T) {
				t.Parallel()
				p := newProject(t, 90, 90)
				// Both the worktree and the clone use this sandbox.
				_, err := p.sh("cp stand-ins/groundwork bin/groundwork")
				require.NoError(t, err)
				p.git(t, "add", "--force", "bin/groundwork")
				p.git(t, "commit", "--quiet", "--message", "Stand in")
				p.git(t, "push", "--quiet", "origin", "main")
				p.git(t, "fetch", "--quiet", "origin")
				_, output, err := p.run(both[i])
				require.NoError(t, err, output)
				checks[occasion](t, p, output)
			})
		}
	}
}

func checkPullRequest(t *testing.T, p *project, _ string) {
	t.Helper()
	assert.Contains(t, p.calls(), "gitleaks git")
	assert.Contains(t, p.calls(), "pulumi preview --stack prod --diff --non-interactive on "+
		"s3://groundwork-prod-state-444455556666?region=eu-west-1&awssdk=v2")
	comment, err := os.ReadFile(filepath.Join(p.dir, "reports/preview.md"))
	require.NoError(t, err)
	assert.Contains(t, string(comment), "| dev | 0 | 0 | 0 | 0 | 132.41 USD, +12.41 |")
	assert.Contains(t, string(comment), "**prod: 1 resource(s) that hold data would be lost or replaced.**")
	assert.Empty(t, p.git(t, "worktree", "prune", "-v"))
	assert.NoDirExists(t, filepath.Join(p.dir, ".groundwork/preview"))
}

func checkMain(t *testing.T, p *project, output string) {
	t.Helper()
	digest := "sha256:" + strings.Repeat("a", 64)
	calls := p.calls()
	assert.Contains(t, calls, "docker://111122223333.dkr.ecr.eu-west-1.amazonaws.com/groundwork-dev/webapp:")
	assert.Contains(t, calls, "docker://444455556666.dkr.ecr.eu-west-1.amazonaws.com/groundwork-prod/webapp:")
	assert.Contains(t, calls, "helm upgrade --install webapp webapp/chart --namespace webapp "+
		"--atomic --wait --timeout 5m0s --values webapp/chart/values-dev.yaml --values - --set image.digest="+digest)
	assert.NotContains(t, calls+output, "secret-password")
	assert.Equal(t, 1, strings.Count(calls, "helm upgrade"), "Argo CD owns prod")
	p.git(t, "fetch", "origin")
	assert.Contains(t, p.git(t, "show", "origin/main:webapp/chart/values-prod.yaml"), digest)
	assert.Contains(t, p.git(t, "log", "-1", "--format=%s", "origin/main"), "[skip ci]")
	assert.NoFileExists(t, filepath.Join(p.dir, "reports/registry-credentials.json"))
}

// TestLowCoverageStopsBoth checks that both pipelines build nothing where the tests run less than 80 %.
func TestLowCoverageStopsBoth(t *testing.T) {
	both := flows(t)["main"]
	for i, name := range []string{"GitHub", "Jenkins"} {
		for part, p := range map[string]*project{
			"infrastructure": newProject(t, 79, 90),
			"application":    newProject(t, 90, 79),
		} {
			ran, output, err := p.run(both[i])
			require.Error(t, err, name)
			assert.Equal(t, []string{"make test", "make quality"}, ran, "%s stops before image", name)
			assert.Contains(t, output, "the tests run 79.0 % of the "+part+
				"; at least 80 % is required, and nothing is built with less")
			// Neither a build by hand nor a lower minimum gets around it.
			output, err = p.sh("make image")
			require.Error(t, err)
			assert.Contains(t, output, "has not passed quality")
			output, err = p.sh("make quality", "MINIMUM_COVERAGE=50")
			require.Error(t, err)
			assert.Contains(t, output, `MINIMUM_COVERAGE "50" is not 80 to 100`)
			assert.NotContains(t, p.calls(), "image")
		}
	}
}

// TestPassedIsForOneCommit checks that quality passes a commit and not a folder.
func TestPassedIsForOneCommit(t *testing.T) {
	p := newProject(t, 90, 90)
	_, output, err := p.run([]command{{line: "make test"}, {line: "make quality"}, {line: "make image"}})
	require.NoError(t, err, output)
	p.git(t, "commit", "--quiet", "--allow-empty", "--message", "Another")
	output, err = p.sh("make image")
	require.Error(t, err)
	assert.Contains(t, output, "has not passed quality")
}

// TestUncommittedChangesStop checks that quality refuses a checkout with uncommitted changes.
func TestUncommittedChangesStop(t *testing.T) {
	p := newProject(t, 90, 90)
	p.write(t, "webapp/chart/values-dev.yaml", "environment: dev\n")
	output, err := p.sh("make test")
	require.NoError(t, err, output)
	assert.Contains(t, output, "values-dev.yaml")
	output, err = p.sh("make quality")
	require.Error(t, err)
	assert.Contains(t, output, "there are uncommitted changes")
}

// TestDryRuns checks that every stage shows what it would do, without credentials and tools, and changes nothing.
func TestDryRuns(t *testing.T) {
	p := newProject(t, 90, 90)
	before := p.git(t, "status", "--porcelain")
	for _, stage := range Stages() {
		output, err := p.sh("make "+stage+" DRY_RUN=1 ENVIRONMENT=prod", "DRY_RUN=1", "ENVIRONMENT=prod",
			"AWS_ROLE_ARN=", "AWS_WEB_IDENTITY_TOKEN_FILE=", "AWS_ACCESS_KEY_ID=", "AWS_PROFILE=")
		require.NoError(t, err, "%s: %s", stage, output)
		assert.Contains(t, output, "+ ", stage)
	}
	assert.Empty(t, p.calls())
	assert.Equal(t, before, p.git(t, "status", "--porcelain"))
}
