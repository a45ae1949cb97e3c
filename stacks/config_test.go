package stacks_test

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
	"groundwork/internal/mockrun"
	"groundwork/internal/project"
	"groundwork/stacks"
	"groundwork/tests/harness"
)

// TestMain removes the folder of the reference settings.
func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// load reads the real stack file with changes as --config takes them.
func load(t testing.TB, stack string, changes ...string) (*stacks.Config, error) {
	t.Helper()
	raw, err := harness.Reference(t).Project.Config(stack, changes...)
	require.NoError(t, err)
	return stacks.Load(raw, stack, harness.Today)
}

// TestArticleValues: the environments have the values of the article that the project grew from.
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
	zones := func(c *stacks.Config) string {
		return fmt.Sprint(c.Database.Availability, " ", c.Network.NATMode, " ", len(c.Network.Zones))
	}
	assert.Equal(t, "singleZone single 2", zones(dev))
	assert.Equal(t, "multiZone perZone 3", zones(prod))
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
	raw := harness.Settings(t, "dev")
	for _, bad := range []string{"Dev", "9dev", "development", "dev_1", ""} {
		_, err := stacks.Load(raw, bad, harness.Today)
		require.ErrorContains(t, err, "is not an environment", bad)
	}
	c, err := stacks.Load(raw, "staging12", harness.Today)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(c.Prefix()), 20)
}

// TestAllErrorsAtOnce: Load reports every mistake, not only the first.
func TestAllErrorsAtOnce(t *testing.T) {
	_, err := load(t, "dev", "network.cidr=10.0.1.0/16", "cluster.kubernetesVersion=1.30",
		"cluster.serviceCidr=10.0.0.0/16", "cluster.nodeGroups.general.instanceTyp=x", "databse.port=80",
		"observability.monthlyBudgetUsd=0")
	require.ErrorContains(t, err, "configuration of stack dev has 6 problem(s)")
	for _, want := range []string{"has host bits set", "put it in quotes", "overlaps the VPC",
		`did you mean "instanceType"`, `did you mean "database"`, "is below 1"} {
		assert.ErrorContains(t, err, want)
	}
}

// TestNothingIsRegisteredWhenConfigurationIsWrong: Load fails before the first resource is registered.
func TestNothingIsRegisteredWhenConfigurationIsWrong(t *testing.T) {
	raw := harness.Settings(t, "dev")
	raw["groundwork:accountId"] = "12"
	m, err := harness.Run("dev", raw, nil)
	require.ErrorContains(t, err, "accountId")
	assert.Empty(t, m.Resources)
	m, err = harness.Run("dev", harness.Settings(t, "dev"), nil)
	require.NoError(t, err)
	assert.NotEmpty(t, m.Resources, "the mocks would have seen resources")
}

func TestSupportCalendar(t *testing.T) {
	raw := harness.Settings(t, "dev")
	_, err := stacks.Load(raw, "dev", time.Date(2027, 8, 2, 0, 0, 0, 0, time.UTC))
	require.ErrorContains(t, err, `kubernetesVersion "1.36" left standard support on 2027-08-02`)
	_, err = load(t, "dev", "cluster.supportType=EXTENDED")
	require.NoError(t, err)
}

