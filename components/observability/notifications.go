package observability

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/budgets"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// notifications creates the topic of a place. Publishers get the topic's ARN from its policy, so that none exists
// before it may publish.
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
	logical, physical := o.name+"-alarms"+p.suffix, o.args.Name+"-alarms"+p.suffix
	topic, err := sns.NewTopic(ctx, logical, &sns.TopicArgs{
		Name:           pulumi.String(physical),
		DisplayName:    pulumi.String("Alarms of " + o.args.Name),
		KmsMasterKeyId: key.ARN,
	}, o.in(p)...)
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", physical, err)
	}
	policy, err := sns.NewTopicPolicy(ctx, logical, &sns.TopicPolicyArgs{
		Arn: topic.Arn,
		Policy: topic.Arn.ApplyT(func(arn string) string {
			return TopicPolicy(arn, o.args.AccountID, p.publishers...).JSON()
		}).(pulumi.StringOutput),
	}, o.in(p)...)
	if err != nil {
		return fmt.Errorf("creating the policy of topic %s: %w", physical, err)
	}
	p.topicARN = policy.Arn
	for _, address := range o.args.AlarmEmails {
		if _, err := sns.NewTopicSubscription(ctx, logical+"-"+address, &sns.TopicSubscriptionArgs{
			Topic:    p.topicARN,
			Protocol: pulumi.String("email"),
			Endpoint: pulumi.String(address),
		}, o.in(p)...); err != nil {
			return fmt.Errorf("subscribing %s to topic %s: %w", address, physical, err)
		}
	}
	return nil
}

// TopicPolicy lets the given services publish to the topic for this account, and denies publishing without TLS.
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

// databaseEvents subscribes the topic to events of the instance, such as failovers, low storage and maintenance.
func (o *Observability) databaseEvents(ctx *pulumi.Context) error {
	if _, err := rds.NewEventSubscription(ctx, o.name+"-database-events", &rds.EventSubscriptionArgs{
		Name:       pulumi.String(o.args.Name + "-database"),
		SnsTopic:   o.TopicARN,
		SourceType: pulumi.String("db-instance"),
		SourceIds:  pulumi.StringArray{o.args.Targets.DatabaseIdentifier},
		EventCategories: pulumi.ToStringArray([]string{
			"availability", "configuration change", "failover", "failure", "low storage", "maintenance", "recovery",
		}),
	}, o.childOpts()...); err != nil {
		return fmt.Errorf("subscribing to the events of the database: %w", err)
	}
	return nil
}

// budget creates the monthly budget. It warns if the account has spent 80 percent of the budget or all of it, or is
// forecast to spend all of it.
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
	name := o.args.Name + "-monthly"
	if _, err := budgets.NewBudget(ctx, o.name+"-budget", &budgets.BudgetArgs{
		Name:        pulumi.String(name),
		BudgetType:  pulumi.String("COST"),
		TimeUnit:    pulumi.String("MONTHLY"),
		LimitAmount: pulumi.String(strconv.Itoa(o.args.MonthlyBudgetUSD)),
		LimitUnit:   pulumi.String("USD"),
		Notifications: budgets.BudgetNotificationArray{
			notification("ACTUAL", 80), notification("ACTUAL", 100), notification("FORECASTED", 100),
		},
	}, o.childOpts()...); err != nil {
		return fmt.Errorf("creating budget %s: %w", name, err)
	}
	return nil
}
