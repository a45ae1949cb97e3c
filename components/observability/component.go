package observability

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/budgets"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/identity"
	"groundwork/components/parking"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:observability:Observability"

// Observability is everything that tells people how the environment is doing.
type Observability struct {
	pulumi.ResourceState

	// TopicARN is where alarms go; subscribe more to it as needed.
	TopicARN pulumi.StringOutput
	// DashboardURL opens the dashboard in the AWS console.
	DashboardURL pulumi.StringOutput

	name string
	args *Args
	// here is the environment's region, global is us-east-1.
	here, global place
	alarms       pulumi.StringArray
}

// New creates the observability of one environment. It returns every problem of args in one error, before anything is
// registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Observability, error) {
	if args == nil {
		return nil, fmt.Errorf("observability %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	o := &Observability{
		name: name, args: args,
		here: place{facts: args.Facts, publishers: Publishers},
		global: place{
			suffix: "-global", facts: args.Facts, publishers: []string{"cloudwatch.amazonaws.com"},
			opts: []pulumi.ResourceOption{pulumi.Provider(args.USEast1)},
		},
	}
	o.global.facts.Region = usEast1
	if args.Region != usEast1 {
		o.global.facts.SharedKeyARN = nil // Keys stay in their region.
	}
	if err := ctx.RegisterComponentResource(TypeToken, name, o, opts...); err != nil {
		return nil, fmt.Errorf("registering observability %s: %w", name, err)
	}
	for _, p := range []*place{&o.here, &o.global} {
		if err := o.notifications(ctx, p); err != nil {
			return nil, err
		}
	}
	o.TopicARN = o.here.topicARN
	for _, step := range []func(*pulumi.Context) error{
		o.regionalAlarms, o.logAlarms, o.globalAlarms, o.workingHours, o.databaseEvents, o.dashboard, o.budget,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if err := ctx.RegisterResourceOutputs(o, pulumi.Map{
		"topicArn":     o.TopicARN,
		"dashboardUrl": o.DashboardURL,
	}); err != nil {
		return nil, fmt.Errorf("registering outputs of observability %s: %w", name, err)
	}
	return o, nil
}

func (o *Observability) childOpts(extra ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(o)}, extra...)
}

// Publishers are the services that send to the topic of the environment's own region.
var Publishers = []string{"budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.rds.amazonaws.com"}

// usEast1 is where CloudFront's metrics are.
const usEast1 = "us-east-1"

// place is where alarms are: a region has to have its own, for the metrics that are in it, with a topic of its own.
type place struct {
	// suffix ends the names of what is not in the environment's own region.
	suffix string
	// publishers send to the topic.
	publishers []string
	opts       []pulumi.ResourceOption
	// facts are the environment's, with the region of the place.
	facts    environment.Facts
	topicARN pulumi.StringOutput
	// disabled are the names of the alarms whose actions are disabled outside working hours.
	disabled []string
	// breached are those of them that are in alarm outside working hours, because there are no data.
	breached []string
}

func (o *Observability) in(p *place) []pulumi.ResourceOption { return o.childOpts(p.opts...) }

// notifications creates the topic of a place. Its ARN is handed on by the topic's policy, so nothing that publishes exists
// before it may.
func (o *Observability) notifications(ctx *pulumi.Context, p *place) error {
	key, err := identity.NewKey(ctx, o.name+"-notifications"+p.suffix, &identity.KeyArgs{
		Alias:      o.args.Name + "-notifications" + p.suffix,
		Purpose:    "notifications of " + o.args.Name + strings.ReplaceAll(p.suffix, "-", " "),
		Facts:      p.facts,
		Statements: []identity.Statement{identity.PublishersMayUseKey(o.args.AccountID, p.publishers...)},
	}, o.in(p)...)
	if err != nil {
		return err
	}
	logical := o.name + "-alarms" + p.suffix
	topic, err := sns.NewTopic(ctx, logical, &sns.TopicArgs{
		Name:           pulumi.String(o.args.Name + "-alarms" + p.suffix),
		DisplayName:    pulumi.String("Alarms of " + o.args.Name),
		KmsMasterKeyId: key.ARN,
	}, o.in(p)...)
	if err != nil {
		return err
	}
	policy, err := sns.NewTopicPolicy(ctx, logical, &sns.TopicPolicyArgs{
		Arn: topic.Arn,
		Policy: topic.Arn.ApplyT(func(arn string) string {
			return TopicPolicy(arn, o.args.AccountID, p.publishers...).JSON()
		}).(pulumi.StringOutput),
	}, o.in(p)...)
	if err != nil {
		return err
	}
	p.topicARN = policy.Arn
	for _, address := range o.args.AlarmEmails {
		if _, err := sns.NewTopicSubscription(ctx, logical+"-"+address, &sns.TopicSubscriptionArgs{
			Topic:    p.topicARN,
			Protocol: pulumi.String("email"),
			Endpoint: pulumi.String(address),
		}, o.in(p)...); err != nil {
			return err
		}
	}
	return nil
}

