package tests

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/cluster"
	"groundwork/sandbox"
)

// rule is one security rule over a whole graph. IDs are those of the public rule sets: FSBP is AWS Foundational Security
// Best Practices, CKV Checkov, AWS-nnnn Trivy, CIS the CIS benchmarks.
type rule struct {
	id string
	// prodOnly rules are for production.
	prodOnly bool
	// engineOnly rules are about what only the real engine shows.
	engineOnly bool
	// check returns how many things it looked at and what is wrong.
	check func(g *sandbox.Graph) (seen int, wrong []string)
	// plant breaks the rule, to prove that check can fail.
	plant func(g *sandbox.Graph)
}

// waivers are the rules that are knowingly not held, with the reason. They are not in the list below.
var waivers = map[string]string{
	"CKV_AWS_382 / AWS-0104 (node egress to 443 only)":  "nodes wear the security group that EKS makes and keeps: its egress is EKS's own; NetworkPolicy and the endpoints limit pods instead",
	"CKV_AWS_382 / AWS-0104 (pulumi-eks groups)":        "pulumi-eks makes a control plane and a node group with open egress; the first is how the API server reaches webhooks, the second is worn by nothing",
	"CIS EKS 4.1.1 (cluster creator)":                   "pulumi-eks 2.8.1 always lets the creator of the cluster administer it; the deploy role is that creator and has to install operators",
	"kubescape C-0012 (awskms secrets provider)":        "written into Pulumi.prod.yaml by `pulumi stack init --secrets-provider`, which needs the account; the README gives the command",
	"FSBP SecretsManager.1 (rotation of other secrets)": "the only secret is the database password, which RDS rotates",
	"FSBP EC2.10 (endpoints in dev)":                    "interface endpoints cost more than the whole NAT gateway in dev",
}

// each applies check to every resource of a type.
func each(token string, check func(r *sandbox.Resource) string) func(*sandbox.Graph) (int, []string) {
	return func(g *sandbox.Graph) (int, []string) {
		var wrong []string
		all := g.OfType(token)
		for _, r := range all {
			if problem := check(r); problem != "" {
				wrong = append(wrong, r.Name+": "+problem)
			}
		}
		return len(all), wrong
	}
}

// must returns problem unless ok.
func must(ok bool, problem string, a ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(problem, a...)
}

// set plants a value at an input of the first resource of a type.
func set(token, property string, value any) func(*sandbox.Graph) {
	return func(g *sandbox.Graph) { first(g, token).Inputs[property] = value }
}

// setIn plants a value inside a mapping.
func setIn(token, object, property string, value any) func(*sandbox.Graph) {
	return func(g *sandbox.Graph) { first(g, token).Inputs.Object(object)[property] = value }
}

// statement is one statement of an IAM document, with single values as lists.
type statement struct {
	Sid, Effect           string
	Action, NotAction     []string
	Resource, NotResource []string
	Principal             map[string][]string
	Condition             map[string]map[string][]string
}

func list(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, e.(string))
		}
		return out
	}
	return nil
}

// statements parses an IAM document; a document that does not parse has one statement that breaks every rule.
func statements(document string) []statement {
	var raw struct {
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(document), &raw); err != nil || len(raw.Statement) == 0 {
		return []statement{{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}, NotAction: []string{"unparsable"}}}
	}
	var out []statement
	for _, s := range raw.Statement {
		parsed := statement{
			Effect: s["Effect"].(string), Action: list(s["Action"]), NotAction: list(s["NotAction"]),
			Resource: list(s["Resource"]), NotResource: list(s["NotResource"]),
			Principal: map[string][]string{}, Condition: map[string]map[string][]string{},
		}
		if everyone, ok := s["Principal"].(string); ok {
			parsed.Principal["AWS"] = []string{everyone}
		}
		if p, ok := s["Principal"].(map[string]any); ok {
			for kind, names := range p {
				parsed.Principal[kind] = list(names)
			}
		}
		if c, ok := s["Condition"].(map[string]any); ok {
			for operator, keys := range c {
				parsed.Condition[operator] = map[string][]string{}
				for key, values := range keys.(map[string]any) {
					parsed.Condition[operator][key] = list(values)
				}
			}
		}
		out = append(out, parsed)
	}
	return out
}

// allows applies check to each Allow statement of a document property.
func allows(token, property string, check func(s statement) string) func(*sandbox.Graph) (int, []string) {
	return each(token, func(r *sandbox.Resource) string {
		for _, s := range statements(r.Inputs.Str(property)) {
			if s.Effect != "Allow" {
				continue
			}
			if problem := check(s); problem != "" {
				return problem
			}
		}
		return ""
	})
}

// subnetTier is what a subnet is for, by its tag.
func subnetTier(r *sandbox.Resource) string { return r.Inputs.Str("tags.Tier") }

// byID finds the resource of a type with a physical ID.
func byID(g *sandbox.Graph, token, id string) *sandbox.Resource {
	for _, r := range g.OfType(token) {
		if r.ID == id {
			return r
		}
	}
	return nil
}

