package observability

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:observability:Observability"

// Observability is everything that shows people how the environment is doing.
type Observability struct {
	pulumi.ResourceState

	// TopicARN is the topic that alarms of the environment's own region notify.
	TopicARN pulumi.StringOutput
	// DashboardURL is the URL of the dashboard in the AWS console; empty while the environment is parked.
	DashboardURL pulumi.StringOutput

	name string
	args *Args
	// here is the environment's region, global is us-east-1.
	here, global place
	// alarms are the ARNs of all alarms.
	alarms pulumi.StringArray
}

// New creates the observability of one environment. It returns everything wrong with args in one error, before anything
// is registered.
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
		o.global.facts.SharedKeyARN = nil // A key works only in its own region.
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

// Publishers are the services that publish to the topic of the environment's own region.
var Publishers = []string{"budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.rds.amazonaws.com"}

// usEast1 is the region of CloudFront's metrics.
const usEast1 = "us-east-1"

// place is a region with alarms. An alarm must be in the region of its metric, and its topic in the region of the
// alarm.
type place struct {
	// suffix ends the names of resources outside the environment's own region.
	suffix string
	// publishers are the services that publish to the topic.
	publishers []string
	opts       []pulumi.ResourceOption
	// facts are the environment's, with the region of the place.
	facts    environment.Facts
	topicARN pulumi.StringOutput
	// disabled are the names of the alarms whose actions are disabled outside working hours.
	disabled []string
	// breached are the disabled alarms that are in alarm outside working hours because there are no data.
	breached []string
}

// in are the options of a child in a place.
func (o *Observability) in(p *place) []pulumi.ResourceOption { return o.childOpts(p.opts...) }
