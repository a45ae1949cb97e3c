package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"groundwork/internal/awstype"
	"groundwork/stacks"
)

// load reads the real stack file with changes as --config takes them.
func load(t testing.TB, stack string, changes ...string) (*stacks.Config, error) {
	t.Helper()
	raw, err := repository(t).Project.Config(stack, changes...)
	require.NoError(t, err)
	return stacks.Load(raw, stack, today)
}

func TestStackFilesAreGood(t *testing.T) {
	for _, stack := range environments {
		c, err := load(t, stack)
		require.NoError(t, err)
		assert.Equal(t, "eu-west-1", c.Region)
		assert.Equal(t, "15", c.Database.Version)
	}
}

// TestArticleValues: the environments are those of the article the project grew from.
func TestArticleValues(t *testing.T) {
	dev, err := load(t, "dev")
	require.NoError(t, err)
	prod, err := load(t, "prod")
	require.NoError(t, err)
	size := func(c *stacks.Config) string {
		g := c.Cluster.NodeGroups["general"]
		return fmt.Sprint(g.InstanceType, " ", g.DesiredSize, " ", g.MinSize, " ", g.MaxSize)
	}
	assert.Equal(t, "t3.medium 2 1 4", size(dev))
	assert.Equal(t, "t3.large 3 2 8", size(prod))
	assert.Equal(t, "singleZone single 2", fmt.Sprint(dev.Database.Availability, " ", dev.Network.NATMode, " ", len(dev.Network.Zones)))
	assert.Equal(t, "multiZone perZone 3", fmt.Sprint(prod.Database.Availability, " ", prod.Network.NATMode, " ", len(prod.Network.Zones)))
}

