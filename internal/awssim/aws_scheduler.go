package awssim

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
)

var (
	scheduleName = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`)
	queueName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	universal    = regexp.MustCompile(`^arn:aws:scheduler:::aws-sdk:[a-z0-9]+:[a-z][A-Za-z0-9]+$`)
)

var schedulerTypes = map[string]Type{
	awstype.ScheduleGroup: {
		Args:   scheduler.ScheduleGroupArgs{},
		Unique: unique("name", "ConflictException"),
		ID:     fromName("name"),
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("scheduler", "schedule-group/"+id), "state": "ACTIVE"}
		},
	},
	awstype.Schedule: {
		Args: scheduler.ScheduleArgs{},
		Refs: []Ref{
			{Path: "groupName", Type: awstype.ScheduleGroup, By: "name", Code: "ResourceNotFoundException"},
			{Path: "target.roleArn", Type: awstype.Role, By: "arn", Code: "ValidationException"},
			{Path: "target.deadLetterConfig.arn", Type: awstype.Queue, By: "arn", Code: "ValidationException"},
		},
		Unique: func(in Props) (string, string) {
			return in.Str("groupName") + "/" + in.Str("name"), "ConflictException"
		},
		ID: func(in Props, _ string) string { return in.Str("groupName") + "/" + in.Str("name") },
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("name") && !scheduleName.MatchString(in.Str("name")), "name", "%q is not a schedule name", in.Str("name"))
			failIf(&f, !oneOf(in, "flexibleTimeWindow.mode", "OFF", "FLEXIBLE"), "flexibleTimeWindow.mode", "is not OFF or FLEXIBLE")
			if in.Has("scheduleExpression") {
				_, err := nextTime(in.Str("scheduleExpression"), in.Str("scheduleExpressionTimezone"), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
				failIf(&f, err != nil, "scheduleExpression", "ValidationException: %v", err)
			}
			failIf(&f, in.Has("target.arn") && !universal.MatchString(in.Str("target.arn")), "target.arn", "the sandbox fires universal targets, arn:aws:scheduler:::aws-sdk:SERVICE:OPERATION, not %s", in.Str("target.arn"))
			failIf(&f, in.Has("target.input") && !json.Valid([]byte(in.Str("target.input"))), "target.input", "ValidationException: is not JSON")
			failIf(&f, outOfRange(in, "target.retryPolicy.maximumRetryAttempts", 0, 185), "target.retryPolicy.maximumRetryAttempts", "is outside 0 to 185")
			failIf(&f, outOfRange(in, "target.retryPolicy.maximumEventAgeInSeconds", 60, 86400), "target.retryPolicy.maximumEventAgeInSeconds", "is outside 60 to 86400")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("scheduler", "schedule/"+id)} },
		Created: func(c *Cloud, o *Object) error {
			// Scheduler tries to wear the role when a schedule is made.
			return c.mayAssume(c.find(Ref{Type: awstype.Role, By: "arn"}, o.State.Str("target.roleArn")), o)
		},
	},
	awstype.Association: {
		Args: ssm.AssociationArgs{},
		Refs: []Ref{{Path: "parameters.AutomationAssumeRole", Type: awstype.Role, By: "arn", Code: "InvalidParameters"}},
		ID: func(_ Props, digest string) string {
			return digest[:8] + "-" + digest[8:12] + "-" + digest[12:16] + "-" + digest[16:20] + "-" + digest[20:32]
		},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("name") && runbooks[in.Str("name")] == "", "name", "the sandbox knows no runbook %s (internal/awssim/aws_scheduler.go)", in.Str("name"))
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("ssm", "association/"+id), "associationId": id}
		},
		Created: runRunbook,
		Changed: runRunbook,
	},
	awstype.Queue: {
		Args:   sqs.QueueArgs{},
		Unique: unique("name", "QueueAlreadyExists"),
		ID: func(in Props, digest string) string {
			return "https://sqs.amazonaws.com/" + digest[:12] + "/" + in.Str("name")
		},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("name") && !queueName.MatchString(in.Str("name")), "name", "%q is not a queue name", in.Str("name"))
			failIf(&f, outOfRange(in, "messageRetentionSeconds", 60, 1209600), "messageRetentionSeconds", "is outside 60 to 1209600")
			return f
		},
		Outputs: func(s Site, id string, in Props) Props {
			return Props{"arn": s.arn("sqs", in.Str("name")), "url": id}
		},
	},
	awstype.QueuePolicy: {
		Args: sqs.QueuePolicyArgs{},
		Refs: []Ref{{Path: "queueUrl", Type: awstype.Queue, By: "url", Code: "QueueDoesNotExist"}},
		ID:   fromName("queueUrl"),
	},
}

// runbooks are those of AWS that start and stop databases, with the state that they bring about.
var runbooks = map[string]string{"AWS-StartRdsInstance": available, "AWS-StopRdsInstance": stopped}

// runRunbook does what State Manager does when an association is new or changed: it runs the runbook as the role it is given. What
// is already as wanted stays as it is.
func runRunbook(c *Cloud, o *Object) error {
	identifier, wanted := o.State.Str("parameters.InstanceId"), runbooks[o.State.Str("name")]
	instance := c.find(Ref{Type: awstype.DBInstance, By: "identifier"}, identifier)
	if instance == nil {
		return apiError("DBInstanceNotFound: DBInstance %s not found", identifier)
	}
	role := c.find(Ref{Type: awstype.Role, By: "arn"}, o.State.Str("parameters.AutomationAssumeRole"))
	if !strings.Contains(role.State.Str("assumeRolePolicy"), "ssm.amazonaws.com") {
		return apiError("AutomationExecution Failed: the assume role is unable to be assumed")
	}
	if instance.State.Str("status") == wanted {
		return nil
	}
	from, action := stopped, "rds:StartDBInstance"
	if wanted == stopped {
		from, action = available, "rds:StopDBInstance"
	}
	for _, action := range []string{"rds:DescribeDBInstances", action} {
		if !c.may(role, action, instance.State.Str("arn")) {
			return apiError("AutomationExecution Failed: %s is not authorized to perform %s on %s", role.State.Str("name"), action, instance.State.Str("arn"))
		}
	}
	return c.power(identifier, from, wanted)
}

// mayAssume refuses a role that does not trust the schedules of the group. The caller holds mu.
func (c *Cloud) mayAssume(role *Object, schedule *Object) error {
	group := c.Site.arn("scheduler", "schedule-group/"+schedule.State.Str("groupName"))
	for _, s := range statements(role.State.Str("assumeRolePolicy")) {
		if s["Effect"] != "Allow" || !slices.Contains(Props(s).Strs("Principal.Service"), "scheduler.amazonaws.com") {
			continue
		}
		if conditions := Props(s).Object("Condition.StringEquals"); conditions != nil {
			sources, accounts := conditions.Strs("aws:SourceArn"), conditions.Strs("aws:SourceAccount")
			if len(sources) > 0 && !slices.Contains(sources, group) || len(accounts) > 0 && !slices.Contains(accounts, c.Site.Account) {
				continue
			}
		}
		return nil
	}
	return apiError("ValidationException: The execution role you provide must allow AWS EventBridge Scheduler to assume the role")
}

// statements are those of a policy document; none of what is not one.
func statements(document string) []map[string]any {
	var d struct{ Statement []map[string]any }
	_ = json.Unmarshal([]byte(document), &d)
	return d.Statement
}

// may reports whether the inline policies of a role allow an action on a resource. Conditions are not looked at: the roles of
// schedules have none. The caller holds mu.
func (c *Cloud) may(role *Object, action, resource string) bool {
	for _, o := range c.objects {
		if o.Type != awstype.RolePolicy || o.State.Str("role") != role.State.Str("name") {
			continue
		}
		for _, s := range statements(o.State.Str("policy")) {
			if s["Effect"] == "Allow" && matches(Props(s).Strs("Action"), action) && matches(Props(s).Strs("Resource"), resource) {
				return true
			}
		}
	}
	return false
}

func matches(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		// In IAM a star matches slashes too.
		ok, _ := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(text, "/", "\x00"))
		return ok
	})
}

// call is an operation that a schedule may call: the parameters it takes, the action and resources it needs permission for, and
// what it does.
type call struct {
	parameters []string
	action     string
	resources  func(c *Cloud, in Props) []string
	do         func(c *Cloud, in Props) error
}

// calls are the operations that the sandbox can do for schedules, by service and operation.
var calls map[string]call

func init() {
	instance := func(c *Cloud, in Props) []string {
		return []string{c.Site.arn("rds", "db:"+in.Str("DbInstanceIdentifier"))}
	}
	scaling := func(c *Cloud, in Props) []string {
		return []string{c.Site.arn("autoscaling", "autoScalingGroup:0:autoScalingGroupName/"+in.Str("AutoScalingGroupName"))}
	}
	alarms := func(c *Cloud, in Props) []string {
		var arns []string
		for _, name := range in.Strs("AlarmNames") {
			arns = append(arns, c.Site.arn("cloudwatch", "alarm:"+name))
		}
		return arns
	}
	calls = map[string]call{
		"rds:startDBInstance": {[]string{"DbInstanceIdentifier"}, "rds:StartDBInstance", instance, func(c *Cloud, in Props) error { return c.power(in.Str("DbInstanceIdentifier"), stopped, available) }},
		"rds:stopDBInstance":  {[]string{"DbInstanceIdentifier"}, "rds:StopDBInstance", instance, func(c *Cloud, in Props) error { return c.power(in.Str("DbInstanceIdentifier"), available, stopped) }},
		"eks:updateNodegroupConfig": {
			[]string{"ClusterName", "NodegroupName", "ScalingConfig"}, "eks:UpdateNodegroupConfig",
			func(c *Cloud, in Props) []string {
				return []string{c.Site.arn("eks", "nodegroup/"+in.Str("ClusterName")+"/"+in.Str("NodegroupName")+"/0")}
			}, resizeNodes,
		},
		"autoscaling:suspendProcesses":   {[]string{"AutoScalingGroupName", "ScalingProcesses"}, "autoscaling:SuspendProcesses", scaling, func(c *Cloud, in Props) error { return c.suspend(in, true) }},
		"autoscaling:resumeProcesses":    {[]string{"AutoScalingGroupName", "ScalingProcesses"}, "autoscaling:ResumeProcesses", scaling, func(c *Cloud, in Props) error { return c.suspend(in, false) }},
		"cloudwatch:disableAlarmActions": {[]string{"AlarmNames"}, "cloudwatch:DisableAlarmActions", alarms, func(c *Cloud, in Props) error { return c.alarmActions(in, false) }},
		"cloudwatch:setAlarmState": {
			[]string{"AlarmName", "StateReason", "StateValue"}, "cloudwatch:SetAlarmState",
			func(c *Cloud, in Props) []string {
				return []string{c.Site.arn("cloudwatch", "alarm:"+in.Str("AlarmName"))}
			},
			func(c *Cloud, in Props) error {
				o := c.find(Ref{Type: awstype.MetricAlarm, By: "name"}, in.Str("AlarmName"))
				if o == nil {
					return apiError("ResourceNotFound: %s", in.Str("AlarmName"))
				}
				o.State["stateValue"] = in.Str("StateValue")
				return nil
			},
		},
		"cloudwatch:enableAlarmActions": {[]string{"AlarmNames"}, "cloudwatch:EnableAlarmActions", alarms, func(c *Cloud, in Props) error { return c.alarmActions(in, true) }},
	}
}

// fire calls a schedule's target as its role, again where AWS says no for a moment, and keeps what failed in its queue. The
// caller holds mu.
func (c *Cloud) fire(schedule *Object) Event {
	target := schedule.State.Object("target")
	operation := strings.TrimPrefix(target.Str("arn"), "arn:aws:scheduler:::aws-sdk:")
	e := Event{At: c.clock, By: schedule.ID, What: operation + " " + target.Str("input")}
	role := c.find(Ref{Type: awstype.Role, By: "arn"}, target.Str("roleArn"))
	retries, _ := target.Num("retryPolicy.maximumRetryAttempts")
	var err error
	for e.Attempts = 1; ; e.Attempts++ {
		// A fault passes; everything else would fail again.
		if err = c.fault("call", operation); err == nil {
			err = c.invoke(role, operation, target.Str("input"))
			break
		}
		if e.Attempts > int(retries) {
			break
		}
	}
	if err == nil {
		return e
	}
	e.Error = err.Error()
	queue := c.find(Ref{Type: awstype.Queue, By: "arn"}, target.Str("deadLetterConfig.arn"))
	switch {
	case queue == nil || role == nil:
		e.Error += "; and there is no queue that keeps it"
	case !c.may(role, "sqs:SendMessage", queue.State.Str("arn")):
		e.Error += "; and the role may not write to " + queue.State.Str("name")
	default:
		messages, _ := queue.State["messages"].([]any)
		queue.State["messages"] = append(messages, schedule.ID+": "+err.Error())
	}
	return e
}

func (c *Cloud) invoke(role *Object, operation, input string) error {
	call, known := calls[operation]
	if !known {
		return fmt.Errorf("the sandbox does not simulate %s: add it to calls (internal/awssim/aws_scheduler.go)", operation)
	}
	if role == nil {
		return apiError("AccessDenied: the role of the schedule is gone")
	}
	var in Props
	if err := json.Unmarshal([]byte(input), &in); err != nil {
		return apiError("ValidationException: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(call.parameters, name) {
			return apiError("ValidationException: %s has no parameter %s", operation, name)
		}
	}
	for _, name := range call.parameters {
		if in[name] == nil {
			return apiError("ValidationException: %s lacks %s", operation, name)
		}
	}
	for _, resource := range call.resources(c, in) {
		if !c.may(role, call.action, resource) {
			return apiError("AccessDeniedException: %s is not authorized to perform %s on %s", role.State.Str("name"), call.action, resource)
		}
	}
	return call.do(c, in)
}

// power starts or stops a database. The caller holds mu.
func (c *Cloud) power(identifier, from, to string) error {
	o := c.find(Ref{Type: awstype.DBInstance, By: "identifier"}, identifier)
	if o == nil {
		return apiError("DBInstanceNotFound: DBInstance %s not found", identifier)
	}
	if o.State.Str("status") != from {
		return apiError("InvalidDBInstanceState: Instance %s is not in %s state", identifier, from)
	}
	o.State["status"] = to
	if to == stopped {
		o.State["stoppedAt"] = c.clock.Format(time.RFC3339)
	}
	return nil
}

// resizeNodes does what EKS does, and what the autoscaler does about it: on the last node it sees pods without one, and starts
// another unless its group may not launch any.
func resizeNodes(c *Cloud, in Props) error {
	o := c.find(Ref{Type: awstype.NodeGroup, By: "nodeGroupName"}, in.Str("NodegroupName"))
	if o == nil || o.State.Str("clusterName") != in.Str("ClusterName") {
		return apiError("ResourceNotFoundException: No node group found for name: %s", in.Str("NodegroupName"))
	}
	least, _ := in.Num("ScalingConfig.MinSize")
	wanted, _ := in.Num("ScalingConfig.DesiredSize")
	most, _ := in.Num("ScalingConfig.MaxSize")
	if most < 1 || wanted < least || wanted > most {
		return apiError("InvalidParameterException: desired %v is outside %v to %v", wanted, least, most)
	}
	if wanted == 0 && !slices.Contains(o.State.Strs("suspendedProcesses"), "Launch") {
		wanted = 1
	}
	o.State["scalingConfig"] = map[string]any{"minSize": least, "desiredSize": wanted, "maxSize": most}
	return nil
}

// suspend holds processes of an Auto Scaling group back, or lets them go on. The caller holds mu.
func (c *Cloud) suspend(in Props, hold bool) error {
	for _, o := range c.objects {
		if o.Type != awstype.NodeGroup || o.State.Str("resources[0].autoscalingGroups[0].name") != in.Str("AutoScalingGroupName") {
			continue
		}
		held := []any{}
		if hold {
			for _, process := range in.Strs("ScalingProcesses") {
				held = append(held, process)
			}
		}
		o.State["suspendedProcesses"] = held
		return nil
	}
	return apiError("ValidationError: AutoScalingGroup name not found - %s", in.Str("AutoScalingGroupName"))
}

// alarmActions lets alarms speak or be silent. CloudWatch does not mind names that it does not know. The caller holds mu.
func (c *Cloud) alarmActions(in Props, enabled bool) error {
	for _, name := range in.Strs("AlarmNames") {
		if o := c.find(Ref{Type: awstype.MetricAlarm, By: "name"}, name); o != nil {
			o.State["actionsEnabled"] = enabled
		}
	}
	return nil
}
