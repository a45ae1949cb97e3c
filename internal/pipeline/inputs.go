package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Input is one environment variable that stages read.
type Input struct {
	Name string
	// Stages are the stages that read it.
	Stages []string
	// Required is true where a stage does not run without it, not even with DRY_RUN.
	Required bool
	// Default says what a stage uses when the variable is not set.
	Default string
	// Means says what the variable is.
	Means string
	// form matches valid values, and want describes them.
	form *regexp.Regexp
	want string
}

// Names of the inputs.
const (
	Environment      = "ENVIRONMENT"
	Tag              = "TAG"
	Registry         = "REGISTRY"
	Digest           = "DIGEST"
	Timeout          = "TIMEOUT"
	Base             = "BASE"
	Minimum          = "MINIMUM_COVERAGE"
	GitHubRepository = "GITHUB_REPOSITORY"
	GitHubToken      = "GITHUB_TOKEN"
	PullRequest      = "PULL_REQUEST"
	SonarToken       = "SONAR_TOKEN"
	VulnerabilityDB  = "GOVULNDB"
	DryRun           = "DRY_RUN"
)

// defaultVulnerabilityDB is the database that VulnerabilityDB replaces.
const defaultVulnerabilityDB = "https://vuln.go.dev"

// Inputs lists every input of every stage. docs/pipelines.md shows it as a table.
var Inputs = []Input{
	{
		Name:     Environment,
		Stages:   []string{"push", "deploy", "preview-account", "drift"},
		Required: true,
		Means:    "which `Pulumi.ENVIRONMENT.yaml`: dev or prod",
		form:     regexp.MustCompile(`^[a-z][a-z0-9]{0,8}$`),
		want:     "an environment such as dev",
	},
	{
		Name:    Tag,
		Stages:  []string{"image", "push"},
		Default: "the commit, 12 digits",
		Means:   "the image's tag; tags are immutable",
		form:    regexp.MustCompile(`^[\w][\w.-]{0,127}$`),
		want:    "an image tag: letters, digits, _ . -",
	},
	{
		Name:    Registry,
		Stages:  []string{"push"},
		Default: "that of the environment's account and region",
		Means:   "the repository that images go to",
		form:    regexp.MustCompile(`^[a-z0-9.:-]+(/[a-z0-9._-]+)+$`),
		want:    "HOST/REPOSITORY",
	},
	{
		Name:    Digest,
		Stages:  []string{"deploy"},
		Default: "what push left in `reports/digest-ENVIRONMENT`",
		Means:   "the image to run",
		form:    regexp.MustCompile(`^sha256:[0-9a-f]{64}$`),
		want:    "sha256: and 64 hexadecimal digits",
	},
	{
		Name:    Timeout,
		Stages:  []string{"deploy"},
		Default: "5m",
		Means: "how long a release may take to be healthy; Helm then goes back by itself, " +
			"Argo CD leaves the version before serving",
		form: regexp.MustCompile(`^[1-9][0-9]*(s|m)$`),
		want: "a time such as 90s or 5m",
	},
	{
		Name:    Base,
		Stages:  []string{"preview"},
		Default: "where the branch left `origin/main`",
		Means:   "the commit to compare with",
		form:    regexp.MustCompile(`^[\w][\w./@^~-]*$`),
		want:    "a commit, branch or tag",
	},
	{
		Name:    Minimum,
		Stages:  []string{"quality"},
		Default: "80",
		Means: "percent of statements that tests have to run, in infrastructure and application each; " +
			"80 at least",
		form: regexp.MustCompile(`^(8[0-9]|9[0-9]|100)$`),
		want: "80 to 100: below 80 nothing is built",
	},
	{
		Name:    SonarToken,
		Stages:  []string{"quality"},
		Default: "nothing is reported",
		Means:   "SonarCloud's token (secret); `none` for none",
	},
	{
		Name:    VulnerabilityDB,
		Stages:  []string{"quality", "image"},
		Default: defaultVulnerabilityDB,
		Means:   "the database of known vulnerabilities, https or file",
	},
	{
		Name:    GitHubToken,
		Stages:  []string{"preview"},
		Default: "the comment is only written to `reports/preview.md`",
		Means:   "lets the comment be posted (secret); with the next two",
	},
	{
		Name:   GitHubRepository,
		Stages: []string{"preview"},
		Means:  "OWNER/NAME of the pull request's repository",
		form:   regexp.MustCompile(`^[\w.-]+/[\w.-]+$`),
		want:   "OWNER/NAME",
	},
	{
		Name:   PullRequest,
		Stages: []string{"preview"},
		Means:  "the pull request's number",
		form:   regexp.MustCompile(`^[1-9][0-9]*$`),
		want:   "a number",
	},
	{
		Name:    DryRun,
		Stages:  Stages(),
		Default: "off",
		Means:   "1 prints what would be run, and needs no credentials",
		form:    regexp.MustCompile(`^[01]?$`),
		want:    "1 or nothing",
	},
}

// awsCredentials lists the sets of variables from which the AWS command takes credentials. One set has to be complete.
var awsCredentials = [][]string{
	{"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"},
	{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
	{"AWS_PROFILE"},
	{"AWS_CONTAINER_CREDENTIALS_FULL_URI"},
}

// needCredentials lists the stages that call AWS.
var needCredentials = []string{"push", "deploy", "preview-account", "drift"}

// check returns one error with every input of a stage that is missing or wrong.
func check(stage string, get func(string) string) error {
	var problems []error
	for _, input := range Inputs {
		if !slices.Contains(input.Stages, stage) {
			continue
		}
		value := get(input.Name)
		switch {
		case value == "" && input.Required:
			problems = append(problems, fmt.Errorf("  %s is missing; it is %s", input.Name, input.Means))
		case value != "" && input.form != nil && !input.form.MatchString(value):
			problems = append(problems, fmt.Errorf("  %s %q is not %s", input.Name, value, input.want))
		}
	}
	if slices.Contains(needCredentials, stage) && get(DryRun) != "1" {
		if err := checkCredentials(get); err != nil {
			problems = append(problems, err)
		}
	}
	if stage == "preview" && get(GitHubToken) != "" {
		for _, name := range []string{GitHubRepository, PullRequest} {
			if get(name) == "" {
				problems = append(problems, fmt.Errorf(
					"  %s is missing; with %s it says where the comment goes", name, GitHubToken))
			}
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("make %s cannot start: %d problem(s) with its inputs (docs/pipelines.md):\n%w",
			stage, len(problems), errors.Join(problems...))
	}
	return nil
}

// checkCredentials returns an error where no set of awsCredentials is complete.
func checkCredentials(get func(string) string) error {
	var sets []string
	for _, names := range awsCredentials {
		if !slices.ContainsFunc(names, func(name string) bool { return get(name) == "" }) {
			return nil
		}
		sets = append(sets, strings.Join(names, " and "))
	}
	return fmt.Errorf("  AWS credentials are missing; give %s (or try DRY_RUN=1)", strings.Join(sets, ", or "))
}

// Table renders the inputs as a table in Markdown.
func Table() string {
	var out strings.Builder
	out.WriteString("| variable | stages | without it | what it is |\n|---|---|---|---|\n")
	for _, input := range Inputs {
		without := input.Default
		switch {
		case input.Required:
			without = "refused"
		case without == "":
			without = "see above"
		}
		stages := strings.Join(input.Stages, ", ")
		if len(input.Stages) == len(Stages()) {
			stages = "all"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", input.Name, stages, without, input.Means)
	}
	return out.String()
}
