package doctor_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/doctor"
	"groundwork/stacks"
	"groundwork/tests/harness"
)

// TestMain removes the folder of the reference settings.
func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// machine answers the commands of a machine and of an account. Keys of answers are beginnings of command lines; the
// longest one that fits wins.
func machine(answers map[string]string) doctor.Run {
	return func(_ context.Context, command ...string) (string, error) {
		line, best := strings.Join(command, " "), ""
		for beginning := range answers {
			if strings.HasPrefix(line, beginning) && len(beginning) > len(best) {
				best = beginning
			}
		}
		if answer, ok := answers[best]; ok && best != "" {
			return answer, nil
		}
		return "", errors.New(command[0] + ": not found")
	}
}

// healthy returns the answers of a machine with all tools, signed in to dev's account, which is almost empty.
func healthy() map[string]string {
	return map[string]string{
		"go version":            "go version go1.26.8 linux/amd64",
		"node --version":        "v24.11.1",
		"git --version":         "git version 2.39.5",
		"pulumi version":        "v3.250.0",
		"aws --version":         "aws-cli/2.31.0 Python/3.13",
		"kubectl version":       "Client Version: v1.36.1",
		"helm version":          "v3.21.4+gabc",
		"aws sts":               `{"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/me"}`,
		"aws service-quotas":    "64.0\n",
		"aws ec2":               "2\n",
		"aws rds":               "0\n",
		"aws eks list-clusters": "0\n",
	}
}

// look checks an environment with changed settings on a day.
func look(
	t *testing.T, stack string, now time.Time, answers map[string]string, offline bool, changes ...string,
) doctor.Report {
	t.Helper()
	raw, err := harness.Reference(t).Project.Config(stack, changes...)
	require.NoError(t, err)
	c, err := stacks.Load(raw, stack, time.Time{})
	require.NoError(t, err)
	report, err := doctor.Examine(context.Background(), c, harness.Root(t), now, machine(answers), offline)
	require.NoError(t, err)
	return report
}

func TestDoctorOfAHealthyEnvironment(t *testing.T) {
	report := look(t, "dev", harness.Today, healthy(), false)
	for _, f := range report {
		assert.Equal(t, doctor.Good, f.Severity, f.Text)
	}
	assert.Greater(t, len(report), 15)
	assert.False(t, report.Broken())
}

// problem is something that is wrong on a day, with the finding that the doctor has to make of it.
type problem struct {
	// now is harness.Today where it is not given.
	now     time.Time
	changes []string
	// answers replace those of a healthy machine. An empty one is a command that fails.
	answers  map[string]string
	severity doctor.Severity
	want     string
}

var problems = map[string]problem{
	"Kubernetes soon": {
		now: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC), severity: doctor.Warning,
		want: "standard support of Kubernetes 1.36 ends on 2027-08-02, in 93 days: AWS upgrades the cluster by itself",
	},
	"Kubernetes over": {
		now: time.Date(2027, 8, 2, 0, 0, 0, 0, time.UTC), severity: doctor.Broken,
		want: "standard support of Kubernetes 1.36 ended on 2027-08-02",
	},
	"Kubernetes over and paid": {
		now: time.Date(2027, 8, 2, 0, 0, 0, 0, time.UTC), severity: doctor.Broken,
		changes: []string{"cluster.supportType=EXTENDED"}, want: "costs six times as much",
	},
	"an older Kubernetes": {
		changes: []string{"cluster.kubernetesVersion='1.35'"}, severity: doctor.Good,
		want: "standard support of Kubernetes 1.35 ends on 2027-03-27",
	},
	"PostgreSQL soon": {
		now: time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), severity: doctor.Warning,
		want: "standard support of PostgreSQL 15 ends on 2028-02-29",
	},
	"charts too old": {
		now: time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC), severity: doctor.Warning,
		want: "chart external-secrets 2.9.0: released on 2026-08-08, 297 days ago",
	},
	"prices too old": {
		now: time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC), severity: doctor.Warning,
		want: "prices: checked on 2026-11-22, 191 days ago",
	},
	"certificates expire": {
		now: time.Date(2060, 12, 1, 0, 0, 0, 0, time.UTC), severity: doctor.Warning,
		want: "the certificate authority of RDS in eu-west-1",
	},
	"no pulumi": {
		answers: map[string]string{"pulumi version": ""}, severity: doctor.Broken,
		want: "pulumi was not found: it brings environments up",
	},
	"no helm": {
		answers: map[string]string{"helm version": ""}, severity: doctor.Warning, want: "helm was not found",
	},
	"an old kubectl": {
		answers: map[string]string{"kubectl version": "Client Version: v1.20.2"}, severity: doctor.Warning,
		want: "kubectl 1.20 does not support this cluster (Kubernetes 1.36)",
	},
	"a kubectl from tomorrow": {
		answers: map[string]string{"kubectl version": "Client Version: v1.39.0"}, severity: doctor.Warning,
		want: "kubectl 1.39 does not support this cluster (Kubernetes 1.36)",
	},
	"an old pulumi": {
		answers: map[string]string{"pulumi version": "v3.99.1"}, severity: doctor.Warning,
		want: "pulumi 3.99 is too old",
	},
	"another account": {
		answers:  map[string]string{"aws sts": `{"Account":"999988887777","Arn":"arn:aws:iam::999988887777:user/me"}`},
		severity: doctor.Broken,
		want: "you are in account 999988887777 as arn:aws:iam::999988887777:user/me; " +
			"Pulumi.dev.yaml has 111122223333",
	},
	"no addresses left": {
		answers: map[string]string{"aws ec2 describe-addresses": "64"}, severity: doctor.Broken,
		want: "public addresses: 64 are used, the environment needs 1 more, the limit is 64",
	},
	"an unknown quota": {
		answers: map[string]string{
			"aws service-quotas get-service-quota --region eu-west-1 --service-code eks": "None",
		},
		severity: doctor.Unknown, want: `EKS clusters: "None" is not a number`,
	},
}

