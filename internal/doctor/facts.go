package doctor

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"groundwork/components/addons"
	"groundwork/components/cluster"
	"groundwork/components/delivery"
	"groundwork/components/network"
	"groundwork/internal/cost"
	"groundwork/stacks"
)

// postgresSupport is when RDS's standard support of a major version of PostgreSQL ends.
// Source: Amazon RDS User Guide, "Release calendars for Amazon RDS for PostgreSQL", checked on 2026-11-22.
var postgresSupport = map[string]time.Time{
	"14": day(2027, 2, 28), "15": day(2028, 2, 29), "16": day(2029, 2, 28), "17": day(2030, 2, 28),
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// Deadlines are the days that matter to an environment.
func Deadlines(c *stacks.Config, certificates []byte) ([]Deadline, error) {
	release := cluster.Releases[c.Cluster.KubernetesVersion]
	over := "AWS upgrades the cluster by itself"
	if c.Cluster.SupportType == cluster.SupportExtended {
		over = "the control plane costs six times as much"
	}
	all := []Deadline{{
		What: "standard support of Kubernetes " + c.Cluster.KubernetesVersion, Day: release.StandardSupportEnd, Notice: 120, Over: over,
		Do: "raise cluster.kubernetesVersion, one minor at a time, on a copy first",
	}}
	if end, known := postgresSupport[c.Database.Version]; known {
		all = append(all, Deadline{
			What: "standard support of PostgreSQL " + c.Database.Version, Day: end, Notice: 365, Over: "RDS upgrades the database by itself, in a maintenance window of its choice",
			Do: "raise database.version, with database.allowMajorVersionUpgrade, on a restored snapshot first",
		})
	}
	end, err := authority(certificates, c.Region)
	if err != nil {
		return nil, err
	}
	return append(all, Deadline{
		What: "the certificate authority of RDS in " + c.Region + " that the image carries", Day: end, Notice: 365, Over: "no connection to the database would be trusted", Do: "make rds-certificates, then a release",
	}), nil
}

// authority is when RDS's default authority of a region, in a file of certificates, expires.
func authority(text []byte, region string) (time.Time, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, fmt.Errorf("reading RDS's certificates: %w", err)
		}
		if name := certificate.Subject.CommonName; strings.Contains(name, "RDS "+region+" ") && strings.Contains(name, "RSA2048") {
			return certificate.NotAfter, nil
		}
	}
	return time.Time{}, fmt.Errorf("reading RDS's certificates: there is none of %s", region)
}

// checkedFor is how many days a table is taken to be right after somebody has looked.
const checkedFor = 180

// Tables are what the program knows of the world, and when somebody compared them.
func Tables(c *stacks.Config) []Checked {
	var all []Checked
	for _, chart := range addons.Charts() {
		if !used(c, chart.Name) {
			continue
		}
		number := c.Addons.Chart(chart.Name, c.Cluster.KubernetesVersion).Version
		for _, version := range chart.Versions {
			if version.Number == number {
				all = append(all, Checked{"chart " + chart.Name + " " + version.Number, version.Checked, checkedFor, "compare it with its newest release and note the day in components/addons"})
			}
		}
	}
	if checked, err := time.Parse(time.DateOnly, cost.Checked()); err == nil {
		all = append(all, Checked{"prices", checked, checkedFor, "compare internal/cost/prices.json with AWS's price list"})
	}
	return all
}

// used reports whether an environment installs a chart.
func used(c *stacks.Config, chart string) bool {
	return c.Delivery.Owner == delivery.OwnerArgoCD || chart != addons.ArgoCD && chart != addons.ArgoCDApps
}

// Run runs a command and returns what it prints.
type Run func(ctx context.Context, command ...string) (string, error)

// Shell runs commands of this machine, none longer than half a minute.
func Shell(ctx context.Context, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		return "", fmt.Errorf("%s: %s", command[0], lines[len(lines)-1])
	}
	return string(out), err
}

var version = regexp.MustCompile(`v?(\d+)\.(\d+)`)

