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

// postsComment is what GitHub needs to post the comment, which Jenkins puts into the build's description instead.
var postsComment = []string{"GITHUB_TOKEN", "PULL_REQUEST"}

// flows are what happens on each occasion in both.
func flows(t *testing.T) map[string][2][]command {
	jenkins := repositoryFile(t, "Jenkinsfile")
	gitHub := func(name string) []command {
		all := gitHubCommands(t, repositoryFile(t, ".github/workflows/"+name+".yaml"))
		for i := range all {
			all[i].env = slices.DeleteFunc(all[i].env, func(name string) bool { return slices.Contains(postsComment, name) })
		}
		return all
	}
	return map[string][2][]command{
		"pull request": {gitHub("pull-request"), append(jenkinsCommands(t, jenkins, build{changeRequest: true, jobName: "PR-7"}), jenkinsCommands(t, jenkins, build{jobName: "groundwork-preview"})...)},
		"main":         {gitHub("main"), jenkinsCommands(t, jenkins, build{branch: "main", jobName: "main"})},
		"drift":        {gitHub("drift"), jenkinsCommands(t, jenkins, build{timer: true, jobName: "groundwork-preview"})},
	}
}

func lines(commands []command) (all []string) {
	for _, c := range commands {
		all = append(all, strings.TrimSpace(c.line+" "+strings.Join(c.env, " ")))
	}
	return all
}

// TestOneLogic: on every occasion both pipelines run the same targets in the same order, told the same things.
func TestOneLogic(t *testing.T) {
	want := map[string][]string{
		"pull request": {"make test", "make quality SONAR_TOKEN", "make preview", "make preview-account ENVIRONMENT=dev", "make preview-account ENVIRONMENT=prod"},
		"main": {"make test", "make quality SONAR_TOKEN", "make image", "make push ENVIRONMENT=dev", "make deploy ENVIRONMENT=dev",
			"make push ENVIRONMENT=prod", "make deploy ENVIRONMENT=prod"},
		"drift": {"make drift ENVIRONMENT=dev", "make drift ENVIRONMENT=prod"},
	}
	for occasion, both := range flows(t) {
		assert.Equal(t, want[occasion], lines(both[0]), "GitHub on %s", occasion)
		assert.Equal(t, want[occasion], lines(both[1]), "Jenkins on %s", occasion)
	}
	assert.Empty(t, jenkinsCommands(t, repositoryFile(t, "Jenkinsfile"), build{branch: "main", jobName: "main", deployment: true}), "a deployment's own commit starts nothing")
	swapped := strings.Replace(repositoryFile(t, "Jenkinsfile"), "sh 'make quality'", "sh 'make image'", 1)
	assert.NotEqual(t, want["main"], lines(jenkinsCommands(t, swapped, build{branch: "main"})), "a planted difference is seen")
	dropped := strings.Replace(repositoryFile(t, ".github/workflows/main.yaml"), "      - run: make quality\n", "      - run: make test\n", 1)
	assert.NotEqual(t, want["main"], lines(gitHubCommands(t, dropped)))
}

