package observability

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/budgets"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// Observability is everything that tells people how the environment is doing.
type Observability struct {
	pulumi.ResourceState

	// TopicARN is where alarms go; subscribe more to it as needed.
	TopicARN pulumi.StringOutput
	// DashboardURL opens the dashboard in the AWS console.
	DashboardURL pulumi.StringOutput

	name   string
	args   *Args
	alarms pulumi.StringArray
}

// publishers are the AWS services that send to the topic.
var publishers = []string{"budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.rds.amazonaws.com"}

// New creates the observability of one environment. It returns every problem of args in one error, before anything is
// registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Observability, error) {
	if args == nil {
		return nil, fmt.Errorf("observability %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	o := &Observability{name: name, args: args}
	if err := ctx.RegisterComponentResource("groundwork:observability:Observability", name, o, opts...); err != nil {
		return nil, fmt.Errorf("registering observability %s: %w", name, err)
	}
	for _, step := range []func(*pulumi.Context) error{
		o.notifications, o.allAlarms, o.databaseEvents, o.dashboard, o.budget,
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

// notifications creates the topic. Its ARN is handed on by the topic's policy, so nothing that publishes exists before
// it may.
func (o *Observability) notifications(ctx *pulumi.Context) error {
	key, err := identity.NewKey(ctx, o.name+"-notifications", &identity.KeyArgs{
		Alias:      o.args.Name + "-notifications",
		Purpose:    "notifications of " + o.args.Name,
		AccountID:  o.args.AccountID,
		Statements: []identity.Statement{identity.PublishersMayUseKey(o.args.AccountID, publishers...)},
		Protect:    o.args.Protect,
	}, o.childOpts()...)
	if err != nil {
		return err
	}
	topic, err := sns.NewTopic(ctx, o.name+"-alarms", &sns.TopicArgs{
		Name:           pulumi.String(o.args.Name + "-alarms"),
		DisplayName:    pulumi.String("Alarms of " + o.args.Name),
		KmsMasterKeyId: key.ARN,
	}, o.childOpts()...)
	if err != nil {
		return err
	}
	policy, err := sns.NewTopicPolicy(ctx, o.name+"-alarms", &sns.TopicPolicyArgs{
		Arn: topic.Arn,
		Policy: topic.Arn.ApplyT(func(arn string) string {
			return TopicPolicy(arn, o.args.AccountID).JSON()
		}).(pulumi.StringOutput),
	}, o.childOpts()...)
	if err != nil {
		return err
	}
	o.TopicARN = policy.Arn
	for _, address := range o.args.AlarmEmails {
		if _, err := sns.NewTopicSubscription(ctx, o.name+"-alarms-"+address, &sns.TopicSubscriptionArgs{
			Topic:    o.TopicARN,
			Protocol: pulumi.String("email"),
			Endpoint: pulumi.String(address),
		}, o.childOpts()...); err != nil {
			return err
		}
	}
	return nil
}

// TopicPolicy lets the publishing services of this account send to the topic, and nobody without TLS.
func TopicPolicy(topicARN, account string) identity.Document {
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

func (o *Observability) allAlarms(ctx *pulumi.Context) error {
	t := o.args.Targets
	if err := o.add(ctx, "cluster", "ClusterName", t.ClusterName, ClusterAlarms(o.args.Thresholds)); err != nil {
		return err
	}
	for _, group := range slices.Sorted(maps.Keys(t.AutoScalingGroups)) {
		if err := o.add(ctx, "nodes-"+group, "AutoScalingGroupName", t.AutoScalingGroups[group], NodeAlarms(o.args.Thresholds)); err != nil {
			return err
		}
	}
	for _, zone := range slices.Sorted(maps.Keys(t.NATGatewayIDs)) {
		if err := o.add(ctx, "nat-"+zone, "NatGatewayId", t.NATGatewayIDs[zone], NATAlarms()); err != nil {
			return err
		}
	}
	for _, number := range slices.Sorted(maps.Keys(t.CacheNodeIDs)) {
		if err := o.add(ctx, "cache-"+number, "CacheClusterId", t.CacheNodeIDs[number], CacheAlarms(o.args.Thresholds)); err != nil {
			return err
		}
	}
	return o.add(ctx, "database", "DBInstanceIdentifier", t.DatabaseIdentifier,
		DatabaseAlarms(o.args.Thresholds, t.DatabaseClass, t.DatabaseStorageGiB))
}

// add creates the given rows of the alarm table for one subject.
func (o *Observability) add(ctx *pulumi.Context, subject, dimension string, value pulumi.StringInput, rows []Alarm) error {
	for _, row := range rows {
		name := subject + "-" + row.Name
		alarm, err := cloudwatch.NewMetricAlarm(ctx, o.name+"-"+name, &cloudwatch.MetricAlarmArgs{
			Name:               pulumi.String(o.args.Name + "-" + name),
			AlarmDescription:   pulumi.String(row.Description),
			Namespace:          pulumi.String(row.Namespace),
			MetricName:         pulumi.String(row.Metric),
			Statistic:          pulumi.String(row.Statistic),
			ComparisonOperator: pulumi.String(row.Comparison),
			Threshold:          pulumi.Float64(row.Threshold),
			Period:             pulumi.Int(row.PeriodSeconds),
			EvaluationPeriods:  pulumi.Int(row.Periods),
			DatapointsToAlarm:  pulumi.Int(row.Datapoints),
			TreatMissingData:   pulumi.String(row.Missing),
			Dimensions:         pulumi.StringMap{dimension: value},
			ActionsEnabled:     pulumi.Bool(true),
			AlarmActions:       pulumi.Array{o.TopicARN},
			OkActions:          pulumi.Array{o.TopicARN},
		}, o.childOpts()...)
		if err != nil {
			return err
		}
		o.alarms = append(o.alarms, alarm.Arn)
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
	t := o.args.Targets
	body := pulumi.All(t.ClusterName, t.DatabaseIdentifier, outputMap(t.AutoScalingGroups), outputMap(t.NATGatewayIDs), o.alarms, outputMap(t.CacheNodeIDs)).
		ApplyT(func(all []any) string {
			return DashboardBody(Subjects{
				Region:            o.args.Region,
				Cluster:           all[0].(string),
				Database:          all[1].(string),
				AutoScalingGroups: all[2].(map[string]string),
				NATGateways:       all[3].(map[string]string),
				AlarmARNs:         all[4].([]string),
				CacheNodes:        all[5].(map[string]string),
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
