package parking

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:parking:Parking"

// Parking suspends and resumes an environment, once or on a schedule.
type Parking struct {
	pulumi.ResourceState

	name string
	args *Args
}

// SchedulerName is the name of the schedule group of an environment with the given physical base name.
func SchedulerName(name string) string { return name + "-parking" }

// New creates the resources that suspend and resume an environment. It returns everything wrong with args in one error,
// before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Parking, error) {
	if args == nil {
		return nil, fmt.Errorf("parking %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	p := &Parking{name: name, args: args}
	if err := ctx.RegisterComponentResource(TypeToken, name, p, opts...); err != nil {
		return nil, fmt.Errorf("registering parking %s: %w", name, err)
	}
	if err := p.database(ctx); err != nil {
		return nil, err
	}
	if err := p.schedules(ctx); err != nil {
		return nil, err
	}
	if err := ctx.RegisterResourceOutputs(p, pulumi.Map{}); err != nil {
		return nil, fmt.Errorf("registering outputs of parking %s: %w", name, err)
	}
	return p, nil
}

// The AWS runbooks that start or stop an instance and wait until that is done. They succeed if the instance is in that
// state already. The resource of the provider, rds.InstanceDesiredState, cannot replace them: it waits for an available
// instance before it starts a stopped one.
// Source: AWS Systems Manager Automation runbook reference, "AWS-StartRdsInstance", "AWS-StopRdsInstance".
const (
	startRunbook = "AWS-StartRdsInstance"
	stopRunbook  = "AWS-StopRdsInstance"
)

// runbookSeconds is how long Pulumi waits for a runbook, in seconds.
const runbookSeconds = 1800

// database starts or stops the instance once, when the inputs of the association change. If a schedule stops or starts
// the instance later, Pulumi shows no difference.
func (p *Parking) database(ctx *pulumi.Context) error {
	a := p.args
	role, err := identity.NewServiceRole(ctx, p.name+"-runbook", &identity.ServiceRoleArgs{
		Facts: a.Facts, Name: a.Name + "-parking-runbook",
		Services:      []string{"ssm.amazonaws.com"},
		SourceAccount: a.AccountID,
		Policy: pulumi.String(identity.NewDocument(identity.Statement{
			Sid: "StartAndStopTheDatabase", Effect: identity.Allow,
			Action:   identity.Strings{"rds:DescribeDBInstances", "rds:StartDBInstance", "rds:StopDBInstance"},
			Resource: identity.Strings{p.databaseARN()},
		}).JSON()),
	}, pulumi.Parent(p))
	if err != nil {
		return err
	}
	runbook := startRunbook
	if !a.Power.RunsDatabase() {
		runbook = stopRunbook
	}
	if _, err := ssm.NewAssociation(ctx, p.name+"-database", &ssm.AssociationArgs{
		Name:            pulumi.String(runbook),
		AssociationName: pulumi.String(a.Name + "-database"),
		Parameters: pulumi.StringMap{
			"InstanceId":           a.DatabaseIdentifier.ToStringOutput(),
			"AutomationAssumeRole": role.ARN,
		},
		WaitForSuccessTimeoutSeconds: pulumi.Int(runbookSeconds),
	}, pulumi.Parent(p), pulumi.DependsOn(role.Permissions)); err != nil {
		return fmt.Errorf("creating the association of runbook %s: %w", runbook, err)
	}
	return nil
}

func (p *Parking) databaseARN() string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:db:%s", p.args.Region, p.args.AccountID, p.args.DatabaseName)
}