// TopicPolicy lets the given services of this account publish to the topic, and nobody without TLS.
func TopicPolicy(topicARN, account string, publishers ...string) identity.Document {
	return identity.NewDocument(identity.Statement{
		Sid: "PublishersOfThisAccount", Effect: identity.Allow,
		Principal: identity.Services(publishers...),
		Action:    identity.Strings{"sns:Publish"},
		Resource:  identity.Strings{topicARN},
		Condition: identity.Condition{"StringEquals": {"aws:SourceAccount": {account}}},
	}, identity.Statement{
		Sid: "NoPublishingWithoutTLS", Effect: identity.Deny,
		Principal: identity.AWS("*"),
		Action:    identity.Strings{"sns:Publish"},
		Resource:  identity.Strings{topicARN},
		Condition: identity.Condition{"Bool": {"aws:SecureTransport": {"false"}}},
	})
}

// watched is a subject with its rows of the alarm table.
type watched struct {
	subject    string
	dimensions pulumi.StringMap
	rows       []Alarm
}

// regionalAlarms creates the alarms of everything that has its metrics in the environment's own region.
func (o *Observability) regionalAlarms(ctx *pulumi.Context) error {
	t, power := o.args.Targets, o.args.Power
	all := []watched{
		{"database", pulumi.StringMap{"DBInstanceIdentifier": t.DatabaseIdentifier}, DatabaseAlarms(o.args.Thresholds, t.DatabaseClass, t.DatabaseStorageGiB)},
	}
	if power.HasCluster() {
		all = append(all, watched{"cluster", pulumi.StringMap{"ClusterName": t.ClusterName}, ClusterAlarms(o.args.Thresholds)})
	}
	if power.HasLoadBalancer() {
		all = append(all,
			watched{"edge", pulumi.StringMap{"LoadBalancer": t.Edge.LoadBalancer}, BalancerAlarms(o.args.Thresholds)},
			watched{"edge", pulumi.StringMap{"LoadBalancer": t.Edge.LoadBalancer, "TargetGroup": t.Edge.TargetGroup}, TargetAlarms()},
		)
	}
	if power.HasScheduler() {
		all = append(all, watched{"schedule", pulumi.StringMap{"QueueName": pulumi.String(parking.QueueName(parking.SchedulerName(o.args.Name)))}, QueueAlarms()})
	}
	// Names may still be in the outputs of a lower layer that has not been parked yet.
	if !power.HasNodes() {
		t.AutoScalingGroups = nil
	}
	if !power.HasEgress() {
		t.NATGatewayIDs = nil
	}
	if !power.HasCache() {
		t.CacheNodeIDs = nil
	}
	for _, group := range slices.Sorted(maps.Keys(t.AutoScalingGroups)) {
		all = append(all, watched{"nodes-" + group, pulumi.StringMap{"AutoScalingGroupName": t.AutoScalingGroups[group]}, NodeAlarms(o.args.Thresholds)})
	}
	for _, zone := range slices.Sorted(maps.Keys(t.NATGatewayIDs)) {
		all = append(all, watched{"nat-" + zone, pulumi.StringMap{"NatGatewayId": t.NATGatewayIDs[zone]}, NATAlarms()})
	}
	for _, number := range slices.Sorted(maps.Keys(t.CacheNodeIDs)) {
		all = append(all, watched{"cache-" + number, pulumi.StringMap{"CacheClusterId": t.CacheNodeIDs[number]}, CacheAlarms(o.args.Thresholds)})
	}
	for _, w := range all {
		if err := o.watch(ctx, &o.here, w); err != nil {
			return err
		}
	}
	return nil
}

