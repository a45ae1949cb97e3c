package awstype_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/components/edge"
	"groundwork/components/helm"
	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

func TestLatencies(t *testing.T) {
	multi := awstype.CreateSeconds(awstype.DBInstance, graph.Props{"multiAz": true}, awstype.Median)
	assert.Equal(t, 840.0, multi)
	assert.Equal(t, 443.0, awstype.CreateSeconds(awstype.DBInstance, graph.Props{}, awstype.Median))
	assert.Equal(t, 15.0, awstype.CreateSeconds(awstype.Addon, graph.Props{"addonName": "coredns"}, awstype.Median))
	assert.Equal(t, 24.0,
		awstype.CreateSeconds(awstype.Addon, graph.Props{"addonName": "eks-pod-identity-agent"}, awstype.Median))
	assert.Equal(t, 78.0, awstype.CreateSeconds(awstype.HelmRelease, graph.Props{"chart": "argo-cd"}, awstype.Median))
	assert.Equal(t, 1.0, awstype.CreateSeconds("aws:x/y:Z", nil, awstype.Median))
	for _, token := range []string{awstype.EKSCluster, awstype.NATGateway, awstype.Key} {
		fast, slow := awstype.CreateSeconds(token, nil, awstype.Fast), awstype.CreateSeconds(token, nil, awstype.Slow)
		assert.Less(t, fast, slow, token)
	}
}

// TestEveryTypeHasARow: what the simulation registers has a row, and every row is of something that is registered.
func TestEveryTypeHasARow(t *testing.T) {
	known := awssim.KnownTypes()
	for _, token := range known {
		assert.Equal(t, token, awstype.Of(token).Token, "a type without a row")
	}
	// pulumi-eks makes the component; its plugin is real in the sandbox.
	for _, token := range awstype.Tokens() {
		assert.Contains(t, append(known, awstype.EKSComponent), token, "a row that nothing uses")
	}
	assert.Empty(t, awstype.Of("aws:new/thing:Thing").Token)
}

// TestComponentsAgree: the few tokens that components register without an SDK package are those of the table.
func TestComponentsAgree(t *testing.T) {
	assert.Equal(t, awstype.HelmRelease, helm.ReleaseType)
	assert.Equal(t, awstype.WebACL, edge.WebACLType)
	assert.Equal(t, awstype.WebACLLogging, edge.WebACLLoggingType)
}

// TestFreeTypesSayWhy: a row that is free gives the reason; TestEveryTypeHasAPrice of internal/cost holds the others.
func TestFreeTypesSayWhy(t *testing.T) {
	free := 0
	for _, token := range awstype.Tokens() {
		if reason := awstype.Of(token).Free; reason != "" {
			free++
			assert.Greater(t, len(reason), 7, token)
		}
	}
	assert.Greater(t, free, 50)
}
