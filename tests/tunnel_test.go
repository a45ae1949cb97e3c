package tests

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/cluster"
	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/rules"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
)

// TestWayToTheAPI: a release in prod needs everything between Session Manager and the private endpoint. Without any one
// part, the update fails before it, and says what is missing.
func TestWayToTheAPI(t *testing.T) {
	const change = "addons.replicas=1"
	up, err := changed(t, "prod", change)
	require.NoError(t, err, "the way is whole")
	require.Contains(t, strings.Join(up.Steps, " "), awstype.HelmRelease)
	for name, plant := range map[string]struct {
		missing func(o awssim.Object) bool
		want    string
	}{
		"instance": {
			func(o awssim.Object) bool { return o.Type == awstype.Instance }, "there is no instance groundwork-prod-bastion",
		},
		"policy": {func(o awssim.Object) bool {
			return o.Type == awstype.RolePolicyAttachment && o.State.Str("role") == "groundwork-prod-bastion"
		}, "the role of groundwork-prod-bastion lacks AmazonSSMManagedInstanceCore"},
		"egress rule": {
			func(o awssim.Object) bool { return strings.HasSuffix(o.URN, "::bastion-https") }, "lets no HTTPS out",
		},
		"ingress rule": {
			func(o awssim.Object) bool { return strings.HasSuffix(o.URN, "::bastion-api") }, "does not admit",
		},
		"NAT gateway": {
			func(o awssim.Object) bool { return o.Type == awstype.NATGateway },
			"neither a NAT gateway nor the endpoints ssm, ssmmessages",
		},
	} {
		s := *reference(t, "prod")
		planted := *s.last
		planted.Cloud, err = s.last.Cloud.Copy()
		require.NoError(t, err)
		require.NoError(t, planted.Cloud.Release(plant.missing))
		s.last = &planted
		run, err := s.run(t, false, nil, change)
		assert.ErrorContains(t, err, "configured Kubernetes cluster is unreachable", name)
		assert.ErrorContains(t, err, plant.want, name)
		assert.Equal(t, releases(planted.Cloud), releases(run.Cloud), "%s: a release was changed", name)
	}
}

// releases are the releases of an account as they are.
func releases(c *awssim.Cloud) []awssim.Object {
	return slices.DeleteFunc(c.Objects(), func(o awssim.Object) bool { return o.Type != awstype.HelmRelease })
}

// TestPrivateEndpointFromOutside: a client that connects to a private endpoint itself has to be in the VPC, and one at
// a local port needs a tunnel.
func TestPrivateEndpointFromOutside(t *testing.T) {
	up := reference(t, "prod").last
	eks := harness.Graph(t, "prod").First(awstype.EKSCluster)
	client := harness.Config(t, "prod").KubernetesClient()
	endpoint := up.Cloud.In("eu-west-1").Read(awstype.EKSCluster, "groundwork-prod").Str("endpoint")
	require.NotEmpty(t, endpoint)
	read := func(kubeconfig string, inside bool) error {
		cloud, err := up.Cloud.Copy()
		require.NoError(t, err)
		cloud.SetInside(inside)
		connection := awssim.Connect("kubernetes", cloud)
		require.NoError(t, connection.Configure(awssim.Props{"kubeconfig": kubeconfig}))
		_, _, err = connection.Create("urn:pulumi:x::y::"+awstype.Namespace+"::shop",
			awssim.Props{"metadata": map[string]any{"name": "shop"}}, false)
		return err
	}
	direct := cluster.Client{Name: client.Name, Region: client.Region}.Kubeconfig(endpoint, "Y2E=")
	assert.ErrorContains(t, read(direct, false), "the endpoint of groundwork-prod is private")
	assert.NoError(t, read(direct, true))
	assert.NoError(t, read(client.Kubeconfig(endpoint, "Y2E="), false))
	// A kubeconfig whose command opens no tunnel.
	closed := strings.ReplaceAll(client.Kubeconfig(endpoint, "Y2E="), `"tunnel"`, `"status"`)
	assert.ErrorContains(t, read(closed, false), "nothing opens a tunnel at https://127.0.0.1:")
	assert.NotNil(t, eks)
}

// TestTunnelPort: a kubeconfig never changes from one run to the next, and environments have ports of their own.
func TestTunnelPort(t *testing.T) {
	ports := map[int]string{}
	for _, name := range []string{"groundwork-dev", "groundwork-prod", "groundwork-staging", "acme-prod"} {
		client := cluster.Client{Name: name, Region: "eu-west-1", AccountID: "111122223333"}
		assert.Equal(t, client.TunnelPort(), client.TunnelPort())
		assert.Empty(t, ports[client.TunnelPort()])
		ports[client.TunnelPort()] = name
		assert.GreaterOrEqual(t, client.TunnelPort(), 20000)
		assert.Less(t, client.TunnelPort(), 30000)
	}
	prod := cluster.Client{Name: "groundwork-prod", Region: "eu-west-1", AccountID: "444455556666"}
	assert.Equal(t, 23149, prod.TunnelPort(), "another port would change the provider of every state")
}

// TestBastionIsHeld: the rules and properties see what would open the bastion.
func TestBastionIsHeld(t *testing.T) {
	prod := subject(t, "prod")
	for name, plant := range map[string]func(g *graph.Graph){
		"address":  rules.Set(awstype.Instance, "associatePublicIpAddress", true),
		"key pair": rules.Set(awstype.Instance, "keyName", "laptop"),
		"tokens":   rules.Set(awstype.Instance, "metadataOptions", map[string]any{"httpTokens": "optional"}),
		"volume":   rules.Set(awstype.Instance, "rootBlockDevice", map[string]any{"encrypted": false}),
		"secret":   rules.Set(awstype.Instance, "userData", "#!/bin/sh\nexport DB_PASSWORD=x"),
		"subnet": func(g *graph.Graph) {
			for _, s := range g.OfType(awstype.Subnet) {
				if s.Inputs.Str("tags.Tier") == "public" {
					g.First(awstype.Instance).Inputs["subnetId"] = s.ID
				}
			}
		},
		"role": func(g *graph.Graph) {
			for _, r := range g.OfType(awstype.RolePolicyAttachment) {
				if r.Inputs.Str("role") == "groundwork-prod-bastion" {
					r.Inputs["policyArn"] = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
				}
			}
		},
		"ingress": func(g *graph.Graph) {
			for _, r := range g.OfType(awstype.IngressRule) {
				if r.Name == "bastion-api" {
					r.Inputs["securityGroupId"] = r.Inputs["referencedSecurityGroupId"]
				}
			}
		},
		"egress": func(g *graph.Graph) {
			for _, r := range g.OfType(awstype.EgressRule) {
				if r.Name == "bastion-https" {
					r.Inputs["toPort"] = 65535.0
				}
			}
		},
	} {
		broken := prod
		broken.Graph = harness.Copy(t, prod.Graph)
		plant(broken.Graph)
		_, wrong := properties.Wrong(broken, harness.Today)
		assert.NotEmpty(t, wrong, name)
	}
	_, wrong := properties.Wrong(prod, harness.Today)
	assert.Empty(t, wrong)
}
