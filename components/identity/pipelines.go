package identity

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
)

// ProviderMode says where an OIDC provider comes from. IAM allows one for each URL in an account.
type ProviderMode string

const (
	// ProviderCreate creates the provider.
	ProviderCreate ProviderMode = "create"
	// ProviderReuse uses a provider that exists already, created by another stack of the account or by hand.
	ProviderReuse ProviderMode = "reuse"
)

// GitHub says which runs of GitHub Actions may assume the roles of the pipelines.
type GitHub struct {
	// Repository is OWNER/NAME; empty, the default, for no GitHub.
	Repository string `json:"repository"`
	// OwnerID and RepositoryID are the numeric IDs that GitHub gives the owner and the repository, in quotes. Tokens of
	// repositories that were created, renamed or moved after 2026-07-15 have them in their subject.
	OwnerID      string `json:"ownerId"`
	RepositoryID string `json:"repositoryId"`
	// Branch is the branch whose runs may preview; default main.
	Branch string `json:"branch"`
	// Environment is the GitHub environment whose jobs may deploy. Protect it on GitHub.
	Environment string `json:"environment"`
	// Provider is create or reuse; default create.
	Provider ProviderMode `json:"provider"`
}

// Jenkins says which jobs of a Jenkins server may assume the roles of the pipelines. The Jenkins plugin OpenID Connect
// Provider signs their tokens.
type Jenkins struct {
	// Issuer is the https URL in the credential; empty, the default, for no Jenkins.
	Issuer string `json:"issuer"`
	// PreviewSubject and DeploySubject are the exact subjects of the tokens. The plugin's default is the URL of the job.
	PreviewSubject string `json:"previewSubject"`
	DeploySubject  string `json:"deploySubject"`
	// Provider is create or reuse; default create.
	Provider ProviderMode `json:"provider"`
}

// PipelinesSpec is what a stack chooses about its pipelines. With the zero value, nobody may deploy.
type PipelinesSpec struct {
	GitHub  GitHub  `json:"github"`
	Jenkins Jenkins `json:"jenkins"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *PipelinesSpec) SetDefaults() {
	s.GitHub.Branch, s.GitHub.Provider, s.Jenkins.Provider = "main", ProviderCreate, ProviderCreate
}

// Any reports whether there is a pipeline.
func (s PipelinesSpec) Any() bool { return s.GitHub.Repository != "" || s.Jenkins.Issuer != "" }

// gitHubIssuer is the issuer of GitHub Actions without "https://", as condition keys need it.
const gitHubIssuer = "token.actions.githubusercontent.com"

var (
	gitHubRepository = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)
	gitHubNumber     = regexp.MustCompile(`^[0-9]{1,20}$`)
	gitBranch        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$`)
	gitEnvironment   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	issuerURL        = regexp.MustCompile(`^https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~/-]*[A-Za-z0-9])?$`)
	subject          = regexp.MustCompile(`^[\x21-\x29\x2b-\x3e\x40-\x7e]{1,255}$`)
)

// Validate returns everything wrong with s. It refuses wildcards: anybody who can choose the rest of a name could
// assume the role.
func (s PipelinesSpec) Validate() field.Errors {
	var errs field.Errors
	if s.GitHub.Repository != "" {
		errs.Below("github", s.GitHub.validate())
	}
	if s.Jenkins.Issuer != "" {
		errs.Below("jenkins", s.Jenkins.validate())
	}
	return errs
}

func (g GitHub) validate() field.Errors {
	var errs field.Errors
	errs.Match("repository", g.Repository, gitHubRepository, "OWNER/NAME without wildcards")
	errs.Match("ownerId", g.OwnerID, gitHubNumber,
		"GitHub's number of the owner, in quotes: gh api users/OWNER --jq .id")
	errs.Match("repositoryId", g.RepositoryID, gitHubNumber,
		"GitHub's number of the repository, in quotes: gh api repos/OWNER/NAME --jq .id")
	errs.Match("branch", g.Branch, gitBranch, "one branch, exact")
	errs.Match("environment", g.Environment, gitEnvironment, "one of the repository's environments, exact")
	field.OneOf(&errs, "provider", g.Provider, ProviderCreate, ProviderReuse)
	return errs
}

func (j Jenkins) validate() field.Errors {
	var errs field.Errors
	errs.Match("issuer", j.Issuer, issuerURL, "an https URL without port and without a slash at its end, such as "+
		"https://jenkins.example.com/oidc; AWS has to reach it from the internet")
	errs.Match("previewSubject", j.PreviewSubject, subject, "one subject, exact, without * or ?")
	errs.Match("deploySubject", j.DeploySubject, subject, "one subject, exact, without * or ?")
	field.OneOf(&errs, "provider", j.Provider, ProviderCreate, ProviderReuse)
	if j.PreviewSubject != "" && j.PreviewSubject == j.DeploySubject {
		errs.Add("deploySubject", j.DeploySubject, "is the previewSubject too, so every preview could deploy")
	}
	return errs
}

