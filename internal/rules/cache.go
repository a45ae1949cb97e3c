package rules

import (
	"maps"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

var cacheRules = []Rule{{
	ID: "FSBP ElastiCache.5 / CKV_AWS_30 CKV_AWS_31: the cache speaks TLS and asks for a token",
	Check: each(awstype.ReplicationGroup, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("transitEncryptionEnabled") &&
			r.Inputs.Str("transitEncryptionMode") == "required" && r.Inputs["authToken"] != nil, "open")
	}),
	Plant: Set(awstype.ReplicationGroup, "transitEncryptionEnabled", false),
}, {
	ID: "FSBP ElastiCache.4 / CKV_AWS_29: the cache is encrypted with a key of this program",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.ReplicationGroup, func(r *graph.Resource) string {
			return must(r.Inputs.Flag("atRestEncryptionEnabled") && ownKey(g, r.Inputs.Str("kmsKeyId")), "not encrypted")
		})(g)
	},
	Plant: Set(awstype.ReplicationGroup, "kmsKeyId", ""),
}, {
	ID: "FSBP ElastiCache.3 / CKV2_AWS_50: the cache fails over to another zone", ProdOnly: true,
	Check: each(awstype.ReplicationGroup, func(r *graph.Resource) string {
		nodes, _ := r.Inputs.Num("numCacheClusters")
		return must(r.Inputs.Flag("automaticFailoverEnabled") && r.Inputs.Flag("multiAzEnabled") &&
			nodes >= 2 && nodes <= 6, "%v nodes", nodes)
	}),
	Plant: Set(awstype.ReplicationGroup, "multiAzEnabled", false),
}, {
	ID: "FSBP ElastiCache.1 / CKV_AWS_134: the cache has snapshots", ProdOnly: true,
	Check: each(awstype.ReplicationGroup, func(r *graph.Resource) string {
		days, _ := r.Inputs.Num("snapshotRetentionLimit")
		return must(days >= 7 && days <= 35 && r.Inputs.Str("finalSnapshotIdentifier") != "", "%v days", days)
	}),
	Plant: Set(awstype.ReplicationGroup, "snapshotRetentionLimit", 0.0),
}, {
	ID: "FSBP ElastiCache.2 / CKV_AWS_322: the cache's minor versions come by themselves, its parameters fit",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.ReplicationGroup, func(r *graph.Resource) string {
			family := first(g, awstype.CacheParameterGroup).Inputs.Str("family")
			major, _, _ := strings.Cut(r.Inputs.Str("engineVersion"), ".")
			return must(r.Inputs["autoMinorVersionUpgrade"] == true && family == r.Inputs.Str("engine")+major,
				"family %q", family)
		})(g)
	},
	Plant: Set(awstype.CacheParameterGroup, "family", "redis6.x"),
}, {
	ID: "FSBP ElastiCache.7: the cache has a subnet group of its own, in two zones",
	Check: each(awstype.CacheSubnetGroup, func(r *graph.Resource) string {
		return must(r.Inputs.Str("name") != "default" && len(r.Inputs.Strs("subnetIds")) >= 2, "default")
	}),
	Plant: Set(awstype.CacheSubnetGroup, "subnetIds", []any{"subnet-1"}),
}, {
	ID: "CKV_AWS_149 / AWS-0098: secrets have a key of this program",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.Secret, func(r *graph.Resource) string {
			return must(ownKey(g, r.Inputs.Str("kmsKeyId")), "no key")
		})(g)
	},
	Plant: Set(awstype.Secret, "kmsKeyId", "alias/aws/secretsmanager"),
}, {
	ID: "Secrets Manager: deleted secrets can be brought back", ProdOnly: true,
	Check: each(awstype.Secret, func(r *graph.Resource) string {
		days, _ := r.Inputs.Num("recoveryWindowInDays")
		return must(days >= 7 && days <= 30, "%v days", days)
	}),
	Plant: Set(awstype.Secret, "recoveryWindowInDays", 0.0),
}, {
	ID: "prowler secretsmanager_not_publicly_accessible: no secret has a policy that lets others in",
	Check: each(awstype.Secret, func(r *graph.Resource) string {
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
	Plant: Set(awstype.Secret, "policy", `{"Statement":[{"Effect":"Allow",`+
		`"Action":"secretsmanager:GetSecretValue","Resource":"*","Principal":"*"}]}`),
}, {
	ID: "SEC02-BP03: the application's secrets are all there",
	Check: func(g *graph.Graph) (int, []string) {
		want := map[string]bool{"database": true, "cache": true, "session": true}
		for _, r := range g.OfType(awstype.Secret) {
			for kind := range want {
				if strings.Contains(r.Inputs.Str("namePrefix"), "/"+kind+"-") {
					delete(want, kind)
				}
			}
		}
		return len(g.OfType(awstype.Secret)), slices.Sorted(maps.Keys(want))
	},
	Plant: Set(awstype.Secret, "namePrefix", "x"),
}}
