package cluster_test

import (
	"testing"

	"groundwork/components/cluster"
	"groundwork/tests/golden"
)

func TestRenderedDocuments(t *testing.T) {
	const endpoint = "https://example.eks.amazonaws.com"
	golden.JSON(t, "kubeconfig", cluster.Kubeconfig("groundwork-dev", "eu-west-1", endpoint, "Y2E="))
}
