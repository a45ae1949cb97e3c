package pipeline

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// postsComment are the inputs with which GitHub posts the comment. Jenkins adds the comment to the build's description.
var postsComment = []string{"GITHUB_TOKEN", "PULL_REQUEST"}

// flows returns the steps of GitHub and of Jenkins, in this order, for each occasion.
func flows(t *testing.T) map[string][2][]command {
	jenkins := repositoryFile(t, "Jenkinsfile")
	gitHub := func(name string) []command {
		all := gitHubCommands(t, repositoryFile(t, ".github/workflows/"+name+".yaml"))
		for i := range all {
			all[i].env = slices.DeleteFunc(all[i].env, func(name string) bool {
				return slices.Contains(postsComment, name)
			})
		}
		return all
	}
	pullRequest := slices.Concat(jenkinsCommands(t, jenkins, build{changeRequest: true, jobName: "PR-7"}),
		jenkinsCommands(t, jenkins, build{jobName: "groundwork-preview"}))
	return map[string][2][]command{
		"pull request": {gitHub("pull-request"), pullRequest},
		"main":         {gitHub("main"), jenkinsCommands(t, jenkins, build{branch: "main", jobName: "main"})},
		"drift": {
			gitHub("drift"),
			jenkinsCommands(t, jenkins, build{timer: true, jobName: "groundwork-preview"}),
		},
	}
}

// lines returns the lines of steps, each with the names of its variables.
func lines(commands []command) (all []string) {
	for _, c := range commands {
		all = append(all, strings.TrimSpace(c.line+" "+strings.Join(c.env, " ")))
	}
	return all
}

// TestOneLogic checks that both pipelines run the same targets with the same variables, in the same order, on every
// occasion.
func TestOneLogic(t *testing.T) {
	want := map[string][]string{
		"pull request": {
			"make test", "make quality SONAR_TOKEN", "make preview",
			"make preview-account ENVIRONMENT=dev", "make preview-account ENVIRONMENT=prod",
		},
		"main": {
			"make test", "make quality SONAR_TOKEN", "make image",
			"make push ENVIRONMENT=dev", "make deploy ENVIRONMENT=dev",
			"make push ENVIRONMENT=prod", "make deploy ENVIRONMENT=prod",
		},
		"drift": {"make drift ENVIRONMENT=dev", "make drift ENVIRONMENT=prod"},
	}
	for occasion, both := range flows(t) {
		assert.Equal(t, want[occasion], lines(both[0]), "GitHub on %s", occasion)
		assert.Equal(t, want[occasion], lines(both[1]), "Jenkins on %s", occasion)
	}
	jenkins := repositoryFile(t, "Jenkinsfile")
	deployment := build{branch: "main", jobName: "main", deployment: true}
	assert.Empty(t, jenkinsCommands(t, jenkins, deployment), "the commit of a deployment starts nothing")
	swapped := strings.Replace(jenkins, "sh 'make quality'", "sh 'make image'", 1)
	assert.NotEqual(t, want["main"], lines(jenkinsCommands(t, swapped, build{branch: "main"})),
		"the test finds a planted difference")
	dropped := strings.Replace(repositoryFile(t, ".github/workflows/main.yaml"),
		"      - run: make quality\n", "      - run: make test\n", 1)
	assert.NotEqual(t, want["main"], lines(gitHubCommands(t, dropped)))
}

// TestSameTools checks that both pipelines use the Go of go.mod and the same Node.js.
func TestSameTools(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(repositoryFile(t, "go.mod"))[1]
	jenkins := repositoryFile(t, "Jenkinsfile")
	assert.Contains(t, jenkins, "go 'go-"+version+"'")
	node := regexp.MustCompile(`nodejs 'node-(\d+)'`).FindStringSubmatch(jenkins)[1]
	tools := "tools { go 'go-" + version + "'; nodejs 'node-" + node + "' }"
	assert.Equal(t, strings.Count(jenkins, "agent { label"), strings.Count(jenkins, tools), "every agent has both")
	seen := 0
	for _, name := range workflowFiles(t) {
		_, jobs := readWorkflow(t, repositoryFile(t, name))
		for _, j := range jobs {
			for _, step := range j.Steps {
				switch action, _, _ := strings.Cut(step.Uses, "@"); action {
				case "actions/setup-go":
					seen++
					assert.Equal(t, "go.mod", step.With["go-version-file"])
				case "actions/setup-node":
					seen++
					assert.Equal(t, node, step.With["node-version"])
				}
			}
		}
	}
	assert.Greater(t, seen, 5)
}

