package tests

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/addons"
	"groundwork/components/cache"
	"groundwork/components/cluster"
	"groundwork/components/database"
	"groundwork/components/delivery"
	"groundwork/components/edge"
	"groundwork/components/environment"
	"groundwork/components/identity"
	"groundwork/components/network"
	"groundwork/components/observability"
	"groundwork/components/registry"
	"groundwork/components/secrets"
	"groundwork/internal/mockrun"
)

// TestComponentsRefuseBadArguments: each constructor names the component and every problem, and registers nothing.
func TestComponentsRefuseBadArguments(t *testing.T) {
	m := &mockrun.Mocks{}
	check := func(name string, err error, wants ...string) {
		t.Helper()
		require.Error(t, err, name)
		for _, want := range wants {
			assert.ErrorContains(t, err, want, name)
		}
	}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := network.New(ctx, "main", nil)
		check("network nil", err, "network main: args is nil")
		_, err = network.New(ctx, "main", &network.Args{})
		check(
			"network",
			err,
			"network main: args: cidr is missing",
			"network main: args: name is missing",
			"logsKeyARN is missing",
		)
		_, err = identity.New(ctx, "main", nil)
		check("identity nil", err, "identity main: args is nil")
		_, err = identity.New(ctx, "main", &identity.Args{Facts: environment.Facts{RoleBoundary: "x"}})
		check("identity", err, "identity main: args: accountId", "name", "rolePath", "roleBoundary")
		_, err = identity.NewKey(ctx, "main", nil)
		check("key nil", err, "key main: args is nil")
		_, err = identity.NewKey(ctx, "main", &identity.KeyArgs{})
		check("key", err, "key main: args: accountId", "alias")
		_, err = identity.NewServiceRole(ctx, "main", nil)
		check("service role nil", err, "args is nil")
		_, err = identity.NewServiceRole(ctx, "main", &identity.ServiceRoleArgs{Name: strings.Repeat("x", 65)})
		check("service role", err, "service role main: args: name", "services is missing")
		_, err = identity.NewWorkloadRole(ctx, "main", nil)
		check("workload role nil", err, "args is nil")
		_, err = identity.NewWorkloadRole(
			ctx,
			"main",
			&identity.WorkloadRoleArgs{Name: "x", Namespace: "*", ServiceAccount: "a*"},
		)
		check("workload role", err, `namespace "*" is not an exact Kubernetes namespace`, `serviceAccount "a*"`)
		_, err = cluster.New(ctx, "main", nil)
		check("cluster nil", err, "cluster main: args is nil")
		_, err = cluster.New(ctx, "main", &cluster.Args{Facts: environment.Facts{Name: "-x"}})
		check(
			"cluster",
			err,
			"cluster main: args: kubernetesVersion",
			"name",
			"roles is missing",
			"logsKeyARN is missing",
			"nodeGroups is missing",
		)
		_, err = registry.New(ctx, "main", nil)
		check("registry nil", err, "registry main: args is nil")
		_, err = registry.New(ctx, "main", &registry.Args{})
		check("registry", err, "registry main: args: repositories is missing", "name is missing")
		_, err = database.New(ctx, "main", nil)
		check("database nil", err, "database main: args is nil")
		for _, name := range []string{"Main", "a--b", "a-", strings.Repeat("x", 64)} {
			_, err = database.New(ctx, "main", &database.Args{Identifier: name, Spec: database.Spec{BackupRetentionDays: 0}})
			check("database", err, "database main: args: backupRetentionDays 0 is outside 1 to 35", "identifier")
		}
		_, err = cache.New(ctx, "main", nil)
		check("cache nil", err, "cache main: args is nil")
		_, err = cache.New(ctx, "main", &cache.Args{GroupID: "a--b"})
		check("cache", err, "cache main: args: engine", "nodeType", "nodes 0", "name", "logsKeyARN is missing")
		_, err = secrets.New(ctx, "main", nil)
		check("secrets nil", err, "secrets main: args is nil")
		_, err = secrets.New(ctx, "main", &secrets.Args{Application: "web-abcdef", RecoveryDays: 3})
		check(
			"secrets",
			err,
			"secrets main: args: name",
			"ends in a hyphen and six characters",
			"recoveryDays 3 is outside 7 to 30",
		)
		_, err = edge.New(ctx, "main", nil)
		check("edge nil", err, "edge main: args is nil")
		_, err = edge.New(ctx, "main", &edge.Args{Facts: environment.Facts{Name: "groundwork-averyverylongone"}})
		check(
			"edge",
			err,
			"edge main: args: firewall",
			"accessLogs",
			"has more than 22 characters",
			"usEast1 is missing",
			"application.port 0",
			"readinessPath",
			"logRetentionDays 0",
		)
		_, err = addons.New(ctx, "main", nil)
		check("addons nil", err, "addons main: args is nil")
		_, err = addons.New(ctx, "main", &addons.Args{})
		check(
			"addons",
			err,
			"addons main: args: replicas 0",
			"versions.argo-cd",
			"vpcID is missing",
			"targetGroupARN is missing",
		)
		_, err = delivery.New(ctx, "main", nil)
		check("delivery nil", err, "delivery main: args is nil")
		_, err = delivery.New(ctx, "main", &delivery.Args{Application: "Web"})
		check(
			"delivery",
			err,
			"delivery main: args: owner",
			"path",
			"application",
			"environment",
			"secrets.arns.database is missing",
		)
		_, err = observability.New(ctx, "main", nil)
		check("observability nil", err, "observability main: args is nil")
		_, err = observability.New(ctx, "main", &observability.Args{})
		check("observability", err, "observability main: args: monthlyBudgetUsd", "name is missing", "usEast1 is missing")
		return nil
	}, pulumi.WithMocks("groundwork", "dev", m))
	require.NoError(t, err)
	assert.Empty(t, m.Resources)
}
