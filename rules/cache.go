package rules

import (
	"slices"
	"strings"

	"groundwork/sandbox"
)

var cacheRules = []Rule{{
	ID: "FSBP ElastiCache.5 / CKV_AWS_30 CKV_AWS_31: the cache speaks TLS and asks for a token",
	Check: each(cacheT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("transitEncryptionEnabled") && r.Inputs.Str("transitEncryptionMode") == "required" && r.Inputs["authToken"] != nil, "open")
	}),
	Plant: Set(cacheT, "transitEncryptionEnabled", false),
}, {
	ID: "FSBP ElastiCache.4 / CKV_AWS_29: the cache is encrypted with a key of this program",
	Check: func(g *sandbox.Graph) (int, []string) {
		return each(cacheT, func(r *sandbox.Resource) string {
			return must(r.Inputs.Flag("atRestEncryptionEnabled") && ownKey(g, r.Inputs.Str("kmsKeyId")), "not encrypted")
		})(g)
	},
	Plant: Set(cacheT, "kmsKeyId", ""),
}, {
	ID: "FSBP ElastiCache.3 / CKV2_AWS_50: the cache fails over to another zone", ProdOnly: true,
	Check: each(cacheT, func(r *sandbox.Resource) string {
		nodes, _ := r.Inputs.Num("numCacheClusters")
		return must(r.Inputs.Flag("automaticFailoverEnabled") && r.Inputs.Flag("multiAzEnabled") && nodes >= 2 && nodes <= 6, "%v nodes", nodes)
	}),
	Plant: Set(cacheT, "multiAzEnabled", false),
}, {
	ID: "FSBP ElastiCache.1 / CKV_AWS_134: the cache has snapshots", ProdOnly: true,
	Check: each(cacheT, func(r *sandbox.Resource) string {
		days, _ := r.Inputs.Num("snapshotRetentionLimit")
		return must(days >= 7 && days <= 35 && r.Inputs.Str("finalSnapshotIdentifier") != "", "%v days", days)
	}),
	Plant: Set(cacheT, "snapshotRetentionLimit", 0.0),
}, {
	ID: "FSBP ElastiCache.2 / CKV_AWS_322: the cache's minor versions come by themselves, its parameters fit",
	Check: func(g *sandbox.Graph) (int, []string) {
		return each(cacheT, func(r *sandbox.Resource) string {
			family := first(g, "aws:elasticache/parameterGroup:ParameterGroup").Inputs.Str("family")
			major, _, _ := strings.Cut(r.Inputs.Str("engineVersion"), ".")
			return must(r.Inputs["autoMinorVersionUpgrade"] == true && family == r.Inputs.Str("engine")+major, "family %q", family)
		})(g)
	},
	Plant: Set("aws:elasticache/parameterGroup:ParameterGroup", "family", "redis6.x"),
}, {
	ID: "FSBP ElastiCache.7: the cache has a subnet group of its own, in two zones",
	Check: each("aws:elasticache/subnetGroup:SubnetGroup", func(r *sandbox.Resource) string {
		return must(r.Inputs.Str("name") != "default" && len(r.Inputs.Strs("subnetIds")) >= 2, "default")
	}),
	Plant: Set("aws:elasticache/subnetGroup:SubnetGroup", "subnetIds", []any{"subnet-1"}),
}, {
	ID: "CKV_AWS_149 / AWS-0098: secrets have a key of this program",
	Check: func(g *sandbox.Graph) (int, []string) {
		return each(secretT, func(r *sandbox.Resource) string { return must(ownKey(g, r.Inputs.Str("kmsKeyId")), "no key") })(g)
	},
	Plant: Set(secretT, "kmsKeyId", "alias/aws/secretsmanager"),
}, {
	ID: "Secrets Manager: deleted secrets can be brought back", ProdOnly: true,
	Check: each(secretT, func(r *sandbox.Resource) string {
		days, _ := r.Inputs.Num("recoveryWindowInDays")
		return must(days >= 7 && days <= 30, "%v days", days)
	}),
	Plant: Set(secretT, "recoveryWindowInDays", 0.0),
}, {
	ID: "prowler secretsmanager_not_publicly_accessible: no secret has a policy that lets others in",
	Check: each(secretT, func(r *sandbox.Resource) string {
		if r.Inputs.Str("policy") == "" {
			return ""
		}
		for _, s := range Statements(r.Inputs.Str("policy")) {
			if s.Effect == "Allow" && slices.Contains(s.Principal["AWS"], "*") {
				return "open"
			}
		}
		return ""
	}),
	Plant: Set(secretT, "policy", `{"Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*","Principal":"*"}]}`),
}, {
	ID: "SEC02-BP03: the application's secrets are all there",
	Check: func(g *sandbox.Graph) (int, []string) {
		want := map[string]bool{"database": true, "cache": true, "session": true}
		for _, r := range g.OfType(secretT) {
			for kind := range want {
				if strings.Contains(r.Inputs.Str("namePrefix"), "/"+kind+"-") {
					delete(want, kind)
				}
			}
		}
		return len(g.OfType(secretT)), sortedNames(want)
	},
	Plant: Set(secretT, "namePrefix", "x"),
}}

func sortedNames(set map[string]bool) []string {
	var all []string
	for name := range set {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
