package properties

import (
	"fmt"
	"slices"
	"strings"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/stacks"
)

// reach proves who can open a connection to database and cache: it follows their security groups to their rules, the
// rules to their sources, and their subnets to their routes. It accepts exactly one source, the group that nodes wear,
// at exactly the port of each.
func reach(g *graph.Graph) (seen int, wrong []string) {
	nodes := map[string]bool{}
	for _, cluster := range g.OfType(awstype.EKSCluster) {
		nodes[cluster.Outputs.Str("vpcConfig.clusterSecurityGroupId")] = true
	}
	for _, template := range g.OfType(awstype.LaunchTemplate) {
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
				if r.Inputs.Str("securityGroupId") != group ||
					r.Type != awstype.IngressRule && r.Type != awstype.SecurityGroupRule ||
					r.Inputs.Str("type") == "egress" {
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

// stores are the databases and caches of a graph.
func stores(g *graph.Graph) []store {
	var all []store
	in := func(token, name string) []string {
		for _, group := range g.OfType(token) {
			if group.Inputs.Str("name") == name {
				return group.Inputs.Strs("subnetIds")
			}
		}
		return nil
	}
	for _, r := range g.OfType(awstype.DBInstance) {
		port, _ := r.Inputs.Num("port")
		all = append(all, store{
			r.Name, port, r.Inputs.Strs("vpcSecurityGroupIds"), in(awstype.DBSubnetGroup, r.Inputs.Str("dbSubnetGroupName")),
			r.Inputs.Flag("publiclyAccessible"),
		})
	}
	for _, r := range g.OfType(awstype.ReplicationGroup) {
		port, _ := r.Inputs.Num("port")
		all = append(all, store{
			r.Name, port, r.Inputs.Strs("securityGroupIds"), in(awstype.CacheSubnetGroup, r.Inputs.Str("subnetGroupName")),
			false,
		})
	}
	return all
}

// store is something that holds data: what it listens on, who may come in, and where it stands.
type store struct {
	name    string
	port    float64
	groups  []string
	subnets []string
	public  bool
}

// isolated returns every way from a store's subnets to outside the VPC.
func isolated(g *graph.Graph, s store) []string {
	var wrong []string
	if s.public {
		wrong = append(wrong, s.name+" has a public address")
	}
	if len(s.subnets) == 0 {
		wrong = append(wrong, s.name+" is in no subnet group of its own")
	}
	for _, subnet := range s.subnets {
		tied := false
		for _, a := range g.OfType(awstype.RouteTableAssociation) {
			if a.Inputs.Str("subnetId") != subnet {
				continue
			}
			tied = true
			for _, r := range g.OfType(awstype.Route) {
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

// entrances checks the way of a request: the internet reaches CloudFront, CloudFront the load balancer, the load
// balancer the pods' port, the pods the stores, and no way leads past any of them.
func entrances(s Subject) (seen int, wrong []string) {
	got := flows(s.Graph, s.Config.Region)
	if want := ways(s.Config); !slices.Equal(got, want) {
		wrong = append(wrong, fmt.Sprintf("ways in are %v, not %v", got, want))
	}
	public := map[string]bool{}
	for _, s := range s.Graph.OfType(awstype.Subnet) {
		if s.Inputs.Str("tags.Tier") == "public" {
			public[s.ID] = true
		}
	}
	for _, r := range s.Graph.Resources {
		for _, key := range []string{"subnetId", "subnetIds", "subnets", "vpcConfig.subnetIds"} {
			for _, id := range r.Inputs.Strs(key) {
				if public[id] && r.Type != awstype.NATGateway && r.Type != awstype.RouteTableAssociation {
					wrong = append(wrong, r.Type+" "+r.Name+" is in a public subnet")
				}
			}
		}
	}
	for _, b := range s.Graph.OfType(awstype.LoadBalancer) {
		if !b.Inputs.Flag("internal") {
			wrong = append(wrong, b.Name+" has public addresses")
		}
	}
	for _, d := range s.Graph.OfType(awstype.Distribution) {
		origins, _ := d.Inputs["origins"].([]any)
		for _, o := range origins {
			if graph.Props(o.(map[string]any)).Get("vpcOriginConfig") == nil {
				wrong = append(wrong, d.Name+" has an origin outside the VPC")
			}
		}
	}
	// What the load balancer may open is the other end of what the pods let in.
	for _, r := range s.Graph.OfType(awstype.EgressRule) {
		if r.Name == "bastion-https" {
			wrong = append(wrong, onlyHTTPS(r)...)
			continue
		}
		if port, _ := r.Inputs.Num("toPort"); port != 8080 || flowsTo(s.Graph, r) != "nodes" {
			wrong = append(wrong, r.Name+" lets out to somewhere else")
		}
	}
	return len(got), wrong
}

// onlyHTTPS returns what a rule allows besides HTTPS.
func onlyHTTPS(r *graph.Resource) []string {
	from, _ := r.Inputs.Num("fromPort")
	to, _ := r.Inputs.Num("toPort")
	if r.Inputs.Str("ipProtocol") != "tcp" || from != 443 || to != 443 {
		return []string{r.Name + " allows more than HTTPS"}
	}
	return nil
}

// ways are the only flows that there may be.
func ways(c *stacks.Config) []string {
	database := fmt.Sprintf("nodes -> database tcp:%d-%d", c.Database.Port, c.Database.Port)
	list := []string{
		"CloudFront -> edge tcp:80-443", "edge -> nodes tcp:8080-8080", "nodes -> cache tcp:6379-6379", database,
	}
	if len(c.Network.InterfaceEndpoints) > 0 {
		list = append(list, c.Network.CIDR+"[] -> network-endpoints tcp:443-443")
	}
	if c.Cluster.Tunneled() {
		list = append(list, "bastion -> nodes tcp:443-443")
	}
	slices.Sort(list)
	return list
}

// flows lists every connection that a security group of the program lets in, as "from -> to :ports". Groups that
// nothing wears, which pulumi-eks makes, are left out.
func flows(g *graph.Graph, region string) []string {
	names := map[string]string{}
	for _, group := range g.OfType(awstype.SecurityGroup) {
		names[group.ID] = group.Name
	}
	for _, cluster := range g.OfType(awstype.EKSCluster) {
		names[cluster.Outputs.Str("vpcConfig.clusterSecurityGroupId")] = "nodes"
	}
	origin, _ := awssim.Invoke(awssim.Site{Region: region}, "aws:ec2/getManagedPrefixList:getManagedPrefixList",
		graph.Props{"name": "com.amazonaws.global.cloudfront.origin-facing"})
	names[origin.Str("id")] = "CloudFront"
	var all []string
	for _, r := range g.Resources {
		if r.Type != awstype.IngressRule && r.Type != awstype.SecurityGroupRule || r.Inputs.Str("type") == "egress" ||
			strings.HasPrefix(r.Name, "cluster-eks") {
			continue
		}
		// A rule has one source.
		source := r.Inputs.Str("referencedSecurityGroupId") + r.Inputs.Str("sourceSecurityGroupId") +
			r.Inputs.Str("prefixListId")
		from, known := names[source]
		if !known {
			from = fmt.Sprint(source, r.Inputs.Str("cidrIpv4"), r.Inputs.Str("cidrIpv6"), r.Inputs.Strs("cidrBlocks"))
		}
		low, _ := r.Inputs.Num("fromPort")
		high, _ := r.Inputs.Num("toPort")
		to := names[r.Inputs.Str("securityGroupId")]
		all = append(all, fmt.Sprintf("%s -> %s %s:%v-%v", from, to, r.Inputs.Str("ipProtocol"), low, high))
	}
	slices.Sort(all)
	return all
}

func flowsTo(g *graph.Graph, r *graph.Resource) string {
	for _, cluster := range g.OfType(awstype.EKSCluster) {
		if r.Inputs.Str("referencedSecurityGroupId") == cluster.Outputs.Str("vpcConfig.clusterSecurityGroupId") {
			return "nodes"
		}
	}
	return ""
}