// refusals are configurations that users plausibly give. Each must be refused with the key and what is wrong.
var refusals = []struct{ change, want string }{
	// Address ranges.
	{"network.cidr=10.0.0.0/8", `groundwork:network.cidr "10.0.0.0/8" has a prefix length outside /16 to /20`},
	{"network.cidr=10.0.0.0/15", "outside /16 to /20"},
	{"network.cidr=10.0.0.0/29", "outside /16 to /20"},
	{"network.cidr=10.0.1.0/16", "has host bits set; the range is 10.0.0.0/16"},
	{"network.cidr=8.8.0.0/16", "is not private"},
	{"network.cidr=banana", "is not an IPv4 range"},
	{"network.cidr=fd00::/16", "is not an IPv4 range"},
	{`network.cidr=""`, "groundwork:network.cidr is missing"},
	{"cluster.serviceCidr=10.10.0.0/16", "overlaps the VPC 10.10.0.0/16"},
	{"cluster.serviceCidr=172.20.0.0/25", "outside /12 to /24"},
	{"cluster.serviceCidr=172.0.0.0/11", "outside /12 to /24"},
	{"cluster.serviceCidr=100.64.0.0/16", "is not private"},
	// Zones.
	{"network.zones=[eu-west-1a]", "has fewer than two zones"},
	{"network.zones=[eu-west-1a, eu-west-1a]", `"eu-west-1a" is given twice`},
	{"network.zones=[us-east-1a, us-east-1b]", "is not a zone of eu-west-1"},
	{"network.zones=[eu-west-1a, eu-west-1z]", "does not end in a letter a to h"},
	{"network.zones=eu-west-1a", "is text; want a list"},
	{"network.natMode=twice", `"twice" is not one of none, single, perZone`},
	{"network.natMode=none", `lacks "ecr.api", which nodes need when natMode is none`},
	{"network.interfaceEndpoints=[ecr]", `"ecr" is not one of`},
	{"network.interfaceEndpoints=[sts, sts]", "is given twice"},
	{"network.flowLogTraffic=SOME", "is not one of REJECT, ALL"},
	// Kubernetes.
	{`cluster.kubernetesVersion="1.28"`, `"1.28" is not in the support calendar; known are 1.34, 1.35, 1.36`},
	{"cluster.kubernetesVersion=v1.35", `is not of the form "1.NN"`},
	{"cluster.kubernetesVersion=1.35.2", `is not of the form "1.NN"`},
	{"cluster.kubernetesVersion=1.30", "1.3 is a number; want text; put it in quotes"},
	{"cluster.supportType=FOREVER", "is not one of STANDARD, EXTENDED"},
	{"cluster.publicAccessCidrs=[0.0.0.0/0]", "opens the Kubernetes API to much of the internet"},
	{"cluster.publicAccessCidrs=[203.0.113.7/24]", "has host bits set; the range is 203.0.113.0/24"},
	{"cluster.publicAccessCidrs=[everywhere]", "is not an IPv4 range"},
	{"cluster.nodeGroups={}", "groundwork:cluster.nodeGroups is missing"},
	{"cluster.nodeGroups.general.minSize=5", "groundwork:cluster.nodeGroups.general.minSize 5 is above maxSize 4"},
	{"cluster.nodeGroups.general.desiredSize=9", "desiredSize 9 is outside minSize 1 to maxSize 4"},
	{"cluster.nodeGroups.general.maxSize=0", "maxSize 0 is outside 1 to 450"},
	{"cluster.nodeGroups.general.maxSize=451", "maxSize 451 is outside 1 to 450"},
	{"cluster.nodeGroups.general.maxSize=four", `"four" is text; want a whole number`},
	{"cluster.nodeGroups.general.maxSize=4.5", "4.5 is a number; want a whole number"},
	{"cluster.nodeGroups.general={instanceType: m7i.large, desiredSize: 1, minSize: 1, maxSize: 450}", "need 13500 addresses at maxSize but the private subnets have 8134"},
	{"cluster.nodeGroups.general.minCapacty=1", "groundwork:cluster.nodeGroups.general.minCapacty is not a known key"},
	{"cluster.nodeGroups.general.minSise=1", `did you mean "minSize"?`},
	{"cluster.nodeGroups.general.instanceType=t3.huge", `"t3.huge" is not one of`},
	{"cluster.nodeGroups.general.diskGiB=5", "diskGiB 5 is outside 20 to 1000"},
	{"cluster.nodeGroups.general.capacityType=CHEAP", "is not one of ON_DEMAND, SPOT"},
	{"cluster.nodeGroups.-bad={instanceType: t3.large, maxSize: 1}", `"-bad" is not a node group name`},
	{"cluster.access.ci={principalArn: 'arn:aws:iam::111122223333:root', level: view}", "is not the ARN of one IAM role or user"},
	{"cluster.access.ci={principalArn: 'arn:aws:iam::111122223333:role/*', level: view}", "is not the ARN of one IAM role or user"},
	{"cluster.access.ci={principalArn: 'arn:aws:iam::111122223333:role/ci', level: edit}", "access.ci.namespaces is missing"},
	{"cluster.access.ci={principalArn: 'arn:aws:iam::111122223333:role/ci', level: clusterAdmin, namespaces: [webapp]}", "does not go with clusterAdmin"},
	{"cluster.access.ci={principalArn: 'arn:aws:iam::111122223333:role/ci', level: root}", "is not one of view, edit, admin, clusterAdmin"},
	{"cluster.access.ci={principalArn: 'arn:aws:iam::111122223333:role/ci', level: edit, namespaces: [Web_App]}", "is not a Kubernetes namespace"},
	{"cluster.addonVersions.coredns=latest", "is not an add-on version"},
	{"cluster.addonVersions.cordns=v1.14.3-eksbuild.16", `"cordns" is not one of`},
	// Registry.
	{"registry.repositories=[WebApp]", `"WebApp" is not a repository name`},
	{"registry.repositories=[]", "groundwork:registry.repositories is missing"},
	{"registry.repositories=[web--app]", "is not a repository name"},
	{"registry.repositories=[webapp, webapp]", "is given twice"},
	{"registry.repositories=[w]", "has a length outside 2 to 200"},
	{"registry.keepImages=1", "keepImages 1 is outside 10 to 1000"},
	// Database.
	{"database.instanceClass=t3.micro", `groundwork:database.instanceClass "t3.micro" is not one of`},
	{"database.instanceClass=db.t3.huge", `"db.t3.huge" is not one of`},
	{`database.version="15.7"`, `"15.7" names a minor release`},
	{`database.version="14"`, `"14" is not one of 15, 16, 17`},
	{"database.version=15", "15 is a number; want text"},
	{"database.availability=three", "is not one of singleZone, multiZone"},
	{"database.backupRetentionDays=36", "backupRetentionDays 36 is outside 1 to 35"},
	{"database.backupRetentionDays=0", "backupRetentionDays 0 is outside 1 to 35"},
	{"database.backupRetentionDays=-1", "backupRetentionDays -1 is outside 1 to 35"},
	{"database.monitoringSeconds=0", "monitoringSeconds 0 is not one of"},
	{"database.port=0", "port 0 is outside"},
	{"database.version=\"\"", "is not one of 15, 16, 17"},
	{"cluster.nodeGroups.general.diskGiB=0", "diskGiB 0 is outside 20 to 1000"},
	{"registry.keepImages=0", "keepImages 0 is outside 10 to 1000"},
	{"logRetentionDays=0", "logRetentionDays 0 is not a period"},
	{"observability.thresholds.nodeDiskPercent=0", "nodeDiskPercent 0 is outside 1 to 99"},
	{"observability.alarmEmails=[a@example.com, a@example.com]", "is given twice"},
	{"cluster.access.break-glass={principalArn: 'arn:aws:iam::111122223333:role/ci', level: view}", "is the program's own entry"},
	{"cluster.access={a: {principalArn: 'arn:aws:iam::111122223333:role/ci', level: view}, b: {principalArn: 'arn:aws:iam::111122223333:role/ci', level: view}}", "has an entry already: a"},
	{"network={cidr: 10.0.0.0/16, natMode: perZone, zones: [eu-west-1a, eu-west-1b, eu-west-1c, eu-west-1d, eu-west-1e, eu-west-1f]}", "needs 6 Elastic IP addresses; a region gives an account 5"},
	{"tags={owner: me}", `"owner" is set by the program`},
	{"network={cidr: 10.10.0.0/16, zones: [eu-west-1a, eu-west-1b], natMode: none, interfaceEndpoints: [ec2, ecr.api, ecr.dkr, eks, eks-auth, elasticloadbalancing, logs, secretsmanager, sts]}",
		`groundwork:network.natMode "none" leaves the operators without images`},
	// Edge.
	{"edge.domain=shop", `groundwork:edge.domain "shop" is not a host name in lower case`},
	{"edge.domain=https://shop.example.com", "is not a host name in lower case"},
	{"edge.domain=shop.example.com", "groundwork:edge.hostedZoneId is missing; give the Route 53 hosted zone of shop.example.com"},
	{"edge.hostedZoneId=Z0123456789", "groundwork:edge.domain is missing"},
	{"edge={domain: shop.example.com, hostedZoneId: example.com}", "is not a Route 53 hosted zone ID"},
	{"edge={domain: a-name-that-is-much-longer-than-what-acm-takes-as-a-first-name.example.com, hostedZoneId: Z1}", "has 74 characters"},
	{"edge.firewall=maybe", `"maybe" is not one of managed, none`},
	{"edge.requestsPerFiveMinutes=5", "requestsPerFiveMinutes 5 is outside 10 to 2000000000"},
	{"edge.accessLogs=burn", `"burn" is not one of keep, delete`},
	// Workloads.
	{"addons.replicas=0", "replicas 0 is outside 1 to 3"},
	{"addons.versions.external-secrets=0.9.20", "0.9.20\" serves external-secrets.io/v1beta1; the program's charts use external-secrets.io/v1"},
	{"addons.versions.external-secrets=0.9.20", "was checked with Kubernetes 1.25 to 1.30, the cluster has 1.36"},
	{"addons.versions.external-secrets=0.9.20", "was last checked on 2024-07-01, before EKS had Kubernetes 1.36"},
	{"addons.versions.metrics-server=latest", `"latest" is not in the catalogue of metrics-server; known are 3.13.1`},
	{"addons.versions.metric-server=3.13.1", `"metric-server" is not one of`},
	{"delivery.owner=jenkins", `"jenkins" is not one of pipeline, argocd`},
	{"delivery={owner: argocd}", "groundwork:delivery.repository is missing; give the Git URL"},
	{"delivery.repository=example/groundwork", "is not a Git URL"},
	{"delivery.repository=https://user:token@github.com/example/groundwork.git", "without credentials in it"},
	{"delivery.path=../other", "is not a folder inside the repository"},
	{"delivery.path=/chart", "is not a folder inside the repository"},
	{"delivery.revision=''", "is not a branch, tag or commit"},
	{"aws:region=us-gov-west-1", "is not an AWS region"},
	{"database.monitoringSeconds=20", "monitoringSeconds 20 is not one of 1, 5, 10, 15, 30, 60"},
	{"database.databaseName=my-db", `"my-db" is not 1 to 63 letters`},
	{"database.databaseName=1db", "a letter first"},
	{"database.databaseName=template1", "is reserved"},
	{"database.username=postgres", "is reserved or easy to guess"},
	{"database.username=pg_owner", "is reserved or easy to guess"},
	{"database.username=" + strings.Repeat("u", 17), "is not 1 to 16 letters"},
	{"database.port=80", "port 80 is outside 1150 to 65535"},
	{"database.storageGiB=5", "storageGiB 5 is outside 20 to 65536"},
	{"database.maxStorageGiB=21", "maxStorageGiB 21 is less than a tenth above storageGiB 20"},
	{"database.insights=some", "is not one of standard, advanced"},
	{"database.password=hunter2hunter2", "groundwork:database.password is not a known key"},
	{"database.applyImmediately=yes please", "is text; want true or false"},
	{"database=5", `groundwork:database 5 is a number; want a mapping`},
	// Cache.
	{"cache.engine=memcached", `"memcached" is not one of valkey, redis`},
	{"cache.nodeType=t4g.micro", `groundwork:cache.nodeType "t4g.micro" is not one of cache.`},
	{"cache.nodes=7", "nodes 7 is outside 1 to 6"},
	{"cache.nodes=0", "nodes 0 is outside 1 to 6"},
	{"cache.snapshotRetentionDays=36", "snapshotRetentionDays 36 is outside 0 to 35"},
	{"observability.thresholds.cacheMemoryPercent=0", "cacheMemoryPercent 0 is outside 1 to 99"},
	// Observability.
	{"observability.alarmEmails=[nobody]", `"nobody" is not an e-mail address`},
	{"observability.monthlyBudgetUsd=0", "monthlyBudgetUsd 0 is below 1"},
	{"observability.thresholds.nodeCpuPercent=100", "nodeCpuPercent 100 is outside 1 to 99"},
	{"observability.thresholds.databaseFreeStoragePercent=80", "is outside 1 to 50"},
	// The stack as a whole.
	{"accountId=1234", `groundwork:accountId "1234" is not an account of 12 digits`},
	{`owner=""`, "groundwork:owner is missing"},
	{"logRetentionDays=31", "logRetentionDays 31 is not a period CloudWatch Logs knows"},
	{"secretRecoveryDays=3", "secretRecoveryDays 3 is outside 7 to 30"},
	{"logRetentionDays=month", `"month" is not a whole number`},
	{"protect=perhaps", `"perhaps" is not true or false`},
	// Who may deploy.
	{"pipelines.github.repository=example/*", `groundwork:pipelines.github.repository "example/*" is not OWNER/NAME without wildcards`},
	{"pipelines.github.repository=groundwork", "is not OWNER/NAME"},
	{"pipelines.github.repository=example/groundwork", "gh api users/OWNER --jq .id"},
	{"pipelines.github={repository: example/groundwork, ownerId: '1', repositoryId: groundwork}", "gh api repos/OWNER/NAME"},
	{"pipelines.github={repository: example/groundwork, branch: 'release/*'}", "is not one branch, exact"},
	{"pipelines.github={repository: example/groundwork, environment: '*'}", "is not one of the repository's environments, exact"},
	{"pipelines.github={repository: example/groundwork, provider: find}", "create, reuse"},
	{"pipelines.jenkins.issuer=http://jenkins.example.com/oidc", "is not an https URL"},
	{"pipelines.jenkins.issuer=https://jenkins.example.com:8443/oidc", "without port"},
	{"pipelines.jenkins={issuer: https://jenkins.example.com/oidc, deploySubject: 'https://jenkins.example.com/job/*'}", "without * or ?"},
	{"pipelines.jenkins.issuer=https://jenkins.example.com/oidc", "groundwork:pipelines.jenkins.previewSubject"},
	{"pipelines.jenkins={issuer: https://jenkins.example.com/oidc, previewSubject: x, deploySubject: x}", "so every preview could deploy"},
	{"permissionsBoundary=boundary", "is not the ARN of an IAM policy"},
	{"tags={'aws:x': y}", "begins with aws:"},
	{"tags={Owner: me}", `"Owner" is set by the program`},
	{"tags={'" + strings.Repeat("k", 129) + "': v}", "is not a tag key"},
	{"tags={k: '" + strings.Repeat("v", 257) + "'}", "groundwork:tags.k"},
	{"aws:region=Ireland", `aws:region "Ireland" is not an AWS region`},
	{`aws:region=""`, "aws:region is missing"},
	{"aws:profile=me", "set AWS_PROFILE in the environment"},
	{"aws:regoin=eu-west-1", `aws:regoin is not a known key; did you mean "aws:region"?`},
	{"groundwork:databse={}", `groundwork:databse is not a known key; did you mean "database"?`},
	{"other:key=1", "other:key is not a known key"},
}

