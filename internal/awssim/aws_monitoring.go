package awssim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/budgets"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
)

var (
	logGroupName   = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	topicName      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	dashboardName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	logRetentions  = []float64{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
	comparisonOps  = []string{"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"}
	missingDataOps = []string{"breaching", "notBreaching", "ignore", "missing"}
)

var monitoringTypes = map[string]Type{
	awstype.LogGroup: {
		Args:   cloudwatch.LogGroupArgs{},
		Refs:   []Ref{{Path: "kmsKeyId", Type: awstype.Key, By: "arn", Code: "InvalidParameterException"}},
		Unique: unique("name", "ResourceAlreadyExistsException"),
		ID:     fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("name") && !logGroupName.MatchString(in.Str("name")), "name", "%q is not a log group name", in.Str("name"))
			days, ok := in.Num("retentionInDays")
			failIf(&f, ok && !slices.Contains(logRetentions, days), "retentionInDays", "%v is not a period CloudWatch Logs knows", days)
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("logs", "log-group:"+id)} },
		Created: func(c *Cloud, o *Object) error {
			// A key that the logs service may not use is refused when the group is made, not when logs come.
			key := c.find(Ref{Type: awstype.Key, By: "arn"}, o.State.Str("kmsKeyId"))
			if key != nil && !strings.Contains(key.State.Str("policy"), "logs."+c.Site.Region+".amazonaws.com") {
				return apiError("InvalidParameterException: the key %s does not let CloudWatch Logs use it", key.ID)
			}
			return nil
		},
	},
	awstype.MetricAlarm: {
		Args: cloudwatch.MetricAlarmArgs{},
		Refs: []Ref{{Path: "alarmActions", Type: awstype.Topic, By: "arn"}},
		ID:   fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			for name, value := range in.Object("dimensions") {
				failIf(&f, value == "", "dimensions."+name, "ValidationError: has no value; a dimension has 1 to 255 characters")
			}
			failIf(&f, len(in.Str("name")) > 255, "name", "has more than 255 characters")
			failIf(&f, len(in.Str("alarmDescription")) > 1024, "alarmDescription", "has more than 1024 characters")
			failIf(&f, !oneOf(in, "comparisonOperator", comparisonOps...), "comparisonOperator", "is not a comparison")
			failIf(&f, in.Has("statistic") == in.Has("extendedStatistic"), "statistic", "ValidationError: give one of statistic and extendedStatistic")
			failIf(&f, !oneOf(in, "treatMissingData", missingDataOps...), "treatMissingData", "is not one of %v", missingDataOps)
			period, ok := in.Num("period")
			failIf(&f, ok && period != 10 && period != 30 && int(period)%60 != 0, "period", "is not 10, 30 or a multiple of 60 seconds")
			of, _ := in.Num("evaluationPeriods")
			failIf(&f, of < 1, "evaluationPeriods", "is below 1")
			points, ok := in.Num("datapointsToAlarm")
			failIf(&f, ok && points > of, "datapointsToAlarm", "is above evaluationPeriods")
			failIf(&f, period*of > 86400, "evaluationPeriods", "period times evaluationPeriods is longer than a day")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("cloudwatch", "alarm:"+id)} },
	},
	awstype.LogMetricFilter: {
		Args: cloudwatch.LogMetricFilterArgs{},
		Refs: []Ref{{Path: "logGroupName", Type: awstype.LogGroup, By: "name", Blocks: true, Code: "ResourceNotFoundException"}},
		ID:   fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			pattern := in.Str("pattern")
			failIf(&f, strings.HasPrefix(pattern, "{") != strings.HasSuffix(pattern, "}"), "pattern", "InvalidParameterException: the pattern has one brace")
			failIf(&f, len(pattern) > 1024, "pattern", "has more than 1024 characters")
			return f
		},
	},
	awstype.Dashboard: {
		Args: cloudwatch.DashboardArgs{},
		ID:   fromName("dashboardName"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("dashboardName") && !dashboardName.MatchString(in.Str("dashboardName")), "dashboardName", "is not a dashboard name")
			if body := in.Str("dashboardBody"); body != "" {
				var parsed struct{ Widgets []map[string]any }
				err := json.Unmarshal([]byte(body), &parsed)
				failIf(&f, err != nil, "dashboardBody", "InvalidParameterInput: %v", err)
				failIf(&f, err == nil && len(parsed.Widgets) > 500, "dashboardBody", "InvalidParameterInput: more than 500 widgets")
			}
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"dashboardArn": fmt.Sprintf("arn:aws:cloudwatch::%s:dashboard/%s", s.Account, id)}
		},
	},
	awstype.Topic: {
		Args:   sns.TopicArgs{},
		Refs:   []Ref{{Path: "kmsMasterKeyId", Type: awstype.Key, By: "arn", Code: "KMSNotFound"}},
		Unique: unique("name", "InvalidParameter"),
		ID:     func(in Props, _ string) string { return in.Str("name") },
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("name") && !topicName.MatchString(in.Str("name")), "name", "%q is not a topic name", in.Str("name"))
			failIf(&f, len(in.Str("displayName")) > 100, "displayName", "has more than 100 characters")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("sns", id), "owner": s.Account} },
	},
	awstype.TopicPolicy: {
		Args: sns.TopicPolicyArgs{},
		Refs: []Ref{{Path: "arn", Type: awstype.Topic, By: "arn", Code: "NotFound"}},
		ID:   fromName("arn"),
		Check: func(in Props) []Failure {
			var f []Failure
			checkPolicy(&f, in, "policy", 30720)
			return f
		},
		Outputs: func(s Site, _ string, _ Props) Props { return Props{"owner": s.Account} },
	},
	awstype.TopicSubscription: {
		Args: sns.TopicSubscriptionArgs{},
		Refs: []Ref{{Path: "topic", Type: awstype.Topic, By: "arn", Code: "NotFound"}},
		ID:   func(in Props, digest string) string { return in.Str("topic") + ":" + digest[:12] },
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Str("protocol") == "email" && in.Has("endpoint") && !strings.Contains(in.Str("endpoint"), "@"), "endpoint", "is not an e-mail address")
			return f
		},
		Outputs: func(_ Site, id string, _ Props) Props { return Props{"arn": id, "pendingConfirmation": true} },
	},
	awstype.Budget: {
		Args:   budgets.BudgetArgs{},
		Refs:   []Ref{{Path: "notifications[0].subscriberSnsTopicArns", Type: awstype.Topic, By: "arn"}},
		Unique: unique("name", "DuplicateRecordException"),
		ID:     fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, strings.ContainsAny(in.Str("name"), ":\\"), "name", "must not contain : or \\")
			failIf(&f, len(in.Str("name")) > 100, "name", "has more than 100 characters")
			failIf(&f, !oneOf(in, "timeUnit", "MONTHLY", "QUARTERLY", "ANNUALLY", "DAILY"), "timeUnit", "is not a budget period")
			failIf(&f, !oneOf(in, "budgetType", "COST", "USAGE", "RI_UTILIZATION", "RI_COVERAGE", "SAVINGS_PLANS_UTILIZATION", "SAVINGS_PLANS_COVERAGE"), "budgetType", "is not a budget type")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": fmt.Sprintf("arn:aws:budgets::%s:budget/%s", s.Account, id), "accountId": s.Account}
		},
	},
}

func hex8(n uint32) string { return fmt.Sprintf("%08x", n) }

func days(n float64) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", int(n))
}
