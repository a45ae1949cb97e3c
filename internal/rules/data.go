package rules

import (
	"regexp"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

var (
	// finalSnapshot matches the name of a final snapshot, which ends in a hash.
	finalSnapshot = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*-final-[0-9a-f]{8}$`)
	// majorVersion matches a version of PostgreSQL without the minor one, which AWS then keeps current.
	majorVersion = regexp.MustCompile(`^[0-9]+$`)
)

// commonUsers are the names that an attacker tries first.
var commonUsers = []string{"admin", "administrator", "postgres", "root", "rdsadmin", "user", "public"}

var dataRules = []Rule{{
	ID: "FSBP RDS.3 / CKV_AWS_16: the database is encrypted with a key of this program",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.DBInstance, func(r *graph.Resource) string {
			return must(r.Inputs.Flag("storageEncrypted") && ownKey(g, r.Inputs.Str("kmsKeyId")), "not encrypted")
		})(g)
	},
	Plant: Set(awstype.DBInstance, "storageEncrypted", false),
}, {
	ID: "FSBP RDS.2 / CKV_AWS_17: the database has no public address",
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		return must(r.Inputs["publiclyAccessible"] == false, "public")
	}),
	Plant: Set(awstype.DBInstance, "publiclyAccessible", true),
}, {
	ID: "FSBP RDS.5 / CKV_AWS_157: Multi-AZ", ProdOnly: true,
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("multiAz") && r.Inputs["availabilityZone"] == nil, "one zone")
	}),
	Plant: Set(awstype.DBInstance, "multiAz", false),
}, {
	ID: "FSBP RDS.8 / CKV_AWS_293: deletion protection, twice", ProdOnly: true,
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("deletionProtection") && r.Protect, "unprotected")
	}),
	Plant: Set(awstype.DBInstance, "deletionProtection", false),
}, {
	ID: "REL09-BP03: a final snapshot with a name of its own",
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		name := r.Inputs.Str("finalSnapshotIdentifier")
		return must(!r.Inputs.Flag("skipFinalSnapshot") && finalSnapshot.MatchString(name), "snapshot %q", name)
	}),
	Plant: Set(awstype.DBInstance, "skipFinalSnapshot", true),
}, {
	ID: "FSBP RDS.9 / CKV_AWS_129: both logs go to groups that exist first",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.DBInstance, func(r *graph.Resource) string {
			for _, log := range []string{"postgresql", "upgrade"} {
				name := "/aws/rds/instance/" + r.Inputs.Str("identifier") + "/" + log
				if !slices.Contains(r.Inputs.Strs("enabledCloudwatchLogsExports"), log) {
					return log + " is not exported"
				}
				if !slices.ContainsFunc(g.OfType(awstype.LogGroup), func(l *graph.Resource) bool {
					return l.Inputs.Str("name") == name && slices.Contains(r.Dependencies, l.URN)
				}) {
					return name + " does not exist first"
				}
			}
			return ""
		})(g)
	},
	Plant: Set(awstype.DBInstance, "enabledCloudwatchLogsExports", []any{"postgresql"}),
}, {
	ID: "FSBP RDS.13 / CKV_AWS_226: minor versions come by themselves, major ones do not",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.DBInstance, func(r *graph.Resource) string {
			version := r.Inputs.Str("engineVersion")
			family := first(g, awstype.DBParameterGroup).Inputs.Str("family")
			return must(r.Inputs["autoMinorVersionUpgrade"] == true && !r.Inputs.Flag("allowMajorVersionUpgrade") &&
				majorVersion.MatchString(version) && family == "postgres"+version, "version %q", version)
		})(g)
	},
	Plant: Set(awstype.DBParameterGroup, "family", "postgres14"),
}, {
	ID: "FSBP RDS.38 / CKV2_AWS_69: TLS is forced",
	Check: each(awstype.DBParameterGroup, func(r *graph.Resource) string {
		parameters, _ := r.Inputs["parameters"].([]any)
		for _, p := range parameters {
			if p := graph.Props(p.(map[string]any)); p.Str("name") == "rds.force_ssl" && p.Str("value") == "1" {
				return ""
			}
		}
		return "rds.force_ssl is not 1"
	}),
	Plant: Set(awstype.DBParameterGroup, "parameters", []any{}),
}, {
	ID: "CKV_AWS_353 CKV_AWS_354: Performance Insights with a key",
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("performanceInsightsEnabled") && r.Inputs.Str("performanceInsightsKmsKeyId") != "", "off")
	}),
	Plant: Set(awstype.DBInstance, "performanceInsightsEnabled", false),
}, {
	ID: "FSBP RDS.6 / CKV_AWS_118: enhanced monitoring",
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		seconds, _ := r.Inputs.Num("monitoringInterval")
		return must(seconds > 0 && r.Inputs.Str("monitoringRoleArn") != "", "off")
	}),
	Plant: Set(awstype.DBInstance, "monitoringInterval", 0.0),
}, {
	ID: "FSBP RDS.10 RDS.11 / CKV_AWS_161 CKV_AWS_133: IAM authentication, backups, tags on snapshots",
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		days, _ := r.Inputs.Num("backupRetentionPeriod")
		return must(r.Inputs.Flag("iamDatabaseAuthenticationEnabled") && days > 0 &&
			r.Inputs.Flag("copyTagsToSnapshot"), "missing")
	}),
	Plant: Set(awstype.DBInstance, "backupRetentionPeriod", 0.0),
}, {
	ID: "FSBP RDS.25: the master user has a name of its own",
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		name := strings.ToLower(r.Inputs.Str("username"))
		return must(name != "" && !slices.Contains(commonUsers, name), "%q", name)
	}),
	Plant: Set(awstype.DBInstance, "username", "postgres"),
}, {
	ID: "SEC02-BP03: RDS keeps the password",
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("manageMasterUserPassword") && r.Inputs["password"] == nil &&
			r.Inputs.Str("masterUserSecretKmsKeyId") != "", "password in the program")
	}),
	Plant: Set(awstype.DBInstance, "password", "hunter22"),
}, {
	ID: "RDS extended support is off",
	Check: each(awstype.DBInstance, func(r *graph.Resource) string {
		return must(r.Inputs.Str("engineLifecycleSupport") == "open-source-rds-extended-support-disabled", "on")
	}),
	Plant: Set(awstype.DBInstance, "engineLifecycleSupport", "open-source-rds-extended-support"),
}, {
	ID: "FSBP ECR.1 ECR.2 / CKV_AWS_163 CKV_AWS_51 CKV_AWS_136: images are scanned, immutable, encrypted with a key",
	Check: each(awstype.Repository, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("imageScanningConfiguration.scanOnPush") &&
			r.Inputs.Str("imageTagMutability") == "IMMUTABLE" &&
			r.Inputs.Str("encryptionConfigurations[0].encryptionType") == "KMS" &&
			r.Inputs.Str("encryptionConfigurations[0].kmsKey") != "", "not")
	}),
	Plant: Set(awstype.Repository, "imageTagMutability", "MUTABLE"),
}, {
	ID: "FSBP ECR.3: a lifecycle for each repository",
	Check: func(g *graph.Graph) (int, []string) {
		wrong := []string{}
		for _, r := range g.OfType(awstype.Repository) {
			if !slices.ContainsFunc(g.OfType(awstype.LifecyclePolicy), func(l *graph.Resource) bool {
				return l.Inputs.Str("repository") == r.Inputs.Str("name")
			}) {
				wrong = append(wrong, r.Name)
			}
		}
		for _, l := range g.OfType(awstype.LifecyclePolicy) {
			policy := l.Inputs.Str("policy")
			if !strings.Contains(policy, "untagged") || !strings.Contains(policy, "imageCountMoreThan") {
				wrong = append(wrong, l.Name)
			}
		}
		return len(g.OfType(awstype.Repository)), wrong
	},
	Plant: Set(awstype.LifecyclePolicy, "repository", "other"),
}}