func TestRefusals(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.change, func(t *testing.T) {
			_, err := load(t, "dev", r.change)
			require.Error(t, err)
			assert.Contains(t, err.Error(), r.want)
		})
	}
}

func TestRefusalsOfProtectedStacks(t *testing.T) {
	_, err := load(t, "prod", "database.backupRetentionDays=3")
	require.ErrorContains(t, err, "backupRetentionDays 3 is outside 7 to 35")
	_, err = load(t, "prod", "cache.snapshotRetentionDays=0")
	require.ErrorContains(t, err, "snapshotRetentionDays 0 is outside 7 to 35")
}

func TestRefusalsOfProtectedEdges(t *testing.T) {
	_, err := load(t, "prod", "edge.firewall=none", "edge.accessLogs=delete")
	require.ErrorContains(t, err, `edge.firewall "none" does not go with protect; choose managed`)
	require.ErrorContains(t, err, `edge.accessLogs "delete" does not go with protect; choose keep`)
}

func TestRefusalOfManyTags(t *testing.T) {
	var tags []string
	for i := range 41 {
		tags = append(tags, fmt.Sprintf("t%d: v", i))
	}
	_, err := load(t, "dev", "tags={"+strings.Join(tags, ", ")+"}")
	require.ErrorContains(t, err, "tags 41 are more than 40")
}

