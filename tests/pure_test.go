package tests

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
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

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares text with a file in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text, "run go test ./tests -update where the change is meant")
}

// indented makes JSON readable in a golden file.
func indented(t *testing.T, text string) string {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(text), &value))
	out, err := json.MarshalIndent(value, "", "  ")
	require.NoError(t, err)
	return string(out) + "\n"
}

func TestPlan(t *testing.T) {
	plan, err := network.Plan(netip.MustParsePrefix("10.20.0.0/16"), []string{"eu-west-1a", "eu-west-1c"})
	require.NoError(t, err)
	var got []string
	for _, z := range plan {
		got = append(got, strings.Join([]string{z.Zone, z.Private.String(), z.Public.String(), z.Data.String()}, " "))
	}
	assert.Equal(t, []string{
		"eu-west-1a 10.20.0.0/20 10.20.16.0/22 10.20.20.0/22",
		"eu-west-1c 10.20.64.0/20 10.20.80.0/22 10.20.84.0/22",
	}, got)
	for _, bad := range []string{"10.0.0.0/15", "10.0.0.0/21", "10.0.1.0/16", "fd00::/16"} {
		_, err := network.Plan(netip.MustParsePrefix(bad), []string{"eu-west-1a"})
		assert.Error(t, err, bad)
	}
	for _, bad := range []string{"", "eu-west-1i", "eu-west-1"} {
		_, err := network.Plan(netip.MustParsePrefix("10.0.0.0/16"), []string{bad})
		assert.Error(t, err, bad)
	}
	assert.Equal(t, 4091, network.UsableAddresses(plan[0].Private))
}

// FuzzPlan: in every VPC and for every set of zones, subnets lie inside, overlap nowhere, are large enough, and stay
// where they are when other zones come and go.
func FuzzPlan(f *testing.F) {
	f.Add(uint32(10<<24), 16, uint8(0b111))
	f.Add(uint32(192<<24|168<<16), 20, uint8(0b10000001))
	f.Fuzz(func(t *testing.T, address uint32, bits int, mask uint8) {
		bits = 16 + (bits%5+5)%5
		vpc := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}), bits).Masked()
		var zones []string
		for i := range 8 {
			if mask&(1<<i) != 0 {
				zones = append(zones, "eu-west-1"+string(rune('a'+i)))
			}
		}
		plan, err := network.Plan(vpc, zones)
		if err != nil {
			t.Fatal(err)
		}
		var all []netip.Prefix
		for _, zone := range plan {
			all = append(all, zone.Private, zone.Public, zone.Data)
			alone, err := network.Plan(vpc, []string{zone.Zone})
			if err != nil || alone[0] != zone {
				t.Fatalf("%v moves when other zones come and go: %v", zone, alone)
			}
			if zone.Private.Bits() > 24 || zone.Public.Bits() > 27 || zone.Data.Bits() > 28 {
				t.Fatalf("%v is too small", zone)
			}
		}
		for i, a := range all {
			if a != a.Masked() || !vpc.Contains(a.Addr()) || a.Bits() <= vpc.Bits() {
				t.Fatalf("%v is not inside %v", a, vpc)
			}
			for _, b := range all[:i] {
				if a.Overlaps(b) {
					t.Fatalf("%v overlaps %v", a, b)
				}
			}
		}
	})
}

// TestInstanceTable: AWS publishes the pods that fit; the formula must give the same.
func TestInstanceTable(t *testing.T) {
	for name, pods := range map[string]int{"t3.small": 11, "t3.medium": 17, "t3.large": 35, "t3.xlarge": 58, "m7g.medium": 8, "m5.large": 29} {
		assert.Equal(t, pods, cluster.Instances[name].MaxPods(), name)
	}
	for name, instance := range cluster.Instances {
		family, _, _ := strings.Cut(name, ".")
		assert.Equal(t, strings.HasSuffix(family, "g"), instance.Arm, name)
	}
}

func TestReleasesNameEveryCoreAddon(t *testing.T) {
	for version, release := range cluster.Releases {
		for _, addon := range []string{cluster.AddonVPCCNI, cluster.AddonKubeProxy, cluster.AddonCoreDNS, cluster.AddonPodIdentityAgent, cluster.AddonObservability} {
			assert.NotEmpty(t, release.Addons[addon], "%s %s", version, addon)
		}
		assert.True(t, strings.HasPrefix(release.Addons[cluster.AddonKubeProxy], "v"+version+"."), "kube-proxy goes with the cluster's minor version")
	}
	assert.Contains(t, cluster.Releases, cluster.DefaultVersion)
}

func TestDatabaseClasses(t *testing.T) {
	assert.Equal(t, 112, database.Classes["db.t3.micro"].MaxConnections())
	assert.Equal(t, 5000, database.Class{MemoryGiB: 1024}.MaxConnections())
	for i, p := range database.Parameters()[1:] {
		assert.Less(t, database.Parameters()[i].Name, p.Name, "sorted, so that a new parameter is the only difference")
	}
}

