package rules

import (
	"encoding/json"
	"regexp"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// watchedMetrics are the metrics that need an alarm, each with its namespace.
var watchedMetrics = []string{
	"AWS/RDS CPUUtilization", "AWS/RDS FreeStorageSpace", "AWS/RDS FreeableMemory", "AWS/RDS DatabaseConnections",
	"AWS/EC2 CPUUtilization", "AWS/EC2 StatusCheckFailed", "AWS/NATGateway ErrorPortAllocation",
	"AWS/ApplicationELB HTTPCode_ELB_5XX_Count", "AWS/ApplicationELB HTTPCode_Target_5XX_Count",
	"AWS/ApplicationELB TargetResponseTime", "AWS/ApplicationELB UnHealthyHostCount",
	"AWS/ElastiCache DatabaseMemoryUsagePercentage", "AWS/CloudFront 5xxErrorRate",
	"ContainerInsights pod_number_of_container_restarts",
}

// allowedAccount matches the one account in a provider's inputs, where a list may be JSON inside JSON.
var allowedAccount = regexp.MustCompile(`"allowedAccountIds":"?\[\\?"([0-9]{12})\\?"\]`)

var monitoringRules = []Rule{{
	ID: "FSBP CloudWatch.16 / CKV_AWS_158: log groups end and are encrypted",
	Check: each(awstype.LogGroup, func(r *graph.Resource) string {
		days, _ := r.Inputs.Num("retentionInDays")
		return must(days > 0 && r.Inputs.Str("kmsKeyId") != "", "%v days", days)
	}),
	Plant: Set(awstype.LogGroup, "retentionInDays", nil),
}, {
	ID: "CKV_AWS_338: production keeps logs for a year", ProdOnly: true,
	Check: each(awstype.LogGroup, func(r *graph.Resource) string {
		days, _ := r.Inputs.Num("retentionInDays")
		return must(days >= 365, "%v days", days)
	}),
	Plant: Set(awstype.LogGroup, "retentionInDays", 30.0),
}, {
	ID: "CKV_AWS_319: alarms act and say what silence means", UpOnly: true,
	Check: each(awstype.MetricAlarm, func(r *graph.Resource) string {
		return must(r.Inputs["actionsEnabled"] != false && len(r.Inputs.Strs("alarmActions")) > 0 &&
			r.Inputs.Str("treatMissingData") != "", "silent")
	}),
	Plant: Set(awstype.MetricAlarm, "alarmActions", []any{}),
}, {
	ID: "prowler cloudwatch alarms: the metrics that matter are watched", UpOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		have := map[string]bool{}
		for _, r := range g.OfType(awstype.MetricAlarm) {
			have[r.Inputs.Str("namespace")+" "+r.Inputs.Str("metricName")] = true
		}
		var wrong []string
		for _, want := range watchedMetrics {
			if !have[want] {
				wrong = append(wrong, want)
			}
		}
		return len(have), wrong
	},
	Plant: func(g *graph.Graph) {
		for _, r := range g.OfType(awstype.MetricAlarm) {
			r.Inputs["metricName"] = "CPUUtilization"
		}
	},
}, {
	ID: "FSBP SNS.1 / CKV_AWS_26: topics have a key of this program",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.Topic, func(r *graph.Resource) string {
			return must(ownKey(g, r.Inputs.Str("kmsMasterKeyId")), "no key")
		})(g)
	},
	Plant: Set(awstype.Topic, "kmsMasterKeyId", "alias/aws/sns"),
}, {
	ID: "SEC01-BP01: the provider touches one account and tags everything",
	Check: func(g *graph.Graph) (int, []string) {
		accounts := map[string]bool{}
		seen, wrong := each("pulumi:providers:aws", func(r *graph.Resource) string {
			text, err := json.Marshal(r.Inputs)
			allowed := allowedAccount.FindSubmatch(text)
			ok := err == nil && r.Inputs.Str("region") != "" && allowed != nil
			for _, want := range []string{"Project", "Environment", "ManagedBy"} {
				ok = ok && strings.Contains(string(text), want)
			}
			if ok {
				accounts[string(allowed[1])] = true
			}
			return must(ok && !strings.HasPrefix(r.Name, "default"), "unguarded")
		})(g)
		if len(accounts) > 1 {
			wrong = append(wrong, "more than one account")
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) { delete(first(g, "pulumi:providers:aws").Inputs, "allowedAccountIds") },
}}