func TestStackNames(t *testing.T) {
	raw := stackConfig(t, "dev")
	for _, bad := range []string{"Dev", "9dev", "development", "dev_1", ""} {
		_, err := stacks.Load(raw, bad, today)
		require.ErrorContains(t, err, "is not an environment", bad)
	}
	c, err := stacks.Load(raw, "staging12", today)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(c.Prefix()), 20)
}

// TestAllProblemsAtOnce: three mistakes in three places are three sentences.
func TestAllProblemsAtOnce(t *testing.T) {
	_, err := load(t, "dev", "network.cidr=10.0.1.0/16", "cluster.kubernetesVersion=1.30", "cluster.serviceCidr=10.0.0.0/16",
		"cluster.nodeGroups.general.instanceTyp=x", "databse.port=80", "observability.monthlyBudgetUsd=0")
	require.ErrorContains(t, err, "configuration of stack dev has 6 problem(s)")
	for _, want := range []string{"has host bits set", "put it in quotes", "overlaps the VPC", `did you mean "instanceType"`, `did you mean "database"`, "is below 1"} {
		assert.ErrorContains(t, err, want)
	}
}

// TestNothingIsRegisteredWhenConfigurationIsWrong: the refusal comes before the first resource.
func TestNothingIsRegisteredWhenConfigurationIsWrong(t *testing.T) {
	raw := stackConfig(t, "dev")
	raw["groundwork:accountId"] = "12"
	m, err := register("dev", raw, false)
	require.ErrorContains(t, err, "accountId")
	assert.Empty(t, m.Resources)
	m, err = register("dev", stackConfig(t, "dev"), false)
	require.NoError(t, err)
	assert.NotEmpty(t, m.Resources, "the mocks would have seen them")
}

