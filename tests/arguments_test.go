package tests

import (
	"slices"
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

// refusal is a constructor's call with bad arguments, and what its error has to say.
type refusal struct {
	call  func(*pulumi.Context) error
	wants []string
}

// refused are the two refusals of a constructor: of no arguments, and of bad ones.
func refused[A, T any](
	construct func(*pulumi.Context, string, *A, ...pulumi.ResourceOption) (*T, error), bad *A, wants ...string,
) []refusal {
	with := func(args *A) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error {
			_, err := construct(ctx, "main", args)
			return err
		}
	}
	component, _, _ := strings.Cut(wants[0], ":")
	return []refusal{{with(nil), []string{component + ": args is nil"}}, {with(bad), wants}}
}

// refusals has each constructor. The first thing that an error has to say names the component.
func refusals() []refusal {
	all := slices.Concat(
		refused(network.New, &network.Args{}, "network main: args: cidr is missing", "network main: args: name is missing",
			"logsKeyARN is missing"),
		refused(identity.New, &identity.Args{Facts: environment.Facts{RoleBoundary: "x"}},
			"identity main: args: accountId", "name", "rolePath", "roleBoundary"),
		refused(identity.NewKey, &identity.KeyArgs{}, "key main: args: accountId", "alias"),
		refused(identity.NewServiceRole, &identity.ServiceRoleArgs{Name: strings.Repeat("x", 65)},
			"service role main: args: name", "services is missing"),
		refused(identity.NewWorkloadRole, &identity.WorkloadRoleArgs{Name: "x", Namespace: "*", ServiceAccount: "a*"},
			"workload role main: args: ", `namespace "*" is not an exact Kubernetes namespace`, `serviceAccount "a*"`),
		refused(cluster.New, &cluster.Args{Facts: environment.Facts{Name: "-x"}}, "cluster main: args: kubernetesVersion",
			"name", "roles is missing", "logsKeyARN is missing", "nodeGroups is missing"),
		refused(registry.New, &registry.Args{}, "registry main: args: repositories is missing", "name is missing"),
		refused(cache.New, &cache.Args{GroupID: "a--b"}, "cache main: args: engine", "nodeType", "nodes 0", "name",
			"logsKeyARN is missing"),
		refused(secrets.New, &secrets.Args{Application: "web-abcdef", RecoveryDays: 3}, "secrets main: args: name",
			"ends in a hyphen and six characters", "recoveryDays 3 is outside 7 to 30"),
		refused(edge.New, &edge.Args{Facts: environment.Facts{Name: "groundwork-averyverylongone"}},
			"edge main: args: firewall", "accessLogs", "has more than 22 characters", "usEast1 is missing",
			"application.port 0", "readinessPath", "logRetentionDays 0"),
		refused(addons.New, &addons.Args{}, "addons main: args: replicas 0", "versions.argo-cd", "vpcID is missing",
			"targetGroupARN is missing"),
		refused(delivery.New, &delivery.Args{Application: "Web"}, "delivery main: args: owner", "path", "application",
			"environment", "secrets.arns.database is missing"),
		refused(observability.New, &observability.Args{}, "observability main: args: monthlyBudgetUsd",
			"name is missing", "usEast1 is missing"),
	)
	for _, name := range []string{"Main", "a--b", "a-", strings.Repeat("x", 64)} {
		all = append(all, refused(database.New, &database.Args{Identifier: name},
			"database main: args: backupRetentionDays 0 is outside 1 to 35", "identifier")...)
	}
	return all
}

// TestComponentsRefuseBadArguments: each constructor names the component and every problem, and registers nothing.
func TestComponentsRefuseBadArguments(t *testing.T) {
	r, err := mockrun.Try("dev", mockrun.Options{}, func(ctx *pulumi.Context) error {
		for _, r := range refusals() {
			err := r.call(ctx)
			require.Error(t, err, r.wants)
			for _, want := range r.wants {
				assert.ErrorContains(t, err, want)
			}
		}
		return nil
	})
	require.NoError(t, err)
	assert.Empty(t, r.Resources)
}
