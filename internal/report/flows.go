package report

import (
	"fmt"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// Flow is one connection that a security group admits.
type Flow struct {
	From, To, Ports, Why string
}

// flows lists every connection that the security groups of a graph admit.
func flows(g *graph.Graph) []Flow {
	names := groupNames(g)
	var all []Flow
	for _, r := range g.OfType(awstype.IngressRule) {
		from := names[r.Inputs.Str("referencedSecurityGroupId")]
		switch {
		case from != "":
		case r.Inputs.Str("prefixListId") != "":
			// CloudFront's prefix list is the only one that the program uses.
			from = "CloudFront"
		default:
			from = r.Inputs.Str("cidrIpv4") + r.Inputs.Str("cidrIpv6")
		}
		low, _ := r.Inputs.Num("fromPort")
		high, _ := r.Inputs.Num("toPort")
		ports := fmt.Sprintf("%s %v", r.Inputs.Str("ipProtocol"), low)
		if low != high {
			ports += fmt.Sprintf("-%v", high)
		}
		all = append(all, Flow{from, names[r.Inputs.Str("securityGroupId")], ports, r.Inputs.Str("description")})
	}
	slices.SortFunc(all, func(a, b Flow) int { return strings.Compare(a.From+a.To+a.Ports, b.From+b.To+b.Ports) })
	return all
}

// groupNames returns a name for each security group, by its ID: that of the resource behind the group where the picture
// shows it, and that of the group itself where it does not.
func groupNames(g *graph.Graph) map[string]string {
	names := map[string]string{}
	for _, group := range g.OfType(awstype.SecurityGroup) {
		names[group.ID] = group.Name
	}
	for name, token := range map[string]string{
		"load balancer": awstype.LoadBalancer,
		"database":      awstype.DBInstance,
		"cache":         awstype.ReplicationGroup,
	} {
		for _, r := range g.OfType(token) {
			for _, property := range []string{"securityGroups", "vpcSecurityGroupIds", "securityGroupIds"} {
				for _, id := range r.Inputs.Strs(property) {
					names[id] = name
				}
			}
		}
	}
	for _, r := range g.OfType(awstype.VPCEndpoint) {
		for _, id := range r.Inputs.Strs("securityGroupIds") {
			names[id] = "VPC endpoints"
		}
	}
	for _, cluster := range g.OfType(awstype.EKSCluster) {
		names[cluster.Outputs.Str("vpcConfig.clusterSecurityGroupId")] = "nodes"
	}
	return names
}
