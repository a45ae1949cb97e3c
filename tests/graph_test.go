package tests

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/rules"
	"groundwork/stacks"
)

// property is one thing that holds for a whole graph, with a planted violation that it must see.
type property struct {
	name string
	// engineOnly properties are about what only the real engine shows.
	engineOnly bool
	check      func(v view) (seen int, wrong []string)
	plant      func(g *graph.Graph)
}

var properties = []property{{
	name: "every custom resource is under a component of a layer",
	check: func(v view) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range v.graph.Resources {
			if !r.Custom || strings.HasPrefix(r.Type, "pulumi:providers:") {
				continue
			}
			seen++
			if v.graph.Layer(r) == "" {
				wrong = append(wrong, r.URN)
			}
		}
		return seen, wrong
	},
	plant: func(g *graph.Graph) { first(g, awstype.VPC).Parent = "" },
}, {
	name: "no layer depends on a higher one",
	check: func(v view) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range v.graph.Resources {
			own := slices.Index(stacks.Layers(), v.graph.Layer(r))
			for _, urn := range r.Dependencies {
				other := v.graph.Get(urn)
				if own < 0 || other == nil {
					continue
				}
				seen++
				if slices.Index(stacks.Layers(), v.graph.Layer(other)) > own {
					wrong = append(wrong, r.Name+" depends on "+other.Name)
				}
			}
		}
		return seen, wrong
	},
	plant: func(g *graph.Graph) {
		first(g, awstype.VPC).Dependencies = []string{first(g, awstype.DBInstance).URN}
	},
}, {
	name:  "whatever names another resource gets the name from that resource",
	check: func(v view) (int, []string) { return wiring(v.graph) },
	plant: func(g *graph.Graph) { first(g, awstype.Subnet).PropertyDependencies = nil },
}, {
	name: "exactly these are protected where protection is on, nothing elsewhere",
	check: func(v view) (int, []string) {
		want := map[string]bool{}
		if v.stack == "prod" {
			for _, name := range []string{
				"logs-key", "cluster-secrets-key", "cluster-volumes-key", "registry-images-key", "database-key",
				"observability-notifications-key", "observability-notifications-global-key", "registry-webapp", "cluster-eksCluster", "database", "cache", "cache-key", "secrets-key",
			} {
				want[name] = true
			}
		}
		seen, wrong := 0, []string{}
		for _, r := range v.graph.Resources {
			// All that pulumi-eks makes inherits the protection of its component.
			inside := v.graph.Get(r.Parent) != nil && v.graph.Get(r.Parent).Type == awstype.EKSComponent
			if !r.Custom || inside && r.Type != awstype.EKSCluster || r.Type == awstype.LifecyclePolicy {
				continue
			}
			seen++
			expected := want[r.Name] && !slices.Contains(sameName, r.Type)
			if r.Protect != expected {
				wrong = append(wrong, fmt.Sprintf("%s %s: %v", r.Type, r.Name, r.Protect))
			}
		}
		return seen, wrong
	},
	plant: func(g *graph.Graph) { r := first(g, awstype.DBInstance); r.Protect = !r.Protect },
}, {
	name:  "physical names are inside AWS's limits",
	check: func(v view) (int, []string) { return names(v.graph) },
	plant: rules.Set(awstype.Role, "name", strings.Repeat("x", 65)),
}, {
	name: "physical names carry the environment",
	check: func(v view) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range v.graph.Resources {
			name := r.Inputs.Str(nameLimits[r.Type].property)
			// Inside pulumi-eks names are its own; they are unique within the VPC.
			if name == "" || strings.HasPrefix(r.Name, "cluster-eks") || r.Name == "cluster-nodeSecurityGroup" {
				continue
			}
			seen++
			if !strings.Contains(name, "groundwork-"+v.stack) {
				wrong = append(wrong, r.Name+" is called "+name)
			}
		}
		return seen, wrong
	},
	plant: rules.Set(awstype.Role, "name", "node"),
}, {
	name: "everything in AWS goes through one of the program's own two providers",
	check: func(v view) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range v.graph.Resources {
			if !strings.HasPrefix(r.Type, "aws:") || strings.HasPrefix(v.name, "mocks") && r.Type == awstype.EKSCluster {
				continue
			}
			seen++
			if !ownProvider.MatchString(r.Provider) {
				wrong = append(wrong, r.Name+" uses "+r.Provider)
			}
		}
		return seen, wrong
	},
	plant: func(g *graph.Graph) {
		first(g, awstype.VPC).Provider = "urn:pulumi:dev::groundwork::pulumi:providers:aws::default::1"
	},
}, {
	name: "instances and volumes carry the stack's tags",
	check: func(v view) (int, []string) {
		var wrong []string
		for _, template := range v.graph.OfType(awstype.LaunchTemplate) {
			for _, kind := range []string{"0", "1"} {
				tags := template.Inputs.Object("tagSpecifications[" + kind + "].tags")
				if tags["Project"] != stacks.Project || tags["Environment"] != v.stack || tags["Owner"] != "platform" {
					wrong = append(wrong, template.Name+" "+template.Inputs.Str("tagSpecifications["+kind+"].resourceType"))
				}
			}
		}
		return len(v.graph.OfType(awstype.LaunchTemplate)), wrong
	},
	plant: rules.Set(awstype.LaunchTemplate, "tagSpecifications", []any{}),
}, {
	name: "everything that takes tags carries the stack's", engineOnly: true,
	check: func(v view) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range v.graph.Resources {
			tags, taggable := r.Outputs["tagsAll"].(map[string]any)
			if !taggable {
				continue
			}
			seen++
			if tags["Project"] != stacks.Project || tags["Environment"] != v.stack || tags["Owner"] != "platform" || tags["ManagedBy"] != "pulumi" {
				wrong = append(wrong, r.Name)
			}
		}
		return seen, wrong
	},
	plant: func(g *graph.Graph) { first(g, awstype.VPC).Outputs["tagsAll"] = map[string]any{} },
}, {
	name:  "database and cache are reachable from the nodes, at their ports, and from nowhere else",
	check: func(v view) (int, []string) { return reach(v.graph) },
	plant: func(g *graph.Graph) {
		extra := *first(g, awstype.IngressRule)
		extra.URN += "-planted"
		extra.Inputs = graph.Props{"securityGroupId": first(g, awstype.DBInstance).Inputs.Strs("vpcSecurityGroupIds")[0], "cidrIpv4": "10.0.0.0/8"}
		g.Resources = append(g.Resources, &extra)
	},
}, {
	name:  "the internet reaches CloudFront, CloudFront the load balancer, that the pods' port, the pods their stores; nothing else",
	check: func(v view) (int, []string) { return entrances(v) },
	plant: func(g *graph.Graph) {
		extra := *first(g, awstype.IngressRule)
		extra.URN += "-planted"
		extra.Inputs = graph.Props{"securityGroupId": first(g, awstype.LoadBalancer).Inputs.Strs("securityGroups")[0], "cidrIpv4": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 80.0, "toPort": 80.0}
		g.Resources = append(g.Resources, &extra)
	},
}, {
	name: "subnets lie inside the VPC and do not overlap",
	check: func(v view) (int, []string) {
		c := awssim.NewCloud(awssim.Site{Region: "eu-west-1", Account: "111122223333"})
		var wrong []string
		net := first(v.graph, awstype.VPC)
		id, _, err := c.Create(t0, net.URN, awstype.VPC, net.Inputs)
		if err != nil {
			return 0, []string{err.Error()}
		}
		for _, s := range v.graph.OfType(awstype.Subnet) {
			in := s.Inputs.Clone()
			in["vpcId"] = id
			if _, _, err := c.Create(t0, s.URN, awstype.Subnet, in); err != nil {
				wrong = append(wrong, err.Error())
			}
		}
		return len(v.graph.OfType(awstype.Subnet)), wrong
	},
	plant: func(g *graph.Graph) {
		g.OfType(awstype.Subnet)[0].Inputs["cidrBlock"] = g.OfType(awstype.Subnet)[1].Inputs["cidrBlock"]
	},
}}

