package edge_test

import (
	"testing"

	"groundwork/components/edge"
	"groundwork/tests/golden"
)

func TestRenderedDocuments(t *testing.T) {
	const bucket, account = "arn:aws:s3:::logs", "111122223333"
	golden.JSON(t, "bucket-balancer", edge.BalancerLogPolicy(bucket, account, "eu-west-1").JSON())
	golden.JSON(t, "bucket-delivery", edge.DeliveryLogPolicy(bucket, account, "us-east-1").JSON())
}