// Tools looks for the commands that an environment is worked with.
func Tools(ctx context.Context, c *stacks.Config, run Run) Report {
	var r Report
	_, minor, _ := strings.Cut(c.Cluster.KubernetesVersion, ".")
	kubernetes, _ := strconv.Atoi(minor)
	for _, tool := range []struct {
		name         string
		ask          []string
		major, minor int
		max          int
		why          string
		needed       bool
	}{
		{"go", []string{"go", "version"}, 1, 26, 0, "it compiles the program", true},
		{"node", []string{"node", "--version"}, 18, 0, 0, "pulumi-eks runs on it", true},
		{"git", []string{"git", "--version"}, 2, 17, 0, "pipelines and previews use worktrees", true},
		{"pulumi", []string{"pulumi", "version"}, 3, 200, 0, "it brings environments up", true},
		{"aws", []string{"aws", "--version"}, 2, 0, 0, "it signs kubectl and Pulumi in to the cluster", true},
		// kubectl is good for one minor up and down.
		{"kubectl", []string{"kubectl", "version", "--client"}, 1, kubernetes - 1, kubernetes + 1, "Kubernetes " + c.Cluster.KubernetesVersion + " is worked with", true},
		{"helm", []string{"helm", "version", "--short"}, 3, 14, 0, "the pipeline deploys with it (make helm builds one)", false},
	} {
		text, err := run(ctx, tool.ask...)
		found := version.FindStringSubmatch(text)
		missing := Broken
		if !tool.needed {
			missing = Warning
		}
		if err != nil || found == nil {
			r.add(missing, "tools", "install it", "%s is not there: %s", tool.name, tool.why)
			continue
		}
		major, _ := strconv.Atoi(found[1])
		minor, _ := strconv.Atoi(found[2])
		switch {
		case major < tool.major || major == tool.major && minor < tool.minor:
			r.add(Warning, "tools", fmt.Sprintf("install %d.%d or newer", tool.major, tool.minor), "%s %d.%d is too old: %s", tool.name, major, minor, tool.why)
		case tool.max > 0 && minor > tool.max:
			r.add(Warning, "tools", fmt.Sprintf("install %d.%d to %d.%d", tool.major, tool.minor, tool.major, tool.max), "%s %d.%d is too new: %s", tool.name, major, minor, tool.why)
		default:
			r.add(Good, "tools", "", "%s %d.%d", tool.name, major, minor)
		}
	}
	return r
}

// quota is one of AWS's limits that an environment needs a part of.
type quota struct {
	what, service, code string
	// standard is what a new account has.
	standard, need int
	// used asks how much is used in the region.
	used []string
}

