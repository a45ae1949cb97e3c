package rules

import (
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// IDs of policies that AWS manages, the same in every account.
const (
	cachingDisabled  = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	cachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
	allViewer        = "216adef6-5c7f-47e4-b989-5492eafa07d3"
	hostHeaderOnly   = "bf0718e1-ba1e-49d1-88b1-f726733018ae"
)

// behaviors returns the cache behaviors of a distribution. The default one has the path "*".
func behaviors(r *graph.Resource) []graph.Props {
	fallback := r.Inputs.Object("defaultCacheBehavior").Clone()
	fallback["pathPattern"] = "*"
	all := []graph.Props{fallback}
	ordered, _ := r.Inputs["orderedCacheBehaviors"].([]any)
	for _, b := range ordered {
		all = append(all, graph.Props(b.(map[string]any)))
	}
	return all
}

// Edge holds the rules about the load balancer, CloudFront, the firewall and the buckets for their logs.
var Edge = slices.Concat(edgeRules, bucketRules)

var edgeRules = []Rule{{
	ID: "FSBP ELB.5 ELB.4 ELB.12 / CKV_AWS_91 CKV_AWS_131 / AWS-0050 AWS-0052: " +
		"the load balancer is internal, logs, drops malformed headers, defends against desync",
	Check: each(awstype.LoadBalancer, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("internal") && r.Inputs.Flag("accessLogs.enabled") &&
			r.Inputs.Flag("dropInvalidHeaderFields") &&
			r.Inputs.Str("desyncMitigationMode") == "defensive", "not as it should be")
	}),
	Plant: Set(awstype.LoadBalancer, "internal", false),
}, {
	ID: "FSBP ELB.6 / CKV_AWS_150: the load balancer cannot be deleted by hand", ProdOnly: true,
	Check: each(awstype.LoadBalancer, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("enableDeletionProtection"), "unprotected")
	}),
	Plant: Set(awstype.LoadBalancer, "enableDeletionProtection", false),
}, {
	ID: "FSBP ELB.13: the load balancer stands in two zones or more",
	Check: each(awstype.LoadBalancer, func(r *graph.Resource) string {
		return must(len(r.Inputs.Strs("subnets")) >= 2, "one zone")
	}),
	Plant: Set(awstype.LoadBalancer, "subnets", []any{"subnet-1"}),
}, {
	ID: "FSBP ELB.1 ELB.17 / CKV_AWS_2 CKV_AWS_103: " +
		"HTTPS with a current policy where there is a certificate, HTTP only where there is no domain",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.Listener, func(r *graph.Resource) string {
			origin := first(g, awstype.VPCOrigin).Inputs.Str("vpcOriginEndpointConfig.originProtocolPolicy")
			if len(g.OfType(awstype.Certificate)) == 0 {
				return must(r.Inputs.Str("protocol") == "HTTP" && origin == "http-only", "no certificate")
			}
			return must(r.Inputs.Str("protocol") == "HTTPS" &&
				strings.HasPrefix(r.Inputs.Str("sslPolicy"), "ELBSecurityPolicy-TLS13-1-2-") &&
				origin == "https-only", "not encrypted")
		})(g)
	},
	Plant: Set(awstype.Listener, "protocol", "TCP"),
}, {
	ID: "EKS best practices: pods are targets, asked on the readiness path",
	Check: each(awstype.TargetGroup, func(r *graph.Resource) string {
		return must(r.Inputs.Str("targetType") == "ip" && r.Inputs.Str("healthCheck.path") == "/ready", "wrong target")
	}),
	Plant: setIn(awstype.TargetGroup, "healthCheck", "path", "/health"),
}, {
	ID: "FSBP CloudFront.3 CloudFront.9 / CKV_AWS_34 / AWS-0012: viewers come over HTTPS",
	Check: each(awstype.Distribution, func(r *graph.Resource) string {
		for _, b := range behaviors(r) {
			if !slices.Contains([]string{"redirect-to-https", "https-only"}, b.Str("viewerProtocolPolicy")) {
				return b.Str("pathPattern")
			}
		}
		return ""
	}),
	Plant: setIn(awstype.Distribution, "defaultCacheBehavior", "viewerProtocolPolicy", "allow-all"),
}, {
	ID: "FSBP CloudFront.5 / CKV_AWS_86: CloudFront's access logs are delivered",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.Distribution, func(r *graph.Resource) string {
			for _, source := range g.OfType(awstype.LogDeliverySource) {
				if source.Inputs.Str("resourceArn") != r.Outputs.Str("arn") {
					continue
				}
				for _, delivery := range g.OfType(awstype.LogDelivery) {
					if delivery.Inputs.Str("deliverySourceName") == source.Inputs.Str("name") {
						return ""
					}
				}
			}
			return "no delivery"
		})(g)
	},
	Plant: Set(awstype.LogDelivery, "deliverySourceName", ""),
}, {
	ID: "FSBP CloudFront.6 WAF.10 WAF.12 / CKV_AWS_68 CKV_AWS_192 CKV2_AWS_47: " +
		"a firewall with managed rules and a rate limit",
	ProdOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.Distribution, func(r *graph.Resource) string {
			for _, acl := range g.OfType(awstype.WebACL) {
				if acl.Outputs.Str("arn") != r.Inputs.Str("webAclId") || acl.Inputs.Str("scope") != "CLOUDFRONT" {
					continue
				}
				names, rate := []string{}, false
				rules, _ := acl.Inputs["rules"].([]any)
				for _, one := range rules {
					rule := graph.Props(one.(map[string]any))
					names = append(names, rule.Str("statement.managedRuleGroupStatement.name"))
					rate = rate || rule.Get("statement.rateBasedStatement") != nil
					if !rule.Flag("visibilityConfig.cloudwatchMetricsEnabled") {
						return "a rule without metrics"
					}
				}
				return must(rate && slices.Contains(names, "AWSManagedRulesCommonRuleSet") &&
					slices.Contains(names, "AWSManagedRulesKnownBadInputsRuleSet"), "rules are missing")
			}
			return "no firewall"
		})(g)
	},
	Plant: Set(awstype.Distribution, "webAclId", ""),
}, {
	ID: "FSBP WAF.11 / CKV2_AWS_31: the firewall logs, without cookies and credentials", ProdOnly: true,
	Check: each(awstype.WebACLLogging, func(r *graph.Resource) string {
		var redacted []string
		fields, _ := r.Inputs["redactedFields"].([]any)
		for _, f := range fields {
			redacted = append(redacted, graph.Props(f.(map[string]any)).Str("singleHeader.name"))
		}
		destinations := strings.Join(r.Inputs.Strs("logDestinationConfigs"), "")
		return must(slices.Equal(redacted, []string{"authorization", "cookie"}) &&
			strings.Contains(destinations, ":aws-waf-logs-"), "%v", redacted)
	}),
	Plant: Set(awstype.WebACLLogging, "redactedFields", []any{}),
}, {
	ID: "design: what a person sees is never cached, what has a hash in its name is, every answer has security headers",
	Check: each(awstype.Distribution, func(r *graph.Resource) string {
		for _, b := range behaviors(r) {
			cached := b.Str("cachePolicyId") != cachingDisabled
			if forwards := b.Str("originRequestPolicyId"); forwards != allViewer && forwards != hostHeaderOnly {
				return b.Str("pathPattern") +
					" does not send the host on, which the load balancer's certificate is compared with"
			}
			if cached != (b.Str("pathPattern") == "/static/*") || b.Str("responseHeadersPolicyId") == "" {
				return b.Str("pathPattern")
			}
		}
		return must(len(behaviors(r)) == 3, "%d behaviors", len(behaviors(r)))
	}),
	Plant: setIn(awstype.Distribution, "defaultCacheBehavior", "cachePolicyId", cachingOptimized),
}, {
	ID: "design: nothing is in us-east-1 but what CloudFront looks for there, and all of that is",
	Check: func(g *graph.Graph) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range g.Resources {
			away := strings.Contains(r.Provider, "::aws-us-east-1::")
			if !away && !strings.Contains(r.Type, "wafv2") && !strings.Contains(r.Type, "logDelivery") {
				continue
			}
			seen++
			component := g.Component(r)
			about := component != nil && (component.Name == "edge" || component.Name == "observability")
			if !away || !about || r.Type == awstype.LoadBalancer || r.Type == awstype.Listener {
				wrong = append(wrong, r.Type+" "+r.Name)
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) { r := first(g, awstype.LogDelivery); r.Provider = first(g, awstype.VPC).Provider },
}}