const (
	vpcT, subnetT, routeT, tableT, assocT = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/route:Route", "aws:ec2/routeTable:RouteTable", "aws:ec2/routeTableAssociation:RouteTableAssociation"
	natT, endpointT, flowT                = "aws:ec2/natGateway:NatGateway", "aws:ec2/vpcEndpoint:VpcEndpoint", "aws:ec2/flowLog:FlowLog"
	groupT, ingressT, templateT           = "aws:ec2/securityGroup:SecurityGroup", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:ec2/launchTemplate:LaunchTemplate"
	ruleT, igwT                           = "aws:ec2/securityGroupRule:SecurityGroupRule", "aws:ec2/internetGateway:InternetGateway"
	clusterT, nodesT, addonT, componentT  = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon", "eks:index:Cluster"
	roleT, attachT, inlineT, oidcT        = "aws:iam/role:Role", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/rolePolicy:RolePolicy", "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
	keyT, rdsT, paramT, logT              = "aws:kms/key:Key", "aws:rds/instance:Instance", "aws:rds/parameterGroup:ParameterGroup", "aws:cloudwatch/logGroup:LogGroup"
	repoT, lifecycleT, alarmT, topicT     = "aws:ecr/repository:Repository", "aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:sns/topic:Topic"
	accessT, policyT                      = "aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
)

var (
	secretPattern = regexp.MustCompile(`AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|PRIVATE KEY|(?i)(password|secret|token)\s*[=:]`)
	wideAction    = regexp.MustCompile(`^([a-z0-9-]+:)?\*$`)
	// starActions have no resource-level permissions.
	starActions = regexp.MustCompile(`^(ecr:GetAuthorizationToken|ec2:Describe.*|elasticloadbalancing:Describe.*|sts:GetCallerIdentity|logs:DescribeLogGroups)$`)
)

