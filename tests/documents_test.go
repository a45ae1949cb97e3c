package tests

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/components/addons"
	"groundwork/components/cluster"
	"groundwork/components/delivery"
	"groundwork/components/edge"
	"groundwork/components/identity"
	"groundwork/components/observability"
	"groundwork/components/registry"
	"groundwork/tests/harness"
)

func TestRenderedDocuments(t *testing.T) {
	const account, region = "111122223333", "eu-west-1"
	harness.Golden(t, "lifecycle.json", harness.Indented(t, registry.LifecyclePolicy(30)))
	harness.Golden(t, "trust-service.json", harness.Indented(t, identity.ServiceTrust("eks.amazonaws.com").JSON()))
	harness.Golden(t, "trust-workload.json", harness.Indented(t, identity.WorkloadTrust(
		"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
		"oidc.eks.eu-west-1.amazonaws.com/id/ABC",
		"kube-system",
		"aws-node",
	).JSON()))
	harness.Golden(t, "trust-break-glass.json", harness.Indented(t, identity.BreakGlassTrust(account).JSON()))
	harness.Golden(
		t,
		"key-logs.json",
		harness.Indented(t, identity.KeyPolicy(account, identity.LogsMayUseKey(account, region)).JSON()),
	)
	harness.Golden(
		t,
		"key-volumes.json",
		harness.Indented(t, identity.KeyPolicy(account, identity.AutoScalingMayUseKey(account)...).JSON()),
	)
	harness.Golden(
		t,
		"key-notifications.json",
		harness.Indented(
			t,
			identity.KeyPolicy(account, identity.PublishersMayUseKey(account, "cloudwatch.amazonaws.com")).JSON(),
		),
	)
	harness.Golden(
		t,
		"topic.json",
		harness.Indented(
			t,
			observability.TopicPolicy("arn:aws:sns:eu-west-1:111122223333:alarms", account, "cloudwatch.amazonaws.com").JSON(),
		),
	)
	harness.Golden(
		t,
		"bucket-balancer.json",
		harness.Indented(t, edge.BalancerLogPolicy("arn:aws:s3:::logs", account, region).JSON()),
	)
	harness.Golden(
		t,
		"bucket-delivery.json",
		harness.Indented(t, edge.DeliveryLogPolicy("arn:aws:s3:::logs", account, "us-east-1").JSON()),
	)
	harness.Golden(
		t,
		"policy-load-balancer-controller.json",
		harness.Indented(
			t,
			addons.LoadBalancerControllerPolicy("arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1").JSON(),
		),
	)
	harness.Golden(
		t,
		"policy-cluster-autoscaler.json",
		harness.Indented(t, addons.ClusterAutoscalerPolicy("groundwork-dev").JSON()),
	)
	harness.Golden(
		t,
		"policy-secrets-reader.json",
		harness.Indented(t, delivery.ReaderPolicy(region, []string{"arn:secret"}, []string{"arn:key"}).JSON()),
	)
	harness.Golden(
		t,
		"kubeconfig.json",
		harness.Indented(t, cluster.Kubeconfig("groundwork-dev", region, "https://example.eks.amazonaws.com", "Y2E=")),
	)
	harness.Golden(t, "dashboard.json", harness.Indented(t, observability.DashboardBody(observability.Subjects{
		Region: region, Cluster: "groundwork-dev", Database: "groundwork-dev-main", AlarmARNs: []string{"arn:b", "arn:a"},
		AutoScalingGroups: map[string]string{
			"general": "eks-general",
		}, NATGateways: map[string]string{"eu-west-1a": "nat-1"}, CacheNodes: map[string]string{"001": "cache-001"},
		LoadBalancer: "app/web/1", TargetGroup: "targetgroup/web/1", Distribution: "E1",
		LogAlarms: observability.LogAlarms("groundwork-dev", true),
	})))
}

// TestDocumentsAreStable: the order in which actions are written does not matter.
func TestDocumentsAreStable(t *testing.T) {
	a := identity.NewDocument(
		identity.Statement{Effect: identity.Allow, Action: identity.Strings{"s3:PutObject", "s3:GetObject"}},
	)
	b := identity.NewDocument(
		identity.Statement{Effect: identity.Allow, Action: identity.Strings{"s3:GetObject", "s3:PutObject"}},
	)
	assert.Equal(t, a.JSON(), b.JSON())
}
