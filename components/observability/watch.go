package observability

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/parking"
)

// watched is a subject, its dimensions in CloudWatch, and its rows of the alarm table.
type watched struct {
	subject    string
	dimensions pulumi.StringMap
	rows       []Alarm
}

// regionalAlarms creates the alarms whose metrics are in the environment's own region.
func (o *Observability) regionalAlarms(ctx *pulumi.Context) error {
	for _, w := range append(o.watchedServices(), o.watchedInstances()...) {
		if err := o.watch(ctx, &o.here, w); err != nil {
			return err
		}
	}
	return nil
}

// watchedServices are the subjects of which there is one, if Power says that they exist.
func (o *Observability) watchedServices() []watched {
	t, power, thresholds := o.args.Targets, o.args.Power, o.args.Thresholds
	one := func(subject, dimension string, name pulumi.StringInput, rows []Alarm) watched {
		return watched{subject, pulumi.StringMap{dimension: name}, rows}
	}
	database := DatabaseAlarms(thresholds, t.DatabaseClass, t.DatabaseStorageGiB)
	all := []watched{one("database", "DBInstanceIdentifier", t.DatabaseIdentifier, database)}
	if power.HasCluster() {
		all = append(all, one("cluster", "ClusterName", t.ClusterName, ClusterAlarms(thresholds)))
	}
	if power.HasLoadBalancer() {
		targets := pulumi.StringMap{"LoadBalancer": t.Edge.LoadBalancer, "TargetGroup": t.Edge.TargetGroup}
		all = append(all, one("edge", "LoadBalancer", t.Edge.LoadBalancer, LoadBalancerAlarms(thresholds)),
			watched{"edge", targets, TargetAlarms()})
	}
	if power.HasScheduler() {
		queue := pulumi.String(parking.QueueName(parking.SchedulerName(o.args.Name)))
		all = append(all, one("schedule", "QueueName", queue, QueueAlarms()))
	}
	return all
}

// watchedInstances are the subjects of which there are several, if Power says that they exist. The targets alone do not
// say so: they may come from a lower layer that has not been parked yet.
func (o *Observability) watchedInstances() []watched {
	t, power := o.args.Targets, o.args.Power
	var all []watched
	each := func(prefix, dimension string, names map[string]pulumi.StringOutput, exist bool, rows []Alarm) {
		if !exist {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(names)) {
			all = append(all, watched{prefix + "-" + key, pulumi.StringMap{dimension: names[key]}, rows})
		}
	}
	each("nodes", "AutoScalingGroupName", t.AutoScalingGroups, power.HasNodes(), NodeAlarms(o.args.Thresholds))
	each("nat", "NatGatewayId", t.NATGatewayIDs, power.HasEgress(), NATAlarms())
	each("cache", "CacheClusterId", t.CacheNodeIDs, power.HasCache(), CacheAlarms(o.args.Thresholds, t.CacheNodeType))
	return all
}

// logAlarms creates the metric filters that count lines of the container log, and the alarms that watch the counts.
func (o *Observability) logAlarms(ctx *pulumi.Context) error {
	if !o.args.Power.HasCluster() {
		return nil
	}
	for _, row := range LogAlarms(o.args.Name, o.args.Targets.ArgoCD) {
		filter := o.args.Name + "-" + row.Name
		if _, err := cloudwatch.NewLogMetricFilter(ctx, o.name+"-"+row.Name, &cloudwatch.LogMetricFilterArgs{
			Name:         pulumi.String(filter),
			LogGroupName: o.args.Targets.ContainerLogGroup,
			Pattern:      pulumi.String(row.Pattern),
			MetricTransformation: &cloudwatch.LogMetricFilterMetricTransformationArgs{
				Namespace: pulumi.String(row.Namespace), Name: pulumi.String(row.Metric), Value: pulumi.String("1"),
				DefaultValue: pulumi.String("0"),
			},
		}, o.childOpts()...); err != nil {
			return fmt.Errorf("creating metric filter %s: %w", filter, err)
		}
		if err := o.watch(ctx, &o.here, watched{"workloads", pulumi.StringMap{}, []Alarm{row.Alarm}}); err != nil {
			return err
		}
	}
	return nil
}

// globalAlarms creates the alarms of CloudFront, in us-east-1.
func (o *Observability) globalAlarms(ctx *pulumi.Context) error {
	return o.watch(ctx, &o.global, watched{"cloudfront", pulumi.StringMap{
		"DistributionId": o.args.Targets.Edge.Distribution, "Region": pulumi.String("Global"),
	}, DistributionAlarms(o.args.Thresholds)})
}

// watch creates the alarms of one subject.
func (o *Observability) watch(ctx *pulumi.Context, p *place, w watched) error {
	for _, row := range w.rows {
		name := w.subject + "-" + row.Name
		physical := o.args.Name + "-" + name
		opts := o.in(p)
		if !row.Standing {
			p.disabled = append(p.disabled, physical)
			if row.Missing == MissingIsBad {
				p.breached = append(p.breached, physical)
			}
			if o.args.Power.Scheduled() {
				opts = append(opts, pulumi.IgnoreChanges([]string{"actionsEnabled"}))
			}
		}
		alarm, err := cloudwatch.NewMetricAlarm(ctx, o.name+"-"+name, o.alarmArgs(p, w, row, physical), opts...)
		if err != nil {
			return fmt.Errorf("creating alarm %s: %w", physical, err)
		}
		o.alarms = append(o.alarms, alarm.Arn)
	}
	return nil
}

// alarmArgs are the inputs of the alarm that watches a subject by one row of the alarm table.
func (o *Observability) alarmArgs(p *place, w watched, row Alarm, physical string) *cloudwatch.MetricAlarmArgs {
	args := &cloudwatch.MetricAlarmArgs{
		Name:               pulumi.String(physical),
		AlarmDescription:   pulumi.String(row.Description),
		Namespace:          pulumi.String(row.Namespace),
		MetricName:         pulumi.String(row.Metric),
		ComparisonOperator: pulumi.String(row.Comparison),
		Threshold:          pulumi.Float64(row.Threshold),
		Period:             pulumi.Int(row.PeriodSeconds),
		EvaluationPeriods:  pulumi.Int(row.Periods),
		DatapointsToAlarm:  pulumi.Int(row.Datapoints),
		TreatMissingData:   pulumi.String(row.Missing),
		Dimensions:         w.dimensions,
		ActionsEnabled:     pulumi.Bool(true),
	}
	// An alarm of a parked environment has no actions. Disabling them would not do: schedules enable and disable actions,
	// and the alarm must not notify whatever they did.
	if row.Standing || o.args.Power.AlarmsOn() {
		args.AlarmActions = pulumi.Array{p.topicARN}
		if !row.NoAllClear {
			args.OkActions = pulumi.Array{p.topicARN}
		}
	}
	if strings.HasPrefix(row.Statistic, "p") {
		args.ExtendedStatistic = pulumi.String(row.Statistic)
	} else {
		args.Statistic = pulumi.String(row.Statistic)
	}
	return args
}