// subjects returns both forms of the subject that GitHub uses: with names alone, and with names and numeric IDs.
func (g GitHub) subjects(suffixes ...string) Strings {
	owner, name, _ := strings.Cut(g.Repository, "/")
	numbered := owner + "@" + g.OwnerID + "/" + name + "@" + g.RepositoryID
	var all Strings
	for _, suffix := range suffixes {
		all = append(all, "repo:"+g.Repository+":"+suffix, "repo:"+numbered+":"+suffix)
	}
	return all
}

// PreviewTrust is the trust policy of the preview role: pull requests, and runs of the branch.
func (s PipelinesSpec) PreviewTrust(account string) Document {
	return s.trust(account, s.GitHub.subjects("pull_request", "ref:refs/heads/"+s.GitHub.Branch), s.Jenkins.PreviewSubject)
}

// DeployTrust is the trust policy of the deploy role: only jobs of the environment, which GitHub protects.
func (s PipelinesSpec) DeployTrust(account string) Document {
	return s.trust(account, s.GitHub.subjects("environment:"+s.GitHub.Environment), s.Jenkins.DeploySubject)
}

func (s PipelinesSpec) trust(account string, gitHub Strings, jenkins string) Document {
	var statements []Statement
	add := func(sid, issuer string, subjects Strings) {
		statements = append(statements, Statement{
			Sid: sid, Effect: Allow, Principal: Federated(providerARN(account, issuer)),
			Action:    Strings{"sts:AssumeRoleWithWebIdentity"},
			Condition: Condition{"StringEquals": {issuer + ":aud": {"sts.amazonaws.com"}, issuer + ":sub": subjects}},
		})
	}
	if s.GitHub.Repository != "" {
		add("GitHub", gitHubIssuer, gitHub)
	}
	if s.Jenkins.Issuer != "" {
		add("Jenkins", strings.TrimPrefix(s.Jenkins.Issuer, "https://"), Strings{jenkins})
	}
	return NewDocument(statements...)
}

// providerARN is the ARN of the OIDC provider of an issuer. It follows from the issuer's URL.
func providerARN(account, issuer string) string {
	return "arn:aws:iam::" + account + ":oidc-provider/" + issuer
}

// PreviewRoleARN is the ARN of the preview role. It follows from the role's name.
func PreviewRoleARN(account, path, name string) string {
	return "arn:aws:iam::" + account + ":role" + path + name + "-preview"
}

// DeployRoleARN is the ARN of the deploy role. It follows from the role's name, because the cluster needs it and is in
// another stack.
func DeployRoleARN(account, path, name string) string {
	return "arn:aws:iam::" + account + ":role" + path + name + "-deploy"
}

// PipelinesArgs are the facts and choices of the pipelines of one environment.
type PipelinesArgs struct {
	PipelinesSpec
	// Facts are the environment's. If it has no permissions boundary, the deploy role gets one of its own.
	environment.Facts
	// Cluster is the name of the cluster; Repositories are the repositories of the registry, with their prefix.
	Cluster      string
	Repositories []string
	// Bastion is the name of the instance through which the pipelines reach the cluster; empty if they reach it directly.
	Bastion string
	// StateBucketARN and StateKeyARN are the bucket and the key of the environment's states.
	StateBucketARN, StateKeyARN pulumi.StringOutput
}

// PipelinesTypeToken is the component's type. It is part of URNs: a change needs an alias.
const PipelinesTypeToken = "groundwork:identity:Pipelines"

// Pipelines are the roles that pipelines assume.
type Pipelines struct {
	pulumi.ResourceState

	// PreviewRole reads everything and writes nothing. DeployRole pushes images and finds the cluster; the cluster decides
	// what it may do there.
	PreviewRole, DeployRole *Role
}

