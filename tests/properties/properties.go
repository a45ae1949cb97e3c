// Package properties has what holds for the resource graph of every environment, whatever its settings: the tests hold
// the graphs of mock runs and of the real engine to it.
package properties

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/rules"
	"groundwork/stacks"
)

// Subject is one environment's graph.
type Subject struct {
	Name   string
	Config *stacks.Config
	Graph  *graph.Graph
	// Engine is true for a graph that the real engine made.
	Engine bool
}

// tagged reports whether tags are those of the environment.
func (s Subject) tagged(tags map[string]any) bool {
	for key, value := range s.Config.AllTags() {
		if tags[key] != value {
			return false
		}
	}
	return true
}

// Property is one thing that holds for a whole graph, with a planted violation that it must see.
type Property struct {
	Name string
	// EngineOnly properties are about what only the real engine shows.
	EngineOnly bool
	// MockOnly properties are about options of resources that a state does not record.
	MockOnly bool
	// SuspendedToo properties hold for a parked or hibernated environment as well.
	SuspendedToo bool
	// Check returns how many things it looked at and what is wrong.
	Check func(s Subject) (seen int, wrong []string)
	// Plant breaks the property, to prove that Check can fail.
	Plant func(g *graph.Graph)
}

// All are the properties of every environment.
var All = []Property{{
	Name: "every custom resource is under a component of a layer", SuspendedToo: true,
	Check: func(s Subject) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range s.Graph.Resources {
			if !r.Custom || strings.HasPrefix(r.Type, "pulumi:providers:") {
				continue
			}
			seen++
			if s.Graph.Layer(r) == "" {
				wrong = append(wrong, r.URN)
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) { g.First(awstype.VPC).Parent = "" },
}, {
	Name: "no layer depends on a higher one", SuspendedToo: true,
	Check: func(s Subject) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range s.Graph.Resources {
			own := slices.Index(stacks.Layers(), s.Graph.Layer(r))
			for _, urn := range r.Dependencies {
				other := s.Graph.Get(urn)
				if own < 0 || other == nil {
					continue
				}
				seen++
				if slices.Index(stacks.Layers(), s.Graph.Layer(other)) > own {
					wrong = append(wrong, r.Name+" depends on "+other.Name)
				}
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) {
		g.First(awstype.VPC).Dependencies = []string{g.First(awstype.DBInstance).URN}
	},
}, {
	Name: "whatever names another resource gets the name from that resource", SuspendedToo: true,
	Check: func(s Subject) (int, []string) { return wiring(s.Graph) },
	Plant: func(g *graph.Graph) { g.First(awstype.Subnet).PropertyDependencies = nil },
}, {
	Name: "what is stateful is protected where protection is on, nothing elsewhere", SuspendedToo: true,
	Check: func(s Subject) (int, []string) {
		seen, wrong := 0, []string{}
		for _, r := range s.Graph.Resources {
			// All that pulumi-eks makes inherits the protection of its component.
			inside := s.Graph.Get(r.Parent) != nil && s.Graph.Get(r.Parent).Type == awstype.EKSComponent
			if !r.Custom || inside && r.Type != awstype.EKSCluster {
				continue
			}
			seen++
			if r.Protect != (s.Config.Protect && awstype.Of(r.Type).Stateful()) {
				wrong = append(wrong, fmt.Sprintf("%s %s: %v", r.Type, r.Name, r.Protect))
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) { r := g.First(awstype.DBInstance); r.Protect = !r.Protect },
}, {
	Name: "what cannot exist twice is deleted before it is replaced", MockOnly: true, SuspendedToo: true,
	Check: func(s Subject) (int, []string) { return replacements(s.Graph) },
	Plant: func(g *graph.Graph) { g.First(awstype.ReplicationGroup).DeleteFirst = false },
}, {
	Name: "alarms and widgets read metrics that AWS publishes, by a statistic that says something", SuspendedToo: true,
	Check: func(s Subject) (int, []string) { return metricReaders(s.Graph) },
	Plant: rules.Set(awstype.MetricAlarm, "statistic", "SampleCount"),
}, {
	Name: "physical names are inside AWS's limits", SuspendedToo: true,
	Check: func(s Subject) (int, []string) { return names(s.Graph) },
	Plant: rules.Set(awstype.Role, "name", strings.Repeat("x", 65)),
}, {
	Name: "physical names carry the environment", SuspendedToo: true,
	Check: func(s Subject) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range s.Graph.Resources {
			name := r.Inputs.Str(nameLimits[r.Type].property)
			// Inside pulumi-eks names are its own; they are unique within the VPC.
			if name == "" || strings.HasPrefix(r.Name, "cluster-eks") || r.Name == "cluster-nodeSecurityGroup" {
				continue
			}
			seen++
			if !strings.Contains(name, s.Config.Prefix()) {
				wrong = append(wrong, r.Name+" is called "+name)
			}
		}
		return seen, wrong
	},
	Plant: rules.Set(awstype.Role, "name", "node"),
}, {
	Name: "everything in AWS goes through one of the program's own two providers", SuspendedToo: true,
	Check: func(s Subject) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range s.Graph.Resources {
			if !strings.HasPrefix(r.Type, "aws:") || !s.Engine && r.Type == awstype.EKSCluster {
				continue
			}
			seen++
			if !ownProvider.MatchString(r.Provider) {
				wrong = append(wrong, r.Name+" uses "+r.Provider)
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) {
		g.First(awstype.VPC).Provider = "urn:pulumi:dev::groundwork::pulumi:providers:aws::default::1"
	},
}, {
	Name: "instances and volumes carry the stack's tags", SuspendedToo: true,
	Check: func(s Subject) (int, []string) {
		var wrong []string
		for _, template := range s.Graph.OfType(awstype.LaunchTemplate) {
			for _, kind := range []string{"0", "1"} {
				tags := template.Inputs.Object("tagSpecifications[" + kind + "].tags")
				if !s.tagged(tags) {
					wrong = append(wrong, template.Name+" "+template.Inputs.Str("tagSpecifications["+kind+"].resourceType"))
				}
			}
		}
		return len(s.Graph.OfType(awstype.LaunchTemplate)), wrong
	},
	Plant: rules.Set(awstype.LaunchTemplate, "tagSpecifications", []any{}),
}, {
	Name: "everything that takes tags carries the stack's", EngineOnly: true, SuspendedToo: true,
	Check: func(s Subject) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range s.Graph.Resources {
			tags, taggable := r.Outputs["tagsAll"].(map[string]any)
			if !taggable {
				continue
			}
			seen++
			if !s.tagged(tags) {
				wrong = append(wrong, r.Name)
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) { g.First(awstype.VPC).Outputs["tagsAll"] = map[string]any{} },
}, {
	Name:  "database and cache are reachable from the nodes, at their ports, and from nowhere else",
	Check: func(s Subject) (int, []string) { return reach(s.Graph) },
	Plant: func(g *graph.Graph) {
		extra := *g.First(awstype.IngressRule)
		extra.URN += "-planted"
		extra.Inputs = graph.Props{
			"securityGroupId": g.First(awstype.DBInstance).Inputs.Strs("vpcSecurityGroupIds")[0],
			"cidrIpv4":        "10.0.0.0/8",
		}
		g.Resources = append(g.Resources, &extra)
	},
}, {
	Name: "the internet reaches CloudFront, CloudFront the load balancer, that the pods' port, the pods their stores; " +
		"nothing else",
	Check: func(s Subject) (int, []string) { return entrances(s) },
	Plant: func(g *graph.Graph) {
		extra := *g.First(awstype.IngressRule)
		extra.URN += "-planted"
		extra.Inputs = graph.Props{
			"securityGroupId": g.First(awstype.LoadBalancer).Inputs.Strs("securityGroups")[0],
			"cidrIpv4":        "0.0.0.0/0",
			"ipProtocol":      "tcp",
			"fromPort":        80.0,
			"toPort":          80.0,
		}
		g.Resources = append(g.Resources, &extra)
	},
}, {
	Name: "subnets lie inside the VPC and do not overlap", SuspendedToo: true,
	Check: func(s Subject) (int, []string) {
		c := awssim.NewCloud(awssim.Site{Region: s.Config.Region, Account: s.Config.AccountID})
		var wrong []string
		net := s.Graph.First(awstype.VPC)
		id, _, err := c.Create(context.Background(), net.URN, awstype.VPC, net.Inputs)
		if err != nil {
			return 0, []string{err.Error()}
		}
		for _, subnet := range s.Graph.OfType(awstype.Subnet) {
			in := subnet.Inputs.Clone()
			in["vpcId"] = id
			if _, _, err := c.Create(context.Background(), subnet.URN, awstype.Subnet, in); err != nil {
				wrong = append(wrong, err.Error())
			}
		}
		return len(s.Graph.OfType(awstype.Subnet)), wrong
	},
	Plant: func(g *graph.Graph) {
		g.OfType(awstype.Subnet)[0].Inputs["cidrBlock"] = g.OfType(awstype.Subnet)[1].Inputs["cidrBlock"]
	},
}}

var ownProvider = regexp.MustCompile(`pulumi:providers:aws::aws(-us-east-1)?::`)

// wiring checks that each input that names another resource has that resource among its ancestors by property
// dependencies: an ID that was written into the program has none.
func wiring(g *graph.Graph) (seen int, wrong []string) {
	for _, r := range g.Resources {
		for _, ref := range awssim.Lookup(r.Type).Refs {
			key, _, _ := strings.Cut(strings.ReplaceAll(ref.Path, "[", "."), ".")
			if len(r.Inputs.Strs(ref.Path)) == 0 || strings.Contains(r.Inputs.Str(ref.Path), "alias/aws/") {
				continue
			}
			seen++
			if !descends(g, r.PropertyDependencies[key], ref.Type) {
				wrong = append(wrong, fmt.Sprintf("%s %s: %s does not come from a %s", r.Type, r.Name, ref.Path, ref.Type))
			}
		}
	}
	return seen, wrong
}

// descends reports whether a resource of a type is reached from urns by property dependencies.
func descends(g *graph.Graph, urns []string, token string) bool {
	done := map[string]bool{}
	var visit func(urn string) bool
	visit = func(urn string) bool {
		r := g.Get(urn)
		if r == nil || done[urn] {
			return false
		}
		done[urn] = true
		// A security group or cluster that pulumi-eks made arrives as an output of its component.
		if r.Type == token ||
			r.Type == awstype.EKSComponent && (token == awstype.EKSCluster || token == awstype.SecurityGroup) ||
			r.Type == awstype.EKSCluster && token == awstype.SecurityGroup {
			return true
		}
		for _, dependencies := range r.PropertyDependencies {
			if slices.ContainsFunc(dependencies, visit) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(urns, visit)
}

// nameLimits are AWS's limits on physical names. Sources: the API references of the services.
var nameLimits = map[string]struct {
	property string
	max      int
	form     *regexp.Regexp
}{
	awstype.Role:                {"name", 64, regexp.MustCompile(`^[\w+=,.@-]+$`)},
	awstype.SecurityGroup:       {"name", 255, regexp.MustCompile(`^[^-].*$`)},
	awstype.LaunchTemplate:      {"name", 128, regexp.MustCompile(`^[\w().\-/]{3,}$`)},
	awstype.EKSCluster:          {"name", 100, regexp.MustCompile(`^[0-9A-Za-z][\w-]*$`)},
	awstype.NodeGroup:           {"nodeGroupNamePrefix", 37, regexp.MustCompile(`^[0-9A-Za-z][\w-]*$`)},
	awstype.DBInstance:          {"identifier", 63, regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)},
	awstype.DBParameterGroup:    {"namePrefix", 229, regexp.MustCompile(`^[a-z](-?[a-z0-9])*-$`)},
	awstype.Repository:          {"name", 256, regexp.MustCompile(`^[a-z][a-z0-9._/-]+$`)},
	awstype.LogGroup:            {"name", 512, regexp.MustCompile(`^[\w./#-]+$`)},
	awstype.MetricAlarm:         {"name", 255, regexp.MustCompile(`^[\w-]+$`)},
	awstype.Topic:               {"name", 256, regexp.MustCompile(`^[\w-]+$`)},
	awstype.KeyAlias:            {"name", 256, regexp.MustCompile(`^alias/[\w/-]+$`)},
	awstype.DBSubnetGroup:       {"name", 255, regexp.MustCompile(`^[a-z][a-z0-9-]*$`)},
	awstype.DBEventSubscription: {"name", 255, regexp.MustCompile(`^[a-z][a-z0-9-]*$`)},
	awstype.ReplicationGroup:    {"replicationGroupId", 40, regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)},
	awstype.Secret:              {"namePrefix", 486, regexp.MustCompile(`^[\w/-]+$`)},
	awstype.CacheSubnetGroup:    {"name", 255, regexp.MustCompile(`^[a-z][a-z0-9-]*$`)},
	awstype.CacheParameterGroup: {"name", 255, regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)},
	awstype.Dashboard:           {"dashboardName", 255, regexp.MustCompile(`^[\w-]+$`)},
	awstype.Budget:              {"name", 100, regexp.MustCompile(`^[^:\\]+$`)},
}

func names(g *graph.Graph) (seen int, wrong []string) {
	for _, r := range g.Resources {
		limit, ok := nameLimits[r.Type]
		if !ok {
			continue
		}
		seen++
		if name := r.Inputs.Str(limit.property); name == "" || len(name) > limit.max || !limit.form.MatchString(name) {
			wrong = append(wrong, fmt.Sprintf("%s %s is called %q", r.Type, r.Name, name))
		}
	}
	return seen, wrong
}

// Hourly are the types that a parked environment must not have: they cost by the hour and can be made again.
var Hourly = []string{
	awstype.NATGateway, awstype.ElasticIP, awstype.NodeGroup, awstype.LoadBalancer, awstype.VPCOrigin,
	awstype.ReplicationGroup,
}
