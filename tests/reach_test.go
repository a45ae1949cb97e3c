package tests

import (
	"context"
	"fmt"
	"slices"

	"groundwork/sandbox"
)

var t0 = context.Background()

// reach proves who can open a connection to database and cache: it follows their security groups to their rules, the rules
// to their sources, and their subnets to their routes. It accepts exactly one source, the group that nodes wear, at
// exactly the port of each.
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
	for _, store := range stores(g) {
		admitted := false
		for _, group := range store.groups {
			for _, r := range g.Resources {
				if r.Inputs.Str("securityGroupId") != group || r.Type != ingressT && r.Type != ruleT || r.Inputs.Str("type") == "egress" {
					continue
				}
				seen++
				source := r.Inputs.Str("referencedSecurityGroupId") + r.Inputs.Str("sourceSecurityGroupId")
				from, _ := r.Inputs.Num("fromPort")
				to, _ := r.Inputs.Num("toPort")
				if !nodes[source] || from != store.port || to != store.port || r.Inputs.Str("ipProtocol") != "tcp" {
					wrong = append(wrong, fmt.Sprintf("%s lets %q in at %v to %v", r.Name, source, from, to))
				}
				admitted = admitted || nodes[source]
			}
		}
		if !admitted {
			wrong = append(wrong, "the nodes cannot reach "+store.name)
		}
		wrong = append(wrong, isolated(g, store)...)
	}
	return seen, wrong
}

// store is something that holds data: what it listens on, who may come in, and where it stands.
type store struct {
	name    string
	port    float64
	groups  []string
	subnets []string
	public  bool
}

// stores are the databases and caches of a graph.
func stores(g *sandbox.Graph) []store {
	var all []store
	in := func(token, name string) []string {
		for _, group := range g.OfType(token) {
			if group.Inputs.Str("name") == name {
				return group.Inputs.Strs("subnetIds")
			}
		}
		return nil
	}
	for _, r := range g.OfType(rdsT) {
		port, _ := r.Inputs.Num("port")
		all = append(all, store{
			r.Name, port, r.Inputs.Strs("vpcSecurityGroupIds"), in("aws:rds/subnetGroup:SubnetGroup", r.Inputs.Str("dbSubnetGroupName")), r.Inputs.Flag("publiclyAccessible"),
		})
	}
	for _, r := range g.OfType(cacheT) {
		port, _ := r.Inputs.Num("port")
		all = append(all, store{
			r.Name, port, r.Inputs.Strs("securityGroupIds"), in("aws:elasticache/subnetGroup:SubnetGroup", r.Inputs.Str("subnetGroupName")), false,
		})
	}
	return all
}

// isolated returns every way from a store's subnets to outside the VPC.
func isolated(g *sandbox.Graph, s store) []string {
	var wrong []string
	if s.public {
		wrong = append(wrong, s.name+" has a public address")
	}
	if len(s.subnets) == 0 {
		wrong = append(wrong, s.name+" is in no subnet group of its own")
	}
	for _, subnet := range s.subnets {
		tied := false
		for _, a := range g.OfType(assocT) {
			if a.Inputs.Str("subnetId") != subnet {
				continue
			}
			tied = true
			for _, r := range g.OfType(routeT) {
				if r.Inputs.Str("routeTableId") == a.Inputs.Str("routeTableId") {
					wrong = append(wrong, fmt.Sprintf("%s of %s has the route %s", subnet, s.name, r.Name))
				}
			}
		}
		if !tied {
			wrong = append(wrong, subnet+" has no route table of its own, so it uses the VPC's")
		}
	}
	return slices.Compact(wrong)
}
