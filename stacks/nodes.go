package stacks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"

	"groundwork/components/cluster"
)

// Names of what an update leaves about node groups: the physical names as a stack output, the settings in madeWith.
const (
	nodeGroupNamesKey    = "nodeGroupNames"
	nodeGroupSettingsKey = "nodeGroups"
)

// notFound is what the AWS provider says of a data source whose resource does not exist.
const notFound = "couldn't find resource"

// nodeGroupSettings returns the settings of each node group as text, to see whether they changed.
func (c *Config) nodeGroupSettings() map[string]any {
	all := map[string]any{}
	for name, group := range c.Cluster.NodeGroups {
		all[name] = fmt.Sprintf("%+v", group)
	}
	return all
}

// liveNodes returns how many nodes the autoscaler wants, for each node group whose settings this update changes. EKS
// takes the number together with the bounds, and a new group begins with it, so the number in the state, which is that
// of the last update, would take nodes away. While a schedule stops the nodes, the number is not the autoscaler's.
func (d *deployment) liveNodes() (map[string]int, error) {
	if !d.previous.Known || d.previous.Parked || !d.power.HasNodes() || d.power.Scheduled() {
		return nil, nil
	}
	was, _ := d.made[nodeGroupSettingsKey].(map[string]any)
	is := d.config.nodeGroupSettings()
	live := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(is)) {
		physical, exists := d.nodeGroupNames[name].(string)
		if !exists || was[name] == nil || was[name] == is[name] {
			continue
		}
		group, err := eks.LookupNodeGroup(d.ctx, &eks.LookupNodeGroupArgs{
			ClusterName: d.config.ClusterName(), NodeGroupName: physical,
		}, d.regional)
		if err != nil && strings.Contains(err.Error(), notFound) {
			continue // Somebody deleted it. A refresh finds that, and the update then creates it again.
		}
		if err != nil {
			return nil, fmt.Errorf("reading how many nodes group %s has: %w", name, err)
		}
		if len(group.ScalingConfigs) > 0 {
			live[name] = clamp(group.ScalingConfigs[0].DesiredSize, d.config.Cluster.NodeGroups[name])
		}
	}
	return live, nil
}

// clamp moves a number of nodes into the bounds of a group.
func clamp(nodes int, group cluster.NodeGroup) int {
	return max(group.MinSize, min(nodes, group.MaxSize))
}
