package cluster_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/components/cluster"
)

// TestInstanceTable: the formula gives the number of pods that AWS publishes for an instance type.
func TestInstanceTable(t *testing.T) {
	for name, pods := range map[string]int{
		"t3.small": 11, "t3.medium": 17, "t3.large": 35, "t3.xlarge": 58, "m7g.medium": 8, "m5.large": 29,
	} {
		assert.Equal(t, pods, cluster.Instances[name].MaxPods(), name)
	}
	for name, instance := range cluster.Instances {
		family, _, _ := strings.Cut(name, ".")
		assert.Equal(t, strings.HasSuffix(family, "g"), instance.Arm, name)
	}
}

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
