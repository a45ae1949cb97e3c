package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"groundwork/components/bastion"
	"groundwork/components/hardware"
	"groundwork/components/network"
	"groundwork/stacks"
)

// quota is one of AWS's limits that an environment uses a part of.
type quota struct {
	what, service, code string
	// standard is the limit of a new account, need is what the environment uses.
	standard, need int
	// used is the command that prints how much the account uses in the region.
	used []string
}

// runningVCPUs adds up the vCPUs of the instances that describe-instances returns.
const runningVCPUs = "sum(Reservations[].Instances[].CpuOptions.[CoreCount,ThreadsPerCore][] || `[0]`)"

// quotas returns the limits that an environment may reach.
// Source: Service Quotas, default values, checked on 2026-11-22.
func quotas(c *stacks.Config) []quota {
	gateways := 1
	if c.Network.NATMode == network.NATPerZone {
		gateways = len(c.Network.Zones)
	}
	cpus := 0
	for _, group := range c.Cluster.NodeGroups {
		instance, _ := hardware.Find(hardware.EC2, group.InstanceType)
		// A rolling update adds up to a third of the nodes for a while.
		cpus += (group.MaxSize + (group.MaxSize+2)/3) * instance.VCPUs
	}
	if c.Cluster.Tunneled() {
		instance, _ := hardware.Find(hardware.EC2, bastion.InstanceType)
		cpus += instance.VCPUs
	}
	length := func(service, call, list string) []string {
		return []string{
			"aws", service, call, "--region", c.Region, "--query", "length(" + list + ")", "--output", "text",
		}
	}
	return []quota{
		{
			"public addresses", "ec2", "L-0263D0A3", 5, gateways,
			length("ec2", "describe-addresses", "Addresses"),
		},
		{"VPCs", "vpc", "L-F678F1CE", 5, 1, length("ec2", "describe-vpcs", "Vpcs")},
		{
			"vCPUs of standard instances, with all nodes that autoscaling and a rolling update may want",
			"ec2", "L-1216C47A", 5, cpus,
			[]string{
				"aws", "ec2", "describe-instances", "--region", c.Region,
				"--filters", "Name=instance-state-name,Values=running", "--query", runningVCPUs, "--output", "text",
			},
		},
		{"databases", "rds", "L-7B6409FD", 40, 1, length("rds", "describe-db-instances", "DBInstances")},
		{"EKS clusters", "eks", "L-1194D53C", 100, 1, length("eks", "list-clusters", "clusters")},
	}
}

// Account compares the credentials and the quotas with what the environment needs. Offline, or without credentials, it
// compares with the quotas of a new account.
func Account(ctx context.Context, c *stacks.Config, run Run, offline bool) Report {
	var r Report
	if !offline {
		identity := checkIdentity(ctx, c, run)
		r = append(r, identity)
		switch identity.Severity {
		case Broken:
			return r // The quotas of another account say nothing.
		case Unknown:
			offline = true
		}
	}
	up := !offline && clusterExists(ctx, c, run)
	r = append(r, access(ctx, c, run, up))
	for _, q := range quotas(c) {
		if offline {
			r = append(r, q.checkOffline())
			continue
		}
		if up {
			// What the environment uses is already part of what the account uses.
			q.need = 0
		}
		r = append(r, q.check(ctx, c, run))
	}
	return r
}

// checkIdentity compares the account of the credentials with the account in the settings.
func checkIdentity(ctx context.Context, c *stacks.Config, run Run) Finding {
	text, err := run(ctx, "aws", "sts", "get-caller-identity", "--output", "json")
	var caller struct{ Account, Arn string }
	if err == nil {
		err = json.Unmarshal([]byte(text), &caller)
	}
	switch {
	case err != nil:
		return Finding{
			Severity: Unknown, About: "account", Do: "sign in, or add --offline",
			Text: fmt.Sprintf("reading your identity in AWS: %v", err),
		}
	case caller.Account != c.AccountID:
		return Finding{
			Severity: Broken, About: "account", Do: "sign in to the other account, or correct accountId",
			Text: fmt.Sprintf("you are in account %s as %s; Pulumi.%s.yaml has %s",
				caller.Account, caller.Arn, c.Environment, c.AccountID),
		}
	}
	return Finding{
		Severity: Good, About: "account",
		Text: fmt.Sprintf("you are in account %s as %s", caller.Account, caller.Arn),
	}
}

// clusterExists reports whether the environment has a cluster, and so has its other resources too.
func clusterExists(ctx context.Context, c *stacks.Config, run Run) bool {
	_, err := run(ctx, "aws", "eks", "describe-cluster", "--region", c.Region, "--name", c.ClusterName(),
		"--query", "cluster.status", "--output", "text")
	return err == nil
}

// checkOffline compares what the environment needs with the limit of a new account.
func (q quota) checkOffline() Finding {
	f := Finding{
		Severity: Good, About: "quotas",
		Text: fmt.Sprintf("%s: the environment needs %d, a new account has %d", q.what, q.need, q.standard),
	}
	if q.need > q.standard {
		f.Severity = Warning
		f.Do = fmt.Sprintf("look at it in the account: aws service-quotas get-service-quota "+
			"--service-code %s --quota-code %s", q.service, q.code)
	}
	return f
}

// check compares what the environment needs with what the account has left.
func (q quota) check(ctx context.Context, c *stacks.Config, run Run) Finding {
	f := Finding{About: "quotas"}
	limit, err := number(run(ctx, "aws", "service-quotas", "get-service-quota", "--region", c.Region,
		"--service-code", q.service, "--quota-code", q.code, "--query", "Quota.Value", "--output", "text"))
	var used int
	if err == nil {
		used, err = number(run(ctx, q.used...))
	}
	switch {
	case err != nil:
		f.Severity, f.Text = Unknown, fmt.Sprintf("%s: %v", q.what, err)
	case used+q.need > limit:
		f.Severity = Broken
		f.Text = fmt.Sprintf("%s: %d are used, the environment needs %d more, the limit is %d",
			q.what, used, q.need, limit)
		f.Do = fmt.Sprintf("aws service-quotas request-service-quota-increase "+
			"--service-code %s --quota-code %s --desired-value %d", q.service, q.code, used+q.need)
	default:
		f.Severity = Good
		f.Text = fmt.Sprintf("%s: %d of %d used, %d needed", q.what, used, limit, q.need)
	}
	return f
}

// number reads a whole number from what a command printed.
func number(text string, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", strings.TrimSpace(text))
	}
	return int(value), nil
}
