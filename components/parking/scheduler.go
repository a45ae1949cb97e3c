package parking

import (
	"encoding/json"
	"fmt"

	awsscheduler "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/identity"
)

// SchedulerArgs describe a scheduler.
type SchedulerArgs struct {
	// Facts are the environment's. Region is the region of the schedules.
	Facts environment.Facts
	// Name is the physical name of the schedule group, the role and, with a suffix, the queue.
	Name string
	// Names are physical names that the permissions of the schedules depend on; nil for none. Statements returns the
	// permissions when the names are known.
	Names      pulumi.StringMap
	Statements func(names map[string]string) []identity.Statement
	// TimeZone is the IANA time zone of all expressions.
	TimeZone string
}

// Scheduler calls AWS at given times. It has a group of schedules, the role that they assume, and a dead-letter queue
// for calls that failed.
type Scheduler struct {
	name              string
	args              *SchedulerArgs
	group             *awsscheduler.ScheduleGroup
	roleARN, queueARN pulumi.StringOutput
	opts              []pulumi.ResourceOption
}

// A call that fails is retried for an hour. After that its message stays in the dead-letter queue for two weeks.
const (
	retries         = 10
	retrySeconds    = 3600
	keepFailureDays = 14
)

// QueueName is the name of the dead-letter queue of a scheduler.
func QueueName(scheduler string) string { return scheduler + "-failures" }

// NewScheduler creates a scheduler under the parent given in opts.
func NewScheduler(
	ctx *pulumi.Context,
	name string,
	args *SchedulerArgs,
	opts ...pulumi.ResourceOption,
) (*Scheduler, error) {
	group, err := awsscheduler.NewScheduleGroup(ctx, name, &awsscheduler.ScheduleGroupArgs{
		Name: pulumi.String(args.Name),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("creating schedule group %s: %w", args.Name, err)
	}
	queue, policy, err := args.queue(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	role, err := args.role(ctx, name, queue, opts)
	if err != nil {
		return nil, err
	}
	return &Scheduler{
		name: name, args: args, group: group, roleARN: role.ARN, queueARN: queue.Arn,
		opts: append([]pulumi.ResourceOption{pulumi.DependsOn(append(role.Permissions, policy))}, opts...),
	}, nil
}

// queue creates the dead-letter queue and its policy.
func (a *SchedulerArgs) queue(
	ctx *pulumi.Context,
	name string,
	opts []pulumi.ResourceOption,
) (*sqs.Queue, *sqs.QueuePolicy, error) {
	physical := QueueName(a.Name)
	queue, err := sqs.NewQueue(ctx, name, &sqs.QueueArgs{
		Name:                    pulumi.String(physical),
		MessageRetentionSeconds: pulumi.Int(keepFailureDays * 24 * 3600),
		SqsManagedSseEnabled:    pulumi.Bool(true),
	}, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("creating queue %s: %w", physical, err)
	}
	policy, err := sqs.NewQueuePolicy(ctx, name, &sqs.QueuePolicyArgs{
		QueueUrl: queue.Url,
		Policy: queue.Arn.ApplyT(func(arn string) string {
			return identity.NewDocument(identity.Statement{
				Sid: "NothingWithoutTLS", Effect: identity.Deny, Principal: identity.AWS("*"),
				Action: identity.Strings{"sqs:*"}, Resource: identity.Strings{arn},
				Condition: identity.Condition{"Bool": {"aws:SecureTransport": {"false"}}},
			}).JSON()
		}).(pulumi.StringOutput),
	}, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("creating the policy of queue %s: %w", physical, err)
	}
	return queue, policy, nil
}

// role creates the role that the schedules assume. It may make their calls and send what failed to the queue.
func (a *SchedulerArgs) role(
	ctx *pulumi.Context,
	name string,
	queue *sqs.Queue,
	opts []pulumi.ResourceOption,
) (*identity.Role, error) {
	f := a.Facts
	return identity.NewServiceRole(ctx, name, &identity.ServiceRoleArgs{
		Facts: f, Name: a.Name,
		Services:      []string{"scheduler.amazonaws.com"},
		SourceAccount: f.AccountID,
		SourceARN:     fmt.Sprintf("arn:aws:scheduler:%s:%s:schedule-group/%s", f.Region, f.AccountID, a.Name),
		Policy: pulumi.All(a.Names, queue.Arn).ApplyT(func(all []any) string {
			return identity.NewDocument(append(a.Statements(all[0].(map[string]string)), identity.Statement{
				Sid: "KeepFailures", Effect: identity.Allow,
				Action: identity.Strings{"sqs:SendMessage"}, Resource: identity.Strings{all[1].(string)},
			})...).JSON()
		}).(pulumi.StringOutput),
	}, opts...)
}

// call is one scheduled call. See Scheduler.At for the fields.
type call struct {
	suffix, description, expression, operation string
	input                                      pulumi.Map
}

// schedule creates the schedule of each call.
func (s *Scheduler) schedule(ctx *pulumi.Context, calls []call) error {
	for _, c := range calls {
		if err := s.At(ctx, c.suffix, c.description, c.expression, c.operation, c.input); err != nil {
			return err
		}
	}
	return nil
}

// At schedules calls of an operation of an AWS service, such as "rds:stopDBInstance", at the times of the expression.
// Input has the parameters of the operation under the names that the AWS SDK for Java gives them, with a capital first
// letter: {"DbInstanceIdentifier": "main"}.
func (s *Scheduler) At(ctx *pulumi.Context, suffix, description, expression, operation string, input pulumi.Map) error {
	text := input.ToMapOutput().ApplyT(func(values map[string]any) (string, error) {
		out, err := json.Marshal(values)
		return string(out), err
	}).(pulumi.StringOutput)
	if _, err := awsscheduler.NewSchedule(ctx, s.name+"-"+suffix, &awsscheduler.ScheduleArgs{
		Name:                       pulumi.String(suffix),
		GroupName:                  s.group.Name,
		Description:                pulumi.String(description),
		ScheduleExpression:         pulumi.String(expression),
		ScheduleExpressionTimezone: pulumi.String(s.args.TimeZone),
		FlexibleTimeWindow:         &awsscheduler.ScheduleFlexibleTimeWindowArgs{Mode: pulumi.String("OFF")},
		Target: &awsscheduler.ScheduleTargetArgs{
			Arn:     pulumi.String("arn:aws:scheduler:::aws-sdk:" + operation),
			RoleArn: s.roleARN,
			Input:   text,
			RetryPolicy: &awsscheduler.ScheduleTargetRetryPolicyArgs{
				MaximumEventAgeInSeconds: pulumi.Int(retrySeconds),
				MaximumRetryAttempts:     pulumi.Int(retries),
			},
			DeadLetterConfig: &awsscheduler.ScheduleTargetDeadLetterConfigArgs{Arn: s.queueARN},
		},
	}, s.opts...); err != nil {
		return fmt.Errorf("creating schedule %s/%s: %w", s.args.Name, suffix, err)
	}
	return nil
}