// logAlarms counts lines of the container log and watches the counts.
func (o *Observability) logAlarms(ctx *pulumi.Context) error {
	if !o.args.Power.HasCluster() {
		return nil
	}
	for _, row := range LogAlarms(o.args.Name, o.args.Targets.ArgoCD) {
		if _, err := cloudwatch.NewLogMetricFilter(ctx, o.name+"-"+row.Name, &cloudwatch.LogMetricFilterArgs{
			Name:         pulumi.String(o.args.Name + "-" + row.Name),
			LogGroupName: o.args.Targets.ContainerLogGroup,
			Pattern:      pulumi.String(row.Pattern),
			MetricTransformation: &cloudwatch.LogMetricFilterMetricTransformationArgs{
				Namespace: pulumi.String(row.Namespace), Name: pulumi.String(row.Metric), Value: pulumi.String("1"), DefaultValue: pulumi.String("0"),
			},
		}, o.childOpts()...); err != nil {
			return err
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

// watch creates the given rows of the alarm table for one subject.
func (o *Observability) watch(ctx *pulumi.Context, p *place, w watched) error {
	for _, row := range w.rows {
		name := w.subject + "-" + row.Name
		args := &cloudwatch.MetricAlarmArgs{
			Name:               pulumi.String(o.args.Name + "-" + name),
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
		// Without actions rather than with actions disabled: that is what schedules do, and this has to stand whatever they did.
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
		opts := o.in(p)
		if !row.Standing {
			p.disabled = append(p.disabled, o.args.Name+"-"+name)
			if row.Missing == MissingIsBad {
				p.breached = append(p.breached, o.args.Name+"-"+name)
			}
			if o.args.Power.Scheduled() {
				opts = append(opts, pulumi.IgnoreChanges([]string{"actionsEnabled"}))
			}
		}
		alarm, err := cloudwatch.NewMetricAlarm(ctx, o.name+"-"+name, args, opts...)
		if err != nil {
			return err
		}
		o.alarms = append(o.alarms, alarm.Arn)
	}
	return nil
}

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
					Action:   identity.Strings{"cloudwatch:DisableAlarmActions", "cloudwatch:EnableAlarmActions", "cloudwatch:SetAlarmState"},
					Resource: identity.Strings{fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s-*", p.facts.Region, o.args.AccountID, o.args.Name)},
				}}
			},
		}, o.in(p)...)
		if err != nil {
			return err
		}
		alarms := pulumi.Map{"AlarmNames": pulumi.ToStringArray(p.disabled)}
		if err := scheduler.At(ctx, "alarms-off", "Evening: alarms about what goes down are silent", schedule.StopCron(), "cloudwatch:disableAlarmActions", alarms); err != nil {
			return err
		}
		if err := scheduler.At(ctx, "alarms-on", "Morning: half an hour after the start they speak again", schedule.StartedCron(), "cloudwatch:enableAlarmActions", alarms); err != nil {
			return err
		}
		// CloudWatch acts when a state changes. What is still in alarm after the morning's start is sent back, so that it says so again.
		for _, name := range p.breached {
			input := pulumi.Map{"AlarmName": pulumi.String(name), "StateValue": pulumi.String("OK"), "StateReason": pulumi.String("the night is over")}
			if err := scheduler.At(ctx, strings.TrimPrefix(name, o.args.Name+"-"), "Morning: what is still wrong says so again", schedule.StartedCron(), "cloudwatch:setAlarmState", input); err != nil {
				return err
			}
		}
		if err := o.watch(ctx, p, watched{"nights" + p.suffix, pulumi.StringMap{"QueueName": pulumi.String(parking.QueueName(physical))}, QueueAlarms()}); err != nil {
			return err
		}
	}
	return nil
}

