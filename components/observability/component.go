package observability

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/budgets"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/identity"
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

// notifications creates the topic of a place. Its ARN is handed on by the topic's policy, so nothing that publishes
// exists before it may.
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
	body := pulumi.All(names, outputMap(t.AutoScalingGroups), outputMap(t.NATGatewayIDs), outputMap(t.CacheNodeIDs),
		o.alarms).
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