func TestRenderedDocuments(t *testing.T) {
	const account, region = "111122223333", "eu-west-1"
	golden(t, "lifecycle.json", indented(t, registry.LifecyclePolicy(30)))
	golden(t, "trust-service.json", indented(t, identity.ServiceTrust("eks.amazonaws.com").JSON()))
	golden(t, "trust-workload.json", indented(t, identity.WorkloadTrust(
		"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC", "oidc.eks.eu-west-1.amazonaws.com/id/ABC", "kube-system", "aws-node").JSON()))
	golden(t, "trust-break-glass.json", indented(t, identity.BreakGlassTrust(account).JSON()))
	golden(t, "key-logs.json", indented(t, identity.KeyPolicy(account, identity.LogsMayUseKey(account, region)).JSON()))
	golden(t, "key-volumes.json", indented(t, identity.KeyPolicy(account, identity.AutoScalingMayUseKey(account)...).JSON()))
	golden(t, "key-notifications.json", indented(t, identity.KeyPolicy(account, identity.PublishersMayUseKey(account, "cloudwatch.amazonaws.com")).JSON()))
	golden(t, "topic.json", indented(t, observability.TopicPolicy("arn:aws:sns:eu-west-1:111122223333:alarms", account, "cloudwatch.amazonaws.com").JSON()))
	golden(t, "bucket-balancer.json", indented(t, edge.BalancerLogPolicy("arn:aws:s3:::logs", account, region).JSON()))
	golden(t, "bucket-delivery.json", indented(t, edge.DeliveryLogPolicy("arn:aws:s3:::logs", account, "us-east-1").JSON()))
	golden(t, "policy-load-balancer-controller.json", indented(t, addons.LoadBalancerControllerPolicy("arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1").JSON()))
	golden(t, "policy-cluster-autoscaler.json", indented(t, addons.ClusterAutoscalerPolicy("groundwork-dev").JSON()))
	golden(t, "policy-secrets-reader.json", indented(t, delivery.ReaderPolicy(region, []string{"arn:secret"}, []string{"arn:key"}).JSON()))
	golden(t, "kubeconfig.json", indented(t, cluster.Kubeconfig("groundwork-dev", region, "https://example.eks.amazonaws.com", "Y2E=")))
	golden(t, "dashboard.json", indented(t, observability.DashboardBody(observability.Subjects{
		Region: region, Cluster: "groundwork-dev", Database: "groundwork-dev-main", AlarmARNs: []string{"arn:b", "arn:a"},
		AutoScalingGroups: map[string]string{"general": "eks-general"}, NATGateways: map[string]string{"eu-west-1a": "nat-1"}, CacheNodes: map[string]string{"001": "cache-001"},
		LoadBalancer: "app/web/1", TargetGroup: "targetgroup/web/1", Distribution: "E1", LogAlarms: observability.LogAlarms("groundwork-dev", true),
	})))
}

// TestDocumentsAreStable: the order in which actions are written does not matter.
func TestDocumentsAreStable(t *testing.T) {
	a := identity.NewDocument(identity.Statement{Effect: identity.Allow, Action: identity.Strings{"s3:PutObject", "s3:GetObject"}})
	b := identity.NewDocument(identity.Statement{Effect: identity.Allow, Action: identity.Strings{"s3:GetObject", "s3:PutObject"}})
	assert.Equal(t, a.JSON(), b.JSON())
}

// TestDashboardWidgetsDoNotOverlap walks the grid.
func TestDashboardWidgetsDoNotOverlap(t *testing.T) {
	body := observability.DashboardBody(observability.Subjects{NATGateways: map[string]string{"a": "nat-1"}, AutoScalingGroups: map[string]string{"g": "x"}})
	var parsed struct {
		Widgets []struct{ X, Y, Width, Height int }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &parsed))
	taken := map[[2]int]bool{}
	for _, w := range parsed.Widgets {
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				assert.False(t, taken[[2]int{x, y}], "%v", w)
				assert.Less(t, x, 24)
				taken[[2]int{x, y}] = true
			}
		}
	}
	assert.Greater(t, len(parsed.Widgets), 10)
}

