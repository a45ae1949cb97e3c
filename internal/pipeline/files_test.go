package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// command is one shell step of a pipeline, with the names of the variables that it gets.
type command struct {
	line string
	env  []string
}

// workflow is the part of a GitHub workflow that the tests check.
type workflow struct {
	On          any            `yaml:"on"`
	Permissions map[string]any `yaml:"permissions"`
	Jobs        yaml.Node      `yaml:"jobs"`
}

// job is the part of a job that the tests check.
type job struct {
	name        string
	Needs       any               `yaml:"needs"`
	If          string            `yaml:"if"`
	Environment string            `yaml:"environment"`
	Timeout     int               `yaml:"timeout-minutes"`
	Permissions map[string]string `yaml:"permissions"`
	Concurrency struct {
		Group  string `yaml:"group"`
		Cancel bool   `yaml:"cancel-in-progress"`
	} `yaml:"concurrency"`
	Strategy struct {
		Matrix map[string][]string `yaml:"matrix"`
	} `yaml:"strategy"`
	Steps []struct {
		Uses string            `yaml:"uses"`
		Run  string            `yaml:"run"`
		With map[string]any    `yaml:"with"`
		Env  map[string]string `yaml:"env"`
	} `yaml:"steps"`
}

// readWorkflow returns a workflow with its jobs in the order of the file. It checks that each job comes after the jobs
// that it needs.
func readWorkflow(t *testing.T, text string) (*workflow, []job) {
	t.Helper()
	var w workflow
	require.NoError(t, yaml.Unmarshal([]byte(text), &w))
	var jobs []job
	for i := 0; i < len(w.Jobs.Content); i += 2 {
		j := job{name: w.Jobs.Content[i].Value}
		require.NoError(t, w.Jobs.Content[i+1].Decode(&j))
		for _, needed := range strings.Fields(strings.Trim(fmt.Sprint(j.Needs), "[]")) {
			earlier := slices.ContainsFunc(jobs, func(other job) bool { return other.name == needed })
			assert.True(t, needed == "<nil>" || earlier, "%s needs %s, which comes later", j.name, needed)
		}
		jobs = append(jobs, j)
	}
	return &w, jobs
}

// gitHubCommands returns the shell steps of a workflow in order. A step in a matrix of environments is there once for
// each environment.
func gitHubCommands(t *testing.T, text string) []command {
	_, jobs := readWorkflow(t, text)
	var all []command
	for _, j := range jobs {
		environments := j.Strategy.Matrix["environment"]
		if len(environments) == 0 {
			environments = []string{""}
		}
		for _, environment := range environments {
			for _, step := range j.Steps {
				if step.Run == "" {
					continue
				}
				c := command{line: strings.ReplaceAll(step.Run, "${{ matrix.environment }}", environment)}
				for name := range step.Env {
					c.env = append(c.env, name)
				}
				slices.Sort(c.env)
				all = append(all, c)
			}
		}
	}
	return all
}

// node is a statement of a declarative Jenkinsfile, with the block after it.
type node struct {
	head  string
	inner []node
}

var groovyToken = regexp.MustCompile(`//[^\n]*|'[^'\n]*'|[{}]|[\n;]|[^{}\n;'/]+|/`)

// parseGroovy parses the part of Groovy that a declarative Jenkinsfile uses: statements and blocks.
func parseGroovy(text string) []node {
	tokens := groovyToken.FindAllString(text, -1)
	var block func() []node
	block = func() []node {
		var all []node
		head := ""
		flush := func(inner []node) {
			if head = strings.TrimSpace(head); head != "" {
				all = append(all, node{head, inner})
			}
			head = ""
		}
		for len(tokens) > 0 {
			token := tokens[0]
			tokens = tokens[1:]
			switch {
			case strings.HasPrefix(token, "//"):
			case token == "{":
				flush(block())
			case token == "}":
				flush(nil)
				return all
			case token == "\n" || token == ";":
				flush(nil)
			default:
				head += token
			}
		}
		flush(nil)
		return all
	}
	return block()
}

// build has the facts that the conditions of a Jenkinsfile check.
type build struct {
	changeRequest, timer bool
	// deployment is true for a build whose only commit was made by a deployment.
	deployment      bool
	branch, jobName string
}

var quoted = regexp.MustCompile(`'([^']*)'`)

// holds evaluates the conditions below when.
func (b build) holds(t *testing.T, conditions []node) bool {
	for _, c := range conditions {
		var values []string
		for _, match := range quoted.FindAllStringSubmatch(c.head, -1) {
			values = append(values, match[1])
		}
		ok := false
		switch word := firstWord.FindString(c.head); word {
		case "beforeAgent", "beforeOptions", "beforeInput":
			ok = true
		case "changelog":
			require.Equal(t, `.*\\[skip ci\\].*`, values[0])
			ok = b.deployment
		case "not":
			ok = !b.holds(t, c.inner)
		case "allOf":
			ok = b.holds(t, c.inner)
		case "changeRequest":
			ok = b.changeRequest
		case "branch":
			ok = b.branch == values[0]
		case "triggeredBy":
			ok = b.timer && values[0] == "TimerTrigger"
		case "environment":
			require.Equal(t, "JOB_BASE_NAME", values[0])
			ok = b.jobName == values[1]
		default:
			require.Fail(t, "the test does not know the condition "+c.head)
		}
		if !ok {
			return false
		}
	}
	return true
}

// jenkinsCommands returns the shell steps that a build of the Jenkinsfile runs, in order.
func jenkinsCommands(t *testing.T, text string, b build) []command {
	var all []command
	var walk func(nodes []node, env []string)
	walk = func(nodes []node, env []string) {
		for _, n := range nodes {
			switch word := firstWord.FindString(n.head); word {
			case "stage":
				for _, inner := range n.inner {
					if inner.head == "when" && !b.holds(t, inner.inner) {
						n.inner = nil
					}
				}
				walk(n.inner, env)
			case "sh":
				all = append(all, command{quoted.FindStringSubmatch(n.head)[1], env})
			case "withCredentials":
				given := slices.Clone(env)
				for _, match := range regexp.MustCompile(`variable: '(\w+)'`).FindAllStringSubmatch(n.head, -1) {
					// The two pipelines get their AWS credentials in different ways. All other variables are the same.
					if !strings.HasPrefix(match[1], "AWS_") {
						given = append(given, match[1])
					}
				}
				slices.Sort(given)
				walk(n.inner, given)
			default:
				walk(n.inner, env)
			}
		}
	}
	walk(parseGroovy(text), nil)
	return all
}

// repositoryFile returns the text of a file of this repository.
func repositoryFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	require.NoError(t, err)
	return string(text)
}
