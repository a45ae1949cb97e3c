package parking

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// schedules creates the schedules of the environment: its working hours, or the weekly run of a parked database.
func (p *Parking) schedules(ctx *pulumi.Context) error {
	if !p.args.Power.HasScheduler() {
		return nil
	}
	scheduler, err := p.scheduler(ctx)
	if err != nil {
		return err
	}
	if p.args.Power.Scheduled() {
		return p.workingHours(ctx, scheduler)
	}
	return p.weeklyRun(ctx, scheduler)
}

// scheduler creates the scheduler. Its role may start and stop this database and, for working hours, resize these node
// groups.
func (p *Parking) scheduler(ctx *pulumi.Context) (*Scheduler, error) {
	groups := pulumi.StringMap{}
	_, _, zone := p.args.Power.Schedule.WeeklyRun()
	if p.args.Power.Scheduled() {
		zone = p.args.Power.Schedule.TimeZone
		for name, group := range p.args.NodeGroups {
			groups["node group "+name] = group.Name
			groups["Auto Scaling group "+name] = group.AutoScalingGroup
		}
	}
	return NewScheduler(ctx, p.name, &SchedulerArgs{
		Facts: p.args.Facts, Name: SchedulerName(p.args.Name),
		Names: groups, Statements: p.statements, TimeZone: zone,
	}, pulumi.Parent(p))
}

// statements are the permissions of the schedules. names are the physical names of the node groups and Auto Scaling
// groups.
func (p *Parking) statements(names map[string]string) []identity.Statement {
	a := p.args
	all := []identity.Statement{{
		Sid: "StartAndStopTheDatabase", Effect: identity.Allow,
		Action:   identity.Strings{"rds:StartDBInstance", "rds:StopDBInstance"},
		Resource: identity.Strings{p.databaseARN()},
	}}
	var groups, scaling identity.Strings
	for _, name := range slices.Sorted(maps.Keys(a.NodeGroups)) {
		group := names["node group "+name]
		if group == "" {
			continue
		}
		groups = append(groups,
			fmt.Sprintf("arn:aws:eks:%s:%s:nodegroup/%s/%s/*", a.Region, a.AccountID, a.ClusterName, group))
		scaling = append(scaling,
			fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:*:autoScalingGroupName/%s",
				a.Region, a.AccountID, names["Auto Scaling group "+name]))
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

// instance is the input of calls that start or stop the database.
func (p *Parking) instance() pulumi.Map {
	return pulumi.Map{"DbInstanceIdentifier": pulumi.String(p.args.DatabaseName)}
}

// weeklyRun starts a parked database once a week for its backup and its maintenance, and stops it afterwards. AWS
// starts an instance that has been stopped for seven days, and then nobody would stop it again.
// Source: Amazon RDS User Guide, "Stopping an Amazon RDS DB instance temporarily".
func (p *Parking) weeklyRun(ctx *pulumi.Context, s *Scheduler) error {
	start, stop, _ := p.args.Power.Schedule.WeeklyRun()
	return s.schedule(ctx, []call{{
		"database-exercise-start", "Starts the parked database for its backup and its maintenance window",
		start, "rds:startDBInstance", p.instance(),
	}, {
		"database-exercise-stop", "Stops it again, for less than the seven days that AWS allows",
		stop, "rds:stopDBInstance", p.instance(),
	}})
}

// workingHours starts nodes and database at Start and stops them at Stop.
func (p *Parking) workingHours(ctx *pulumi.Context, s *Scheduler) error {
	schedule := p.args.Power.Schedule
	calls := []call{
		{"database-stop", "Evening: stops the database", schedule.StopCron(), "rds:stopDBInstance", p.instance()},
		{"database-start", "Morning: starts the database", schedule.StartCron(), "rds:startDBInstance", p.instance()},
	}
	for _, name := range slices.Sorted(maps.Keys(p.args.NodeGroups)) {
		calls = append(calls, p.nodeCalls(name, p.args.NodeGroups[name])...)
	}
	return s.schedule(ctx, calls)
}

// nodeCalls are the calls that stop and start the nodes of one group.
func (p *Parking) nodeCalls(name string, group NodeGroup) []call {
	schedule, prefix := p.args.Power.Schedule, "nodes-"+name+"-"
	size := func(least, wanted int) pulumi.Map {
		return pulumi.Map{
			"ClusterName": pulumi.String(p.args.ClusterName), "NodegroupName": group.Name,
			"ScalingConfig": pulumi.Map{
				"MinSize":     pulumi.Int(least),
				"MaxSize":     pulumi.Int(group.Max),
				"DesiredSize": pulumi.Int(wanted),
			},
		}
	}
	// When the last node stops, its pods have no node, and the autoscaler would start another. Suspending Launch prevents
	// that. A maxSize of 0 would too, but EKS does not allow it.
	launching := pulumi.Map{
		"AutoScalingGroupName": group.AutoScalingGroup,
		"ScalingProcesses":     pulumi.ToStringArray([]string{"Launch"}),
	}
	return []call{{
		prefix + "hold", "Evening: no new nodes, whatever the autoscaler wants",
		schedule.StopCron(), "autoscaling:suspendProcesses", launching,
	}, {
		prefix + "down", "Evening: no nodes",
		schedule.ScaleDownCron(), "eks:updateNodegroupConfig", size(0, 0),
	}, {
		prefix + "release", "Morning: new nodes again",
		schedule.StartCron(), "autoscaling:resumeProcesses", launching,
	}, {
		prefix + "up", "Morning: as many nodes as the settings say",
		schedule.StartCron(), "eks:updateNodegroupConfig", size(group.Min, group.Desired),
	}}
}
