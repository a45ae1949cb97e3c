package stacks_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/stacks"
	"groundwork/tests/harness"
)

// made is the output that an update of prod with changes leaves.
func made(t *testing.T, changes ...string) map[string]any {
	t.Helper()
	return harness.Config(t, "prod", changes...).MadeWith(nil)
}

// change runs the program of prod with changes, after an update that left an output.
func change(t *testing.T, left map[string]any, changes ...string) error {
	t.Helper()
	outputs := maps.Clone(mockrun.WasUp)
	outputs[stacks.MadeKey] = left
	_, err := mockrun.Graph("prod", harness.Settings(t, "prod", changes...),
		mockrun.Options{Outputs: map[string]graph.Props{"prod": outputs}, Today: harness.Today})
	return err
}

// TestWhatCannotChange: these settings never change in an environment that exists, allowed or not.
func TestWhatCannotChange(t *testing.T) {
	for key, test := range map[string]struct {
		changes []string
		want    string
	}{
		"region": {
			[]string{"aws:region=us-west-2", "network.zones=[us-west-2a, us-west-2b, us-west-2c]"},
			`aws:region "us-west-2" was "eu-west-1": everything would be created anew in the other region`,
		},
		"account":  {[]string{"accountId='999955556666'"}, `groundwork:accountId "999955556666" was "444455556666"`},
		"keys":     {[]string{"encryptionKeys=shared"}, "database, cache and image repositories would be replaced"},
		"range":    {[]string{"network.cidr=10.99.0.0/16"}, "the VPC would be replaced with everything in it"},
		"services": {[]string{"cluster.serviceCidr=172.31.0.0/16"}, "the cluster would be replaced by an empty one"},
		"database": {[]string{"database.databaseName=shop"}, "create the other database inside the instance"},
		"user":     {[]string{"database.username=shop"}, "create the other user inside the instance"},
		"postgres": {[]string{"database.version='15'"}, "RDS has no way back to an older major version"},
		"upgrade":  {[]string{"database.version='17'"}, "set database.allowMajorVersionUpgrade and "},
		"kubernetes back": {
			[]string{"cluster.kubernetesVersion='1.34'"}, "a control plane goes back by one minor version only",
		},
	} {
		err := change(t, made(t, "database.version='16'"), append(test.changes, "allow=[replace cache]")...)
		assert.ErrorContains(t, err, "that are refused; nothing was changed", key)
		assert.ErrorContains(t, err, test.want, key)
		assert.NotContains(t, err.Error(), "unprotect", key)
	}
	err := change(t, made(t, "cluster.kubernetesVersion='1.34'"))
	assert.ErrorContains(t, err, "one minor version at a time; set 1.35 first")
}

// TestHibernatedClusterIsNew: a hibernated environment has no cluster, so the next one may be another.
func TestHibernatedClusterIsNew(t *testing.T) {
	hibernated := harness.Config(t, "dev", "parked=true", "hibernated=true", "cluster.kubernetesVersion='1.34'")
	c := harness.Config(t, "dev", "cluster.serviceCidr=172.31.0.0/16")
	require.NoError(t, c.Refused(hibernated.MadeWith(nil)))
	require.Error(t, c.Refused(harness.Config(t, "dev").MadeWith(nil)))
	// The update that hibernates may change it too.
	hibernated.Cluster.ServiceCIDR = "172.31.0.0/16"
	require.NoError(t, hibernated.Refused(harness.Config(t, "dev").MadeWith(nil)))
}

// TestZonesReleaseAddresses: an error about addresses names both settings that decide about them.
func TestZonesReleaseAddresses(t *testing.T) {
	err := change(t, made(t), "network.zones=[eu-west-1a, eu-west-1c]")
	require.ErrorContains(t, err, "groundwork:network.natMode, network.zones [eu-west-1a eu-west-1c] was "+
		"[eu-west-1a eu-west-1b eu-west-1c]: the address of the NAT gateway in eu-west-1b would go back to AWS")
}

// TestKubernetesRollback: EKS takes an upgrade back for seven days.
func TestKubernetesRollback(t *testing.T) {
	older := "cluster.kubernetesVersion='1.35'"
	upgraded := func(on time.Time) map[string]any {
		c := harness.Config(t, "prod")
		c.Today = on
		return c.MadeWith(made(t, older))
	}
	require.NoError(t, change(t, upgraded(harness.Today.AddDate(0, 0, -7)), older))
	assert.ErrorContains(t, change(t, upgraded(harness.Today.AddDate(0, 0, -8)), older), "within seven days")
	// The day of the upgrade stays known through later updates.
	later := harness.Config(t, "prod").MadeWith(upgraded(harness.Today.AddDate(0, 0, -3)))
	require.NoError(t, change(t, later, older))
}

