package tests

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/doctor"
	"groundwork/stacks"
)

// machine answers for the commands of a machine and of an account: by the beginning of the command line, the longest first.
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

// healthy is a machine with all tools, signed in to dev's account, where nothing is.
func healthy() map[string]string {
	return map[string]string{
		"go version": "go version go1.26.8 linux/amd64", "node --version": "v20.20.2", "git --version": "git version 2.39.5", "pulumi version": "v3.250.0",
		"aws --version": "aws-cli/2.31.0 Python/3.13", "kubectl version": "Client Version: v1.36.1", "helm version": "v3.21.4+gabc",
		"aws sts": `{"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/me"}`, "aws service-quotas": "64.0\n", "aws ec2": "2\n", "aws rds": "0\n", "aws eks list-clusters": "0\n",
	}
}

func look(t *testing.T, stack string, today time.Time, answers map[string]string, offline bool, changes ...string) doctor.Report {
	t.Helper()
	raw, err := repository(t).Project.Config(stack, changes...)
	require.NoError(t, err)
	c, err := stacks.Load(raw, stack, time.Time{})
	require.NoError(t, err)
	report, err := doctor.Look(context.Background(), c, repository(t).Project.Root, today, machine(answers), offline)
	require.NoError(t, err)
	return report
}

func TestDoctorOfAHealthyEnvironment(t *testing.T) {
	report := look(t, "dev", today, healthy(), false)
	for _, f := range report {
		assert.Equal(t, doctor.Good, f.Severity, f.Text)
	}
	assert.Greater(t, len(report), 15)
	assert.False(t, report.Broken())
}

// TestDoctorFindsWhatIsPlanted: each thing that can be wrong is found and named, with what to do, and nothing else is.
func TestDoctorFindsWhatIsPlanted(t *testing.T) {
	for name, c := range map[string]struct {
		today    time.Time
		changes  []string
		plant    map[string]string
		severity doctor.Severity
		want     string
	}{
		"Kubernetes soon":           {time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC), nil, nil, doctor.Warning, "standard support of Kubernetes 1.36 ends on 2027-08-02, in 93 days: AWS upgrades the cluster by itself"},
		"Kubernetes over":           {time.Date(2027, 8, 2, 0, 0, 0, 0, time.UTC), nil, nil, doctor.Broken, "standard support of Kubernetes 1.36 ended on 2027-08-02"},
		"Kubernetes over and paid":  {time.Date(2027, 8, 2, 0, 0, 0, 0, time.UTC), []string{"cluster.supportType=EXTENDED"}, nil, doctor.Broken, "costs six times as much"},
		"an older Kubernetes":       {today, []string{"cluster.kubernetesVersion='1.35'"}, nil, doctor.Good, "standard support of Kubernetes 1.35 ends on 2027-03-27"},
		"PostgreSQL soon":           {time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), nil, nil, doctor.Warning, "standard support of PostgreSQL 15 ends on 2028-02-29"},
		"charts too old":            {time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC), nil, nil, doctor.Warning, "chart external-secrets 2.9.0: last checked on 2026-11-22, 191 days ago"},
		"prices too old":            {time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC), nil, nil, doctor.Warning, "prices: last checked on 2026-11-22"},
		"certificates expire":       {time.Date(2060, 12, 1, 0, 0, 0, 0, time.UTC), nil, nil, doctor.Warning, "the certificate authority of RDS in eu-west-1"},
		"no pulumi":                 {today, nil, map[string]string{"pulumi version": ""}, doctor.Broken, "pulumi is not there: it brings environments up"},
		"no helm":                   {today, nil, map[string]string{"helm version": ""}, doctor.Warning, "helm is not there"},
		"an old kubectl":            {today, nil, map[string]string{"kubectl version": "Client Version: v1.20.2"}, doctor.Warning, "kubectl 1.20 is too old: Kubernetes 1.36 is worked with"},
		"a kubectl from tomorrow":   {today, nil, map[string]string{"kubectl version": "Client Version: v1.39.0"}, doctor.Warning, "kubectl 1.39 is too new"},
		"an old pulumi":             {today, nil, map[string]string{"pulumi version": "v3.99.1"}, doctor.Warning, "pulumi 3.99 is too old"},
		"another account":           {today, nil, map[string]string{"aws sts": `{"Account":"999988887777","Arn":"arn:aws:iam::999988887777:user/me"}`}, doctor.Broken, "you are in account 999988887777 as arn:aws:iam::999988887777:user/me; Pulumi.dev.yaml has 111122223333"},
		"no addresses left":         {today, nil, map[string]string{"aws ec2 describe-addresses": "64"}, doctor.Broken, "public addresses: 64 are used, the environment needs 1 more, the limit is 64"},
		"a quota that nobody knows": {today, nil, map[string]string{"aws service-quotas get-service-quota --region eu-west-1 --service-code eks": "None"}, doctor.Unknown, `EKS clusters: "None" is not a number`},
	} {
		answers := healthy()
		for beginning, answer := range c.plant {
			if answers[beginning] = answer; answer == "" {
				delete(answers, beginning)
			}
		}
		report := look(t, "dev", c.today, answers, false, c.changes...)
		found := 0
		for _, f := range report {
			if strings.Contains(f.Text, c.want) {
				found++
				assert.Equal(t, c.severity, f.Severity, name)
				assert.True(t, f.Severity == doctor.Good || f.Severity == doctor.Unknown || f.Do != "", "%s: says what to do", name)
			}
		}
		assert.Equal(t, 1, found, "%s\n%s", name, report)
		assert.Equal(t, c.severity == doctor.Broken || c.today.Year() >= 2060, report.Broken(), name)
		if c.severity == doctor.Broken {
			assert.True(t, strings.HasPrefix(report.String(), "✗"), "the worst comes first")
		}
	}
}

// TestDoctorOffline: with no account it compares with what a new one has; prod's nodes are more than that.
func TestDoctorOffline(t *testing.T) {
	report := look(t, "prod", today, healthy(), true)
	assert.False(t, report.Broken())
	assert.Contains(t, report.String(), "the environment needs 22, a new account has 5") // 8 nodes of 2 vCPUs, and 3 more while they roll
	assert.Contains(t, report.String(), "public addresses: the environment needs 3, a new account has 5")
	signedOut := healthy()
	delete(signedOut, "aws sts")
	report = look(t, "prod", today, signedOut, false)
	assert.Contains(t, report.String(), "? account   who you are in AWS: aws: not found")
	assert.Contains(t, report.String(), "a new account has 5", "and then as offline")
}

// TestDoctorOfWhatIsUp: what the environment already has is not counted twice.
func TestDoctorOfWhatIsUp(t *testing.T) {
	answers := healthy()
	answers["aws eks describe-cluster"], answers["aws ec2 describe-addresses"] = "ACTIVE", "64"
	assert.False(t, look(t, "dev", today, answers, false).Broken())
}

func TestDoctorNeedsTheCertificates(t *testing.T) {
	raw, err := repository(t).Project.Config("dev")
	require.NoError(t, err)
	c, err := stacks.Load(raw, "dev", time.Time{})
	require.NoError(t, err)
	_, err = doctor.Look(context.Background(), c, t.TempDir(), today, machine(nil), true)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = doctor.Deadlines(c, []byte("none"))
	assert.ErrorContains(t, err, "there is none of eu-west-1")
}
