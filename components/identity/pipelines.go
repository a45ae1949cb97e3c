package identity

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
)

// ProviderMode says where an OIDC provider comes from: IAM has one per URL and account, whoever made it.
type ProviderMode string

const (
	// ProviderCreate creates it.
	ProviderCreate ProviderMode = "create"
	// ProviderReuse takes one that is there already, made by another stack of the account or by hand.
	ProviderReuse ProviderMode = "reuse"
)

// GitHub says which runs of GitHub Actions may wear the pipelines' roles.
type GitHub struct {
	// Repository is OWNER/NAME; empty for no GitHub.
	Repository string `json:"repository"`
	// OwnerID and RepositoryID are GitHub's numbers of both, in quotes. Tokens of repositories that were created, renamed
	// or moved after 2026-07-15 carry them in their subject.
	OwnerID      string `json:"ownerId"`
	RepositoryID string `json:"repositoryId"`
	// Branch is the one whose runs may preview; default main.
	Branch string `json:"branch"`
	// Environment is GitHub's environment, protected there, whose jobs may deploy.
	Environment string `json:"environment"`
	// Provider is create or reuse; default create.
	Provider ProviderMode `json:"provider"`
}

// Jenkins says which jobs of a Jenkins may wear the pipelines' roles. Its plugin OpenID Connect Provider signs their
// tokens.
type Jenkins struct {
	// Issuer is the URL in the credential, https; empty for no Jenkins.
	Issuer string `json:"issuer"`
	// PreviewSubject and DeploySubject are the exact subjects of the tokens, by default the URL of the job.
	PreviewSubject string `json:"previewSubject"`
	DeploySubject  string `json:"deploySubject"`
	// Provider is create or reuse; default create.
	Provider ProviderMode `json:"provider"`
}

// PipelinesSpec is what a stack chooses about who may deploy. The zero value lets nobody.
type PipelinesSpec struct {
	GitHub  GitHub  `json:"github"`
	Jenkins Jenkins `json:"jenkins"`
}

// SetDefaults sets what a stack may leave out; it comes before the stack's own values.
func (s *PipelinesSpec) SetDefaults() {
	s.GitHub.Branch, s.GitHub.Provider, s.Jenkins.Provider = "main", ProviderCreate, ProviderCreate
}

// Any reports whether there is a pipeline at all.
func (s PipelinesSpec) Any() bool { return s.GitHub.Repository != "" || s.Jenkins.Issuer != "" }

// gitHubIssuer is the issuer of GitHub Actions, without "https://", as condition keys spell it.
const gitHubIssuer = "token.actions.githubusercontent.com"

