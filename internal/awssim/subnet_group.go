package awssim

import (
	"slices"

	"groundwork/internal/awstype"
)

// zonesOf returns the zones of subnets, sorted. The caller holds mu.
func (c *Cloud) zonesOf(subnetIDs []string) []string {
	var zones []string
	for _, id := range subnetIDs {
		if subnet := c.get(awstype.Subnet, id); subnet != nil {
			zones = append(zones, subnet.State.Str("availabilityZone"))
		}
	}
	slices.Sort(zones)
	return slices.Compact(zones)
}

// place gives the instances of a database or the nodes of a cache their zones. Those that have one keep it, the others
// get the first zones of the subnet group. The caller holds mu.
func (c *Cloud) place(o *Object, groupType, groupName string, number int) {
	if group := c.find(Ref{Type: groupType, By: "name"}, groupName); group != nil {
		for _, zone := range c.zonesOf(group.State.Strs("subnetIds")) {
			if !slices.Contains(o.Zones, zone) {
				o.Zones = append(o.Zones, zone)
			}
		}
	}
	o.Zones = o.Zones[:min(number, len(o.Zones))]
}

// subnetGroupUpdated refuses to take away the subnets of a zone with an instance of the database or a node of the
// cache, and to move the group to another VPC.
func subnetGroupUpdated(c *Cloud, o *Object, after Props) error {
	vpcs := map[string]bool{}
	for _, id := range slices.Concat(o.State.Strs("subnetIds"), after.Strs("subnetIds")) {
		if subnet := c.get(awstype.Subnet, id); subnet != nil {
			vpcs[subnet.State.Str("vpcId")] = true
		}
	}
	if len(vpcs) > 1 {
		return apiError("InvalidParameterValue: The new Subnets are not in the same Vpc as the existing subnet group")
	}
	left := c.zonesOf(after.Strs("subnetIds"))
	for _, user := range c.objects {
		uses := user.Type == awstype.DBInstance && user.State.Str("dbSubnetGroupName") == o.State.Str("name") ||
			user.Type == awstype.ReplicationGroup && user.State.Str("subnetGroupName") == o.State.Str("name")
		for _, zone := range user.Zones {
			if uses && !slices.Contains(left, zone) {
				return apiError("SubnetAlreadyInUse: the subnets to be deleted are currently in use: %s has an instance in %s",
					user.ID, zone)
			}
		}
	}
	return nil
}
