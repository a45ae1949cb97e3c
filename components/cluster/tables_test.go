package cluster_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/components/cluster"
)

func TestReleasesNameEveryCoreAddon(t *testing.T) {
	for version, release := range cluster.Releases {
		for _, addon := range []string{
			cluster.AddonVPCCNI, cluster.AddonKubeProxy, cluster.AddonCoreDNS, cluster.AddonPodIdentityAgent,
			cluster.AddonObservability,
		} {
			assert.NotEmpty(t, release.Addons[addon], "%s %s", version, addon)
		}
		assert.True(t, strings.HasPrefix(release.Addons[cluster.AddonKubeProxy], "v"+version+"."),
			"kube-proxy has the minor version of the cluster")
	}
	assert.Contains(t, cluster.Releases, cluster.DefaultVersion)
}