var rules = []rule{{
	id: "FSBP EC2.6 / CKV2_AWS_11 / CIS 4.7: flow logs",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(vpcT, func(v *sandbox.Resource) string {
			logged := slices.ContainsFunc(g.OfType(flowT), func(f *sandbox.Resource) bool { return f.Inputs.Str("vpcId") == v.ID })
			return must(logged, "no flow log")
		})(g)
	},
	plant: set(flowT, "vpcId", "vpc-other"),
}, {
	id: "FSBP EC2.6: flow logs have a destination, a role and the right traffic",
	check: each(flowT, func(r *sandbox.Resource) string {
		traffic := r.Inputs.Str("trafficType")
		return must(slices.Contains([]string{"ALL", "REJECT"}, traffic) && r.Inputs.Str("logDestination") != "" && r.Inputs.Str("iamRoleArn") != "", "incomplete")
	}),
	plant: set(flowT, "iamRoleArn", ""),
}, {
	id: "FSBP EC2.6: production logs all traffic", prodOnly: true,
	check: each(flowT, func(r *sandbox.Resource) string { return must(r.Inputs.Str("trafficType") == "ALL", "not ALL") }),
	plant: set(flowT, "trafficType", "REJECT"),
}, {
	id: "FSBP EC2.2 / CKV2_AWS_12 / CIS 6.5: the default security group is locked",
	check: func(g *sandbox.Graph) (int, []string) {
		groups, vpcs := g.OfType("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"), g.OfType(vpcT)
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
	plant: set("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "ingress", []any{map[string]any{"protocol": "-1"}}),
}, {
	id:    "FSBP EC2.15 / CKV_AWS_130: no subnet gives out public addresses",
	check: each(subnetT, func(r *sandbox.Resource) string { return must(!r.Inputs.Flag("mapPublicIpOnLaunch"), "does") }),
	plant: set(subnetT, "mapPublicIpOnLaunch", true),
}, {
	id: "prowler vpc_subnet_separate_private_public: no way from the internet to private and data subnets",
	check: func(g *sandbox.Graph) (int, []string) {
		var wrong []string
		seen := 0
		for _, a := range g.OfType(assocT) {
			subnet := byID(g, subnetT, a.Inputs.Str("subnetId"))
			if subnetTier(subnet) == "public" {
				continue
			}
			seen++
			for _, r := range g.OfType(routeT) {
				if r.Inputs.Str("routeTableId") == a.Inputs.Str("routeTableId") && r.Inputs.Str("gatewayId") != "" {
					wrong = append(wrong, subnet.Name+" routes to the internet gateway")
				}
			}
		}
		return seen, wrong
	},
	plant: func(g *sandbox.Graph) {
		for _, a := range g.OfType(assocT) {
			if strings.Contains(a.Name, "-data-") {
				g.OfType(routeT)[0].Inputs["routeTableId"] = a.Inputs["routeTableId"]
				g.OfType(routeT)[0].Inputs["gatewayId"] = "igw-1"
				return
			}
		}
	},
}, {
	id: "CKV2_AWS_35 / REL10-BP01: a NAT gateway in each zone, used by that zone", prodOnly: true,
	check: func(g *sandbox.Graph) (int, []string) {
		zoneOfNAT, wrong := map[string]string{}, []string{}
		for _, nat := range g.OfType(natT) {
			subnet := byID(g, subnetT, nat.Inputs.Str("subnetId"))
			if subnetTier(subnet) != "public" {
				wrong = append(wrong, nat.Name+" is not in a public subnet")
			}
			zoneOfNAT[nat.ID] = subnet.Inputs.Str("availabilityZone")
		}
		seen := 0
		for _, a := range g.OfType(assocT) {
			subnet := byID(g, subnetT, a.Inputs.Str("subnetId"))
			if subnetTier(subnet) != "private" {
				continue
			}
			seen++
			ok := false
			for _, r := range g.OfType(routeT) {
				ok = ok || r.Inputs.Str("routeTableId") == a.Inputs.Str("routeTableId") && r.Inputs.Str("destinationCidrBlock") == "0.0.0.0/0" &&
					zoneOfNAT[r.Inputs.Str("natGatewayId")] == subnet.Inputs.Str("availabilityZone")
			}
			if !ok {
				wrong = append(wrong, subnet.Name+" does not use its own zone's NAT gateway")
			}
		}
		return seen, wrong
	},
	plant: func(g *sandbox.Graph) {
		nats := g.OfType(natT)
		for _, r := range g.OfType(routeT) {
			if r.Inputs.Str("natGatewayId") != "" {
				r.Inputs["natGatewayId"] = nats[0].ID
			}
		}
	},
}, {
	id: "FSBP EC2.18 EC2.19 / CKV_AWS_24 CKV_AWS_260 / CIS 6.3: nothing is open to the internet",
	check: func(g *sandbox.Graph) (int, []string) {
		var wrong []string
		seen := 0
		everyone := func(cidrs ...string) bool {
			return slices.Contains(cidrs, "0.0.0.0/0") || slices.Contains(cidrs, "::/0")
		}
		for _, r := range g.OfType(ingressT) {
			seen++
			if everyone(r.Inputs.Str("cidrIpv4"), r.Inputs.Str("cidrIpv6")) {
				wrong = append(wrong, r.Name)
			}
		}
		for _, r := range g.OfType(ruleT) {
			seen++
			if r.Inputs.Str("type") == "ingress" && everyone(append(r.Inputs.Strs("cidrBlocks"), r.Inputs.Strs("ipv6CidrBlocks")...)...) {
				wrong = append(wrong, r.Name)
			}
		}
		for _, r := range g.OfType(groupT) {
			seen++
			// Rules are resources of their own everywhere, so inline ones must not exist beside them.
			if r.Inputs["ingress"] != nil || r.Inputs["egress"] != nil {
				wrong = append(wrong, r.Name+" has inline rules")
			}
		}
		return seen, wrong
	},
	plant: set(ingressT, "cidrIpv4", "0.0.0.0/0"),
}, {
	id: "CKV_AWS_382: the database's group has no way out",
	check: func(g *sandbox.Graph) (int, []string) {
		var wrong []string
		seen := 0
		for _, db := range g.OfType(rdsT) {
			for _, id := range db.Inputs.Strs("vpcSecurityGroupIds") {
				seen++
				for _, r := range append(g.OfType(ruleT), g.OfType("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")...) {
					if r.Inputs.Str("securityGroupId") == id && r.Inputs.Str("type") != "ingress" {
						wrong = append(wrong, r.Name)
					}
				}
			}
		}
		return seen, wrong
	},
	plant: func(g *sandbox.Graph) {
		egress := *first(g, ingressT)
		egress.Type, egress.URN = ruleT, egress.URN+"-planted"
		egress.Inputs = sandbox.Props{"type": "egress", "securityGroupId": first(g, rdsT).Inputs.Strs("vpcSecurityGroupIds")[0]}
		g.Resources = append(g.Resources, &egress)
	},
}, {
	id: "FSBP EC2.10 EC2.55-57: endpoints for what nodes talk to", prodOnly: true,
	check: func(g *sandbox.Graph) (int, []string) {
		have, wrong := map[string]bool{}, []string{}
		zones := map[string]bool{}
		for _, s := range g.OfType(subnetT) {
			if subnetTier(s) == "private" {
				zones[s.ID] = true
			}
		}
		for _, e := range g.OfType(endpointT) {
			service := strings.SplitN(e.Inputs.Str("serviceName"), ".", 4)[3]
			have[service] = true
			if service == "s3" {
				if len(e.Inputs.Strs("routeTableIds")) != len(zones) {
					wrong = append(wrong, "s3 is not announced in every private route table")
				}
				continue
			}
			if !e.Inputs.Flag("privateDnsEnabled") || len(e.Inputs.Strs("subnetIds")) != len(zones) || len(e.Inputs.Strs("securityGroupIds")) == 0 {
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
	plant: set(endpointT, "serviceName", "com.amazonaws.eu-west-1.ssm"),
}, {
	id: "FSBP EKS.1 / CKV_AWS_39 CKV_AWS_38: the endpoint is private, and never open to everyone",
	check: each(componentT, func(r *sandbox.Resource) string {
		public := r.Inputs.Flag("endpointPublicAccess")
		cidrs := r.Inputs.Strs("publicAccessCidrs")
		open := slices.ContainsFunc(cidrs, func(c string) bool { return strings.HasSuffix(c, "/0") })
		return must(r.Inputs.Flag("endpointPrivateAccess") && (!public || len(cidrs) > 0 && !open) && len(r.Inputs.Strs("privateSubnetIds")) > 1, "open")
	}),
	plant: set(componentT, "endpointPrivateAccess", false),
}, {
	id: "FSBP EKS.1: no public endpoint in production", prodOnly: true,
	check: each(clusterT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Object("vpcConfig")["endpointPublicAccess"] == false && r.Inputs.Flag("vpcConfig.endpointPrivateAccess"), "public")
	}),
	plant: setIn(clusterT, "vpcConfig", "endpointPublicAccess", true),
}, {
	id: "FSBP EKS.3 / CKV_AWS_58: Kubernetes secrets are encrypted with a key of this program",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(clusterT, func(r *sandbox.Resource) string {
			return must(ownKey(g, r.Inputs.Str("encryptionConfig.provider.keyArn")) && slices.Contains(r.Inputs.Strs("encryptionConfig.resources"), "secrets"), "not encrypted")
		})(g)
	},
	plant: func(g *sandbox.Graph) { delete(first(g, clusterT).Inputs, "encryptionConfig") },
}, {
	id: "FSBP EKS.2 / CKV_AWS_339: the Kubernetes version is in standard support",
	check: each(clusterT, func(r *sandbox.Resource) string {
		release, known := cluster.Releases[r.Inputs.Str("version")]
		return must(known && today.Before(release.StandardSupportEnd), "version %q", r.Inputs.Str("version"))
	}),
	plant: set(clusterT, "version", "1.31"),
}, {
	id: "EKS extended support: the upgrade policy is STANDARD", engineOnly: true,
	check: each(clusterT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Str("upgradePolicy.supportType") == "STANDARD", "old versions would be billed as extended support")
	}),
	plant: func(g *sandbox.Graph) { delete(first(g, clusterT).Inputs, "upgradePolicy") },
}, {
	id: "FSBP EKS.8: all five control plane logs",
	check: each(clusterT, func(r *sandbox.Resource) string {
		return must(len(r.Inputs.Strs("enabledClusterLogTypes")) == 5, "%v", r.Inputs.Strs("enabledClusterLogTypes"))
	}),
	plant: set(clusterT, "enabledClusterLogTypes", []any{"api"}),
}, {
	id: "CIS EKS 4.1.7: access entries, no aws-auth map",
	check: each(componentT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Str("authenticationMode") == "API" && r.Inputs["roleMappings"] == nil && r.Inputs["userMappings"] == nil, "maps")
	}),
	plant: set(componentT, "authenticationMode", "API_AND_CONFIG_MAP"),
}, {
	id: "CIS EKS 4.1.1 / kubescape C-0185: one break-glass administrator, everyone else limited",
	check: func(g *sandbox.Graph) (int, []string) {
		admins, wrong := 0, []string{}
		for _, r := range g.OfType(policyT) {
			principal := r.Inputs.Str("principalArn")
			if strings.Contains(principal, "*") || strings.HasSuffix(principal, ":root") {
				wrong = append(wrong, r.Name+" is for "+principal)
			}
			switch policy := r.Inputs.Str("policyArn"); {
			case strings.HasSuffix(policy, "AmazonEKSClusterAdminPolicy"):
				admins++
			case strings.HasSuffix(policy, "ViewPolicy"):
			case r.Inputs.Str("accessScope.type") != "namespace":
				wrong = append(wrong, r.Name+" may write everywhere")
			}
		}
		if admins != 1 {
			wrong = append(wrong, fmt.Sprintf("%d administrators", admins))
		}
		for _, r := range g.OfType(accessT) {
			if slices.Contains(r.Inputs.Strs("kubernetesGroups"), "system:masters") {
				wrong = append(wrong, r.Name+" is in system:masters")
			}
		}
		return len(g.OfType(policyT)), wrong
	},
	plant: set(policyT, "principalArn", "arn:aws:iam::111122223333:root"),
}, {
	id: "CIS EKS 5.4.3 / kubescape C-0229: nodes are in private subnets of two zones or more",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(nodesT, func(r *sandbox.Resource) string {
			zones := map[string]bool{}
			for _, id := range r.Inputs.Strs("subnetIds") {
				s := byID(g, subnetT, id)
				if s == nil || subnetTier(s) != "private" {
					return "in subnet " + id
				}
				zones[s.Inputs.Str("availabilityZone")] = true
			}
			return must(len(zones) >= 2, "in %d zone(s)", len(zones))
		})(g)
	},
	plant: func(g *sandbox.Graph) {
		for _, s := range g.OfType(subnetT) {
			if subnetTier(s) == "public" {
				first(g, nodesT).Inputs["subnetIds"] = []any{s.ID}
			}
		}
	},
}, {
	id: "EKS best practices: core add-ons with pinned versions",
	check: func(g *sandbox.Graph) (int, []string) {
		want := map[string]bool{"vpc-cni": true, "coredns": true, "kube-proxy": true, "eks-pod-identity-agent": true}
		seen, wrong := each(addonT, func(r *sandbox.Resource) string {
			delete(want, r.Inputs.Str("addonName"))
			version := r.Inputs.Str("addonVersion")
			return must(version != "" && version != "latest" && r.Inputs.Str("resolveConflictsOnUpdate") != "", "not pinned")
		})(g)
		if len(want) > 0 {
			wrong = append(wrong, fmt.Sprintf("missing: %v", want))
		}
		return seen, wrong
	},
	plant: set(addonT, "addonVersion", "latest"),
}, {
	id: "EKS best practices: NetworkPolicy is enforced",
	check: func(g *sandbox.Graph) (int, []string) {
		for _, r := range g.OfType(addonT) {
			if r.Inputs.Str("addonName") == "vpc-cni" {
				return 1, nonEmpty(must(strings.Contains(r.Inputs.Str("configurationValues"), `"enableNetworkPolicy":"true"`), "vpc-cni ignores NetworkPolicy"))
			}
		}
		return 0, nil
	},
	plant: func(g *sandbox.Graph) {
		for _, r := range g.OfType(addonT) {
			r.Inputs["configurationValues"] = "{}"
		}
	},
}, {
	id: "prowler eks_cluster_deletion_protection_enabled: the cluster is protected", prodOnly: true,
	check: each(clusterT, func(r *sandbox.Resource) string { return must(r.Protect, "not protected") }),
	plant: func(g *sandbox.Graph) { first(g, clusterT).Protect = false },
}, {
	id: "CKV_AWS_341 / FSBP AutoScaling.4: IMDSv2 with one hop",
	check: each(templateT, func(r *sandbox.Resource) string {
		hops, _ := r.Inputs.Num("metadataOptions.httpPutResponseHopLimit")
		return must(r.Inputs.Str("metadataOptions.httpTokens") == "required" && hops == 1, "tokens optional or hop limit %v", hops)
	}),
	plant: setIn(templateT, "metadataOptions", "httpPutResponseHopLimit", 2.0),
}, {
	id: "FSBP EC2.3 / CKV_AWS_8: node volumes are encrypted gp3 with a key of this program",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(templateT, func(r *sandbox.Resource) string {
			mappings, _ := r.Inputs["blockDeviceMappings"].([]any)
			for i := range mappings {
				ebs := fmt.Sprintf("blockDeviceMappings.%d.ebs.", i)
				if r.Inputs.Str(ebs+"encrypted") != "true" || r.Inputs.Str(ebs+"volumeType") != "gp3" || !ownKey(g, r.Inputs.Str(ebs+"kmsKeyId")) {
					return "volume not encrypted as it should be"
				}
			}
			return must(len(mappings) > 0, "no volume")
		})(g)
	},
	plant: func(g *sandbox.Graph) {
		first(g, templateT).Inputs["blockDeviceMappings"].([]any)[0].(map[string]any)["ebs"].(map[string]any)["encrypted"] = "false"
	},
}, {
	id: "CKV_AWS_100: no SSH to nodes",
	check: func(g *sandbox.Graph) (int, []string) {
		seen, wrong := each(nodesT, func(r *sandbox.Resource) string { return must(r.Inputs["remoteAccess"] == nil, "remote access") })(g)
		_, keys := each(templateT, func(r *sandbox.Resource) string { return must(r.Inputs["keyName"] == nil, "a key pair") })(g)
		return seen, append(wrong, keys...)
	},
	plant: set(templateT, "keyName", "laptop"),
}, {
	id: "CKV_AWS_46 / AWS-0029: no secret in user data",
	check: each(templateT, func(r *sandbox.Resource) string {
		data, err := base64.StdEncoding.DecodeString(r.Inputs.Str("userData"))
		return must(err == nil && !secretPattern.Match(data), "a secret")
	}),
	plant: set(templateT, "userData", base64.StdEncoding.EncodeToString([]byte("export DB_PASSWORD=x"))),
}, {
	id: "EKS: Amazon Linux 2023 of the right architecture",
	check: each(nodesT, func(r *sandbox.Resource) string {
		ami := r.Inputs.Str("amiType")
		for _, instance := range r.Inputs.Strs("instanceTypes") {
			if cluster.Instances[instance].Arm != strings.Contains(ami, "ARM") {
				return ami + " on " + instance
			}
		}
		return must(strings.HasPrefix(ami, "AL2023_"), "image %q", ami)
	}),
	plant: set(nodesT, "amiType", "AL2_x86_64"),
}, {
	id: "CIS EKS 5.1.3 / kubescape C-0223: the node role has no more than it needs",
	check: func(g *sandbox.Graph) (int, []string) {
		allowed := []string{"AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"}
		seen, wrong := 0, []string{}
		for _, r := range g.OfType(attachT) {
			if !strings.HasSuffix(r.Inputs.Str("role"), "-node") {
				continue
			}
			seen++
			if arn := r.Inputs.Str("policyArn"); !slices.Contains(allowed, arn[strings.LastIndex(arn, "/")+1:]) {
				wrong = append(wrong, arn)
			}
		}
		return seen, wrong
	},
	plant: func(g *sandbox.Graph) {
		for _, r := range g.OfType(attachT) {
			if strings.HasSuffix(r.Inputs.Str("role"), "-node") {
				r.Inputs["policyArn"] = "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
			}
		}
	},
}, {
	id: "FSBP IAM.1 / CKV_AWS_62 CKV_AWS_63: no policy allows everything",
	check: allows(inlineT, "policy", func(s statement) string {
		wide := slices.ContainsFunc(s.Action, wideAction.MatchString)
		return must(!wide && len(s.NotAction) == 0 && len(s.NotResource) == 0, "allows %v", s.Action)
	}),
	plant: set(inlineT, "policy", `{"Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"arn:x"}]}`),
}, {
	id: "CKV_AWS_355 CKV_AWS_356 CKV_AWS_290: no policy is about every resource",
	check: allows(inlineT, "policy", func(s statement) string {
		if !slices.Contains(s.Resource, "*") {
			return ""
		}
		return must(!slices.ContainsFunc(s.Action, func(a string) bool { return !starActions.MatchString(a) }) || len(s.Condition) > 0, "%v on everything", s.Action)
	}),
	plant: set(inlineT, "policy", `{"Statement":[{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"}]}`),
}, {
	id: "CKV_AWS_286 / AWS-0342: no policy lets its owner become more",
	check: allows(inlineT, "policy", func(s statement) string {
		for _, action := range s.Action {
			for _, risky := range []string{"iam:CreatePolicyVersion", "iam:Attach", "iam:Put", "iam:UpdateAssumeRolePolicy"} {
				if strings.HasPrefix(action, risky) {
					return action
				}
			}
			if action == "iam:PassRole" && (slices.Contains(s.Resource, "*") || len(s.Condition["StringEquals"]["iam:PassedToService"]) == 0) {
				return action
			}
		}
		return ""
	}),
	plant: set(inlineT, "policy", `{"Statement":[{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}]}`),
}, {
	id: "CKV_AWS_274 / FSBP IAM.1: nobody is administrator",
	check: each(attachT, func(r *sandbox.Resource) string {
		arn := r.Inputs.Str("policyArn")
		for _, policy := range []string{"/AdministratorAccess", "/IAMFullAccess", "/PowerUserAccess"} {
			if strings.HasSuffix(arn, policy) {
				return arn
			}
		}
		return ""
	}),
	plant: set(attachT, "policyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
}, {
	id: "CKV_AWS_60 CKV_AWS_61 / CIS 2.21: no role trusts everyone",
	check: allows(roleT, "assumeRolePolicy", func(s statement) string {
		for _, arn := range s.Principal["AWS"] {
			if (strings.Contains(arn, "*") || strings.HasSuffix(arn, ":root")) && len(s.Condition) == 0 {
				return "trusts " + arn
			}
		}
		return must(len(s.Principal["Federated"]) == 0 || len(s.Condition) > 0, "federation without condition")
	}),
	plant: set(roleT, "assumeRolePolicy", `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}`),
}, {
	id: "EKS best practices / CIS EKS 5.2.1: workload roles pin sub and aud",
	check: func(g *sandbox.Graph) (int, []string) {
		seen, wrong := 0, []string{}
		for _, r := range g.OfType(roleT) {
			for _, s := range statements(r.Inputs.Str("assumeRolePolicy")) {
				if len(s.Principal["Federated"]) == 0 {
					continue
				}
				seen++
				_, issuer, _ := strings.Cut(s.Principal["Federated"][0], "oidc-provider/")
				equals := s.Condition["StringEquals"]
				sub, aud := equals[issuer+":sub"], equals[issuer+":aud"]
				exact := len(sub) == 1 && regexp.MustCompile(`^system:serviceaccount:[a-z0-9-]+:[a-z0-9-]+$`).MatchString(sub[0])
				if !exact || len(aud) != 1 || aud[0] != "sts.amazonaws.com" || strings.HasPrefix(issuer, "https://") {
					wrong = append(wrong, r.Name)
				}
			}
		}
		return seen, wrong
	},
	plant: func(g *sandbox.Graph) {
		for _, r := range g.OfType(roleT) {
			r.Inputs["assumeRolePolicy"] = strings.ReplaceAll(r.Inputs.Str("assumeRolePolicy"), ":aud", ":other")
		}
	},
}, {
	id: "CKV_AWS_273 / FSBP IAM.2: no users, no access keys",
	check: func(g *sandbox.Graph) (int, []string) {
		var wrong []string
		for _, r := range g.Resources {
			if strings.HasPrefix(r.Type, "aws:iam/accessKey:") || strings.HasPrefix(r.Type, "aws:iam/user:") {
				wrong = append(wrong, r.Name)
			}
		}
		return len(g.Resources), wrong
	},
	plant: func(g *sandbox.Graph) { first(g, roleT).Type = "aws:iam/user:User" },
}, {
	id: "OIDC provider audiences",
	check: each(oidcT, func(r *sandbox.Resource) string {
		return must(slices.Equal(r.Inputs.Strs("clientIdLists"), []string{"sts.amazonaws.com"}) && strings.HasPrefix(r.Inputs.Str("url"), "https://"), "audiences")
	}),
	plant: set(oidcT, "clientIdLists", []any{"anyone"}),
}, {
	id:    "FSBP KMS.4 / CKV_AWS_7: keys rotate",
	check: each(keyT, func(r *sandbox.Resource) string { return must(r.Inputs.Flag("enableKeyRotation"), "does not") }),
	plant: set(keyT, "enableKeyRotation", false),
}, {
	id: "FSBP KMS.5 / CKV_AWS_33: key policies lock nobody out and let nobody else in",
	check: each(keyT, func(r *sandbox.Resource) string {
		root := false
		for _, s := range statements(r.Inputs.Str("policy")) {
			for _, arn := range s.Principal["AWS"] {
				root = root || strings.HasSuffix(arn, ":root") && slices.Contains(s.Action, "kms:*")
				if arn == "*" && len(s.Condition["StringEquals"]["kms:CallerAccount"]) == 0 {
					return "open to everyone"
				}
			}
			if len(s.Principal["Service"]) > 0 && len(s.Condition) == 0 {
				return "open to a service on anyone's behalf"
			}
		}
		return must(root, "the account cannot administer it")
	}),
	plant: set(keyT, "policy", `{"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*","Principal":"*"}]}`),
}, {
	id: "FSBP KMS.3: deleted keys can be brought back for 30 days",
	check: each(keyT, func(r *sandbox.Resource) string {
		days, _ := r.Inputs.Num("deletionWindowInDays")
		return must(days == 30, "%v days", days)
	}),
	plant: set(keyT, "deletionWindowInDays", 7.0),
}, {
	id: "FSBP KMS.3: keys are protected", prodOnly: true,
	check: each(keyT, func(r *sandbox.Resource) string { return must(r.Protect, "not protected") }),
	plant: func(g *sandbox.Graph) { first(g, keyT).Protect = false },
}, {
	id: "CloudWatch Logs and SNS may use the keys of their resources",
	check: func(g *sandbox.Graph) (int, []string) {
		seen, wrong := 0, []string{}
		use := func(r *sandbox.Resource, arn, service string) {
			seen++
			key := keyOf(g, arn)
			if key == nil || !strings.Contains(key.Inputs.Str("policy"), service) {
				wrong = append(wrong, r.Name)
			}
		}
		for _, r := range g.OfType(logT) {
			use(r, r.Inputs.Str("kmsKeyId"), "kms:EncryptionContext:aws:logs:arn")
		}
		for _, r := range g.OfType(topicT) {
			use(r, r.Inputs.Str("kmsMasterKeyId"), "cloudwatch.amazonaws.com")
		}
		return seen, wrong
	},
	plant: func(g *sandbox.Graph) { first(g, topicT).Inputs["kmsMasterKeyId"] = first(g, logT).Inputs["kmsKeyId"] },
}, {
	id: "FSBP RDS.3 / CKV_AWS_16: the database is encrypted with a key of this program",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(rdsT, func(r *sandbox.Resource) string {
			return must(r.Inputs.Flag("storageEncrypted") && ownKey(g, r.Inputs.Str("kmsKeyId")), "not encrypted")
		})(g)
	},
	plant: set(rdsT, "storageEncrypted", false),
}, {
	id:    "FSBP RDS.2 / CKV_AWS_17: the database has no public address",
	check: each(rdsT, func(r *sandbox.Resource) string { return must(r.Inputs["publiclyAccessible"] == false, "public") }),
	plant: set(rdsT, "publiclyAccessible", true),
}, {
	id: "FSBP RDS.5 / CKV_AWS_157: Multi-AZ", prodOnly: true,
	check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("multiAz") && r.Inputs["availabilityZone"] == nil, "one zone")
	}),
	plant: set(rdsT, "multiAz", false),
}, {
	id: "FSBP RDS.8 / CKV_AWS_293: deletion protection, twice", prodOnly: true,
	check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("deletionProtection") && r.Protect, "unprotected")
	}),
	plant: set(rdsT, "deletionProtection", false),
}, {
	id: "REL09-BP03: a final snapshot with a name of its own",
	check: each(rdsT, func(r *sandbox.Resource) string {
		name := r.Inputs.Str("finalSnapshotIdentifier")
		return must(!r.Inputs.Flag("skipFinalSnapshot") && regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*-final-[0-9a-f]{8}$`).MatchString(name), "snapshot %q", name)
	}),
	plant: set(rdsT, "skipFinalSnapshot", true),
}, {
	id: "FSBP RDS.9 / CKV_AWS_129: both logs go to groups that exist first",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(rdsT, func(r *sandbox.Resource) string {
			for _, log := range []string{"postgresql", "upgrade"} {
				name := "/aws/rds/instance/" + r.Inputs.Str("identifier") + "/" + log
				if !slices.Contains(r.Inputs.Strs("enabledCloudwatchLogsExports"), log) {
					return log + " is not exported"
				}
				if !slices.ContainsFunc(g.OfType(logT), func(l *sandbox.Resource) bool {
					return l.Inputs.Str("name") == name && slices.Contains(r.Dependencies, l.URN)
				}) {
					return name + " does not exist first"
				}
			}
			return ""
		})(g)
	},
	plant: set(rdsT, "enabledCloudwatchLogsExports", []any{"postgresql"}),
}, {
	id: "FSBP RDS.13 / CKV_AWS_226: minor versions come by themselves, major ones do not",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(rdsT, func(r *sandbox.Resource) string {
			version := r.Inputs.Str("engineVersion")
			return must(r.Inputs["autoMinorVersionUpgrade"] == true && !r.Inputs.Flag("allowMajorVersionUpgrade") &&
				regexp.MustCompile(`^(15|16|17)$`).MatchString(version) && first(g, paramT).Inputs.Str("family") == "postgres"+version, "version %q", version)
		})(g)
	},
	plant: set(paramT, "family", "postgres14"),
}, {
	id: "FSBP RDS.38 / CKV2_AWS_69: TLS is forced",
	check: each(paramT, func(r *sandbox.Resource) string {
		parameters, _ := r.Inputs["parameters"].([]any)
		for _, p := range parameters {
			if p := sandbox.Props(p.(map[string]any)); p.Str("name") == "rds.force_ssl" && p.Str("value") == "1" {
				return ""
			}
		}
		return "rds.force_ssl is not 1"
	}),
	plant: set(paramT, "parameters", []any{}),
}, {
	id: "CKV_AWS_353 CKV_AWS_354: Performance Insights with a key",
	check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("performanceInsightsEnabled") && r.Inputs.Str("performanceInsightsKmsKeyId") != "", "off")
	}),
	plant: set(rdsT, "performanceInsightsEnabled", false),
}, {
	id: "FSBP RDS.6 / CKV_AWS_118: enhanced monitoring",
	check: each(rdsT, func(r *sandbox.Resource) string {
		seconds, _ := r.Inputs.Num("monitoringInterval")
		return must(seconds > 0 && r.Inputs.Str("monitoringRoleArn") != "", "off")
	}),
	plant: set(rdsT, "monitoringInterval", 0.0),
}, {
	id: "FSBP RDS.10 RDS.11 / CKV_AWS_161 CKV_AWS_133: IAM authentication, backups, tags on snapshots",
	check: each(rdsT, func(r *sandbox.Resource) string {
		days, _ := r.Inputs.Num("backupRetentionPeriod")
		return must(r.Inputs.Flag("iamDatabaseAuthenticationEnabled") && days > 0 && r.Inputs.Flag("copyTagsToSnapshot"), "missing")
	}),
	plant: set(rdsT, "backupRetentionPeriod", 0.0),
}, {
	id: "FSBP RDS.25: the master user has a name of its own",
	check: each(rdsT, func(r *sandbox.Resource) string {
		name := strings.ToLower(r.Inputs.Str("username"))
		return must(name != "" && !slices.Contains([]string{"admin", "administrator", "postgres", "root", "rdsadmin", "user", "public"}, name), "%q", name)
	}),
	plant: set(rdsT, "username", "postgres"),
}, {
	id: "SEC02-BP03: RDS keeps the password",
	check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("manageMasterUserPassword") && r.Inputs["password"] == nil && r.Inputs.Str("masterUserSecretKmsKeyId") != "", "password in the program")
	}),
	plant: set(rdsT, "password", "hunter22"),
}, {
	id: "RDS extended support is off",
	check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Str("engineLifecycleSupport") == "open-source-rds-extended-support-disabled", "on")
	}),
	plant: set(rdsT, "engineLifecycleSupport", "open-source-rds-extended-support"),
}, {
	id: "FSBP ECR.1 ECR.2 / CKV_AWS_163 CKV_AWS_51 CKV_AWS_136: images are scanned, immutable, encrypted with a key",
	check: each(repoT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("imageScanningConfiguration.scanOnPush") && r.Inputs.Str("imageTagMutability") == "IMMUTABLE" &&
			r.Inputs.Str("encryptionConfigurations.0.encryptionType") == "KMS" && r.Inputs.Str("encryptionConfigurations.0.kmsKey") != "", "not")
	}),
	plant: set(repoT, "imageTagMutability", "MUTABLE"),
}, {
	id: "FSBP ECR.3: a lifecycle for each repository",
	check: func(g *sandbox.Graph) (int, []string) {
		wrong := []string{}
		for _, r := range g.OfType(repoT) {
			if !slices.ContainsFunc(g.OfType(lifecycleT), func(l *sandbox.Resource) bool { return l.Inputs.Str("repository") == r.Inputs.Str("name") }) {
				wrong = append(wrong, r.Name)
			}
		}
		for _, l := range g.OfType(lifecycleT) {
			if !strings.Contains(l.Inputs.Str("policy"), "untagged") || !strings.Contains(l.Inputs.Str("policy"), "imageCountMoreThan") {
				wrong = append(wrong, l.Name)
			}
		}
		return len(g.OfType(repoT)), wrong
	},
	plant: set(lifecycleT, "repository", "other"),
}, {
	id: "FSBP CloudWatch.16 / CKV_AWS_158: log groups end and are encrypted",
	check: each(logT, func(r *sandbox.Resource) string {
		days, _ := r.Inputs.Num("retentionInDays")
		return must(days > 0 && r.Inputs.Str("kmsKeyId") != "", "%v days", days)
	}),
	plant: set(logT, "retentionInDays", nil),
}, {
	id: "CKV_AWS_338: production keeps logs for a year", prodOnly: true,
	check: each(logT, func(r *sandbox.Resource) string {
		days, _ := r.Inputs.Num("retentionInDays")
		return must(days >= 365, "%v days", days)
	}),
	plant: set(logT, "retentionInDays", 30.0),
}, {
	id: "CKV_AWS_319: alarms act and say what silence means",
	check: each(alarmT, func(r *sandbox.Resource) string {
		return must(r.Inputs["actionsEnabled"] != false && len(r.Inputs.Strs("alarmActions")) > 0 && r.Inputs.Str("treatMissingData") != "", "silent")
	}),
	plant: set(alarmT, "alarmActions", []any{}),
}, {
	id: "prowler cloudwatch alarms: the metrics that matter are watched",
	check: func(g *sandbox.Graph) (int, []string) {
		have := map[string]bool{}
		for _, r := range g.OfType(alarmT) {
			have[r.Inputs.Str("namespace")+" "+r.Inputs.Str("metricName")] = true
		}
		var wrong []string
		for _, want := range []string{
			"AWS/RDS CPUUtilization", "AWS/RDS FreeStorageSpace", "AWS/RDS FreeableMemory", "AWS/RDS DatabaseConnections",
			"AWS/EC2 CPUUtilization", "AWS/EC2 StatusCheckFailed", "AWS/NATGateway ErrorPortAllocation",
		} {
			if !have[want] {
				wrong = append(wrong, want)
			}
		}
		return len(have), wrong
	},
	plant: func(g *sandbox.Graph) {
		for _, r := range g.OfType(alarmT) {
			r.Inputs["metricName"] = "CPUUtilization"
		}
	},
}, {
	id: "FSBP SNS.1 / CKV_AWS_26: topics have a key of this program",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(topicT, func(r *sandbox.Resource) string { return must(ownKey(g, r.Inputs.Str("kmsMasterKeyId")), "no key") })(g)
	},
	plant: set(topicT, "kmsMasterKeyId", "alias/aws/sns"),
}, {
	id: "SEC01-BP01: the provider touches one account and tags everything",
	check: each("pulumi:providers:aws", func(r *sandbox.Resource) string {
		text, err := json.Marshal(r.Inputs)
		ok := err == nil && r.Inputs.Str("region") != ""
		for _, want := range []string{"allowedAccountIds", "Project", "Environment", "ManagedBy"} {
			ok = ok && strings.Contains(string(text), want)
		}
		return must(ok && !strings.HasPrefix(r.Name, "default"), "unguarded")
	}),
	plant: func(g *sandbox.Graph) { delete(first(g, "pulumi:providers:aws").Inputs, "allowedAccountIds") },
}}

func nonEmpty(problem string) []string {
	if problem == "" {
		return nil
	}
	return []string{problem}
}

// keyOf returns the key of this program with an ARN.
func keyOf(g *sandbox.Graph, arn string) *sandbox.Resource {
	for _, key := range g.OfType(keyT) {
		if arn != "" && key.Outputs.Str("arn") == arn {
			return key
		}
	}
	return nil
}

func ownKey(g *sandbox.Graph, arn string) bool { return keyOf(g, arn) != nil }

func TestSecurityRules(t *testing.T) {
	for _, v := range views(t) {
		for _, r := range rules {
			if r.prodOnly && v.stack != "prod" || r.engineOnly && !strings.HasPrefix(v.name, "engine") {
				continue
			}
			t.Run(v.name+"/"+r.id, func(t *testing.T) {
				seen, wrong := r.check(v.graph)
				assert.Positive(t, seen, "the rule looked at nothing")
				assert.Empty(t, wrong)
				broken := copyOf(t, v.graph)
				r.plant(broken)
				_, wrong = r.check(broken)
				assert.NotEmpty(t, wrong, "the rule does not see a planted violation")
			})
		}
	}
}

func TestWaiversGiveReasons(t *testing.T) {
	for id, reason := range waivers {
		require.Greater(t, len(reason), 40, id)
	}
}
