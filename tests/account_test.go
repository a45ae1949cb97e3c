package tests

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/delivery"
	"groundwork/components/identity"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/pipeline"
	"groundwork/internal/rules"
	"groundwork/tests/harness"
)

// mayAssume evaluates a trust policy as IAM does, for what OIDC needs of it: whether a token of an issuer with these
// claims is let in.
func mayAssume(t *testing.T, policy, issuer, audience, subject string) bool {
	t.Helper()
	for _, s := range rules.Statements(policy) {
		claims := map[string]string{issuer + ":aud": audience, issuer + ":sub": subject}
		ok := s.Effect == "Allow" && slices.Equal(s.Action, []string{"sts:AssumeRoleWithWebIdentity"}) &&
			len(s.Principal["Federated"]) == 1 && strings.HasSuffix(s.Principal["Federated"][0], ":oidc-provider/"+issuer)
		for operator, keys := range s.Condition {
			require.Equal(t, "StringEquals", operator, "nothing but exact names")
			for key, values := range keys {
				ok = ok && slices.Contains(values, claims[key])
			}
		}
		if ok && len(s.Condition["StringEquals"]) == 2 {
			return true
		}
	}
	return false
}

func TestPipelineTrust(t *testing.T) {
	g := accountGraph(t, "prod")
	trust := map[string]string{}
	for _, r := range g.OfType(awstype.Role) {
		trust[r.Name] = r.Inputs.Str("assumeRolePolicy")
	}
	preview, deploy := trust["pipelines-preview-role"], trust["pipelines-deploy-role"]
	const gitHub, jenkins, aws = "token.actions.githubusercontent.com", "jenkins.example.com/oidc", "sts.amazonaws.com"
	for _, c := range []struct {
		issuer, audience, subject string
		preview, deploy           bool
	}{
		{gitHub, aws, "repo:example/groundwork:pull_request", true, false},
		{gitHub, aws, "repo:example@1000001/groundwork@2000002:pull_request", true, false},
		{gitHub, aws, "repo:example/groundwork:ref:refs/heads/main", true, false},
		{gitHub, aws, "repo:example@1000001/groundwork@2000002:ref:refs/heads/main", true, false},
		{gitHub, aws, "repo:example/groundwork:environment:prod", false, true},
		{gitHub, aws, "repo:example@1000001/groundwork@2000002:environment:prod", false, true},
		{jenkins, aws, "https://jenkins.example.com/job/groundwork-preview/", true, false},
		{jenkins, aws, "https://jenkins.example.com/job/groundwork/job/main/", false, true},

		{gitHub, aws, "repo:example/groundwork:ref:refs/heads/other", false, false},
		{gitHub, aws, "repo:example/groundwork:ref:refs/tags/main", false, false},
		{gitHub, aws, "repo:example/groundwork:environment:dev", false, false},
		{gitHub, aws, "repo:example/groundwork-fork:environment:prod", false, false},
		{gitHub, aws, "repo:example@9/groundwork@2000002:environment:prod", false, false},
		{gitHub, aws, "repo:stranger/groundwork:pull_request", false, false},
		{gitHub, "https://github.com/example", "repo:example/groundwork:environment:prod", false, false},
		{jenkins, aws, "repo:example/groundwork:environment:prod", false, false},
		{jenkins, aws, "https://jenkins.example.com/job/groundwork/job/other/", false, false},
	} {
		caller := c.subject + " of " + c.issuer
		assert.Equal(t, c.preview, mayAssume(t, preview, c.issuer, c.audience, c.subject), "preview: %s", caller)
		assert.Equal(t, c.deploy, mayAssume(t, deploy, c.issuer, c.audience, c.subject), "deploy: %s", caller)
	}
	planted := strings.Replace(deploy, `"token.actions.githubusercontent.com:aud":["sts.amazonaws.com"],`, "", 1)
	require.NotEqual(t, deploy, planted)
	assert.False(t, mayAssume(t, planted, gitHub, aws, "repo:example/groundwork:environment:prod"),
		"a policy that does not ask for the audience does not count")
}

// TestDeployRights: a deploy role cannot do more than its boundary, and that is push, look, and open a tunnel.
func TestDeployRights(t *testing.T) {
	policy := rules.Statements(
		identity.DeployPolicy("111122223333", "eu-west-1", "groundwork-dev", []string{"groundwork-dev/webapp"}).JSON(),
	)
	tunnel := identity.TunnelStatements("111122223333", "eu-west-1", "groundwork-dev-bastion")
	policy = append(policy, rules.Statements(identity.NewDocument(tunnel...).JSON())...)
	boundary := rules.Statements(identity.DeployBoundary("111122223333", "eu-west-1").JSON())
	var within []string
	for _, s := range boundary {
		within = append(within, s.Action...)
	}
	for _, s := range policy {
		for _, action := range s.Action {
			assert.Contains(t, within, action)
			service, verb, _ := strings.Cut(action, ":")
			assert.Contains(t, []string{"ecr", "eks", "ec2", "ssm", "ssmmessages"}, service)
			assert.NotRegexp(t, `^(Delete|Create|Set|Tag|\*)`, verb)
			if action != "ecr:GetAuthorizationToken" && !strings.HasPrefix(verb, "Describe") {
				assert.NotContains(t, s.Resource, "*")
			}
		}
	}
}