func TestSupportCalendar(t *testing.T) {
	raw := stackConfig(t, "dev")
	_, err := stacks.Load(raw, "dev", time.Date(2027, 8, 2, 0, 0, 0, 0, time.UTC))
	require.ErrorContains(t, err, `kubernetesVersion "1.36" left standard support on 2027-08-02`)
	_, err = load(t, "dev", "cluster.supportType=EXTENDED")
	require.NoError(t, err)
}

func TestDefaults(t *testing.T) {
	raw := map[string]string{
		"aws:region": "eu-west-1", "groundwork:accountId": "111122223333", "groundwork:owner": "me",
		"groundwork:network":       `{"cidr":"10.0.0.0/16","zones":["eu-west-1a","eu-west-1b"]}`,
		"groundwork:cluster":       `{"nodeGroups":{"a":{"instanceType":"t4g.large","desiredSize":1,"minSize":1,"maxSize":2}}}`,
		"groundwork:registry":      `{"repositories":["webapp"]}`,
		"groundwork:database":      `{"instanceClass":"db.t4g.micro"}`,
		"groundwork:cache":         `{"nodeType":"cache.t4g.micro"}`,
		"groundwork:observability": `{"monthlyBudgetUsd":100}`,
	}
	c, err := stacks.Load(raw, "dev", today)
	require.NoError(t, err)
	assert.Equal(t, 30, c.LogRetentionDays)
	assert.False(t, c.Protect)
	assert.Equal(t, "1.36", c.Cluster.KubernetesVersion)
	assert.Empty(t, c.Cluster.PublicAccessCIDRs, "closed is the default")
	assert.Equal(t, 100, c.Database.MaxStorageGiB)
	assert.Equal(t, "v1.14.3-eksbuild.16", c.Cluster.AddonVersion("coredns"))
	g, err := deploy("dev", raw, false)
	require.NoError(t, err)
	assert.Equal(t, "AL2023_ARM_64_STANDARD", first(g, awstype.NodeGroup).Inputs.Str("amiType"))
}

