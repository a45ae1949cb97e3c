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
	schedule := o.args.Power.Schedule
	for _, p := range []*place{&o.here, &o.global} {
		name, physical := o.name+"-nights"+p.suffix, o.args.Name+"-nights"+p.suffix
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
		if err := scheduler.At(ctx, "alarms-off", "Evening: alarms about what goes down are silent", schedule.StopCron(),
			"cloudwatch:disableAlarmActions", alarms); err != nil {
			return err
		}
		if err := scheduler.At(ctx, "alarms-on", "Morning: half an hour after the start they speak again",
			schedule.StartedCron(), "cloudwatch:enableAlarmActions", alarms); err != nil {
			return err
		}
		// CloudWatch acts when a state changes. What is still in alarm after the morning's start is sent back, so that it
		// says so again.
		for _, name := range p.breached {
			input := pulumi.Map{
				"AlarmName":   pulumi.String(name),
				"StateValue":  pulumi.String("OK"),
				"StateReason": pulumi.String("the night is over"),
			}
			if err := scheduler.At(ctx, strings.TrimPrefix(name, o.args.Name+"-"),
				"Morning: what is still wrong says so again", schedule.StartedCron(), "cloudwatch:setAlarmState",
				input); err != nil {
				return err
			}
		}
		if err := o.watch(ctx, p, watched{"nights" + p.suffix,
			pulumi.StringMap{"QueueName": pulumi.String(parking.QueueName(physical))}, QueueAlarms()}); err != nil {
			return err
		}
	}
	return nil
}
