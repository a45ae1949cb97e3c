package observability

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
	"groundwork/components/parking"
)

// workingHours disables alarm actions at Stop and enables them 30 minutes after Start.
func (o *Observability) workingHours(ctx *pulumi.Context) error {
	if !o.args.Power.Scheduled() {
		return nil
	}
	for _, p := range []*place{&o.here, &o.global} {
		if err := o.scheduleActions(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// scheduleActions schedules the alarm actions of a place, and watches the calls that do it.
func (o *Observability) scheduleActions(ctx *pulumi.Context, p *place) error {
	name, physical := o.name+"-nights"+p.suffix, o.args.Name+"-nights"+p.suffix
	schedule := o.args.Power.Schedule
	scheduler, err := parking.NewScheduler(ctx, name, &parking.SchedulerArgs{
		Facts: p.facts, Name: physical, TimeZone: schedule.TimeZone,
		Statements: func(map[string]string) []identity.Statement {
			return []identity.Statement{{
				Sid: "SilenceAlarms", Effect: identity.Allow,
				Action: identity.Strings{
					"cloudwatch:DisableAlarmActions",
					"cloudwatch:EnableAlarmActions",
					"cloudwatch:SetAlarmState",
				},
				Resource: identity.Strings{
					fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s-*", p.facts.Region, o.args.AccountID, o.args.Name),
				},
			}}
		},
	}, o.in(p)...)
	if err != nil {
		return err
	}
	alarms := pulumi.Map{"AlarmNames": pulumi.ToStringArray(p.disabled)}
	if err := scheduler.At(ctx, "alarms-off", "Evening: alarms about what goes down are silent",
		schedule.StopCron(), "cloudwatch:disableAlarmActions", alarms); err != nil {
		return err
	}
	if err := scheduler.At(ctx, "alarms-on", "Morning: half an hour after the start they speak again",
		schedule.StartedCron(), "cloudwatch:enableAlarmActions", alarms); err != nil {
		return err
	}
	if err := o.resetBreached(ctx, p, scheduler); err != nil {
		return err
	}
	queue := pulumi.StringMap{"QueueName": pulumi.String(parking.QueueName(physical))}
	return o.watch(ctx, p, watched{"nights" + p.suffix, queue, QueueAlarms()})
}

// resetBreached sets alarms to OK 30 minutes after Start if they are in alarm outside working hours. CloudWatch
// notifies only when a state changes: an alarm whose cause persists changes to ALARM again, and notifies.
func (o *Observability) resetBreached(ctx *pulumi.Context, p *place, scheduler *parking.Scheduler) error {
	for _, alarm := range p.breached {
		suffix := strings.TrimPrefix(alarm, o.args.Name+"-")
		if err := scheduler.At(ctx, suffix, "Morning: what is still wrong says so again",
			o.args.Power.Schedule.StartedCron(), "cloudwatch:setAlarmState", pulumi.Map{
				"AlarmName":   pulumi.String(alarm),
				"StateValue":  pulumi.String("OK"),
				"StateReason": pulumi.String("the environment has started"),
			}); err != nil {
			return err
		}
	}
	return nil
}