// TestPipelinesKnowTheNames: the stages, which import nothing of the program, call things as it does.
func TestPipelinesKnowTheNames(t *testing.T) {
	for _, environment := range harness.Environments {
		c := harness.Config(t, environment)
		assert.Equal(t, c.Backend(), pipeline.Backend(environment, c.AccountID, c.Region))
		assert.Equal(t, c.ClusterName(), pipeline.EnvironmentName(environment))
	}
	assert.Equal(t, delivery.InfrastructureValues, pipeline.InfrastructureValues)
}

// deployRole is the ARN of the role that deploys to an environment, as the cluster computes it.
func deployRole(t *testing.T, environment string) string {
	t.Helper()
	c := harness.Config(t, environment)
	return identity.DeployRoleARN(c.AccountID, "/groundwork/"+environment+"/", "groundwork-"+environment)
}

// TestDeployerOfTheCluster: the deploy role is let into the cluster as a member of one group, and only that group may
// deploy.
func TestDeployerOfTheCluster(t *testing.T) {
	for environment, namespace := range map[string]string{"dev": "webapp", "prod": "argocd"} {
		g := harness.Graph(t, environment, harness.Pipelines(environment)...)
		var group string
		for _, r := range g.OfType(awstype.AccessEntry) {
			if r.Name == "cluster-access-deployer" {
				assert.Equal(t, deployRole(t, environment), r.Inputs.Str("principalArn"))
				group = r.Inputs.Str("kubernetesGroups[0]")
			}
		}
		previewers := 0
		for _, r := range g.OfType(awstype.AccessPolicyAssociation) {
			assert.NotContains(t, r.Inputs.Str("principalArn"), "-deploy", "no policy of AWS's besides")
			if strings.HasSuffix(r.Inputs.Str("principalArn"), "-preview") {
				previewers++
				assert.Equal(t, "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy",
					r.Inputs.Str("policyArn"), "it looks")
			}
		}
		assert.Equal(t, 1, previewers)
		binding := g.First(awstype.KubernetesRoleBinding)
		assert.Equal(t, group, binding.Inputs.Str("subjects[0].name"))
		assert.Equal(t, namespace, binding.Inputs.Str("metadata.namespace"))
		assert.Len(t, g.OfType(awstype.KubernetesRoleBinding), 1)
		rules, _ := g.First(awstype.KubernetesRole).Inputs.Get("rules").([]any)
		require.NotEmpty(t, rules)
		for _, rule := range rules {
			text, err := json.Marshal(rule)
			require.NoError(t, err)
			assert.NotContains(t, string(text), "*")
			assert.NotContains(t, string(text), "rbac.authorization.k8s.io", "nobody gives himself more")
		}
	}
	g := harness.Graph(t, "dev")
	assert.Empty(t, g.OfType(awstype.KubernetesRoleBinding), "without pipelines nobody is let in")
}

// accountGraph is the account layer of an environment with pipelines.
func accountGraph(t *testing.T, environment string) *graph.Graph {
	t.Helper()
	m, err := harness.Run(environment+"-account", harness.Settings(t, environment, harness.Pipelines(environment)...), nil)
	require.NoError(t, err)
	g, err := graph.New(m.Resources)
	require.NoError(t, err)
	return g
}

func TestAccount(t *testing.T) {
	for _, environment := range harness.Environments {
		g := accountGraph(t, environment)
		require.NotEmpty(t, g.OfType(awstype.Bucket))
		// The rules for roles and buckets hold here too; left out are those for the roles of pods and for log buckets.
		held := 0
		for _, r := range slices.Concat(rules.Identity, rules.Edge) {
			if strings.Contains(r.ID, "workload roles") || strings.Contains(r.ID, "AWS-0088") ||
				strings.Contains(r.ID, "expire") {
				continue
			}
			seen, wrong := r.Check(g)
			if seen > 0 {
				held++
				assert.Empty(t, wrong, r.ID)
			}
		}
		assert.Greater(t, held, 8)

		encryption := g.First(awstype.BucketEncryption).Inputs.Object("rules[0].applyServerSideEncryptionByDefault")
		assert.Equal(t, "aws:kms", encryption["sseAlgorithm"])
		assert.Contains(t, g.First(awstype.BucketEncryption).PropertyDependencies["rules"][0], "state-key")
		assert.Equal(t, "Enabled", g.First(awstype.BucketVersioning).Inputs.Str("versioningConfiguration.status"))
		var expiry struct{ NoncurrentVersionExpiration map[string]any }
		text, err := json.Marshal(g.First(awstype.BucketLifecycle).Inputs.Get("rules[0]"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &expiry))
		assert.EqualValues(t, 90, expiry.NoncurrentVersionExpiration["noncurrentDays"])
		assert.Nil(t, g.First(awstype.BucketLifecycle).Inputs.Get("rules[0].expiration"),
			"a state never expires, only what it replaced")

		// What protects itself, whatever the stack says: without it everything else has lost its manager.
		var protected []string
		for _, r := range g.Resources {
			if r.Protect {
				protected = append(protected, r.Name)
			}
		}
		assert.ElementsMatch(t, []string{"state", "state-key", "pipelines-github", "pipelines-jenkins"}, protected)

		for _, r := range g.OfType(awstype.Role) {
			assert.Equal(t, "/groundwork/"+environment+"/", r.Inputs.Str("path"))
			if r.Name == "pipelines-deploy-role" {
				assert.Contains(t, r.Inputs.Str("permissionsBoundary"), ":policy/groundwork/"+environment+"/",
					"the deploy role is bounded")
				assert.Equal(t, deployRole(t, environment), r.Outputs.Str("arn"), "the cluster admits the role that exists")
			}
		}
	}
}