var (
	gitHubRepository = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)
	gitHubNumber     = regexp.MustCompile(`^[0-9]{1,20}$`)
	gitBranch        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$`)
	gitEnvironment   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	issuerURL        = regexp.MustCompile(`^https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~/-]*[A-Za-z0-9])?$`)
	subject          = regexp.MustCompile(`^[\x21-\x29\x2b-\x3e\x40-\x7e]{1,255}$`)
)

// Validate returns everything wrong with s. Wildcards are never right: whoever may choose the rest of a name could wear
// the role.
func (s PipelinesSpec) Validate() field.Errors {
	var errs field.Errors
	if g := s.GitHub; g.Repository != "" {
		errs.Match("github.repository", g.Repository, gitHubRepository, "OWNER/NAME without wildcards")
		errs.Match(
			"github.ownerId",
			g.OwnerID,
			gitHubNumber,
			"GitHub's number of the owner, in quotes: gh api users/OWNER --jq .id",
		)
		errs.Match(
			"github.repositoryId",
			g.RepositoryID,
			gitHubNumber,
			"GitHub's number of the repository, in quotes: gh api repos/OWNER/NAME --jq .id",
		)
		errs.Match("github.branch", g.Branch, gitBranch, "one branch, exact")
		errs.Match("github.environment", g.Environment, gitEnvironment, "one of the repository's environments, exact")
		field.OneOf(&errs, "github.provider", g.Provider, ProviderCreate, ProviderReuse)
	}
	if j := s.Jenkins; j.Issuer != "" {
		errs.Match(
			"jenkins.issuer",
			j.Issuer,
			issuerURL,
			"an https URL without port and without a slash at its end, such as https://jenkins.example.com/oidc; AWS has to "+
				"reach it from the internet",
		)
		errs.Match("jenkins.previewSubject", j.PreviewSubject, subject, "one subject, exact, without * or ?")
		errs.Match("jenkins.deploySubject", j.DeploySubject, subject, "one subject, exact, without * or ?")
		field.OneOf(&errs, "jenkins.provider", j.Provider, ProviderCreate, ProviderReuse)
		if j.PreviewSubject != "" && j.PreviewSubject == j.DeploySubject {
			errs.Add("jenkins.deploySubject", j.DeploySubject, "is the previewSubject too, so every preview could deploy")
		}
	}
	return errs
}

// subjects are both forms of what GitHub writes into the subject: with names alone, and with the numbers.
func (g GitHub) subjects(suffixes ...string) Strings {
	owner, name, _ := strings.Cut(g.Repository, "/")
	var all Strings
	for _, suffix := range suffixes {
		all = append(all, "repo:"+g.Repository+":"+suffix, "repo:"+owner+"@"+g.OwnerID+"/"+name+"@"+g.RepositoryID+":"+suffix)
	}
	return all
}

// PreviewTrust is the trust policy of the role that previews: pull requests, and runs of the branch.
func (s PipelinesSpec) PreviewTrust(account string) Document {
	return s.trust(account, s.GitHub.subjects("pull_request", "ref:refs/heads/"+s.GitHub.Branch), s.Jenkins.PreviewSubject)
}

// DeployTrust is the trust policy of the role that deploys: jobs of the environment, which GitHub protects, and nothing
// else.
func (s PipelinesSpec) DeployTrust(account string) Document {
	return s.trust(account, s.GitHub.subjects("environment:"+s.GitHub.Environment), s.Jenkins.DeploySubject)
}

func (s PipelinesSpec) trust(account string, gitHub Strings, jenkins string) Document {
	var statements []Statement
	add := func(sid, issuer string, subjects Strings) {
		statements = append(statements, Statement{
			Sid: sid, Effect: Allow, Principal: Federated(providerARN(account, issuer)), Action: Strings{"sts:Assu" +
				"meRoleWithWebIdentity"},
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

// providerARN is the ARN of the OIDC provider of an issuer, which follows from its URL.
func providerARN(account, issuer string) string {
	return "arn:aws:iam::" + account + ":oidc-provider/" + issuer
}

// PreviewRoleARN is the role that a pipeline previews with, which follows from its name.
func PreviewRoleARN(account, path, name string) string {
	return "arn:aws:iam::" + account + ":role" + path + name + "-preview"
}

// DeployRoleARN is the role that a pipeline deploys with, which follows from its name: the cluster has to know it, and
// is in another stack.
func DeployRoleARN(account, path, name string) string {
	return "arn:aws:iam::" + account + ":role" + path + name + "-deploy"
}

// PipelinesArgs are the facts and choices of the pipelines of one environment.
type PipelinesArgs struct {
	PipelinesSpec
	// Facts are the environment's. Where it has no permissions boundary, the deploy role gets one of its own.
	environment.Facts
	// Cluster is the cluster's name; Repositories are those of the registry, with their prefix.
	Cluster      string
	Repositories []string
	// StateBucketARN and StateKeyARN hold and encrypt the environment's states.
	StateBucketARN, StateKeyARN pulumi.StringOutput
}

// PipelinesTypeToken is the component's type. It is part of URNs: a change needs an alias.
const PipelinesTypeToken = "groundwork:identity:Pipelines"

// Pipelines are the roles that pipelines wear.
type Pipelines struct {
	pulumi.ResourceState

	// PreviewRole reads everything and writes nothing. DeployRole pushes images, and asks where the cluster is; what it
	// may do there is the cluster's own matter.
	PreviewRole, DeployRole *Role
}

// NewPipelines creates the roles of an environment's pipelines and, where they are not reused, the OIDC providers that
// their tokens are checked with.
func NewPipelines(
	ctx *pulumi.Context,
	name string,
	args *PipelinesArgs,
	opts ...pulumi.ResourceOption,
) (*Pipelines, error) {
	if args == nil {
		return nil, fmt.Errorf("pipelines %s: args is nil", name)
	}
	errs := append(args.PipelinesSpec.Validate(), args.Facts.Validate()...)
	checkRoleName(&errs, args.Name+"-preview")
	if !args.Any() {
		errs.Required("github.repository", "a repository, or jenkins.issuer: without either nobody could wear the roles")
	}
	if err := errs.Err("pipelines " + name + ": args: "); err != nil {
		return nil, err
	}
	l := &Pipelines{}
	if err := ctx.RegisterComponentResource(PipelinesTypeToken, name, l, opts...); err != nil {
		return nil, fmt.Errorf("registering pipelines %s: %w", name, err)
	}
	child := pulumi.Parent(l)
	trusted, err := args.providers(ctx, name, child)
	if err != nil {
		return nil, err
	}
	after := []pulumi.ResourceOption{child, pulumi.DependsOn(trusted)}
	policy := pulumi.All(args.StateBucketARN, args.StateKeyARN).ApplyT(func(all []any) string {
		return PreviewPolicy(all[0].(string), all[1].(string), args.AccountID, args.Region, args.Name).JSON()
	}).(pulumi.StringOutput)
	if l.PreviewRole, err = newRole(ctx, name+"-preview", roleArgs{
		facts: args.Facts, name: args.Name + "-preview", description: "Previews infrastructure in a pipeline; reads only",
		trust: pulumi.String(args.PreviewTrust(args.AccountID).JSON()), managedPolicyARNs: []string{policyReadOnly},
		policy: policy,
	}, after); err != nil {
		return nil, err
	}
	deploy := DeployPolicy(args.AccountID, args.Region, args.Cluster, args.Repositories)
	boundary, err := args.deployBoundary(ctx, name, child)
	if err != nil {
		return nil, err
	}
	if l.DeployRole, err = newRole(ctx, name+"-deploy", roleArgs{
		facts: args.Facts, name: args.Name + "-deploy", boundaryInput: boundary,
		description: "Pushes images and deploys the application from a pipeline",
		trust:       pulumi.String(args.DeployTrust(args.AccountID).JSON()), policy: pulumi.String(deploy.JSON()),
	}, after); err != nil {
		return nil, err
	}
	outputs := pulumi.Map{"previewRoleArn": l.PreviewRole.ARN, "deployRoleArn": l.DeployRole.ARN}
	if err := ctx.RegisterResourceOutputs(l, outputs); err != nil {
		return nil, fmt.Errorf("registering outputs of pipelines %s: %w", name, err)
	}
	return l, nil
}

// deployBoundary creates the boundary of the deploy role, or returns nil where the environment has one.
func (a *PipelinesArgs) deployBoundary(
	ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption,
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

// providers creates the OIDC providers that are not reused. They are protected: other stacks' roles may trust them too.
func (a *PipelinesArgs) providers(
	ctx *pulumi.Context,
	name string,
	parent pulumi.ResourceOption,
) ([]pulumi.Resource, error) {
	var all []pulumi.Resource
	for _, issuer := range []struct {
		name, url string
		mode      ProviderMode
	}{{"github", "https://" + gitHubIssuer, a.GitHub.Provider}, {"jenkins", a.Jenkins.Issuer, a.Jenkins.Provider}} {
		used := issuer.name == "github" && a.GitHub.Repository != "" || issuer.name == "jenkins" && a.Jenkins.Issuer != ""
		if !used || issuer.mode == ProviderReuse {
			continue
		}
		provider, err := iam.NewOpenIdConnectProvider(ctx, name+"-"+issuer.name, &iam.OpenIdConnectProviderArgs{
			Url: pulumi.String(issuer.url), ClientIdLists: pulumi.StringArray{pulumi.String("sts.amazonaws.com")},
		}, parent, pulumi.Protect(true))
		if err != nil {
			return nil, err
		}
		all = append(all, provider)
	}
	return all, nil
}

// policyReadOnly is AWS's policy of everything that reads; it does not read secrets.
const policyReadOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"

// PreviewPolicy lets a preview read the environment's states and, to compare them, the secrets that the program writes,
// and keeps it from the stored data that ReadOnlyAccess would show besides.
func PreviewPolicy(bucketARN, keyARN, account, region, name string) Document {
	return NewDocument(Statement{
		Sid: "ReadStates", Effect: Allow, Action: Strings{"s3:GetObject", "s3:ListBucket"}, Resource: Strings{bucketARN,
			bucketARN + "/*"},
	}, Statement{
		Sid: "DecryptStates", Effect: Allow, Action: Strings{"kms:Decrypt", "kms:DescribeKey"}, Resource: Strings{keyARN},
	}, Statement{
		// A refresh reads the versions of secrets, whose names begin with the environment's. Their keys are not known here.
		Sid: "CompareSecrets", Effect: Allow, Action: Strings{"secretsmanager:GetSecretValue"}, Resource: Strings{"arn:aws:" +
			"secretsmanager:" + region + ":" + account + ":secret:" + name + "/*"},
	}, Statement{
		Sid: "DecryptSecrets", Effect: Allow, Action: Strings{"kms:Decrypt"},
		Resource: Strings{"arn:aws:kms:" + region + ":" + account + ":key/*"},
		Condition: Condition{
			"StringEquals": {
				"kms:ViaService":          {"secretsmanager." + region + ".amazonaws.com"},
				"aws:ResourceTag/Project": {"groundwork"},
			},
		},
	}, Statement{
		// ReadOnlyAccess would read every bucket of the account.
		Sid: "NoOtherData", Effect: Deny, Action: Strings{"s3:GetObject", "s3:GetObjectVersion"},
		NotResource: Strings{bucketARN + "/*"},
	}, Statement{
		Sid: "NoRecords", Effect: Deny, Action: Strings{
			"athena:GetQueryResults", "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:GetRecords",
			"dynamodb:PartiQLSelect", "dynamodb:Query", "dynamodb:Scan",
			"ec2:GetConsoleOutput", "ec2:GetConsoleScreenshot", "kinesis:GetRecords", "lambda:GetFunction",
			"logs:FilterLogEvents", "logs:GetLogEvents",
			"logs:GetLogRecord", "logs:GetQueryResults", "logs:StartLiveTail", "logs:StartQuery", "sqs:ReceiveMessage",
			"ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:GetParametersByPath",
		}, Resource: Strings{"*"},
	})
}

// pushActions are what docker push, and its like, ask a registry for.
var pushActions = Strings{
	"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages", "ecr:GetD" +
		"ownloadUrlForLayer",
	"ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
}

// DeployPolicy lets a pipeline push to exactly these repositories and find the cluster.
func DeployPolicy(account, region, cluster string, repositories []string) Document {
	var arns Strings
	for _, repository := range slices.Sorted(slices.Values(repositories)) {
		arns = append(arns, "arn:aws:ecr:"+region+":"+account+":repository/"+repository)
	}
	return NewDocument(Statement{
		// It takes no resource.
		Sid: "SignIn", Effect: Allow, Action: Strings{"ecr:GetAuthorizationToken"}, Resource: Strings{"*"},
	}, Statement{
		Sid: "PushImages", Effect: Allow, Action: pushActions, Resource: arns,
	}, Statement{
		Sid: "FindTheCluster", Effect: Allow, Action: Strings{"eks:DescribeCluster"},
		Resource: Strings{"arn:aws:eks:" + region + ":" + account + ":cluster/" + cluster},
	})
}

// DeployBoundary is what a deploy role stays within even if somebody attaches another policy to it: the registry and
// the cluster of one region.
func DeployBoundary(account, region string) Document {
	return NewDocument(Statement{
		Sid: "SignIn", Effect: Allow, Action: Strings{"ecr:GetAuthorizationToken"}, Resource: Strings{"*"},
	}, Statement{
		Sid: "RegistryAndCluster", Effect: Allow, Action: append(slices.Clone(pushActions), "eks:DescribeCluster"),
		Resource: Strings{
			"arn:aws:ecr:" + region + ":" + account + ":repository/*",
			"arn:aws:eks:" + region + ":" + account + ":cluster/*",
		},
	})
}
