package awssim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
)

var (
	logGroupName  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
)

var cloudWatchTypes = map[string]Type{
	awstype.LogGroup: {
		Args:    cloudwatch.LogGroupArgs{},
		Refs:    []Ref{{Path: "kmsKeyId", Type: awstype.Key, By: "arn", Code: "InvalidParameterException"}},
		Taken:   "ResourceAlreadyExistsException",
		ID:      fromName("name"),
		Check:   checkLogGroup,
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("logs", "log-group:"+id)} },
		Created: logGroupCreated,
	},
	awstype.MetricAlarm: {
		Args:    cloudwatch.MetricAlarmArgs{},
		Refs:    []Ref{{Path: "alarmActions", Type: awstype.Topic, By: "arn"}},
		ID:      fromName("name"),
		Check:   checkAlarm,
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("cloudwatch", "alarm:"+id)} },
	},
	awstype.LogMetricFilter: {
		Args: cloudwatch.LogMetricFilterArgs{},
		Refs: []Ref{{
			Path: "logGroupName", Type: awstype.LogGroup, By: "name",
			Blocks: true, Code: "ResourceNotFoundException",
		}},
		ID:    fromName("name"),
		Check: checkMetricFilter,
	},
	awstype.Dashboard: {
		Args:  cloudwatch.DashboardArgs{},
		ID:    fromName("dashboardName"),
		Check: checkDashboard,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"dashboardArn": fmt.Sprintf("arn:aws:cloudwatch::%s:dashboard/%s", s.Account, id)}
		},
	},
}

func checkLogGroup(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "name", logGroupName), "name", "%q is not a log group name", in.Str("name"))
	return f
}

// logGroupCreated refuses a key that CloudWatch Logs may not use. AWS refuses it when it creates the group, not when
// the first logs arrive.
func logGroupCreated(c *Cloud, o *Object) error {
	key := c.find(Ref{Type: awstype.Key, By: "arn"}, o.State.Str("kmsKeyId"))
	if key != nil && !strings.Contains(key.State.Str("policy"), "logs."+c.Site.Region+".amazonaws.com") {
		return apiError("InvalidParameterException: the key %s does not let CloudWatch Logs use it", key.ID)
	}
	return nil
}

// ensureLogGroup creates a log group unless it exists, as AWS services that write logs do: without encryption, without
// a retention period, and outside of any program. The caller holds mu.
func (c *Cloud) ensureLogGroup(name, service string) {
	if c.find(Ref{Type: awstype.LogGroup, By: "name"}, name) != nil {
		return
	}
	c.add(&Object{Type: awstype.LogGroup, Region: c.Site.Region, ID: name, State: Props{
		"name": name, "arn": c.Site.arn("logs", "log-group:"+name),
	}})
	c.leave("log group "+name, service+" made it by itself, without key and retention")
}

func checkAlarm(in Props) []Failure {
	var f []Failure
	for name, value := range in.Object("dimensions") {
		failIf(&f, value == "",
			"dimensions."+name, "ValidationError: has no value; a dimension has 1 to 255 characters")
	}
	failIf(&f, len(in.Str("name")) > 255, "name", "has more than 255 characters")
	failIf(&f, len(in.Str("alarmDescription")) > 1024, "alarmDescription", "has more than 1024 characters")
	failIf(&f, in.Has("statistic") == in.Has("extendedStatistic"),
		"statistic", "ValidationError: give one of statistic and extendedStatistic")
	period, ok := in.Num("period")
	failIf(&f, ok && period != 10 && period != 30 && int(period)%60 != 0,
		"period", "is not 10, 30 or a multiple of 60 seconds")
	of, _ := in.Num("evaluationPeriods")
	failIf(&f, of < 1, "evaluationPeriods", "is below 1")
	points, ok := in.Num("datapointsToAlarm")
	failIf(&f, ok && points > of, "datapointsToAlarm", "is above evaluationPeriods")
	failIf(&f, period*of > 86400, "evaluationPeriods", "period times evaluationPeriods is longer than a day")
	return f
}

func checkMetricFilter(in Props) []Failure {
	var f []Failure
	pattern := in.Str("pattern")
	failIf(&f, strings.HasPrefix(pattern, "{") != strings.HasSuffix(pattern, "}"),
		"pattern", "InvalidParameterException: the pattern has one brace")
	failIf(&f, len(pattern) > 1024, "pattern", "has more than 1024 characters")
	return f
}

func checkDashboard(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "dashboardName", dashboardName), "dashboardName", "is not a dashboard name")
	if body := in.Str("dashboardBody"); body != "" {
		var parsed struct{ Widgets []map[string]any }
		err := json.Unmarshal([]byte(body), &parsed)
		failIf(&f, err != nil, "dashboardBody", "InvalidParameterInput: %v", err)
		failIf(&f, err == nil && len(parsed.Widgets) > 500,
			"dashboardBody", "InvalidParameterInput: more than 500 widgets")
	}
	return f
}
