package pipeline

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInputs(t *testing.T) {
	get := func(values map[string]string) func(string) string {
		return func(name string) string { return values[name] }
	}
	err := check("deploy", get(nil))
	require.Error(t, err)
	for _, want := range []string{
		"2 problem(s)", "ENVIRONMENT is missing", "AWS credentials are missing",
		"AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or AWS_ACCESS_KEY_ID",
	} {
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
	assert.Contains(t, repositoryFile(t, "docs/pipelines.md"), Table(), "docs/pipelines.md has the table of the program")
}
