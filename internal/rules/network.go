package rules

import (
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// wideEndpointRules returns the ingress rules of an interface endpoint that admit more than HTTPS from the VPC.
func wideEndpointRules(g *graph.Graph, endpoint *graph.Resource) []string {
	var wrong []string
	for _, r := range g.OfType(awstype.IngressRule) {
		if !slices.Contains(endpoint.Inputs.Strs("securityGroupIds"), r.Inputs.Str("securityGroupId")) {
			continue
		}
		from, _ := r.Inputs.Num("fromPort")
		to, _ := r.Inputs.Num("toPort")
		vpc := first(g, awstype.VPC).Inputs.Str("cidrBlock")
		if from != 443 || to != 443 || r.Inputs.Str("cidrIpv4") != vpc {
			wrong = append(wrong, r.Name+" admits more than HTTPS from the VPC")
		}
	}
	return wrong
}

var networkRules = []Rule{{
	ID: "FSBP EC2.6 / CKV2_AWS_11 / CIS 4.7: flow logs",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.VPC, func(v *graph.Resource) string {
			logged := slices.ContainsFunc(g.OfType(awstype.FlowLog), func(f *graph.Resource) bool {
				return f.Inputs.Str("vpcId") == v.ID
			})
			return must(logged, "no flow log")
		})(g)
	},
	Plant: Set(awstype.FlowLog, "vpcId", "vpc-other"),
}, {
	ID: "FSBP EC2.6: flow logs have a destination, a role and the right traffic",
	Check: each(awstype.FlowLog, func(r *graph.Resource) string {
		traffic := r.Inputs.Str("trafficType")
		return must(slices.Contains([]string{"ALL", "REJECT"}, traffic) && r.Inputs.Str("logDestination") != "" &&
			r.Inputs.Str("iamRoleArn") != "", "incomplete")
	}),
	Plant: Set(awstype.FlowLog, "iamRoleArn", ""),
}, {
	ID: "FSBP EC2.6: production logs all traffic", ProdOnly: true,
	Check: each(awstype.FlowLog, func(r *graph.Resource) string {
		return must(r.Inputs.Str("trafficType") == "ALL", "not ALL")
	}),
	Plant: Set(awstype.FlowLog, "trafficType", "REJECT"),
}, {
	ID: "FSBP EC2.2 / CKV2_AWS_12 / CIS 6.5: the default security group is locked",
	Check: func(g *graph.Graph) (int, []string) {
		groups, vpcs := g.OfType(awstype.DefaultSecurityGroup), g.OfType(awstype.VPC)
		var wrong []string
		if len(groups) != len(vpcs) {
			wrong = append(wrong, "not one for each VPC")
		}
		for _, r := range groups {
			if r.Inputs["ingress"] != nil || r.Inputs["egress"] != nil {
				wrong = append(wrong, r.Name+" has rules")
			}
		}
		return len(groups), wrong
	},
	Plant: Set(awstype.DefaultSecurityGroup, "ingress", []any{map[string]any{"protocol": "-1"}}),
}, {
	ID: "FSBP EC2.15 / CKV_AWS_130: no subnet gives out public addresses",
	Check: each(awstype.Subnet, func(r *graph.Resource) string {
		return must(!r.Inputs.Flag("mapPublicIpOnLaunch"), "does")
	}),
	Plant: Set(awstype.Subnet, "mapPublicIpOnLaunch", true),
}, {
	ID: "prowler vpc_subnet_separate_private_public: no way from the internet to private and data subnets",
	Check: func(g *graph.Graph) (int, []string) {
		var wrong []string
		seen := 0
		for _, a := range g.OfType(awstype.RouteTableAssociation) {
			subnet := byID(g, awstype.Subnet, a.Inputs.Str("subnetId"))
			if subnetTier(subnet) == "public" {
				continue
			}
			seen++
			for _, r := range g.OfType(awstype.Route) {
				if r.Inputs.Str("routeTableId") == a.Inputs.Str("routeTableId") && r.Inputs.Str("gatewayId") != "" {
					wrong = append(wrong, subnet.Name+" routes to the internet gateway")
				}
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) {
		for _, a := range g.OfType(awstype.RouteTableAssociation) {
			if strings.Contains(a.Name, "-data-") {
				g.OfType(awstype.Route)[0].Inputs["routeTableId"] = a.Inputs["routeTableId"]
				g.OfType(awstype.Route)[0].Inputs["gatewayId"] = "igw-1"
				return
			}
		}
	},
}, {
	ID: "CKV2_AWS_35 / REL10-BP01: a NAT gateway in each zone, used by that zone", ProdOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		zoneOfNAT, wrong := map[string]string{}, []string{}
		for _, nat := range g.OfType(awstype.NATGateway) {
			subnet := byID(g, awstype.Subnet, nat.Inputs.Str("subnetId"))
			if subnetTier(subnet) != "public" {
				wrong = append(wrong, nat.Name+" is not in a public subnet")
			}
			zoneOfNAT[nat.ID] = subnet.Inputs.Str("availabilityZone")
		}
		seen := 0
		for _, a := range g.OfType(awstype.RouteTableAssociation) {
			subnet := byID(g, awstype.Subnet, a.Inputs.Str("subnetId"))
			if subnetTier(subnet) != "private" {
				continue
			}
			seen++
			ok := false
			for _, r := range g.OfType(awstype.Route) {
				ok = ok || r.Inputs.Str("routeTableId") == a.Inputs.Str("routeTableId") &&
					r.Inputs.Str("destinationCidrBlock") == "0.0.0.0/0" &&
					zoneOfNAT[r.Inputs.Str("natGatewayId")] == subnet.Inputs.Str("availabilityZone")
			}
			if !ok {
				wrong = append(wrong, subnet.Name+" does not use its own zone's NAT gateway")
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) {
		nats := g.OfType(awstype.NATGateway)
		for _, r := range g.OfType(awstype.Route) {
			if r.Inputs.Str("natGatewayId") != "" {
				r.Inputs["natGatewayId"] = nats[0].ID
			}
		}
	},
}, {
	ID: "FSBP EC2.18 EC2.19 / CKV_AWS_24 CKV_AWS_260 / CIS 6.3: nothing is open to the internet",
	Check: func(g *graph.Graph) (int, []string) {
		var wrong []string
		seen := 0
		everyone := func(cidrs ...string) bool {
			return slices.Contains(cidrs, "0.0.0.0/0") || slices.Contains(cidrs, "::/0")
		}
		for _, r := range g.OfType(awstype.IngressRule) {
			seen++
			if everyone(r.Inputs.Str("cidrIpv4"), r.Inputs.Str("cidrIpv6")) {
				wrong = append(wrong, r.Name)
			}
		}
		for _, r := range g.OfType(awstype.SecurityGroupRule) {
			seen++
			cidrs := slices.Concat(r.Inputs.Strs("cidrBlocks"), r.Inputs.Strs("ipv6CidrBlocks"))
			if r.Inputs.Str("type") == "ingress" && everyone(cidrs...) {
				wrong = append(wrong, r.Name)
			}
		}
		for _, r := range g.OfType(awstype.SecurityGroup) {
			seen++
			// This program declares rules as resources of their own, and AWS does not support both forms in one group.
			if r.Inputs["ingress"] != nil || r.Inputs["egress"] != nil {
				wrong = append(wrong, r.Name+" has inline rules")
			}
		}
		return seen, wrong
	},
	Plant: Set(awstype.IngressRule, "cidrIpv4", "0.0.0.0/0"),
}, {
	ID: "CKV_AWS_382: the database's group has no way out",
	Check: func(g *graph.Graph) (int, []string) {
		var wrong []string
		seen := 0
		for _, db := range g.OfType(awstype.DBInstance) {
			for _, id := range db.Inputs.Strs("vpcSecurityGroupIds") {
				seen++
				for _, r := range append(g.OfType(awstype.SecurityGroupRule), g.OfType(awstype.EgressRule)...) {
					if r.Inputs.Str("securityGroupId") == id && r.Inputs.Str("type") != "ingress" {
						wrong = append(wrong, r.Name)
					}
				}
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) {
		egress := *first(g, awstype.IngressRule)
		egress.Type, egress.URN = awstype.SecurityGroupRule, egress.URN+"-planted"
		group := first(g, awstype.DBInstance).Inputs.Strs("vpcSecurityGroupIds")[0]
		egress.Inputs = graph.Props{"type": "egress", "securityGroupId": group}
		g.Resources = append(g.Resources, &egress)
	},
}, {
	ID: "FSBP EC2.10 EC2.55-57: endpoints for what nodes talk to", ProdOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		have, wrong := map[string]bool{}, []string{}
		private := map[string]bool{}
		for _, s := range g.OfType(awstype.Subnet) {
			if subnetTier(s) == "private" {
				private[s.ID] = true
			}
		}
		for _, e := range g.OfType(awstype.VPCEndpoint) {
			service := strings.SplitN(e.Inputs.Str("serviceName"), ".", 4)[3]
			have[service] = true
			if service == "s3" {
				if len(e.Inputs.Strs("routeTableIds")) != len(private) {
					wrong = append(wrong, "s3 is not announced in every private route table")
				}
				continue
			}
			wrong = append(wrong, wideEndpointRules(g, e)...)
			if !e.Inputs.Flag("privateDnsEnabled") || len(e.Inputs.Strs("subnetIds")) != len(private) ||
				len(e.Inputs.Strs("securityGroupIds")) == 0 {
				wrong = append(wrong, e.Name+" is incomplete")
			}
		}
		for _, service := range []string{"s3", "ecr.api", "ecr.dkr", "sts", "secretsmanager", "logs", "ec2"} {
			if !have[service] {
				wrong = append(wrong, service+" is missing")
			}
		}
		return len(have), wrong
	},
	Plant: Set(awstype.VPCEndpoint, "serviceName", "com.amazonaws.eu-west-1.ssm"),
}}
