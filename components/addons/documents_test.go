package addons_test

import (
	"testing"

	"groundwork/components/addons"
	"groundwork/tests/golden"
)

func TestRenderedDocuments(t *testing.T) {
	const targetGroup = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"
	golden.JSON(t, "policy-load-balancer-controller", addons.LoadBalancerControllerPolicy(targetGroup).JSON())
	golden.JSON(t, "policy-cluster-autoscaler", addons.ClusterAutoscalerPolicy("groundwork-dev").JSON())
}
