package cluster_test

import (
	"testing"

	"groundwork/components/cluster"
	"groundwork/tests/golden"
)

func TestRenderedDocuments(t *testing.T) {
	const endpoint = "https://example.eks.amazonaws.com"
	golden.JSON(t, "kubeconfig", cluster.Client{Name: "groundwork-dev", Region: "eu-west-1"}.Kubeconfig(endpoint, "Y2E="))
	golden.JSON(t, "kubeconfig-tunnel", cluster.Client{
		Name: "groundwork-prod", Region: "eu-west-1", AccountID: "444455556666", Tunneled: true,
	}.Kubeconfig(endpoint, "Y2E="))
}
