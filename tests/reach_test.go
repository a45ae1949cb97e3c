package tests

import (
	"context"
	"fmt"
	"slices"

	"groundwork/sandbox"
)

var t0 = context.Background()

// reach proves who can open a connection to the database: it follows the instance's security groups to their rules, the
// rules to their sources, and the instance's subnets to their routes. It accepts exactly one source, the group that nodes
// wear, at exactly the database's port.
func reach(g *sandbox.Graph) (seen int, wrong []string) {
	nodes := map[string]bool{}
	for _, cluster := range g.OfType(clusterT) {
		nodes[cluster.Outputs.Str("vpcConfig.clusterSecurityGroupId")] = true
	}
	for _, template := range g.OfType(templateT) {
		if groups := template.Inputs.Strs("vpcSecurityGroupIds"); len(groups) > 0 {
			// A template with groups of its own takes the cluster's off the nodes.
			nodes = map[string]bool{}
			for _, group := range groups {
				nodes[group] = true
			}
		}
	}
	for _, db := range g.OfType(rdsT) {
		port, _ := db.Inputs.Num("port")
		admitted := false
		for _, group := range db.Inputs.Strs("vpcSecurityGroupIds") {
			for _, r := range g.Resources {
				if r.Inputs.Str("securityGroupId") != group || r.Type != ingressT && r.Type != ruleT || r.Inputs.Str("type") == "egress" {
					continue
				}
				seen++
				source := r.Inputs.Str("referencedSecurityGroupId") + r.Inputs.Str("sourceSecurityGroupId")
				from, _ := r.Inputs.Num("fromPort")
				to, _ := r.Inputs.Num("toPort")
				if !nodes[source] || from != port || to != port || r.Inputs.Str("ipProtocol") != "tcp" {
					wrong = append(wrong, fmt.Sprintf("%s lets %q in at %v to %v", r.Name, source, from, to))
				}
				admitted = admitted || nodes[source]
			}
		}
		if !admitted {
			wrong = append(wrong, "the nodes cannot reach "+db.Name)
		}
		wrong = append(wrong, isolated(g, db)...)
	}
	return seen, wrong
}

// isolated returns every way from the database's subnets to outside the VPC.
func isolated(g *sandbox.Graph, db *sandbox.Resource) []string {
	var wrong []string
	if db.Inputs.Flag("publiclyAccessible") {
		wrong = append(wrong, db.Name+" has a public address")
	}
	for _, group := range g.OfType("aws:rds/subnetGroup:SubnetGroup") {
		if group.Inputs.Str("name") != db.Inputs.Str("dbSubnetGroupName") {
			continue
		}
		for _, subnet := range group.Inputs.Strs("subnetIds") {
			tied := false
			for _, a := range g.OfType(assocT) {
				if a.Inputs.Str("subnetId") != subnet {
					continue
				}
				tied = true
				for _, r := range g.OfType(routeT) {
					if r.Inputs.Str("routeTableId") == a.Inputs.Str("routeTableId") {
						wrong = append(wrong, fmt.Sprintf("%s of %s has the route %s", subnet, db.Name, r.Name))
					}
				}
			}
			if !tied {
				wrong = append(wrong, subnet+" has no route table of its own, so it uses the VPC's")
			}
		}
	}
	return slices.Compact(wrong)
}