// databaseEvents reports what RDS does to the instance by itself: failovers, low storage, maintenance.
func (o *Observability) databaseEvents(ctx *pulumi.Context) error {
	_, err := rds.NewEventSubscription(ctx, o.name+"-database-events", &rds.EventSubscriptionArgs{
		Name:       pulumi.String(o.args.Name + "-database"),
		SnsTopic:   o.TopicARN,
		SourceType: pulumi.String("db-instance"),
		SourceIds:  pulumi.StringArray{o.args.Targets.DatabaseIdentifier},
		EventCategories: pulumi.ToStringArray([]string{
			"availability", "configuration change", "failover", "failure", "low storage", "maintenance", "recovery",
		}),
	}, o.childOpts()...)
	return err
}

func (o *Observability) dashboard(ctx *pulumi.Context) error {
	if !o.args.Power.HasDashboard() {
		o.DashboardURL = pulumi.String("").ToStringOutput()
		return nil
	}
	t := o.args.Targets
	names := pulumi.StringMap{
		"cluster": t.ClusterName, "database": t.DatabaseIdentifier,
		"loadBalancer": t.Edge.LoadBalancer, "targetGroup": t.Edge.TargetGroup, "distribution": t.Edge.Distribution,
	}
	body := pulumi.All(names, outputMap(t.AutoScalingGroups), outputMap(t.NATGatewayIDs), outputMap(t.CacheNodeIDs), o.alarms).
		ApplyT(func(all []any) string {
			names := all[0].(map[string]string)
			return DashboardBody(Subjects{
				Region:            o.args.Region,
				Cluster:           names["cluster"],
				Database:          names["database"],
				LoadBalancer:      names["loadBalancer"],
				TargetGroup:       names["targetGroup"],
				Distribution:      names["distribution"],
				AutoScalingGroups: all[1].(map[string]string),
				NATGateways:       all[2].(map[string]string),
				CacheNodes:        all[3].(map[string]string),
				AlarmARNs:         all[4].([]string),
				LogAlarms:         LogAlarms(o.args.Name, t.ArgoCD),
			})
		}).(pulumi.StringOutput)
	dashboard, err := cloudwatch.NewDashboard(ctx, o.name+"-dashboard", &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(o.args.Name),
		DashboardBody: body,
	}, o.childOpts()...)
	if err != nil {
		return err
	}
	o.DashboardURL = pulumi.Sprintf("https://%s.console.aws.amazon.com/cloudwatch/home?region=%s#dashboards/dashboard/%s",
		o.args.Region, o.args.Region, dashboard.DashboardName)
	return nil
}

func outputMap(m map[string]pulumi.StringOutput) pulumi.StringMap {
	out := pulumi.StringMap{}
	for key, value := range m {
		out[key] = value
	}
	return out
}

// budget warns when the account has spent four fifths of the month's budget, all of it, or is on the way to.
func (o *Observability) budget(ctx *pulumi.Context) error {
	notification := func(kind string, percent float64) budgets.BudgetNotificationInput {
		return &budgets.BudgetNotificationArgs{
			NotificationType:       pulumi.String(kind),
			ComparisonOperator:     pulumi.String("GREATER_THAN"),
			Threshold:              pulumi.Float64(percent),
			ThresholdType:          pulumi.String("PERCENTAGE"),
			SubscriberSnsTopicArns: pulumi.StringArray{o.TopicARN},
		}
	}
	_, err := budgets.NewBudget(ctx, o.name+"-budget", &budgets.BudgetArgs{
		Name:        pulumi.String(o.args.Name + "-monthly"),
		BudgetType:  pulumi.String("COST"),
		TimeUnit:    pulumi.String("MONTHLY"),
		LimitAmount: pulumi.String(strconv.Itoa(o.args.MonthlyBudgetUSD)),
		LimitUnit:   pulumi.String("USD"),
		Notifications: budgets.BudgetNotificationArray{
			notification("ACTUAL", 80), notification("ACTUAL", 100), notification("FORECASTED", 100),
		},
	}, o.childOpts()...)
	return err
}
