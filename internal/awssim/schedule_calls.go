package awssim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"groundwork/internal/awstype"
)

// fire calls a schedule's target with the schedule's role. It retries where a fault rejects the call, and puts a call
// that failed into the dead-letter queue. The caller holds mu.
func (c *Cloud) fire(schedule *Object) Event {
	target := schedule.State.Object("target")
	operation := strings.TrimPrefix(target.Str("arn"), "arn:aws:scheduler:::aws-sdk:")
	e := Event{At: c.clock, By: schedule.ID, What: operation + " " + target.Str("input")}
	role := c.find(Ref{Type: awstype.Role, By: "arn"}, target.Str("roleArn"))
	retries, _ := target.Num("retryPolicy.maximumRetryAttempts")
	var err error
	for e.Attempts = 1; ; e.Attempts++ {
		// Only a fault may pass: any other error would occur again.
		if err = c.strike("call", operation).err; err == nil {
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
	case !c.allows(role, "sqs:SendMessage", queue.State.Str("arn")):
		e.Error += "; and the role may not write to " + queue.State.Str("name")
	default:
		messages, _ := queue.State["messages"].([]any)
		queue.State["messages"] = append(messages, schedule.ID+": "+err.Error())
	}
	return e
}

// invoke performs an operation with a role, or returns AWS's error. The caller holds mu.
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
		if !c.allows(role, call.action, resource) {
			return apiError("AccessDeniedException: %s is not authorized to perform %s on %s",
				role.State.Str("name"), call.action, resource)
		}
	}
	return call.do(c, in)
}

func databaseARN(c *Cloud, in Props) []string {
	return []string{c.Site.arn("rds", "db:"+in.Str("DbInstanceIdentifier"))}
}

func nodeGroupARN(c *Cloud, in Props) []string {
	return []string{c.Site.arn("eks", "nodegroup/"+in.Str("ClusterName")+"/"+in.Str("NodegroupName")+"/0")}
}

func autoScalingGroupARN(c *Cloud, in Props) []string {
	name := in.Str("AutoScalingGroupName")
	return []string{c.Site.arn("autoscaling", "autoScalingGroup:0:autoScalingGroupName/"+name)}
}

func alarmARN(c *Cloud, in Props) []string {
	return []string{c.Site.arn("cloudwatch", "alarm:"+in.Str("AlarmName"))}
}

func alarmARNs(c *Cloud, in Props) []string {
	var arns []string
	for _, name := range in.Strs("AlarmNames") {
		arns = append(arns, c.Site.arn("cloudwatch", "alarm:"+name))
	}
	return arns
}

// setDatabaseStatus starts or stops a database whose status is from. The caller holds mu.
func (c *Cloud) setDatabaseStatus(identifier, from, to string) error {
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

// resizeNodes does what EKS does, and what the cluster autoscaler does next: with no node left it finds pods that
// cannot be scheduled, and starts a node unless the Launch process of the Auto Scaling group is suspended. The caller
// holds mu.
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

// setSuspendedProcesses sets which processes of an Auto Scaling group are suspended. The caller holds mu.
func (c *Cloud) setSuspendedProcesses(in Props, processes []string) error {
	for _, o := range c.objects {
		if o.Type != awstype.NodeGroup ||
			o.State.Str("resources[0].autoscalingGroups[0].name") != in.Str("AutoScalingGroupName") {
			continue
		}
		suspended := []any{}
		for _, process := range processes {
			suspended = append(suspended, process)
		}
		o.State["suspendedProcesses"] = suspended
		return nil
	}
	return apiError("ValidationError: AutoScalingGroup name not found - %s", in.Str("AutoScalingGroupName"))
}

// setAlarmActions enables or disables alarm actions. Like CloudWatch, it ignores names of alarms that do not exist. The
// caller holds mu.
func (c *Cloud) setAlarmActions(in Props, enabled bool) error {
	for _, name := range in.Strs("AlarmNames") {
		if o := c.find(Ref{Type: awstype.MetricAlarm, By: "name"}, name); o != nil {
			o.State["actionsEnabled"] = enabled
		}
	}
	return nil
}

// setAlarmState sets the state of an alarm. The caller holds mu.
func setAlarmState(c *Cloud, in Props) error {
	o := c.find(Ref{Type: awstype.MetricAlarm, By: "name"}, in.Str("AlarmName"))
	if o == nil {
		return apiError("ResourceNotFound: %s", in.Str("AlarmName"))
	}
	o.State["stateValue"] = in.Str("StateValue")
	return nil
}