// NewPipelines creates the roles of an environment's pipelines and the OIDC providers that verify their tokens, except
// providers that are reused. It returns everything wrong with args in one error, before anything is registered.
func NewPipelines(
	ctx *pulumi.Context,
	name string,
	args *PipelinesArgs,
	opts ...pulumi.ResourceOption,
) (*Pipelines, error) {
	if args == nil {
		return nil, fmt.Errorf("pipelines %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	p := &Pipelines{}
	if err := ctx.RegisterComponentResource(PipelinesTypeToken, name, p, opts...); err != nil {
		return nil, fmt.Errorf("registering pipelines %s: %w", name, err)
	}
	parent := pulumi.Parent(p)
	providers, err := args.providers(ctx, name, parent)
	if err != nil {
		return nil, err
	}
	roleOpts := []pulumi.ResourceOption{parent, pulumi.DependsOn(providers)}
	if p.PreviewRole, err = args.previewRole(ctx, name, roleOpts); err != nil {
		return nil, err
	}
	boundary, err := args.deployBoundary(ctx, name, parent)
	if err != nil {
		return nil, err
	}
	if p.DeployRole, err = args.deployRole(ctx, name, boundary, roleOpts); err != nil {
		return nil, err
	}
	outputs := pulumi.Map{"previewRoleArn": p.PreviewRole.ARN, "deployRoleArn": p.DeployRole.ARN}
	if err := ctx.RegisterResourceOutputs(p, outputs); err != nil {
		return nil, fmt.Errorf("registering outputs of pipelines %s: %w", name, err)
	}
	return p, nil
}

// Validate returns everything wrong with the arguments in one error.
func (a *PipelinesArgs) Validate(name string) error {
	errs := append(a.PipelinesSpec.Validate(), a.Facts.Validate()...)
	validateRoleName(&errs, a.Name+"-preview")
	if !a.Any() {
		errs.Required("github.repository", "a repository, or jenkins.issuer: without either nobody could assume the roles")
	}
	return errs.Err("pipelines " + name + ": args: ")
}

func (a *PipelinesArgs) previewRole(
	ctx *pulumi.Context,
	name string,
	opts []pulumi.ResourceOption,
) (*Role, error) {
	policy := pulumi.All(a.StateBucketARN, a.StateKeyARN).ApplyT(func(all []any) string {
		preview := PreviewPolicy(all[0].(string), all[1].(string), a.AccountID, a.Region, a.Name)
		preview.Statement = append(preview.Statement, a.tunnel()...)
		return preview.JSON()
	}).(pulumi.StringOutput)
	return newRole(ctx, name+"-preview", roleArgs{
		facts: a.Facts, name: a.Name + "-preview",
		description:       "Previews infrastructure in a pipeline; reads only",
		trust:             pulumi.String(a.PreviewTrust(a.AccountID).JSON()),
		managedPolicyARNs: []string{policyReadOnly},
		policy:            policy,
	}, opts)
}

// tunnel are the permissions for a tunnel to the cluster; none if it needs none.
func (a *PipelinesArgs) tunnel() []Statement {
	if a.Bastion == "" {
		return nil
	}
	return TunnelStatements(a.AccountID, a.Region, a.Bastion)
}

func (a *PipelinesArgs) deployRole(
	ctx *pulumi.Context,
	name string,
	boundary pulumi.StringInput,
	opts []pulumi.ResourceOption,
) (*Role, error) {
	policy := DeployPolicy(a.AccountID, a.Region, a.Cluster, a.Repositories)
	policy.Statement = append(policy.Statement, a.tunnel()...)
	return newRole(ctx, name+"-deploy", roleArgs{
		facts: a.Facts, name: a.Name + "-deploy",
		description:   "Pushes images and deploys the application from a pipeline",
		trust:         pulumi.String(a.DeployTrust(a.AccountID).JSON()),
		boundaryInput: boundary,
		policy:        pulumi.String(policy.JSON()),
	}, opts)
}

// deployBoundary creates the permissions boundary of the deploy role. It returns nil if the environment has one.
func (a *PipelinesArgs) deployBoundary(
	ctx *pulumi.Context,
	name string,
	opts ...pulumi.ResourceOption,
) (pulumi.StringInput, error) {
	if a.RoleBoundary != "" {
		return nil, nil
	}
	policy, err := iam.NewPolicy(ctx, name+"-boundary", &iam.PolicyArgs{
		Name: pulumi.String(a.Name + "-deploy-boundary"), Path: pulumi.String(a.RolePath),
		Description: pulumi.String("The most that a pipeline may ever do, whatever policies its role is given"),
		Policy:      pulumi.String(DeployBoundary(a.AccountID, a.Region).JSON()),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("creating the boundary of role %s-deploy: %w", a.Name, err)
	}
	return policy.Arn, nil
}

// providers creates the OIDC providers, except those that are reused. It protects them, because roles of other stacks
// may trust them too.
func (a *PipelinesArgs) providers(
	ctx *pulumi.Context,
	name string,
	parent pulumi.ResourceOption,
) ([]pulumi.Resource, error) {
	var all []pulumi.Resource
	for _, issuer := range []struct {
		name, url string
		used      bool
		mode      ProviderMode
	}{
		{"github", "https://" + gitHubIssuer, a.GitHub.Repository != "", a.GitHub.Provider},
		{"jenkins", a.Jenkins.Issuer, a.Jenkins.Issuer != "", a.Jenkins.Provider},
	} {
		if !issuer.used || issuer.mode == ProviderReuse {
			continue
		}
		provider, err := iam.NewOpenIdConnectProvider(ctx, name+"-"+issuer.name, &iam.OpenIdConnectProviderArgs{
			Url:           pulumi.String(issuer.url),
			ClientIdLists: pulumi.StringArray{pulumi.String("sts.amazonaws.com")},
		}, parent, pulumi.Protect(true))
		if err != nil {
			return nil, fmt.Errorf("creating the OIDC provider of %s: %w", issuer.url, err)
		}
		all = append(all, provider)
	}
	return all, nil
}