// TestDoctorFindsProblems checks that the doctor finds each problem once, and says what to do.
func TestDoctorFindsProblems(t *testing.T) {
	for name, p := range problems {
		if p.now.IsZero() {
			p.now = harness.Today
		}
		answers := healthy()
		for beginning, answer := range p.answers {
			if answers[beginning] = answer; answer == "" {
				delete(answers, beginning)
			}
		}
		report := look(t, "dev", p.now, answers, false, p.changes...)
		found := 0
		for _, f := range report {
			if strings.Contains(f.Text, p.want) {
				found++
				assert.Equal(t, p.severity, f.Severity, name)
				assert.True(t, f.Severity == doctor.Good || f.Severity == doctor.Unknown || f.Do != "",
					"%s: says what to do", name)
			}
		}
		assert.Equal(t, 1, found, "%s\n%s", name, report)
		assert.Equal(t, p.severity == doctor.Broken || p.now.Year() >= 2060, report.Broken(), name)
		if p.severity == doctor.Broken {
			assert.True(t, strings.HasPrefix(report.String(), "✗"), "the most serious finding comes first")
		}
	}
}

// TestDoctorNamesTheVersionsThatSupportTheCluster checks the whole report about a kubectl that is too old.
func TestDoctorNamesTheVersionsThatSupportTheCluster(t *testing.T) {
	answers := healthy()
	answers["kubectl version"] = "Client Version: v1.32.0"
	assert.Contains(t, look(t, "dev", harness.Today, answers, false).String(),
		"! tools     kubectl 1.32 does not support this cluster (Kubernetes 1.36)\n            install 1.35 to 1.37\n")
}

// TestDoctorOffline checks that the doctor compares with the quotas of a new account where it knows none. prod's nodes
// exceed them.
func TestDoctorOffline(t *testing.T) {
	report := look(t, "prod", harness.Today, healthy(), true)
	assert.False(t, report.Broken())
	// 8 nodes with 2 vCPUs each, 3 more nodes during a rolling update, and the bastion.
	assert.Contains(t, report.String(), "the environment needs 24, a new account has 5")
	assert.Contains(t, report.String(), "public addresses: the environment needs 3, a new account has 5")
	signedOut := healthy()
	delete(signedOut, "aws sts")
	report = look(t, "prod", harness.Today, signedOut, false)
	assert.Contains(t, report.String(), "? account   reading your identity in AWS: aws: not found")
	assert.Contains(t, report.String(), "a new account has 5", "without credentials, it checks as offline")
}

// TestDoctorOfARunningEnvironment checks that the doctor does not count what the environment already uses twice.
func TestDoctorOfARunningEnvironment(t *testing.T) {
	answers := healthy()
	answers["aws eks describe-cluster"], answers["aws ec2 describe-addresses"] = "ACTIVE", "64"
	assert.False(t, look(t, "dev", harness.Today, answers, false).Broken())
}

func TestDoctorNeedsTheCertificates(t *testing.T) {
	raw, err := harness.Reference(t).Project.Config("dev")
	require.NoError(t, err)
	c, err := stacks.Load(raw, "dev", time.Time{})
	require.NoError(t, err)
	_, err = doctor.Examine(context.Background(), c, t.TempDir(), harness.Today, machine(nil), true)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = doctor.Deadlines(c, []byte("none"))
	assert.ErrorContains(t, err, "there is none of eu-west-1")
}

// TestAccess: the doctor says how the Kubernetes API is reached, and finds a way that is not there.
func TestAccess(t *testing.T) {
	const (
		describe = "aws ec2 describe-instances --region eu-west-1 --filters Name=tag:Name"
		agent    = "aws ssm describe-instance"
	)
	instance := func(state, status string) map[string]string { return map[string]string{describe: state, agent: status} }
	for name, c := range map[string]struct {
		stack   string
		up      bool
		answers map[string]string
		changes []string
		want    doctor.Severity
		text    string
	}{
		"public":       {"dev", true, nil, nil, doctor.Good, "is open to 203.0.113.0/24"},
		"inside":       {"prod", true, nil, []string{"cluster.tunnel=false"}, doctor.Good, "you have to be in the VPC"},
		"not up":       {"prod", false, nil, nil, doctor.Good, "reaches it through a tunnel"},
		"no bastion":   {"prod", true, instance("\n", ""), nil, doctor.Broken, "nothing leads to"},
		"stopped":      {"prod", true, instance("i-1\tstopped\n", ""), nil, doctor.Good, "a tunnel starts it"},
		"online":       {"prod", true, instance("i-1\trunning", "Online\n"), nil, doctor.Good, "reaches"},
		"disconnected": {"prod", true, instance("i-1\trunning", "ConnectionLost"), nil, doctor.Broken, "does not"},
	} {
		answers := healthy()
		if c.stack == "prod" {
			answers["aws sts"] = `{"Account": "444455556666", "Arn": "arn:aws:iam::444455556666:user/me"}`
		}
		if c.up {
			answers["aws eks describe-cluster"] = "ACTIVE\n"
		}
		maps.Copy(answers, c.answers)
		found := false
		for _, f := range look(t, c.stack, harness.Today, answers, false, c.changes...) {
			if f.About == "access" {
				found = true
				assert.Equal(t, c.want, f.Severity, name)
				assert.Contains(t, f.Text, c.text, name)
			}
		}
		assert.True(t, found, name)
	}
}