func TestProperties(t *testing.T) {
	for _, v := range views(t) {
		for _, p := range properties {
			if p.engineOnly && !strings.HasPrefix(v.name, "engine") {
				continue
			}
			t.Run(v.name+"/"+p.name, func(t *testing.T) {
				seen, wrong := p.check(v)
				assert.Positive(t, seen, "the property looked at nothing")
				assert.Empty(t, wrong)
				broken := copyOf(t, v.graph)
				p.plant(broken)
				_, wrong = p.check(view{v.name, v.stack, broken})
				assert.NotEmpty(t, wrong, "the property does not see a planted violation")
			})
		}
	}
}

var ownProvider = regexp.MustCompile(`pulumi:providers:aws::aws(-us-east-1)?::`)

// sameName are types whose resources have the logical name of a protected one beside them.
var sameName = []string{
	awstype.SecurityGroup, awstype.DBParameterGroup, awstype.DBSubnetGroup, awstype.CacheSubnetGroup, awstype.CacheParameterGroup,
}

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
		if r.Type == token || r.Type == awstype.EKSComponent && (token == awstype.EKSCluster || token == awstype.SecurityGroup) || r.Type == awstype.EKSCluster && token == awstype.SecurityGroup {
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

// TestPreviewRegistersWhatUpdateRegisters finds resources that depend on values only an update knows.
func TestPreviewRegistersWhatUpdateRegisters(t *testing.T) {
	for _, stack := range environments {
		urns := func(preview bool) []string {
			var all []string
			for _, r := range graphOf(t, stack, preview).Resources {
				all = append(all, r.URN)
			}
			slices.Sort(all)
			return all
		}
		assert.Equal(t, urns(false), urns(true), stack)
	}
}

// TestEngineAgreesWithMocks: what the real engine creates is what the mocks saw, and the children of pulumi-eks.
func TestEngineAgreesWithMocks(t *testing.T) {
	for _, stack := range environments {
		engine, mock := brought(t, stack).result.Graph, graphOf(t, stack, false)
		inEngine := map[string]bool{}
		for _, r := range engine.Resources {
			inEngine[r.Type+" "+r.Name] = true
		}
		for _, r := range mock.Resources {
			assert.True(t, inEngine[r.Type+" "+r.Name], "%s %s is not in the engine's state", r.Type, r.Name)
			delete(inEngine, r.Type+" "+r.Name)
		}
		for left := range inEngine {
			assert.Regexp(t, `^(pulumi:|aws:ec2/securityGroup.* cluster-|aws:eks/accessEntry:AccessEntry cluster-defaultNodeGroup)`, left)
		}
	}
}
