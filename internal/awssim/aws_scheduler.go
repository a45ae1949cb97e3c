package awssim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
)

var (
	scheduleName = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`)
	universal    = regexp.MustCompile(`^arn:aws:scheduler:::aws-sdk:[a-z0-9]+:[a-z][A-Za-z0-9]+$`)
)

// schedulerTypes are schedules, and the Systems Manager associations that start and stop databases at a deployment.
var schedulerTypes = map[string]Type{
	awstype.ScheduleGroup: {
		Args:  scheduler.ScheduleGroupArgs{},
		Taken: "ConflictException",
		ID:    fromName("name"),
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
		Taken:   "ConflictException",
		ID:      func(in Props, _ string) string { return in.Str("groupName") + "/" + in.Str("name") },
		Check:   checkSchedule,
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("scheduler", "schedule/"+id)} },
		Created: scheduleCreated,
	},
	awstype.Association: {
		Args: ssm.AssociationArgs{},
		Refs: []Ref{
			{Path: "parameters.AutomationAssumeRole", Type: awstype.Role, By: "arn", Code: "InvalidParameters"},
		},
		ID:    uuid,
		Check: checkAssociation,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("ssm", "association/"+id), "associationId": id}
		},
		Created: runRunbook,
		Changed: runRunbook,
	},
}

func checkSchedule(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "name", scheduleName), "name", "%q is not a schedule name", in.Str("name"))
	if in.Has("scheduleExpression") {
		// The day does not matter: the call only tells whether the expression is valid.
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		_, err := nextTime(in.Str("scheduleExpression"), in.Str("scheduleExpressionTimezone"), day)
		failIf(&f, err != nil, "scheduleExpression", "ValidationException: %v", err)
	}
	failIf(&f, mismatch(in, "target.arn", universal), "target.arn",
		"the sandbox fires universal targets, arn:aws:scheduler:::aws-sdk:SERVICE:OPERATION, not %s", in.Str("target.arn"))
	failIf(&f, in.Has("target.input") && !json.Valid([]byte(in.Str("target.input"))),
		"target.input", "ValidationException: is not JSON")
	return f
}

// scheduleCreated tries to assume the role of a new schedule, as Scheduler does.
func scheduleCreated(c *Cloud, o *Object) error {
	return c.schedulerTrusted(c.find(Ref{Type: awstype.Role, By: "arn"}, o.State.Str("target.roleArn")), o)
}

// schedulerTrusted refuses a role that does not trust the schedules of the group. The caller holds mu.
func (c *Cloud) schedulerTrusted(role *Object, schedule *Object) error {
	group := c.Site.arn("scheduler", "schedule-group/"+schedule.State.Str("groupName"))
	for _, s := range statements(role.State.Str("assumeRolePolicy")) {
		if s["Effect"] != "Allow" || !slices.Contains(Props(s).Strs("Principal.Service"), "scheduler.amazonaws.com") {
			continue
		}
		if conditions := Props(s).Object("Condition.StringEquals"); conditions != nil {
			sources, accounts := conditions.Strs("aws:SourceArn"), conditions.Strs("aws:SourceAccount")
			if len(sources) > 0 && !slices.Contains(sources, group) ||
				len(accounts) > 0 && !slices.Contains(accounts, c.Site.Account) {
				continue
			}
		}
		return nil
	}
	return apiError("ValidationException: " +
		"The execution role you provide must allow AWS EventBridge Scheduler to assume the role")
}

// runbooks are AWS's runbooks that start and stop databases, with the status that each one brings about.
var runbooks = map[string]string{"AWS-StartRdsInstance": available, "AWS-StopRdsInstance": stopped}

func checkAssociation(in Props) []Failure {
	var f []Failure
	failIf(&f, in.Has("name") && runbooks[in.Str("name")] == "",
		"name", "the sandbox knows no runbook %s (internal/awssim/aws_scheduler.go)", in.Str("name"))
	return f
}

// runRunbook does what State Manager does when an association is new or changed: it runs the runbook with the role of
// the association. It does nothing when the database already has the wanted status.
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
		if !c.allows(role, action, instance.State.Str("arn")) {
			return apiError("AutomationExecution Failed: %s is not authorized to perform %s on %s",
				role.State.Str("name"), action, instance.State.Str("arn"))
		}
	}
	return c.setDatabaseStatus(identifier, from, wanted)
}

// call is an API operation that a schedule can call.
type call struct {
	// parameters are all required; the operation takes no others.
	parameters []string
	// action and resources are what the role needs permission for.
	action    string
	resources func(c *Cloud, in Props) []string
	// do performs the operation.
	do func(c *Cloud, in Props) error
}

// calls are the operations that the sandbox can perform for schedules, by service and operation.
var calls = map[string]call{
	"rds:startDBInstance": {
		parameters: []string{"DbInstanceIdentifier"},
		action:     "rds:StartDBInstance",
		resources:  databaseARN,
		do: func(c *Cloud, in Props) error {
			return c.setDatabaseStatus(in.Str("DbInstanceIdentifier"), stopped, available)
		},
	},
	"rds:stopDBInstance": {
		parameters: []string{"DbInstanceIdentifier"},
		action:     "rds:StopDBInstance",
		resources:  databaseARN,
		do: func(c *Cloud, in Props) error {
			return c.setDatabaseStatus(in.Str("DbInstanceIdentifier"), available, stopped)
		},
	},
	"eks:updateNodegroupConfig": {
		parameters: []string{"ClusterName", "NodegroupName", "ScalingConfig"},
		action:     "eks:UpdateNodegroupConfig",
		resources:  nodeGroupARN,
		do:         resizeNodes,
	},
	"autoscaling:suspendProcesses": {
		parameters: []string{"AutoScalingGroupName", "ScalingProcesses"},
		action:     "autoscaling:SuspendProcesses",
		resources:  autoScalingGroupARN,
		do:         func(c *Cloud, in Props) error { return c.setSuspendedProcesses(in, in.Strs("ScalingProcesses")) },
	},
	"autoscaling:resumeProcesses": {
		parameters: []string{"AutoScalingGroupName", "ScalingProcesses"},
		action:     "autoscaling:ResumeProcesses",
		resources:  autoScalingGroupARN,
		do:         func(c *Cloud, in Props) error { return c.setSuspendedProcesses(in, nil) },
	},
	"cloudwatch:disableAlarmActions": {
		parameters: []string{"AlarmNames"},
		action:     "cloudwatch:DisableAlarmActions",
		resources:  alarmARNs,
		do:         func(c *Cloud, in Props) error { return c.setAlarmActions(in, false) },
	},
	"cloudwatch:enableAlarmActions": {
		parameters: []string{"AlarmNames"},
		action:     "cloudwatch:EnableAlarmActions",
		resources:  alarmARNs,
		do:         func(c *Cloud, in Props) error { return c.setAlarmActions(in, true) },
	},
	"cloudwatch:setAlarmState": {
		parameters: []string{"AlarmName", "StateReason", "StateValue"},
		action:     "cloudwatch:SetAlarmState",
		resources:  alarmARN,
		do:         setAlarmState,
	},
}
