package doctor

import (
	"context"
	"fmt"
	"strings"

	"groundwork/components/bastion"
	"groundwork/stacks"
)

// access says how you reach the Kubernetes API of an environment, and whether the way is there. It asks AWS about an
// environment that is up.
func access(ctx context.Context, c *stacks.Config, run Run, up bool) Finding {
	f := Finding{Severity: Good, About: "access"}
	switch {
	case len(c.Cluster.PublicAccessCIDRs) > 0:
		f.Text = "the Kubernetes endpoint is open to " + strings.Join(c.Cluster.PublicAccessCIDRs, ", ")
	case !c.Cluster.Tunnel:
		f.Text = "the Kubernetes endpoint is private and there is no tunnel: you have to be in the VPC, or connected with it"
	case !up:
		f.Text = "the Kubernetes endpoint is private: Pulumi reaches it through a tunnel that opens by itself"
	default:
		return throughBastion(ctx, c, run)
	}
	return f
}

// throughBastion looks at the bastion of an environment that is up.
func throughBastion(ctx context.Context, c *stacks.Config, run Run) Finding {
	f := Finding{About: "access"}
	name := bastion.Name(c.Prefix())
	state, err := run(ctx, "aws", "ec2", "describe-instances", "--region", c.Region, "--filters",
		"Name=tag:Name,Values="+name, "Name=instance-state-name,Values=pending,running,stopping,stopped",
		"--query", "Reservations[].Instances[].[InstanceId,State.Name]", "--output", "text")
	fields := strings.Fields(state)
	switch {
	case err != nil:
		f.Severity, f.Text = Unknown, fmt.Sprintf("looking for the instance %s: %v", name, err)
	case len(fields) < 2:
		f.Severity, f.Text = Broken, "nothing leads to the private Kubernetes endpoint: there is no instance "+name
		f.Do = "pulumi up; if somebody deleted the instance, pulumi up --target-replace '**Instance::bastion'"
	case fields[1] != "running":
		f.Severity, f.Text = Good, fmt.Sprintf("the bastion %s is %s; a tunnel starts it", fields[0], fields[1])
	default:
		return online(ctx, c, run, fields[0])
	}
	return f
}

// online asks whether Session Manager reaches a bastion that runs.
func online(ctx context.Context, c *stacks.Config, run Run, instance string) Finding {
	f := Finding{Severity: Good, About: "access", Text: "Session Manager reaches the bastion " + instance}
	status, err := run(ctx, "aws", "ssm", "describe-instance-information", "--region", c.Region,
		"--filters", "Key=InstanceIds,Values="+instance,
		"--query", "InstanceInformationList[].PingStatus", "--output", "text")
	switch {
	case err != nil:
		f.Severity, f.Text = Unknown, fmt.Sprintf("asking whether Session Manager reaches %s: %v", instance, err)
	case strings.TrimSpace(status) != "Online":
		f.Severity = Broken
		f.Text = "the bastion " + instance + " runs, and Session Manager does not reach it; it may have just started"
		f.Do = "look at its NAT gateway and its role, or replace it: pulumi up --target-replace '**Instance::bastion'"
	}
	return f
}
