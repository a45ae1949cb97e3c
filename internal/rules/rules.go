// Package rules holds the security rules that a resource graph is checked against, each with a violation that proves it can fail.
package rules

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// Rule is one security rule over a whole graph. IDs are those of the public rule sets: FSBP is AWS Foundational Security
// Best Practices, CKV Checkov, AWS-nnnn Trivy, CIS the CIS benchmarks.
type Rule struct {
	ID string
	// ProdOnly rules are for production.
	ProdOnly bool
	// UpOnly rules are about an environment that is up, not parked or hibernated.
	UpOnly bool
	// EngineOnly rules are about what only the real engine shows.
	EngineOnly bool
	// Check returns how many things it looked at and what is wrong.
	Check func(g *graph.Graph) (seen int, wrong []string)
	// Plant breaks the rule, to prove that Check can fail.
	Plant func(g *graph.Graph)
}

// Today says which day the rules are looked at on; tests have one of their own.
var Today = time.Now

// Waivers are the rules that are knowingly not held, with the reason. They are not in All.
var Waivers = map[string]string{
	"CKV_AWS_382 / AWS-0104 (node egress to 443 only)":                      "nodes wear the security group that EKS makes and keeps: its egress is EKS's own; NetworkPolicy and the endpoints limit pods instead",
	"CKV_AWS_382 / AWS-0104 (pulumi-eks groups)":                            "pulumi-eks makes a control plane and a node group with open egress; the first is how the API server reaches webhooks, the second is worn by nothing",
	"CIS EKS 4.1.1 (cluster creator)":                                       "pulumi-eks 2.8.1 always lets the creator of the cluster administer it; the deploy role is that creator and has to install operators",
	"kubescape C-0012 (awskms secrets provider)":                            "written into Pulumi.prod.yaml by `pulumi stack init --secrets-provider`, which needs the account; the README gives the command",
	"FSBP SecretsManager.1 (rotation of other secrets)":                     "RDS rotates the database password; the cache's token and the sessions' key change with a deployment that replaces them, as every pod has to read them anew",
	"CKV_AWS_158 (RDSOSMetrics)":                                            "enhanced monitoring of all databases of an account writes to this one log group, which RDS makes; a stack that owned it would fail where another database exists",
	"FSBP CloudFront.4 (origin failover)":                                   "there is one origin, a load balancer in all zones; a second region is a second environment",
	"FSBP CloudFront.10 CKV_AWS_174 (TLS 1.2 for viewers without a domain)": "the certificate that CloudFront gives fixes the minimum at TLS 1.0; with a domain it is TLS 1.2",
	"FSBP ELB.1 (HTTP listener without a domain)":                           "without a domain there is no certificate to have; the way from CloudFront is inside the VPC",
	"FSBP S3.17 CKV_AWS_145 (log buckets with KMS)":                         "load balancers write to SSE-S3 buckets only; the other log bucket is of the same kind so that readers need no key",
	"FSBP S3.14 CKV_AWS_21 (versions of log buckets)":                       "log services write each object once under a new name; a version would be a copy of nothing",
	"FSBP S3.9 CKV_AWS_18 (access logs of log buckets)":                     "logging the log buckets into one another never ends; CloudTrail data events are the account's",
	"FSBP EC2.10 (endpoints in dev)":                                        "interface endpoints cost more than the whole NAT gateway in dev",
}

// first returns the first resource of a type.
func first(g *graph.Graph, token string) *graph.Resource { return g.OfType(token)[0] }

// each applies check to every resource of a type.
func each(token string, check func(r *graph.Resource) string) func(*graph.Graph) (int, []string) {
	return func(g *graph.Graph) (int, []string) {
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

// Set plants a value at an input of the first resource of a type.
func Set(token, property string, value any) func(*graph.Graph) {
	return func(g *graph.Graph) { first(g, token).Inputs[property] = value }
}

// setIn plants a value inside a mapping.
func setIn(token, object, property string, value any) func(*graph.Graph) {
	return func(g *graph.Graph) { first(g, token).Inputs.Object(object)[property] = value }
}

// Statement is one statement of an IAM document, with single values as lists.
type Statement struct {
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

// Statements parses an IAM document; a document that does not parse has one statement that breaks every rule.
func Statements(document string) []Statement {
	var raw struct {
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(document), &raw); err != nil || len(raw.Statement) == 0 {
		return []Statement{{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}, NotAction: []string{"unparsable"}}}
	}
	var out []Statement
	for _, s := range raw.Statement {
		parsed := Statement{
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
func allows(token, property string, check func(s Statement) string) func(*graph.Graph) (int, []string) {
	return each(token, func(r *graph.Resource) string {
		for _, s := range Statements(r.Inputs.Str(property)) {
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
func subnetTier(r *graph.Resource) string { return r.Inputs.Str("tags.Tier") }

// byID finds the resource of a type with a physical ID.
func byID(g *graph.Graph, token, id string) *graph.Resource {
	for _, r := range g.OfType(token) {
		if r.ID == id {
			return r
		}
	}
	return nil
}

var (
	secretPattern = regexp.MustCompile(`AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|PRIVATE KEY|(?i)(password|secret|token)\s*[=:]`)
	wideAction    = regexp.MustCompile(`^([a-z0-9-]+:)?\*$`)
	// starActions have no resource-level permissions.
	starActions = regexp.MustCompile(`^(ecr:GetAuthorizationToken|ec2:Describe.*|ec2:GetInstanceTypesFromInstanceRequirements|autoscaling:Describe.*|elasticloadbalancing:Describe.*|sts:GetCallerIdentity|logs:DescribeLogGroups)$`)
)

// All are the rules that every environment is held to.
var All = slices.Concat(networkRules, clusterRules, Identity, dataRules, cacheRules, Edge, workloadRules, monitoringRules)

func nonEmpty(problem string) []string {
	if problem == "" {
		return nil
	}
	return []string{problem}
}

// home is the region of an environment.
func home(g *graph.Graph) string {
	for _, r := range g.OfType("pulumi:providers:aws") {
		if r.Name == "aws" {
			return r.Inputs.Str("region")
		}
	}
	return ""
}

// keyOf returns the key of this program with an ARN.
func keyOf(g *graph.Graph, arn string) *graph.Resource {
	for _, key := range g.OfType(awstype.Key) {
		if arn != "" && key.Outputs.Str("arn") == arn {
			return key
		}
	}
	return nil
}

func ownKey(g *graph.Graph, arn string) bool { return keyOf(g, arn) != nil }

// Finding is what one rule says about a graph.
type Finding struct {
	ID string
	// Seen is how many things it looked at, Wrong what is not as it must be.
	Seen  int
	Wrong []string
	// Engine is true for what only the real engine shows, and nobody looked at here.
	Engine bool
}

// Held is true where the rule looked at something and nothing was wrong, Broken where something was.
func (f Finding) Held() bool { return f.Seen > 0 && len(f.Wrong) == 0 }

// Broken is true where something was wrong, be it that something is missing.
func (f Finding) Broken() bool { return len(f.Wrong) > 0 }

// Look checks a graph against the rules: those for production where it is one, and those for what is up where it is. A rule that
// only the engine's graph can be checked against is named, and looks at nothing.
func Look(g *graph.Graph, production, up bool) []Finding {
	var all []Finding
	for _, r := range All {
		if r.ProdOnly && !production || r.UpOnly && !up {
			continue
		}
		f := Finding{ID: r.ID, Engine: r.EngineOnly}
		if !r.EngineOnly {
			f.Seen, f.Wrong = r.Check(g)
		}
		all = append(all, f)
	}
	return all
}