// workflowFiles returns the paths of the workflows in the repository.
func workflowFiles(t *testing.T) []string {
	files, err := filepath.Glob("../../.github/workflows/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for i := range files {
		files[i] = strings.TrimPrefix(files[i], "../../")
	}
	return files
}

// allowedActions are the actions that workflows may use.
var allowedActions = []string{
	"actions/checkout", "actions/setup-go", "actions/setup-node", "actions/cache", "actions/upload-artifact",
	"actions/download-artifact", "aws-actions/configure-aws-credentials",
}

var (
	usesLine   = regexp.MustCompile(`(?m)uses: .*$`)
	pinnedUse  = regexp.MustCompile(`^uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	deployStep = regexp.MustCompile(`make (push|deploy)`)
	// gitHubStage and jenkinsStage match steps that run one stage and nothing else.
	gitHubStage = regexp.MustCompile(`^make (` + strings.Join(Stages(), "|") +
		`)( [A-Z_]+=\S+| [A-Z_]+=\$\{\{ [a-z.]+ \}\})*$`)
	jenkinsStage = regexp.MustCompile(`^make (` + strings.Join(Stages(), "|") + `)( [A-Z_]+=\S+)*$`)
)

// workflowProblems returns what is wrong with a workflow.
func workflowProblems(t *testing.T, text string) (problems []string) {
	w, jobs := readWorkflow(t, text)
	bad := func(format string, a ...any) { problems = append(problems, fmt.Sprintf(format, a...)) }
	if w.Permissions == nil || len(w.Permissions) > 0 {
		bad("permissions of the workflow are not {}")
	}
	for _, line := range usesLine.FindAllString(text, -1) {
		if !pinnedUse.MatchString(line) {
			bad("not pinned: %s", line)
		}
	}
	if strings.Contains(text, "pull_request_target") {
		bad("pull_request_target gives forks the repository's rights")
	}
	for _, j := range jobs {
		problems = append(problems, j.problems(strings.Contains(text, "on: pull_request"))...)
	}
	return problems
}

// problems returns what is wrong with a job. pullRequest is true for a job that pull requests start.
func (j job) problems(pullRequest bool) (problems []string) {
	bad := func(format string, a ...any) { problems = append(problems, fmt.Sprintf(format, a...)) }
	if j.Timeout == 0 {
		bad("%s has no time limit", j.name)
	}
	if len(j.Permissions) == 0 {
		bad("%s does not say its permissions", j.name)
	}
	writes, identity := j.Permissions["contents"] == "write", j.Permissions["id-token"] == "write"
	deploys := false
	for _, step := range j.Steps {
		action, _, _ := strings.Cut(step.Uses, "@")
		switch {
		case step.Uses != "" && !slices.Contains(allowedActions, action):
			bad("%s does more than checkout, caches, identity and targets: %s", j.name, step.Uses)
		case step.Run != "" && !gitHubStage.MatchString(step.Run):
			bad("%s runs more than a target: %s", j.name, step.Run)
		}
		deploys = deploys || deployStep.MatchString(step.Run)
		if action == "actions/checkout" && step.With["persist-credentials"] != false && !writes {
			bad("%s leaves credentials in the checkout", j.name)
		}
	}
	locked := j.Concurrency.Group == "stack-"+j.Environment && !j.Concurrency.Cancel
	if deploys && (j.Environment == "" || !locked || !identity) {
		bad("%s deploys without an environment, its lock and its identity", j.name)
	}
	if !deploys && writes {
		bad("%s may write", j.name)
	}
	if pullRequest && identity && !strings.Contains(j.If, "head.repo.full_name == github.repository") {
		bad("%s would ask for an identity for forks", j.name)
	}
	return problems
}

func TestWorkflows(t *testing.T) {
	for _, name := range workflowFiles(t) {
		assert.Empty(t, workflowProblems(t, repositoryFile(t, name)), name)
	}
	main := repositoryFile(t, ".github/workflows/main.yaml")
	pull := repositoryFile(t, ".github/workflows/pull-request.yaml")
	for _, planted := range []struct{ text, old, replacement string }{
		{main, "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7"},
		{main, "permissions: {}", "permissions: {contents: write}"},
		{main, "run: make image", "run: make image && curl https://example.com"},
		{main, "run: make image", "run: docker push"},
		{main, "environment: prod", "environment: dev"},
		{main, "{group: stack-dev, cancel-in-progress: false}", "{group: stack-dev, cancel-in-progress: true}"},
		{main, "    timeout-minutes: 60\n", ""},
		{main, "actions/upload-artifact@", "example/upload-artifact@"},
		{pull, "on: pull_request", "on: pull_request_target"},
		{pull, "{contents: read, pull-requests: write}", "{contents: read, id-token: write}"},
		{pull, "persist-credentials: false", "persist-credentials: true"},
	} {
		require.Contains(t, planted.text, planted.old)
		broken := strings.Replace(planted.text, planted.old, planted.replacement, 1)
		assert.NotEmpty(t, workflowProblems(t, broken), "planted: %s", planted.replacement)
	}
}

// jenkinsProblems returns what is wrong with a Jenkinsfile.
func jenkinsProblems(text string) []string {
	c := &jenkinsCheck{}
	if !strings.Contains(text, "disableConcurrentBuilds(abortPrevious: false)") {
		c.bad("a later build would cancel this one")
	}
	c.block(parseGroovy(text), nil)
	if forbiddenStep.MatchString(groovyComment.ReplaceAllString(text, "")) {
		c.bad("does more than identity, targets and passing the image on")
	}
	return c.problems
}

var (
	forbiddenStep = regexp.MustCompile(`\b(bat|powershell|git|checkout|milestone|docker)\b[ (]`)
	groovyComment = regexp.MustCompile(`(?m)//.*$`)
	firstWord     = regexp.MustCompile(`^\w+`)
	lockOption    = regexp.MustCompile(`lock\(resource: '([^']+)'\)`)
	deployTarget  = regexp.MustCompile(`^make (push|deploy) ENVIRONMENT=(\w+)`)
)

// jenkinsCheck collects what is wrong with a Jenkinsfile.
type jenkinsCheck struct {
	problems []string
	// approved is true after a stage in which a person approves.
	approved bool
}

func (c *jenkinsCheck) bad(format string, a ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, a...))
}