// TestWhatIsLostOnPurpose: what a change would destroy is named in groundwork:allow, or refused.
func TestWhatIsLostOnPurpose(t *testing.T) {
	before := made(t, "registry.repositories=[webapp, shop]")
	for change1, names := range map[string][]string{
		"registry.keepImages=20":            {"shorten registry/images"},
		"network.natMode=single":            {"release address/eu-west-1b", "release address/eu-west-1c"},
		"logRetentionDays=90":               {"shorten logs"},
		"database.backupRetentionDays=7":    {"shorten database/backups"},
		"cache.engine=redis":                {"replace cache"},
		"delivery.owner=pipeline":           {"delete delivery/argocd"},
		"registry.repositories=[webapp]":    {"delete registry/shop"},
		"registry.repositories=[webapp,zz]": {"delete registry/shop"},
	} {
		changes := []string{"registry.repositories=[webapp, shop]", change1}
		err := change(t, before, changes...)
		for _, name := range names {
			assert.ErrorContains(t, err, `add "`+name+`" to groundwork:allow`, change1)
		}
		allow := ""
		for _, name := range names {
			allow += "'" + name + "', "
		}
		assert.NoError(t, change(t, before, append(changes, "allow=["+allow+"]")...), change1)
	}
	// The other direction loses nothing.
	for _, harmless := range []string{
		"logRetentionDays=400", "registry.keepImages=100", "registry.repositories=[webapp,shop,zz]",
	} {
		assert.NoError(t, change(t, before, "registry.repositories=[webapp, shop]", harmless), harmless)
	}
	// All refusals at once.
	err := change(t, before, "network.cidr=10.99.0.0/16", "logRetentionDays=90")
	assert.ErrorContains(t, err, "have 3 change(s)")
}

// TestEngineOfAParkedCache: the snapshot of a parked cache is of one engine.
func TestEngineOfAParkedCache(t *testing.T) {
	c := func(changes ...string) error {
		left := harness.Left(map[string]any{"parked": true, "cacheSnapshot": "final"})
		left[stacks.MadeKey] = harness.Config(t, "dev").MadeWith(nil)
		_, err := declareAfter(t, workingHours, left, append(changes, "cache.engine=redis", "allow=[replace cache]")...)
		return err
	}
	require.ErrorContains(t, c("parked=true"), "or change it when the environment runs")
	require.NoError(t, c(), "the cache begins empty: its snapshot is not looked for")
}

// TestDeletedNodeGroup: a node group that somebody deleted has no number of nodes, and the update goes on without one.
// Where it exists, its number goes with the change, within the bounds.
func TestDeletedNodeGroup(t *testing.T) {
	const bigger = "cluster.nodeGroups.general={instanceType: t3.medium, desiredSize: 2, minSize: 1, maxSize: 6}"
	left := harness.Left(nil)
	left[stacks.MadeKey] = harness.Config(t, "dev").MadeWith(nil)
	desired := func(name string) any {
		left["nodeGroupNames"] = map[string]any{"general": name}
		g, err := declareAfter(t, workingHours, left, bigger)
		require.NoError(t, err)
		return g.First(awstype.NodeGroup).Inputs.Get("scalingConfig.desiredSize")
	}
	assert.Equal(t, 2.0, desired("gone"))
	assert.Equal(t, 6.0, desired("before"), "the group before had nine nodes (mockrun.Run)")
}

// TestChangesPageNamesEachLoss: docs/changes.md has the name of everything that can be allowed.
func TestChangesPageNamesEachLoss(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness.Root(t), "docs", "changes.md"))
	require.NoError(t, err)
	for _, name := range []string{
		"delete registry/NAME", "shorten registry/images", "release address/ZONE", "shorten logs",
		"shorten database/backups", "shorten cache/snapshots", "replace cache", "delete delivery/argocd",
	} {
		assert.Contains(t, string(text), "`"+name+"`")
	}
}

// TestUnreadableMade: a wrong value does not mean that nothing would be lost.
func TestUnreadableMade(t *testing.T) {
	left := made(t)
	left["groundwork:logRetentionDays"] = "a year"
	assert.ErrorContains(t, change(t, left), `output madeWith.groundwork:logRetentionDays "a year" is not a float64`)
	outputs := graph.Props{"parking": mockrun.WasUp["parking"], stacks.MadeKey: "everything"}
	_, err := mockrun.Graph("prod", harness.Settings(t, "prod"),
		mockrun.Options{Outputs: map[string]graph.Props{"prod": outputs}, Today: harness.Today})
	assert.ErrorContains(t, err, "output madeWith everything is not a mapping")
}

// TestAllowForm: an entry that no refusal asks for is refused as such.
func TestAllowForm(t *testing.T) {
	_, err := load(t, "prod", "allow=['drop everything']")
	assert.ErrorContains(t, err, `groundwork:allow "drop everything" is not the name of a change`)
}