// TestSameTools: both use the Go of go.mod and one Node.js.
func TestSameTools(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(repositoryFile(t, "go.mod"))[1]
	jenkins := repositoryFile(t, "Jenkinsfile")
	assert.Contains(t, jenkins, "go 'go-"+version+"'")
	node := regexp.MustCompile(`nodejs 'node-(\d+)'`).FindStringSubmatch(jenkins)[1]
	assert.Equal(t, strings.Count(jenkins, "agent { label"), strings.Count(jenkins, "tools { go 'go-"+version+"'; nodejs 'node-"+node+"' }"), "wherever there is an agent")
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

func workflowFiles(t *testing.T) []string {
	files, err := filepath.Glob("../../.github/workflows/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for i := range files {
		files[i] = strings.TrimPrefix(files[i], "../../")
	}
	return files
}

// workflowProblems is everything that a workflow must not be.
func workflowProblems(t *testing.T, text string) (problems []string) {
	w, jobs := readWorkflow(t, text)
	bad := func(format string, a ...any) { problems = append(problems, fmt.Sprintf(format, a...)) }
	if w.Permissions == nil || len(w.Permissions) > 0 {
		bad("permissions of the workflow are not {}")
	}
	for _, line := range regexp.MustCompile(`(?m)uses: .*$`).FindAllString(text, -1) {
		if !regexp.MustCompile(`^uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`).MatchString(line) {
			bad("not pinned: %s", line)
		}
	}
	if strings.Contains(text, "pull_request_target") {
		bad("pull_request_target gives forks the repository's rights")
	}
	allowed := []string{"actions/checkout", "actions/setup-go", "actions/setup-node", "actions/cache", "actions/upload-artifact", "actions/download-artifact", "aws-actions/configure-aws-credentials"}
	stage := regexp.MustCompile(`^make (` + strings.Join(Stages(), "|") + `)( [A-Z_]+=\S+| [A-Z_]+=\$\{\{ [a-z.]+ \}\})*$`)
	for _, j := range jobs {
		if j.Timeout == 0 {
			bad("%s has no time limit", j.name)
		}
		if len(j.Permissions) == 0 {
			bad("%s does not say its permissions", j.name)
		}
		deploys := false
		for _, step := range j.Steps {
			action, _, _ := strings.Cut(step.Uses, "@")
			switch {
			case step.Uses != "" && !slices.Contains(allowed, action):
				bad("%s does more than checkout, caches, identity and targets: %s", j.name, step.Uses)
			case step.Run != "" && !stage.MatchString(step.Run):
				bad("%s runs more than a target: %s", j.name, step.Run)
			}
			deploys = deploys || regexp.MustCompile(`make (push|deploy)`).MatchString(step.Run)
			if action == "actions/checkout" && step.With["persist-credentials"] != false && j.Permissions["contents"] != "write" {
				bad("%s leaves credentials in the checkout", j.name)
			}
		}
		if deploys && (j.Environment == "" || j.Concurrency.Group != "stack-"+j.Environment || j.Concurrency.Cancel || j.Permissions["id-token"] != "write") {
			bad("%s deploys without an environment, its lock and its identity", j.name)
		}
		if !deploys && j.Permissions["contents"] == "write" {
			bad("%s may write", j.name)
		}
		if strings.Contains(text, "on: pull_request") && j.Permissions["id-token"] == "write" && !strings.Contains(j.If, "head.repo.full_name == github.repository") {
			bad("%s would ask for an identity for forks", j.name)
		}
	}
	return problems
}

func TestWorkflows(t *testing.T) {
	for _, name := range workflowFiles(t) {
		assert.Empty(t, workflowProblems(t, repositoryFile(t, name)), name)
	}
	main, pull := repositoryFile(t, ".github/workflows/main.yaml"), repositoryFile(t, ".github/workflows/pull-request.yaml")
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
		assert.NotEmpty(t, workflowProblems(t, strings.Replace(planted.text, planted.old, planted.replacement, 1)), "planted: %s", planted.replacement)
	}
}

// jenkinsProblems is everything that the Jenkinsfile must not be.
func jenkinsProblems(text string) (problems []string) {
	bad := func(format string, a ...any) { problems = append(problems, fmt.Sprintf(format, a...)) }
	if !strings.Contains(text, "disableConcurrentBuilds(abortPrevious: false)") {
		bad("a later build would cancel this one")
	}
	stage := regexp.MustCompile(`^make (` + strings.Join(Stages(), "|") + `)( [A-Z_]+=\S+)*$`)
	approved := false
	var walk func(nodes []node, locks []string)
	walk = func(nodes []node, locks []string) {
		has := map[string]bool{}
		for _, n := range nodes {
			word := regexp.MustCompile(`^\w+`).FindString(n.head)
			has[word] = true
			for _, inner := range n.inner {
				if word == "when" {
					has[strings.TrimSpace(inner.head)] = true
				}
				if match := regexp.MustCompile(`lock\(resource: '([^']+)'\)`).FindStringSubmatch(inner.head); word == "options" && match != nil {
					has["lock"] = true
					locks = append(slices.Clone(locks), match[1])
				}
			}
		}
		// Jenkins takes locks and asks people before it looks at conditions, where it is not told otherwise.
		if has["lock"] && has["when"] && !has["beforeOptions true"] {
			bad("takes a lock for builds that skip the stage")
		}
		if has["input"] {
			if approved = true; has["lock"] || has["agent"] {
				bad("holds a lock or an agent while somebody decides")
			}
			if !has["beforeInput true"] {
				bad("asks about builds that skip the stage")
			}
		}
		for _, n := range nodes {
			if strings.HasPrefix(n.head, "sh ") {
				line := quoted.FindStringSubmatch(n.head)[1]
				if !stage.MatchString(line) {
					bad("runs more than a target: %s", line)
				}
				if match := regexp.MustCompile(`^make (push|deploy) ENVIRONMENT=(\w+)`).FindStringSubmatch(line); match != nil {
					if !slices.Contains(locks, "stack-"+match[2]) {
						bad("%s runs without the lock stack-%s", line, match[2])
					}
					if match[2] == "prod" && !approved {
						bad("%s asks nobody", line)
					}
				}
			}
			walk(n.inner, locks)
		}
	}
	walk(parseGroovy(text), nil)
	if regexp.MustCompile(`\b(bat|powershell|git|checkout|milestone|docker)\b[ (]`).MatchString(regexp.MustCompile(`(?m)//.*$`).ReplaceAllString(text, "")) {
		bad("does more than identity, targets and passing the image on")
	}
	return problems
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

// TestTargets: every stage is a make target that says what it does.
func TestTargets(t *testing.T) {
	makefile := repositoryFile(t, "Makefile")
	for _, stage := range Stages() {
		assert.Regexp(t, `(?m)^`+regexp.QuoteMeta(stage)+`: [^\n]*## \S`, makefile)
	}
}
