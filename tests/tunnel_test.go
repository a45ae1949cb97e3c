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
	"groundwork/tests/harness"
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
}