// TestAlarmTable: every row says what happened, what to do, and what silence means; thresholds can be crossed.
func TestAlarmTable(t *testing.T) {
	thresholds := observability.Thresholds{NodeCPUPercent: 80, DatabaseCPUPercent: 80, DatabaseFreeStoragePercent: 15, DatabaseConnectionsPercent: 80, NodeMemoryPercent: 85, NodeDiskPercent: 85, CacheCPUPercent: 80, CacheMemoryPercent: 80, LatencyMilliseconds: 1000, ErrorPercent: 5, ContainerRestarts: 5}
	fixed, burstable := database.Classes["db.m7g.large"], database.Classes["db.t4g.small"]
	all := observability.NodeAlarms(thresholds)
	all = append(all, observability.ClusterAlarms(thresholds)...)
	all = append(all, observability.NATAlarms()...)
	all = append(all, observability.CacheAlarms(thresholds)...)
	all = append(all, observability.BalancerAlarms(thresholds)...)
	all = append(all, observability.TargetAlarms()...)
	all = append(all, observability.DistributionAlarms(thresholds)...)
	for _, row := range observability.LogAlarms("groundwork-dev", true) {
		all = append(all, row.Alarm)
	}
	assert.Len(t, observability.LogAlarms("x", false), 1, "without Argo CD its silence is no news")
	all = append(all, observability.DatabaseAlarms(thresholds, burstable, 20)...)
	for _, a := range all {
		assert.Contains(t, a.Description, ":", "%s: say what to do first", a.Name)
		assert.NotEmpty(t, a.Missing, a.Name)
		assert.LessOrEqual(t, a.Datapoints, a.Periods, a.Name)
		if strings.HasPrefix(a.Comparison, "Less") {
			assert.Positive(t, a.Threshold, "%s could never fire", a.Name)
		}
	}
	assert.Len(t, observability.DatabaseAlarms(thresholds, burstable, 20), len(observability.DatabaseAlarms(thresholds, fixed, 20))+1, "credits are watched where there are any")
	assert.InDelta(t, 3*float64(1<<30), observability.DatabaseAlarms(thresholds, fixed, 20)[1].Threshold, 1)
}

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
		check("network", err, "network main: args: cidr is missing", "network main: args: name is missing", "logsKeyARN is missing")
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
		_, err = identity.NewWorkloadRole(ctx, "main", &identity.WorkloadRoleArgs{Name: "x", Namespace: "*", ServiceAccount: "a*"})
		check("workload role", err, `namespace "*" is not an exact Kubernetes namespace`, `serviceAccount "a*"`)
		_, err = cluster.New(ctx, "main", nil)
		check("cluster nil", err, "cluster main: args is nil")
		_, err = cluster.New(ctx, "main", &cluster.Args{Facts: environment.Facts{Name: "-x"}})
		check("cluster", err, "cluster main: args: kubernetesVersion", "name", "roles is missing", "logsKeyARN is missing", "nodeGroups is missing")
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
		check("secrets", err, "secrets main: args: name", "ends in a hyphen and six characters", "recoveryDays 3 is outside 7 to 30")
		_, err = edge.New(ctx, "main", nil)
		check("edge nil", err, "edge main: args is nil")
		_, err = edge.New(ctx, "main", &edge.Args{Facts: environment.Facts{Name: "groundwork-averyverylongone"}})
		check("edge", err, "edge main: args: firewall", "accessLogs", "has more than 22 characters", "usEast1 is missing", "application.port 0", "readinessPath", "logRetentionDays 0")
		_, err = addons.New(ctx, "main", nil)
		check("addons nil", err, "addons main: args is nil")
		_, err = addons.New(ctx, "main", &addons.Args{})
		check("addons", err, "addons main: args: replicas 0", "versions.argo-cd", "vpcID is missing", "targetGroupARN is missing")
		_, err = delivery.New(ctx, "main", nil)
		check("delivery nil", err, "delivery main: args is nil")
		_, err = delivery.New(ctx, "main", &delivery.Args{Application: "Web"})
		check("delivery", err, "delivery main: args: owner", "path", "application", "environment", "secrets.arns.database is missing")
		_, err = observability.New(ctx, "main", nil)
		check("observability nil", err, "observability main: args is nil")
		_, err = observability.New(ctx, "main", &observability.Args{})
		check("observability", err, "observability main: args: monthlyBudgetUsd", "name is missing", "usEast1 is missing")
		return nil
	}, pulumi.WithMocks("groundwork", "dev", m))
	require.NoError(t, err)
	assert.Empty(t, m.Resources)
}

// forbidden packages each pull in much of an SDK; section "Compile time" of the README says what they cost.
var forbidden = []string{
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/helm/v3",
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/yaml",
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/yaml/v2",
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/wafv2",
}

func TestNoExpensiveImports(t *testing.T) {
	imports := func(pkg string) []string {
		cmd := exec.Command("go", "list", "-deps", pkg)
		cmd.Dir = ".."
		out, err := cmd.Output()
		require.NoError(t, err)
		return strings.Fields(string(out))
	}
	for _, pkg := range []string{".", "./cmd/groundwork"} {
		deps := imports(pkg)
		assert.Contains(t, deps, "groundwork/stacks")
		assert.Empty(t, expensive(deps), pkg)
	}
	assert.NotEmpty(t, expensive([]string{"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/wafv2"}), "the check must see one")
}

func expensive(deps []string) []string {
	var found []string
	for _, dep := range deps {
		for _, f := range forbidden {
			if dep == f || strings.HasPrefix(dep, f+"/") {
				found = append(found, dep)
			}
		}
	}
	return found
}

// TestComponentsKnowNoEnvironment: what differs between environments is a value, never a name in a component.
func TestComponentsKnowNoEnvironment(t *testing.T) {
	seen := 0
	require.NoError(t, filepath.WalkDir("../components", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		seen++
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.NotRegexp(t, `"(dev|prod|staging)"`, string(text), path)
		return nil
	}))
	assert.Greater(t, seen, 20)
}