// block checks the statements of a block, which runs under locks.
func (c *jenkinsCheck) block(nodes []node, locks []string) {
	has := map[string]bool{}
	for _, n := range nodes {
		word := firstWord.FindString(n.head)
		has[word] = true
		for _, inner := range n.inner {
			if word == "when" {
				has[strings.TrimSpace(inner.head)] = true
			}
			if match := lockOption.FindStringSubmatch(inner.head); word == "options" && match != nil {
				has["lock"] = true
				locks = append(slices.Clone(locks), match[1])
			}
		}
	}
	// Unless it is told otherwise, Jenkins takes locks and asks people before it checks conditions.
	if has["lock"] && has["when"] && !has["beforeOptions true"] {
		c.bad("takes a lock for builds that skip the stage")
	}
	if has["input"] {
		c.approved = true
		if has["lock"] || has["agent"] {
			c.bad("holds a lock or an agent while somebody decides")
		}
		if !has["beforeInput true"] {
			c.bad("asks about builds that skip the stage")
		}
	}
	for _, n := range nodes {
		if strings.HasPrefix(n.head, "sh ") {
			c.step(quoted.FindStringSubmatch(n.head)[1], locks)
		}
		c.block(n.inner, locks)
	}
}

// step checks one shell step, which runs under locks.
func (c *jenkinsCheck) step(line string, locks []string) {
	if !jenkinsStage.MatchString(line) {
		c.bad("runs more than a target: %s", line)
	}
	match := deployTarget.FindStringSubmatch(line)
	if match == nil {
		return
	}
	if !slices.Contains(locks, "stack-"+match[2]) {
		c.bad("%s runs without the lock stack-%s", line, match[2])
	}
	if match[2] == "prod" && !c.approved {
		c.bad("%s asks nobody", line)
	}
}

func TestJenkinsfile(t *testing.T) {
	text := repositoryFile(t, "Jenkinsfile")
	assert.Empty(t, jenkinsProblems(text))
	for _, planted := range [][2]string{
		{"abortPrevious: false", "abortPrevious: true"},
		{"lock(resource: 'stack-dev')", "lock(resource: 'stack-prod')"},
		{"input { message 'Deploy this image to prod?' }", ""},
		{"beforeInput true", ""},
		{"beforeOptions true", ""},
		{"      input {", "      agent { label 'linux' }\n      input {"},
		{"sh 'make image'", "sh 'docker build .'"},
		{"sh 'make image'", "sh 'make image; curl example.com'"},
	} {
		require.Contains(t, text, planted[0])
		assert.NotEmpty(t, jenkinsProblems(strings.Replace(text, planted[0], planted[1], 1)), "planted: %s", planted[1])
	}
}

// TestTargets checks that every stage is a make target with a description.
func TestTargets(t *testing.T) {
	makefile := repositoryFile(t, "Makefile")
	for _, stage := range Stages() {
		assert.Regexp(t, `(?m)^`+regexp.QuoteMeta(stage)+`: [^\n]*## \S`, makefile)
	}
}
