package rules

import (
	"fmt"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// behaviours are the cache behaviours of a distribution, the default one with the path "*".
func behaviours(r *graph.Resource) []graph.Props {
	fallback := r.Inputs.Object("defaultCacheBehavior").Clone()
	fallback["pathPattern"] = "*"
	all := []graph.Props{fallback}
	ordered, _ := r.Inputs["orderedCacheBehaviors"].([]any)
	for _, b := range ordered {
		all = append(all, graph.Props(b.(map[string]any)))
	}
	return all
}

// perBucket checks that each bucket has exactly one companion of a type that is as it should be.
func perBucket(token string, good func(r *graph.Resource) bool) func(*graph.Graph) (int, []string) {
	return func(g *graph.Graph) (int, []string) {
		var wrong []string
		buckets := g.OfType(awstype.Bucket)
		for _, bucket := range buckets {
			found := 0
			for _, r := range g.OfType(token) {
				if r.Inputs.Str("bucket") == bucket.Outputs.Str("bucket") && good(r) {
					found++
				}
			}
			if found != 1 {
				wrong = append(wrong, fmt.Sprintf("%s has %d", bucket.Name, found))
			}
		}
		return len(buckets), wrong
	}
}

var Edge = []Rule{{
	ID: "FSBP ELB.5 ELB.4 ELB.12 / CKV_AWS_91 CKV_AWS_131 / AWS-0050 AWS-0052: the load balancer is internal, logs, drops malformed headers, defends against desync",
	Check: each(awstype.LoadBalancer, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("internal") && r.Inputs.Flag("accessLogs.enabled") && r.Inputs.Flag("dropInvalidHeaderFields") &&
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
	ID:    "FSBP ELB.13: the load balancer stands in two zones or more",
	Check: each(awstype.LoadBalancer, func(r *graph.Resource) string { return must(len(r.Inputs.Strs("subnets")) >= 2, "one zone") }),
	Plant: Set(awstype.LoadBalancer, "subnets", []any{"subnet-1"}),
}, {
	ID: "FSBP ELB.1 ELB.17 / CKV_AWS_2 CKV_AWS_103: HTTPS with a current policy where there is a certificate, HTTP only where there is no domain",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.Listener, func(r *graph.Resource) string {
			if len(g.OfType(awstype.Certificate)) == 0 {
				return must(r.Inputs.Str("protocol") == "HTTP" && first(g, awstype.VPCOrigin).Inputs.Str("vpcOriginEndpointConfig.originProtocolPolicy") == "http-only", "no certificate")
			}
			return must(r.Inputs.Str("protocol") == "HTTPS" && strings.HasPrefix(r.Inputs.Str("sslPolicy"), "ELBSecurityPolicy-TLS13-1-2-") &&
				first(g, awstype.VPCOrigin).Inputs.Str("vpcOriginEndpointConfig.originProtocolPolicy") == "https-only", "not encrypted")
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
		for _, b := range behaviours(r) {
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
				for _, delivery := range g.OfType(awstype.LogDelivery) {
					if source.Inputs.Str("resourceArn") == r.Outputs.Str("arn") && delivery.Inputs.Str("deliverySourceName") == source.Inputs.Str("name") {
						return ""
					}
				}
			}
			return "no delivery"
		})(g)
	},
	Plant: Set(awstype.LogDelivery, "deliverySourceName", ""),
}, {
	ID: "FSBP CloudFront.6 WAF.10 WAF.12 / CKV_AWS_68 CKV_AWS_192 CKV2_AWS_47: a firewall with managed rules and a rate limit", ProdOnly: true,
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
				return must(rate && slices.Contains(names, "AWSManagedRulesCommonRuleSet") && slices.Contains(names, "AWSManagedRulesKnownBadInputsRuleSet"), "rules are missing")
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
		return must(slices.Equal(redacted, []string{"authorization", "cookie"}) && strings.Contains(strings.Join(r.Inputs.Strs("logDestinationConfigs"), ""), ":aws-waf-logs-"), "%v", redacted)
	}),
	Plant: Set(awstype.WebACLLogging, "redactedFields", []any{}),
}, {
	ID: "design: what a person sees is never cached, what has a hash in its name is, every answer has security headers",
	Check: each(awstype.Distribution, func(r *graph.Resource) string {
		for _, b := range behaviours(r) {
			cached := b.Str("cachePolicyId") != "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
			if host := b.Str("originRequestPolicyId"); host != "216adef6-5c7f-47e4-b989-5492eafa07d3" && host != "bf0718e1-ba1e-49d1-88b1-f726733018ae" {
				return b.Str("pathPattern") + " does not send the host on, which the load balancer's certificate is compared with"
			}
			if cached != (b.Str("pathPattern") == "/static/*") || b.Str("responseHeadersPolicyId") == "" {
				return b.Str("pathPattern")
			}
		}
		return must(len(behaviours(r)) == 3, "%d behaviours", len(behaviours(r)))
	}),
	Plant: setIn(awstype.Distribution, "defaultCacheBehavior", "cachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
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
}, {
	ID: "FSBP S3.1 S3.8 / CKV_AWS_53..56: no bucket is public",
	Check: perBucket(awstype.BucketPublicAccessBlock, func(r *graph.Resource) bool {
		return r.Inputs.Flag("blockPublicAcls") && r.Inputs.Flag("blockPublicPolicy") && r.Inputs.Flag("ignorePublicAcls") && r.Inputs.Flag("restrictPublicBuckets")
	}),
	Plant: Set(awstype.BucketPublicAccessBlock, "blockPublicPolicy", false),
}, {
	ID: "FSBP S3.5 / CKV_AWS_379: buckets speak TLS only",
	Check: perBucket(awstype.BucketPolicy, func(r *graph.Resource) bool {
		for _, s := range Statements(r.Inputs.Str("policy")) {
			if s.Effect == "Deny" && slices.Equal(s.Principal["AWS"], []string{"*"}) && slices.Equal(s.Action, []string{"s3:*"}) && len(s.Resource) == 2 &&
				slices.Equal(s.Condition["Bool"]["aws:SecureTransport"], []string{"false"}) {
				return true
			}
		}
		return false
	}),
	Plant: Set(awstype.BucketPolicy, "policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":["s3:*"],"Resource":["a"]}]}`),
}, {
	ID: "CKV_AWS_70 / CIS 2.21: only log services of this account write to buckets",
	Check: allows(awstype.BucketPolicy, "policy", func(s Statement) string {
		from := len(s.Condition["ArnLike"]["aws:SourceArn"]) == 1
		return must(len(s.Principal) == 1 && len(s.Principal["Service"]) == 1 && strings.Contains(s.Principal["Service"][0], "delivery.") && from, "%v", s.Principal)
	}),
	Plant: Set(awstype.BucketPolicy, "policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["a"]}]}`),
}, {
	ID: "AWS-0088 / ELB access logs: log buckets are encrypted by S3 itself, the only kind load balancers write to",
	Check: perBucket(awstype.BucketEncryption, func(r *graph.Resource) bool {
		return r.Inputs.Str("rules[0].applyServerSideEncryptionByDefault.sseAlgorithm") == "AES256"
	}),
	Plant: Set(awstype.BucketEncryption, "rules", []any{}),
}, {
	ID: "FSBP S3.13 / CKV2_AWS_61: logs expire",
	Check: perBucket(awstype.BucketLifecycle, func(r *graph.Resource) bool {
		days, _ := r.Inputs.Num("rules[0].expiration.days")
		return days >= 1 && r.Inputs.Str("rules[0].status") == "Enabled"
	}),
	Plant: Set(awstype.BucketLifecycle, "rules", []any{}),
}, {
	ID: "FSBP S3.12 / CKV2_AWS_65: no access control lists",
	Check: perBucket(awstype.BucketOwnershipControls, func(r *graph.Resource) bool {
		return r.Inputs.Str("rule.objectOwnership") == "BucketOwnerEnforced"
	}),
	Plant: setIn(awstype.BucketOwnershipControls, "rule", "objectOwnership", "ObjectWriter"),
}, {
	ID: "design: kept logs are kept with everything that closes and expires them", ProdOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range g.Resources {
			if strings.HasPrefix(r.Type, "aws:s3/") {
				seen++
				if !r.Retain || r.Inputs.Flag("forceDestroy") {
					wrong = append(wrong, r.Type+" "+r.Name)
				}
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) { first(g, awstype.BucketPublicAccessBlock).Retain = false },
}}
