package identity_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/components/identity"
	"groundwork/tests/golden"
)

func TestRenderedDocuments(t *testing.T) {
	const account, region = "111122223333", "eu-west-1"
	const issuer = "oidc.eks.eu-west-1.amazonaws.com/id/ABC"
	alarms := identity.PublishersMayUseKey(account, "cloudwatch.amazonaws.com")
	for name, document := range map[string]identity.Document{
		"trust-service": identity.ServiceTrust("eks.amazonaws.com"),
		"trust-workload": identity.WorkloadTrust("arn:aws:iam::111122223333:oidc-provider/"+issuer, issuer,
			"kube-system", "aws-node"),
		"trust-break-glass": identity.BreakGlassTrust(account),
		"key-logs":          identity.KeyPolicy(account, identity.LogsMayUseKey(account, region)),
		"key-volumes":       identity.KeyPolicy(account, identity.AutoScalingMayUseKey(account)...),
		"key-notifications": identity.KeyPolicy(account, alarms),
	} {
		golden.JSON(t, name, document.JSON())
	}
}

// TestDocumentsAreStable: the order in which actions are written does not matter.
func TestDocumentsAreStable(t *testing.T) {
	statement := func(actions ...string) identity.Document {
		return identity.NewDocument(identity.Statement{Effect: identity.Allow, Action: actions})
	}
	a, b := statement("s3:PutObject", "s3:GetObject"), statement("s3:GetObject", "s3:PutObject")
	assert.Equal(t, a.JSON(), b.JSON())
}
