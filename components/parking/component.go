package parking

import (
	"fmt"
	"maps"
	"slices"

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

// SchedulerName is what the group of an environment's schedules is called, by the physical base name.
func SchedulerName(name string) string { return name + "-parking" }

// New creates what suspends and resumes an environment. It returns every problem of args in one error, before anything
// is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Parking, error) {
	if args == nil {
		return nil, fmt.Errorf("parking %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	k := &Parking{name: name, args: args}
	if err := ctx.RegisterComponentResource(TypeToken, name, k, opts...); err != nil {
		return nil, fmt.Errorf("registering parking %s: %w", name, err)
	}
	if err := k.database(ctx); err != nil {
		return nil, err
	}
	if args.Power.HasScheduler() {
		scheduler, err := k.scheduler(ctx)
		if err != nil {
			return nil, err
		}
		if args.Power.Scheduled() {
			err = k.workingHours(ctx, scheduler)
		} else {
			err = k.weeklyRun(ctx, scheduler)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := ctx.RegisterResourceOutputs(k, pulumi.Map{}); err != nil {
		return nil, fmt.Errorf("registering outputs of parking %s: %w", name, err)
	}
	return k, nil
}

// The runbooks of AWS that start and stop an instance and wait until it is so; one that is so already they leave alone.
// The provider's own resource for this, rds.InstanceDesiredState, waits for an available instance before it starts a
// stopped one.
// Source: AWS Systems Manager Automation runbook reference, "AWS-StartRdsInstance", "AWS-StopRdsInstance".
const (
	startRunbook = "AWS-StartRdsInstance"
	stopRunbook  = "AWS-StopRdsInstance"
)

// runbookSeconds is how long Pulumi waits for a runbook.
const runbookSeconds = 1800

// database starts or stops the instance, once, when this declaration changes. What a schedule does to it later is no
// difference.
func (k *Parking) database(ctx *pulumi.Context) error {
	a := k.args
	role, err := identity.NewServiceRole(ctx, k.name+"-runbook", &identity.ServiceRoleArgs{
		Facts: a.Facts, Name: a.Name + "-parking-runbook",
		Services:      []string{"ssm.amazonaws.com"},
		SourceAccount: a.AccountID,
		Policy: pulumi.String(identity.NewDocument(identity.Statement{
			Sid: "StartAndStopTheDatabase", Effect: identity.Allow,
			Action:   identity.Strings{"rds:DescribeDBInstances", "rds:StartDBInstance", "rds:StopDBInstance"},
			Resource: identity.Strings{k.databaseARN()},
		}).JSON()),
	}, pulumi.Parent(k))
	if err != nil {
		return err
	}
	runbook := startRunbook
	if !a.Power.RunsDatabase() {
		runbook = stopRunbook
	}
	_, err = ssm.NewAssociation(ctx, k.name+"-database", &ssm.AssociationArgs{
		Name:            pulumi.String(runbook),
		AssociationName: pulumi.String(a.Name + "-database"),
		Parameters: pulumi.StringMap{
			"InstanceId":           a.DatabaseIdentifier.ToStringOutput(),
			"AutomationAssumeRole": role.ARN,
		},
		WaitForSuccessTimeoutSeconds: pulumi.Int(runbookSeconds),
	}, pulumi.Parent(k), pulumi.DependsOn(role.Permissions))
	return err
}

func (k *Parking) databaseARN() string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:db:%s", k.args.Region, k.args.AccountID, k.args.DatabaseName)
}

// scheduler creates what makes the calls, with a role that may start and stop this database and, where nodes go down at
// night, resize these node groups.
func (k *Parking) scheduler(ctx *pulumi.Context) (*Scheduler, error) {
	groups := pulumi.StringMap{}
	_, _, zone := k.args.Power.Schedule.WeeklyRun()
	if k.args.Power.Scheduled() {
		zone = k.args.Power.Schedule.TimeZone
		for name, group := range k.args.NodeGroups {
			groups["node group "+name] = group.Name
			groups["Auto Scaling group "+name] = group.AutoScalingGroup
		}
	}
	return NewScheduler(ctx, k.name, &SchedulerArgs{
		Facts: k.args.Facts, Name: SchedulerName(k.args.Name),
		Names: groups, Statements: k.statements, TimeZone: zone,
	}, pulumi.Parent(k))
}

func (k *Parking) statements(names map[string]string) []identity.Statement {
	a := k.args
	all := []identity.Statement{{
		Sid: "StartAndStopTheDatabase", Effect: identity.Allow,
		Action:   identity.Strings{"rds:StartDBInstance", "rds:StopDBInstance"},
		Resource: identity.Strings{k.databaseARN()},
	}}
	var groups, scaling identity.Strings
	for _, name := range slices.Sorted(maps.Keys(a.NodeGroups)) {
		if group := names["node group "+name]; group != "" {
			groups = append(
				groups,
				fmt.Sprintf("arn:aws:eks:%s:%s:nodegroup/%s/%s/*", a.Region, a.AccountID, a.ClusterName, group),
			)
			scaling = append(
				scaling,
				fmt.Sprintf(
					"arn:aws:autoscaling:%s:%s:autoScalingGroup:*:autoScalingGroupName/%s",
					a.Region,
					a.AccountID,
					names["Auto Scaling group "+name],
				),
			)
		}
	}
	if len(groups) == 0 {
		return all
	}
	return append(all, identity.Statement{
		Sid: "ResizeTheNodeGroups", Effect: identity.Allow, Action: identity.Strings{"eks:UpdateNodegroupConfig"},
		Resource: groups,
	}, identity.Statement{
		Sid: "HoldTheAutoscalerBack", Effect: identity.Allow,
		Action: identity.Strings{"autoscaling:ResumeProcesses", "autoscaling:SuspendProcesses"}, Resource: scaling,
	})
}

func (k *Parking) instance() pulumi.Map {
	return pulumi.Map{"DbInstanceIdentifier": pulumi.String(k.args.DatabaseName)}
}

// weeklyRun runs a parked database once a week, for its backup and its maintenance, so that it is never stopped for the
// seven days after which AWS starts it by itself, and nobody stops it again.
// Source: Amazon RDS User Guide, "Stopping an Amazon RDS DB instance temporarily".
func (k *Parking) weeklyRun(ctx *pulumi.Context, s *Scheduler) error {
	start, stop, _ := k.args.Power.Schedule.WeeklyRun()
	if err := s.At(ctx, "database-exercise-start",
		"Starts the parked database for its backup and its maintenance window", start, "rds:startDBInstance",
		k.instance()); err != nil {
		return err
	}
	return s.At(
		ctx,
		"database-exercise-stop",
		"Stops it again, for less than the seven days that AWS allows",
		stop,
		"rds:stopDBInstance",
		k.instance(),
	)
}

// workingHours stops nodes and database in the evening and starts them in the morning.
func (k *Parking) workingHours(ctx *pulumi.Context, s *Scheduler) error {
	schedule := k.args.Power.Schedule
	evenings, mornings := schedule.StopCron(), schedule.StartCron()
	if err := s.At(ctx, "database-stop", "Evening: stops the database", evenings, "rds:stopDBInstance",
		k.instance()); err != nil {
		return err
	}
	if err := s.At(ctx, "database-start", "Morning: starts the database", mornings, "rds:startDBInstance",
		k.instance()); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(k.args.NodeGroups)) {
		group := k.args.NodeGroups[name]
		size := func(least, wanted int) pulumi.Map {
			return pulumi.Map{
				"ClusterName": pulumi.String(k.args.ClusterName), "NodegroupName": group.Name,
				"ScalingConfig": pulumi.Map{
					"MinSize":     pulumi.Int(least),
					"MaxSize":     pulumi.Int(group.Max),
					"DesiredSize": pulumi.Int(wanted),
				},
			}
		}
		// The autoscaler sees pods without a node as the last one goes, and would start another: EKS allows no maxSize of 0.
		launching := pulumi.Map{
			"AutoScalingGroupName": group.AutoScalingGroup,
			"ScalingProcesses":     pulumi.ToStringArray([]string{"Launch"}),
		}
		for _, step := range []struct {
			suffix, description, when, operation string
			input                                pulumi.Map
		}{
			{"hold", "Evening: no new nodes, whatever the autoscaler wants", evenings, "autoscaling:suspendProcesses",
				launching},
			{"down", "Evening: no nodes", schedule.ScaleDownCron(), "eks:updateNodegroupConfig", size(0, 0)},
			{"release", "Morning: new nodes again", mornings, "autoscaling:resumeProcesses", launching},
			{"up", "Morning: as many nodes as the settings say", mornings, "eks:updateNodegroupConfig", size(group.Min,
				group.Desired)},
		} {
			if err := s.At(ctx, "nodes-"+name+"-"+step.suffix, step.description, step.when, step.operation,
				step.input); err != nil {
				return err
			}
		}
	}
	return nil
}
