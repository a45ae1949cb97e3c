package delivery

import (
	"path"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
	"groundwork/components/helm"
	"groundwork/components/identity"
)

// Owner installs and upgrades the release of the application.
type Owner string

const (
	// OwnerPipeline is a pipeline that runs helm upgrade --install --atomic --wait.
	OwnerPipeline Owner = "pipeline"
	// OwnerArgoCD is Argo CD, which follows the chart in Git.
	OwnerArgoCD Owner = "argocd"
)

// Spec is what a stack chooses about the delivery of its application.
type Spec struct {
	// Owner is pipeline or argocd; default pipeline.
	Owner Owner `json:"owner"`
	// Repository is the Git URL that Argo CD reads, without credentials. Required if Owner is argocd.
	Repository string `json:"repository"`
	// Revision is the branch, tag or commit that Argo CD follows; default main.
	Revision string `json:"revision"`
	// Path is the folder of the chart in the repository; default webapp/chart.
	Path string `json:"path"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *Spec) SetDefaults() { s.Owner, s.Revision, s.Path = OwnerPipeline, "main", "webapp/chart" }

var (
	gitURL   = regexp.MustCompile(`^(https://|ssh://git@|git@)[A-Za-z0-9.-]+[:/][\w./~-]+$`)
	revision = regexp.MustCompile(`^[\w][\w./-]{0,199}$`)
)

// Validate returns everything wrong with s.
func (s Spec) Validate() field.Errors {
	var errs field.Errors
	field.OneOf(&errs, "owner", s.Owner, OwnerPipeline, OwnerArgoCD)
	if s.Owner == OwnerArgoCD && s.Repository == "" {
		errs.Required("repository", "the Git URL of the repository that holds "+s.Path)
	} else if s.Repository != "" {
		errs.Match("repository", s.Repository, gitURL,
			"a Git URL such as https://github.com/example/groundwork.git, without credentials in it")
	}
	errs.Match("revision", s.Revision, revision, "a branch, tag or commit")
	if s.Path == "" || path.IsAbs(s.Path) || path.Clean(s.Path) != s.Path || strings.HasPrefix(s.Path, "..") {
		errs.Add("path", s.Path, "is not a folder inside the repository, such as webapp/chart")
	}
	return errs
}

// Args are the facts and choices of one application's delivery.
type Args struct {
	environment.Facts
	Spec
	// Application is the name of the release, the namespace and the chart: a DNS label.
	Application string
	// Environment chooses the values file of the chart, values-ENVIRONMENT.yaml: a DNS label.
	Environment string
	// OIDC is the issuer of the tokens of service accounts.
	OIDC identity.OIDC
	// Secrets are the secrets that the application may read.
	Secrets Secrets
	// Values are the values of the chart that only infrastructure knows.
	Values Values
	// ArgoCD is the chart of Argo CD, Apps the chart of its Applications. Required if Owner is argocd.
	ArgoCD, Apps helm.Chart
	// Replicas is the number of replicas of each part of Argo CD that can have several.
	Replicas int
	// DeployerGroup is the Kubernetes group of the pipelines; empty for no pipelines.
	DeployerGroup string
	// Serving are the releases that install the custom resource definitions of the application's chart.
	Serving []pulumi.Resource
}

// Secrets are the secrets that the application may read, and the keys that encrypt them.
type Secrets struct {
	// ARNs are keyed by kind, each of SecretKinds.
	ARNs map[string]pulumi.StringOutput
	// KeyARNs are the KMS keys of all secrets.
	KeyARNs []pulumi.StringOutput
}

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := append(a.Spec.Validate(), a.Facts.Validate()...)
	errs.Match("application", a.Application, dnsLabel, "a Kubernetes name")
	errs.Match("environment", a.Environment, dnsLabel, "the name of an environment")
	for _, kind := range SecretKinds {
		if _, ok := a.Secrets.ARNs[kind]; !ok {
			errs.Required("secrets.arns."+kind, "the ARN of a secret")
		}
	}
	if a.Owner == OwnerArgoCD && (a.ArgoCD.Version == "" || a.Apps.Version == "") {
		errs.Required("argoCD", "the charts of Argo CD and of its Application")
	}
	return errs.Err("delivery " + name + ": args: ")
}