// vCPUs is how many a size of instance has.
var vCPUs = map[string]int{"micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4, "2xlarge": 8}

// quotas are the limits that an environment may run into.
// Source: Service Quotas, default values, checked on 2026-11-22.
func quotas(c *stacks.Config) []quota {
	gateways := 1
	if c.Network.NATMode == network.NATPerZone {
		gateways = len(c.Network.Zones)
	}
	cpus := 0
	for _, group := range c.Cluster.NodeGroups {
		_, size, _ := strings.Cut(group.InstanceType, ".")
		// A group that is rolled has a third more for a while.
		cpus += (group.MaxSize + (group.MaxSize+2)/3) * vCPUs[size]
	}
	length := func(service, call, list string) []string {
		return []string{"aws", service, call, "--region", c.Region, "--query", "length(" + list + ")", "--output", "text"}
	}
	return []quota{
		{"public addresses", "ec2", "L-0263D0A3", 5, gateways, length("ec2", "describe-addresses", "Addresses")},
		{"VPCs", "vpc", "L-F678F1CE", 5, 1, length("ec2", "describe-vpcs", "Vpcs")},
		{"vCPUs of standard instances, with all nodes that autoscaling and a rolling update may want", "ec2", "L-1216C47A", 5, cpus,
			[]string{"aws", "ec2", "describe-instances", "--region", c.Region, "--filters", "Name=instance-state-name,Values=running", "--query", "sum(Reservations[].Instances[].CpuOptions.[CoreCount,ThreadsPerCore][] || `[0]`)", "--output", "text"}},
		{"databases", "rds", "L-7B6409FD", 40, 1, length("rds", "describe-db-instances", "DBInstances")},
		{"EKS clusters", "eks", "L-1194D53C", 100, 1, length("eks", "list-clusters", "clusters")},
	}
}

// Account compares credentials and quotas with what the environment needs. Offline, quotas are those of a new account.
func Account(ctx context.Context, c *stacks.Config, run Run, offline bool) Report {
	var r Report
	if !offline {
		text, err := run(ctx, "aws", "sts", "get-caller-identity", "--output", "json")
		var who struct{ Account, Arn string }
		if err == nil {
			err = json.Unmarshal([]byte(text), &who)
		}
		switch {
		case err != nil:
			r.add(Unknown, "account", "sign in, or add --offline", "who you are in AWS: %v", err)
			offline = true
		case who.Account != c.AccountID:
			r.add(Broken, "account", "sign in to the other account, or correct accountId", "you are in account %s as %s; Pulumi.%s.yaml has %s", who.Account, who.Arn, c.Environment, c.AccountID)
			return r
		default:
			r.add(Good, "account", "", "you are in account %s as %s", who.Account, who.Arn)
		}
	}
	up := false
	if !offline {
		_, err := run(ctx, "aws", "eks", "describe-cluster", "--region", c.Region, "--name", c.ClusterName(), "--query", "cluster.status", "--output", "text")
		up = err == nil
	}
	for _, q := range quotas(c) {
		if offline {
			if q.need > q.standard {
				r.add(Warning, "quotas", fmt.Sprintf("look at it in the account: aws service-quotas get-service-quota --service-code %s --quota-code %s", q.service, q.code),
					"%s: the environment needs %d, a new account has %d", q.what, q.need, q.standard)
			} else {
				r.add(Good, "quotas", "", "%s: the environment needs %d, a new account has %d", q.what, q.need, q.standard)
			}
			continue
		}
		limit, err := number(run(ctx, "aws", "service-quotas", "get-service-quota", "--region", c.Region, "--service-code", q.service, "--quota-code", q.code, "--query", "Quota.Value", "--output", "text"))
		if err != nil {
			r.add(Unknown, "quotas", "", "%s: %v", q.what, err)
			continue
		}
		used, err := number(run(ctx, q.used...))
		if err != nil {
			r.add(Unknown, "quotas", "", "%s: %v", q.what, err)
			continue
		}
		need := q.need
		if up {
			// What the environment has is among what is used.
			need = 0
		}
		if used+need > limit {
			r.add(Broken, "quotas", fmt.Sprintf("aws service-quotas request-service-quota-increase --service-code %s --quota-code %s --desired-value %d", q.service, q.code, used+need),
				"%s: %d are used, the environment needs %d more, the limit is %d", q.what, used, need, limit)
			continue
		}
		r.add(Good, "quotas", "", "%s: %d of %d used, %d needed", q.what, used, limit, need)
	}
	return r
}

// number reads what a command printed as a whole number.
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

// Look looks at everything, as of a day. dir is the repository.
func Look(ctx context.Context, c *stacks.Config, dir string, today time.Time, run Run, offline bool) (Report, error) {
	certificates, err := os.ReadFile(filepath.Join(dir, "webapp/certs/rds-global-bundle.pem"))
	if err != nil {
		return nil, fmt.Errorf("reading RDS's certificates: %w", err)
	}
	deadlines, err := Deadlines(c, certificates)
	if err != nil {
		return nil, err
	}
	r := Calendar(deadlines, today)
	r = append(r, Ages(Tables(c), today)...)
	r = append(r, Tools(ctx, c, run)...)
	return append(r, Account(ctx, c, run, offline)...), nil
}
