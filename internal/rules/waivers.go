package rules

import (
	"fmt"
	"strings"

	"groundwork/internal/graph"
)

// Waiver is a public rule that the environments knowingly do not meet.
type Waiver struct {
	// Rule is the ID of the rule, and in brackets what it is waived for.
	Rule string
	// Reason is one sentence that says why.
	Reason string
	// Holds checks that the reason is true of each resource that the waiver covers. It returns how many it looked at and
	// those of which the reason is not true. It is nil where the reason is not about the resources of a graph.
	Holds func(g *graph.Graph) (seen int, wrong []string)
}

// Waivers lists every waived rule by its ID. None of them is in All. The report and docs/decisions/0006-waivers.md show
// them in this order.
var Waivers = []Waiver{
	{
		Rule: "CIS EKS 4.1.1 (cluster creator)",
		Reason: "pulumi-eks 2.8.1 always lets the creator of the cluster administer it; the deploy role is that creator " +
			"and has to install operators",
	},
	{
		Rule:   "CKV_AWS_126 (detailed monitoring of the bastion)",
		Reason: "it runs for minutes at a time, and nothing scales with it",
	},
	{
		Rule: "CKV_AWS_158 (RDSOSMetrics)",
		Reason: "enhanced monitoring of all databases of an account writes to this one log group, which RDS makes; " +
			"a stack that owned it would fail where another database exists",
	},
	{
		Rule: "CKV_AWS_382 / AWS-0104 (bastion egress)",
		Reason: "HTTPS only, to addresses of Systems Manager that AWS publishes no list of; " +
			"interface endpoints for them would cost more than everything else of the bastion",
	},
	{
		Rule: "CKV_AWS_382 / AWS-0104 (node egress to 443 only)",
		Reason: "nodes have the security group that EKS makes and keeps: its egress is EKS's own; " +
			"NetworkPolicy and the endpoints limit pods instead",
	},
	{
		Rule: "CKV_AWS_382 / AWS-0104 (pulumi-eks groups)",
		Reason: "pulumi-eks makes a control plane and a node group with open egress; the first is how the API server " +
			"reaches webhooks, the second is attached to nothing",
	},
	{
		Rule: "FSBP CloudFront.10 CKV_AWS_174 (TLS 1.2 for viewers without a domain)",
		Reason: "the certificate that CloudFront gives fixes the minimum at TLS 1.0; " +
			"with a domain it is TLS 1.2",
		Holds: oldTLS,
	},
	{
		Rule:   "FSBP CloudFront.4 (origin failover)",
		Reason: "there is one origin, a load balancer in all zones; a second region is a second environment",
		Holds:  oneOrigin,
	},
	{
		Rule:   "FSBP EC2.10 (endpoints in dev)",
		Reason: "interface endpoints cost more than the whole NAT gateway in dev",
	},
	{
		Rule: "FSBP ELB.1 (HTTP listener without a domain)",
		Reason: "without a domain there is no certificate to have; " +
			"the way from CloudFront is inside the VPC",
		Holds: plainListeners,
	},
	{
		Rule: "FSBP S3.14 CKV_AWS_21 (versions of log buckets)",
		Reason: "log services write each object once under a new name; " +
			"a version would be a copy of nothing",
		Holds: unversioned,
	},
	{
		Rule: "FSBP S3.17 CKV_AWS_145 (log bucket of CloudFront and AWS WAF with KMS)",
		Reason: "with `edge.accessLogs: keep`, which may be set at any time, the bucket outlives the environment and its " +
			"keys: 30 days after them nobody could read the logs",
		Holds: deliveryBuckets,
	},
	{
		Rule:   "FSBP S3.17 CKV_AWS_145 (log bucket of the load balancer with KMS)",
		Reason: "load balancers write to buckets with SSE-S3 only",
		Holds:  balancerBuckets,
	},
	{
		Rule: "FSBP S3.9 CKV_AWS_18 (access logs of log buckets)",
		Reason: "logging the log buckets into one another never ends; " +
			"CloudTrail data events are the account's",
		Holds: unversioned,
	},
	{
		Rule: "FSBP SecretsManager.1 (rotation of other secrets)",
		Reason: "RDS rotates the database password; the cache's token and the sessions' key change with a deployment " +
			"that replaces them, as every pod has to read them anew",
	},
	{
		Rule: "kubescape C-0012 (awskms secrets provider)",
		Reason: "written into Pulumi.prod.yaml by `pulumi stack init --secrets-provider`, which needs the account; " +
			"the README gives the command",
	},
}

// WaiverTable renders Waivers as a table in Markdown.
func WaiverTable() string {
	var out strings.Builder
	out.WriteString("| rule | why it is not met |\n|---|---|\n")
	for _, w := range Waivers {
		fmt.Fprintf(&out, "| %s | %s |\n", w.Rule, w.Reason)
	}
	return out.String()
}
