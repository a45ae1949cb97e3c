package observability_test

import (
	"testing"

	"groundwork/components/observability"
	"groundwork/tests/golden"
)

func TestRenderedDocuments(t *testing.T) {
	const account, topic = "111122223333", "arn:aws:sns:eu-west-1:111122223333:alarms"
	golden.JSON(t, "topic", observability.TopicPolicy(topic, account, "cloudwatch.amazonaws.com").JSON())
	golden.JSON(t, "dashboard", observability.DashboardBody(observability.Subjects{
		Region: "eu-west-1", Cluster: "groundwork-dev", Database: "groundwork-dev-main",
		AlarmARNs:         []string{"arn:b", "arn:a"},
		AutoScalingGroups: map[string]string{"general": "eks-general"},
		NATGateways:       map[string]string{"eu-west-1a": "nat-1"},
		CacheNodes:        map[string]string{"001": "cache-001"},
		LoadBalancer:      "app/web/1", TargetGroup: "targetgroup/web/1", Distribution: "E1",
		LogAlarms: observability.LogAlarms("groundwork-dev", true),
	}))
}
