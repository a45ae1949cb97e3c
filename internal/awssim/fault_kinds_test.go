package awssim

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
)

func TestParseFault(t *testing.T) {
	for _, kind := range faultKinds {
		assert.Contains(t, FaultHelp(), "  "+kind.name+" ")
	}
	one, err := ParseFault("kill-after:rds/instance:3")
	require.NoError(t, err)
	assert.Equal(t, Fault{Type: awstype.DBInstance, Error: "", Skip: 2, Times: 1, Effect: KillAfter}, one.Fault)
	one, err = ParseFault("capacity")
	require.NoError(t, err)
	assert.Len(t, one.Fault.ErrorOf, 3)
	one, err = ParseFault("drift:rds/instance.port:2")
	require.NoError(t, err)
	assert.True(t, one.Drifted)
	assert.Equal(t, "port", one.Property)
	assert.Equal(t, 2, one.Nth)
	for text, want := range map[string]string{
		"fire":                  `"fire" is not one of throttling, credentials, `,
		"slow:rds/instance:0":   `"0" is not a number from 1 on`,
		"slow:rds/instance:1:1": "want KIND[:TYPE[:N]]",
		"slow:Spaceship":        `no type is called "Spaceship"`,
		"slow:ParameterGroup":   "is one of elasticache/parameterGroup, rds/parameterGroup; say which",
		"capacity:ec2/vpc":      "AWS has no such error for ec2/vpc",
		"deleted":               "want deleted:TYPE",
		"drift":                 "want drift:TYPE",
	} {
		_, err := ParseFault(text)
		require.ErrorContains(t, err, want, text)
	}
}

// TestApply: a change before the run is made in the account.
func TestApply(t *testing.T) {
	c := NewCloud(Site{Region: "eu-west-1"})
	require.NoError(t, c.Seed(Object{
		Type: awstype.VPC, ID: "vpc-1", URN: "urn:x", State: Props{"cidrBlock": "10.0.0.0/16", "enableDnsSupport": true},
	}))
	drift, err := ParseFault("drift:ec2/vpc")
	require.NoError(t, err)
	said, err := c.Apply(drift)
	require.NoError(t, err)
	assert.Contains(t, said, "somebody changed enableDnsSupport", "not the range, whose change would replace the VPC")
	assert.Equal(t, false, c.Read(awstype.VPC, "vpc-1")["enableDnsSupport"])
	drift.Property = "nonsense"
	_, err = c.Apply(drift)
	require.ErrorContains(t, err, "no text, number, switch or mapping called nonsense")
	gone, err := ParseFault("deleted:ec2/vpc")
	require.NoError(t, err)
	_, err = c.Apply(gone)
	require.NoError(t, err)
	_, err = c.Apply(gone)
	require.ErrorContains(t, err, "the account has 0 of aws:ec2/vpc:Vpc")
}

// TestPatience: the provider outlasts 25 refusals in a row and no more; from an expired token on nothing succeeds.
func TestPatience(t *testing.T) {
	create := func(fault string) (*Cloud, error) {
		c := NewCloud(Site{Region: "eu-west-1"})
		injection, err := ParseFault(fault)
		require.NoError(t, err)
		_, err = c.Apply(injection)
		require.NoError(t, err)
		_, _, err = c.Create(t.Context(), "urn:a", awstype.VPC, Props{"cidrBlock": "10.0.0.0/16"})
		return c, err
	}
	_, err := create("throttling:ec2/vpc:25")
	require.NoError(t, err)
	_, err = create("throttling:ec2/vpc:26")
	require.ErrorContains(t, err, "Throttling: Rate exceeded")
	_, err = create("quota:ec2/vpc")
	require.ErrorContains(t, err, "VpcLimitExceeded")
	_, err = create("quota:rds/instance")
	require.NoError(t, err, "a fault of another type")
	c, err := create("no-answer")
	require.ErrorContains(t, err, "connection reset by peer")
	assert.Len(t, c.Objects(), 1, "it happened all the same")
	c, err = create("credentials:ec2/vpc:2")
	require.NoError(t, err, "the first one succeeds")
	for range 2 {
		_, _, err = c.Create(t.Context(), "urn:b", awstype.VPC, Props{"cidrBlock": "10.1.0.0/16"})
		require.ErrorContains(t, err, "ExpiredToken")
	}
}