// TestProjectFileDeclaresEverySetting: Pulumi.yaml and the program know the same keys with the same types.
func TestProjectFileDeclaresEverySetting(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository(t).Project.Root, "Pulumi.yaml"))
	require.NoError(t, err)
	var project struct {
		Name   string
		Config map[string]struct{ Type, Description string }
	}
	require.NoError(t, yaml.Unmarshal(text, &project))
	assert.Equal(t, stacks.Project, project.Name)
	declared := map[string]string{}
	for key, c := range project.Config {
		declared[strings.TrimPrefix(key, "groundwork:")] = c.Type
		assert.NotEmpty(t, c.Description, key)
	}
	assert.Equal(t, stacks.SettingTypes(), declared)
}

// TestEverySettingHasAKindTheDecoderKnows walks the types of all settings: the decoder panics on any other.
func TestEverySettingHasAKindTheDecoderKnows(t *testing.T) {
	known := []reflect.Kind{reflect.Struct, reflect.Map, reflect.Slice, reflect.String, reflect.Int, reflect.Bool}
	seen := 0
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		seen++
		assert.Contains(t, known, typ.Kind(), path)
		switch typ.Kind() {
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				assert.NotEmpty(t, f.Tag.Get("json"), path+"."+f.Name)
				walk(path+"."+f.Name, f.Type)
			}
		case reflect.Map, reflect.Slice:
			walk(path+"[]", typ.Elem())
		}
	}
	c := reflect.TypeOf(stacks.Config{})
	for _, name := range []string{"Network", "Cluster", "Registry", "Database", "Cache", "Observability"} {
		f, ok := c.FieldByName(name)
		require.True(t, ok)
		walk(name, f.Type)
	}
	assert.Greater(t, seen, 40)
}

// TestSecretsAreNeverPlain: a key that sounds like a secret must not be in a stack file, unless encrypted.
func TestSecretsAreNeverPlain(t *testing.T) {
	for _, stack := range environments {
		text, err := os.ReadFile(filepath.Join(repository(t).Project.Root, "Pulumi."+stack+".yaml"))
		require.NoError(t, err)
		assert.NotRegexp(t, `(?im)^\s*\S*(password|passwd|token|apikey|private_?key)\S*:\s*[^\s{]`, string(text))
	}
}

// FuzzConfig: whatever a stack file holds, Load answers with a configuration or with problems that name a key.
func FuzzConfig(f *testing.F) {
	w := repository(f)
	raw, err := w.Project.Config("dev")
	if err != nil {
		f.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(raw))
	for i, key := range keys {
		f.Add(i, raw[key])
	}
	f.Add(0, `{"a":`)
	f.Add(3, `[1,2] 3`)
	f.Fuzz(func(t *testing.T, which int, value string) {
		changed := maps.Clone(raw)
		changed[keys[(which%len(keys)+len(keys))%len(keys)]] = value
		c, err := stacks.Load(changed, "dev", today)
		if (c == nil) == (err == nil) {
			t.Fatalf("configuration %v, error %v", c, err)
		}
		if err != nil && !strings.Contains(err.Error(), ":") {
			t.Fatalf("no key in %v", err)
		}
		if err == nil {
			again, err := json.Marshal(c)
			if err != nil || len(again) == 0 {
				t.Fatal("accepted a configuration that cannot be written down", err)
			}
		}
	})
}
