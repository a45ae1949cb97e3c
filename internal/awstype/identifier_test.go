package awstype

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryTypeCanBeFound: for each type there is one way to find a resource that no state records, or a reason.
func TestEveryTypeCanBeFound(t *testing.T) {
	for _, token := range Tokens() {
		if token == EKSComponent {
			continue
		}
		i, ok := IdentifierOf(token)
		require.True(t, ok, token)
		ways := 0
		for _, way := range []bool{i.Import != "" || i.ARN != "", i.Listed, i.Nowhere != ""} {
			if way {
				ways++
			}
		}
		assert.Equal(t, 1, ways, token)
	}
	for token := range identifiers {
		assert.NotEmpty(t, Of(token).Token, "%s has no row in the table of types", token)
	}
}

func TestImportID(t *testing.T) {
	for _, c := range []struct {
		token string
		in    Inputs
		want  string
	}{
		{RolePolicyAttachment, Inputs{"role": "r", "policyArn": "arn:aws:iam::aws:policy/P"}, "r/arn:aws:iam::aws:policy/P"},
		{Policy, Inputs{"name": "p"}, "arn:aws:iam::111122223333:policy/p"},
		{Policy, Inputs{"name": "p", "path": "/team/"}, "arn:aws:iam::111122223333:policy/team/p"},
		{OIDCProvider, Inputs{"url": "https://token.example.com"},
			"arn:aws:iam::111122223333:oidc-provider/token.example.com"},
		{ConfigMap, Inputs{"metadata": map[string]any{"namespace": "web", "name": "values"}}, "web/values"},
		{Topic, Inputs{"name": "alarms"}, "arn:aws:sns:eu-west-1:111122223333:alarms"},
	} {
		i, _ := IdentifierOf(c.token)
		id, err := i.ImportID(c.in, "111122223333", "eu-west-1")
		require.NoError(t, err)
		assert.Equal(t, c.want, id)
	}
	i, _ := IdentifierOf(Route)
	_, err := i.ImportID(Inputs{"routeTableId": "rtb-1"}, "", "")
	require.ErrorContains(t, err, "its input destinationCidrBlock is not known")
}

func TestTypeOfARN(t *testing.T) {
	const account = "eu-west-1:111122223333:"
	const secret = "arn:aws:secretsmanager:" + account + "secret:shop/db-AbCdEf"
	for arn, want := range map[string][2]string{
		"arn:aws:ec2:" + account + "natgateway/nat-1":                  {NATGateway, "nat-1"},
		"arn:aws:ec2:" + account + "security-group/sg-1":               {SecurityGroup, "sg-1"},
		"arn:aws:ec2:" + account + "vpc-endpoint/vpce-1":               {VPCEndpoint, "vpce-1"},
		"arn:aws:eks:" + account + "nodegroup/main/general-1/uuid":     {NodeGroup, "main:general-1"},
		"arn:aws:rds:" + account + "pg:main-postgres18-1":              {DBParameterGroup, "main-postgres18-1"},
		"arn:aws:s3:::logs-1":                                          {Bucket, "logs-1"},
		"arn:aws:cloudfront::111122223333:distribution/E1":             {Distribution, "E1"},
		"arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/id-1": {WebACL, "id-1/shop/CLOUDFRONT"},
		"arn:aws:wafv2:us-east-1:111122223333:global/ipset/shop/id-1":  {"", ""},
		secret: {Secret, secret},
		"arn:aws:lambda:" + account + "function:f": {"", ""},
		"nonsense": {"", ""},
	} {
		token, id := TypeOfARN(arn)
		assert.Equal(t, want, [2]string{token, id}, arn)
	}
}