func TestDefaults(t *testing.T) {
	raw := map[string]string{
		"aws:region": "eu-west-1", "groundwork:accountId": "111122223333", "groundwork:owner": "me",
		"groundwork:network": `{"cidr":"10.0.0.0/16","zones":["eu-west-1a","eu-west-1b"]}`,
		"groundwork:cluster": `{"nodeGroups":` +
			`{"a":{"instanceType":"t4g.large","desiredSize":1,"minSize":1,"maxSize":2}}}`,
		"groundwork:registry":      `{"repositories":["webapp"]}`,
		"groundwork:database":      `{"instanceClass":"db.t4g.micro"}`,
		"groundwork:cache":         `{"nodeType":"cache.t4g.micro"}`,
		"groundwork:observability": `{"monthlyBudgetUsd":100}`,
	}
	c, err := stacks.Load(raw, "dev", harness.Today)
	require.NoError(t, err)
	assert.Equal(t, 30, c.LogRetentionDays)
	assert.False(t, c.Protect)
	assert.Equal(t, "1.36", c.Cluster.KubernetesVersion)
	assert.Empty(t, c.Cluster.PublicAccessCIDRs, "the endpoint is private by default")
	assert.Equal(t, 100, c.Database.MaxStorageGiB)
	assert.Equal(t, "v1.14.3-eksbuild.16", c.Cluster.AddonVersion("coredns"))
	g, err := mockrun.Graph("dev", raw, mockrun.Options{Today: harness.Today})
	require.NoError(t, err)
	assert.Equal(t, "AL2023_ARM_64_STANDARD", g.First(awstype.NodeGroup).Inputs.Str("amiType"))
}

// TestProjectFileDeclaresEverySetting: Pulumi.yaml and the program have the same keys with the same types.
func TestProjectFileDeclaresEverySetting(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness.Root(t), "Pulumi.yaml"))
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

// TestOnlyRequiredSettingsLackADefault: a setting that the program can default has the same default in the project
// file. Without one there, the CLI would refuse the settings of before the setting existed.
func TestOnlyRequiredSettingsLackADefault(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness.Root(t), "Pulumi.yaml"))
	require.NoError(t, err)
	var project struct {
		Config map[string]struct{ Default any }
	}
	require.NoError(t, yaml.Unmarshal(text, &project))
	var required []string
	for key, c := range project.Config {
		if c.Default == nil {
			required = append(required, key)
			continue
		}
		value := fmt.Sprint(c.Default)
		if reflect.ValueOf(c.Default).Kind() != reflect.String {
			text, err := json.Marshal(c.Default)
			require.NoError(t, err)
			value = string(text)
		}
		raw := harness.Settings(t, "dev")
		raw[key] = value
		given, errGiven := stacks.Load(raw, "dev", harness.Today)
		delete(raw, key)
		omitted, errOmitted := stacks.Load(raw, "dev", harness.Today)
		assert.Equal(t, fmt.Sprintf("%+v", omitted), fmt.Sprintf("%+v", given), key)
		assert.Equal(t, errOmitted, errGiven, key)
	}
	slices.Sort(required)
	assert.Equal(t, []string{"groundwork:accountId", "groundwork:owner"}, required)
}

// TestEarlierSettingsAreRead: the settings of earlier versions of the program, which lack the newer keys, are accepted.
func TestEarlierSettingsAreRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(harness.Root(t), "tests", "testdata", "earlier", "*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var settings struct{ Config map[string]any }
		require.NoError(t, yaml.Unmarshal(text, &settings))
		raw, err := project.Raw(settings.Config)
		require.NoError(t, err)
		_, err = stacks.Load(raw, "prod", harness.Today)
		assert.NoError(t, err, file)
	}
}

// TestEverySettingHasAKindTheDecoderKnows walks the types of all settings: the decoder panics on any other kind.
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

// TestSecretsAreNeverPlain: a stack file has no key that looks like a secret, unless its value is encrypted.
func TestSecretsAreNeverPlain(t *testing.T) {
	for _, stack := range harness.Environments {
		text, err := os.ReadFile(filepath.Join(harness.Root(t), "Pulumi."+stack+".yaml"))
		require.NoError(t, err)
		assert.NotRegexp(t, `(?im)^\s*\S*(password|passwd|token|apikey|private_?key)\S*:\s*[^\s{]`, string(text))
	}
}

// FuzzConfig: whatever a stack file contains, Load returns a configuration or an error that names a key.
func FuzzConfig(f *testing.F) {
	raw, err := harness.Reference(f).Project.Config("dev")
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
		c, err := stacks.Load(changed, "dev", harness.Today)
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
