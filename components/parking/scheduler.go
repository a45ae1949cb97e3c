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

// SchedulerArgs describe what calls AWS at given times.
type SchedulerArgs struct {
	// Facts are the environment's; Region is where the schedules are.
	Facts environment.Facts
	// Name is the physical name of group, role and queue.
	Name string
	// Names are physical names that the schedules' permissions are made of; Statements are these permissions, once the
	// names are known.
	Names      pulumi.StringMap
	Statements func(names map[string]string) []identity.Statement
	// TimeZone is that of all expressions.
	TimeZone string
}

// Scheduler calls AWS at given times: a group of schedules, the role they assume, and the queue that gets what failed.
type Scheduler struct {
	name              string
	args              *SchedulerArgs
	group             *awsscheduler.ScheduleGroup
	roleARN, queueARN pulumi.StringOutput
	opts              []pulumi.ResourceOption
}

// Calls that fail are tried again for an hour, then kept for two weeks in the dead-letter queue.
const (
	retries         = 10
	retrySeconds    = 3600
	keepFailureDays = 14
)

// QueueName is the dead-letter queue of a scheduler, as metrics name it.
func QueueName(scheduler string) string { return scheduler + "-failures" }

// NewScheduler creates a scheduler under the parent given in opts.
func NewScheduler(
	ctx *pulumi.Context,
	name string,
	args *SchedulerArgs,
	opts ...pulumi.ResourceOption,
) (*Scheduler, error) {
	group, err := awsscheduler.NewScheduleGroup(
		ctx,
		name,
		&awsscheduler.ScheduleGroupArgs{Name: pulumi.String(args.Name)},
		opts...)
	if err != nil {
		return nil, err
	}
	queue, err := sqs.NewQueue(ctx, name, &sqs.QueueArgs{
		Name:                    pulumi.String(QueueName(args.Name)),
		MessageRetentionSeconds: pulumi.Int(keepFailureDays * 24 * 3600),
		SqsManagedSseEnabled:    pulumi.Bool(true),
	}, opts...)
	if err != nil {
		return nil, err
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
		return nil, err
	}
	role, err := identity.NewServiceRole(ctx, name, &identity.ServiceRoleArgs{
		Facts: args.Facts, Name: args.Name,
		Services:      []string{"scheduler.amazonaws.com"},
		SourceAccount: args.Facts.AccountID,
		SourceARN: fmt.Sprintf(
			"arn:aws:scheduler:%s:%s:schedule-group/%s",
			args.Facts.Region,
			args.Facts.AccountID,
			args.Name,
		),
		Policy: pulumi.All(args.Names, queue.Arn).ApplyT(func(all []any) string {
			return identity.NewDocument(append(args.Statements(all[0].(map[string]string)), identity.Statement{
				Sid: "KeepFailures", Effect: identity.Allow,
				Action: identity.Strings{"sqs:SendMessage"}, Resource: identity.Strings{all[1].(string)},
			})...).JSON()
		}).(pulumi.StringOutput),
	}, opts...)
	if err != nil {
		return nil, err
	}
	return &Scheduler{
		name: name, args: args, group: group, roleARN: role.ARN, queueARN: queue.Arn,
		opts: append([]pulumi.ResourceOption{pulumi.DependsOn(append(role.Permissions, policy))}, opts...),
	}, nil
}

// At calls an operation of an AWS service, such as "rds:stopDBInstance", each time the expression says. Input has the
// operation's parameters as the AWS SDK for Java names them, the first letter a capital one: {"DbInstanceIdentifier":
// "main"}.
func (s *Scheduler) At(ctx *pulumi.Context, suffix, description, expression, operation string, input pulumi.Map) error {
	text := input.ToMapOutput().ApplyT(func(values map[string]any) (string, error) {
		out, err := json.Marshal(values)
		return string(out), err
	}).(pulumi.StringOutput)
	_, err := awsscheduler.NewSchedule(ctx, s.name+"-"+suffix, &awsscheduler.ScheduleArgs{
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
	}, s.opts...)
	return err
}
