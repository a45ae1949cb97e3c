package rules

import (
	"regexp"
	"slices"
	"strings"

	"groundwork/sandbox"
)

var dataRules = []Rule{{
	ID: "FSBP RDS.3 / CKV_AWS_16: the database is encrypted with a key of this program",
	Check: func(g *sandbox.Graph) (int, []string) {
		return each(rdsT, func(r *sandbox.Resource) string {
			return must(r.Inputs.Flag("storageEncrypted") && ownKey(g, r.Inputs.Str("kmsKeyId")), "not encrypted")
		})(g)
	},
	Plant: Set(rdsT, "storageEncrypted", false),
}, {
	ID:    "FSBP RDS.2 / CKV_AWS_17: the database has no public address",
	Check: each(rdsT, func(r *sandbox.Resource) string { return must(r.Inputs["publiclyAccessible"] == false, "public") }),
	Plant: Set(rdsT, "publiclyAccessible", true),
}, {
	ID: "FSBP RDS.5 / CKV_AWS_157: Multi-AZ", ProdOnly: true,
	Check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("multiAz") && r.Inputs["availabilityZone"] == nil, "one zone")
	}),
	Plant: Set(rdsT, "multiAz", false),
}, {
	ID: "FSBP RDS.8 / CKV_AWS_293: deletion protection, twice", ProdOnly: true,
	Check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("deletionProtection") && r.Protect, "unprotected")
	}),
	Plant: Set(rdsT, "deletionProtection", false),
}, {
	ID: "REL09-BP03: a final snapshot with a name of its own",
	Check: each(rdsT, func(r *sandbox.Resource) string {
		name := r.Inputs.Str("finalSnapshotIdentifier")
		return must(!r.Inputs.Flag("skipFinalSnapshot") && regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*-final-[0-9a-f]{8}$`).MatchString(name), "snapshot %q", name)
	}),
	Plant: Set(rdsT, "skipFinalSnapshot", true),
}, {
	ID: "FSBP RDS.9 / CKV_AWS_129: both logs go to groups that exist first",
	Check: func(g *sandbox.Graph) (int, []string) {
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
	Plant: Set(rdsT, "enabledCloudwatchLogsExports", []any{"postgresql"}),
}, {
	ID: "FSBP RDS.13 / CKV_AWS_226: minor versions come by themselves, major ones do not",
	Check: func(g *sandbox.Graph) (int, []string) {
		return each(rdsT, func(r *sandbox.Resource) string {
			version := r.Inputs.Str("engineVersion")
			return must(r.Inputs["autoMinorVersionUpgrade"] == true && !r.Inputs.Flag("allowMajorVersionUpgrade") &&
				regexp.MustCompile(`^(15|16|17)$`).MatchString(version) && first(g, paramT).Inputs.Str("family") == "postgres"+version, "version %q", version)
		})(g)
	},
	Plant: Set(paramT, "family", "postgres14"),
}, {
	ID: "FSBP RDS.38 / CKV2_AWS_69: TLS is forced",
	Check: each(paramT, func(r *sandbox.Resource) string {
		parameters, _ := r.Inputs["parameters"].([]any)
		for _, p := range parameters {
			if p := sandbox.Props(p.(map[string]any)); p.Str("name") == "rds.force_ssl" && p.Str("value") == "1" {
				return ""
			}
		}
		return "rds.force_ssl is not 1"
	}),
	Plant: Set(paramT, "parameters", []any{}),
}, {
	ID: "CKV_AWS_353 CKV_AWS_354: Performance Insights with a key",
	Check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("performanceInsightsEnabled") && r.Inputs.Str("performanceInsightsKmsKeyId") != "", "off")
	}),
	Plant: Set(rdsT, "performanceInsightsEnabled", false),
}, {
	ID: "FSBP RDS.6 / CKV_AWS_118: enhanced monitoring",
	Check: each(rdsT, func(r *sandbox.Resource) string {
		seconds, _ := r.Inputs.Num("monitoringInterval")
		return must(seconds > 0 && r.Inputs.Str("monitoringRoleArn") != "", "off")
	}),
	Plant: Set(rdsT, "monitoringInterval", 0.0),
}, {
	ID: "FSBP RDS.10 RDS.11 / CKV_AWS_161 CKV_AWS_133: IAM authentication, backups, tags on snapshots",
	Check: each(rdsT, func(r *sandbox.Resource) string {
		days, _ := r.Inputs.Num("backupRetentionPeriod")
		return must(r.Inputs.Flag("iamDatabaseAuthenticationEnabled") && days > 0 && r.Inputs.Flag("copyTagsToSnapshot"), "missing")
	}),
	Plant: Set(rdsT, "backupRetentionPeriod", 0.0),
}, {
	ID: "FSBP RDS.25: the master user has a name of its own",
	Check: each(rdsT, func(r *sandbox.Resource) string {
		name := strings.ToLower(r.Inputs.Str("username"))
		return must(name != "" && !slices.Contains([]string{"admin", "administrator", "postgres", "root", "rdsadmin", "user", "public"}, name), "%q", name)
	}),
	Plant: Set(rdsT, "username", "postgres"),
}, {
	ID: "SEC02-BP03: RDS keeps the password",
	Check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("manageMasterUserPassword") && r.Inputs["password"] == nil && r.Inputs.Str("masterUserSecretKmsKeyId") != "", "password in the program")
	}),
	Plant: Set(rdsT, "password", "hunter22"),
}, {
	ID: "RDS extended support is off",
	Check: each(rdsT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Str("engineLifecycleSupport") == "open-source-rds-extended-support-disabled", "on")
	}),
	Plant: Set(rdsT, "engineLifecycleSupport", "open-source-rds-extended-support"),
}, {
	ID: "FSBP ECR.1 ECR.2 / CKV_AWS_163 CKV_AWS_51 CKV_AWS_136: images are scanned, immutable, encrypted with a key",
	Check: each(repoT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Flag("imageScanningConfiguration.scanOnPush") && r.Inputs.Str("imageTagMutability") == "IMMUTABLE" &&
			r.Inputs.Str("encryptionConfigurations.0.encryptionType") == "KMS" && r.Inputs.Str("encryptionConfigurations.0.kmsKey") != "", "not")
	}),
	Plant: Set(repoT, "imageTagMutability", "MUTABLE"),
}, {
	ID: "FSBP ECR.3: a lifecycle for each repository",
	Check: func(g *sandbox.Graph) (int, []string) {
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
	Plant: Set(lifecycleT, "repository", "other"),
}}
