package drain_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/drain"
)

// answers stand in for the aws and kubectl commands: the first line that a call begins with decides the answer.
var answers = map[string]string{
	"aws sts get-caller-identity": `{"Account": "111122223333"}`,
	"aws eks describe-cluster":    `{"cluster": {"endpoint": "https://example", "certificateAuthority": {"data": "Y2E="}}}`,
	"aws resourcegroupstaggingapi get-resources --tag-filters Key=elbv2.k8s.aws/cluster": `{"ResourceTagMappingList": [{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", "Tags": []}, {"ResourceARN": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/k8s/1", "Tags": []}]}`,
	"aws resourcegroupstaggingapi get-resources --tag-filters Key=kubernetes.io": `{"ResourceTagMappingList": [{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", "Tags": []},
		{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-eks", "Tags": [{"Key": "aws:eks:cluster-name", "Value": "groundwork-dev"}]},
		{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-program", "Tags": [{"Key": "ManagedBy", "Value": "pulumi"}]}]}`,
	"aws ec2 describe-vpcs":               `{"Vpcs": [{"VpcID": "vpc-1"}]}`,
	"aws ec2 describe-security-groups":    `{"SecurityGroups": [{"GroupID": "sg-cloudfront"}]}`,
	"aws ec2 describe-network-interfaces": `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]}`,
	"kubectl --kubeconfig * get":          `{"items": [{"kind": "Service", "metadata": {"namespace": "default", "name": "legacy"}, "spec": {"type": "LoadBalancer"}}, {"kind": "Service", "metadata": {"namespace": "webapp", "name": "webapp"}, "spec": {"type": "ClusterIP"}}, {"kind": "PersistentVolumeClaim", "metadata": {"namespace": "default", "name": "data"}}, {"kind": "Ingress", "metadata": {"namespace": "webapp", "name": "kept", "annotations": {"argocd.argoproj.io/tracking-id": "webapp"}}}]}`,
}

// standIns puts stand-ins for aws and kubectl on PATH and returns the file in which they write down each call. The answer
// to failing, the beginning of a call, is an error.
func standIns(t *testing.T, failing string) string {
	t.Helper()
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	for _, command := range []string{"aws", "kubectl"} {
		var script strings.Builder
		fmt.Fprintf(&script, "#!/bin/sh\necho \"%s $*\" >> %s\ncase \"%s $*\" in\n", command, calls, command)
		if failing != "" {
			fmt.Fprintf(&script, "%s*) echo 'An error occurred (AccessDenied)' >&2; exit 254;;\n", strings.ReplaceAll(failing, " ", "\\ "))
		}
		for call, answer := range answers {
			// What has been deleted is not listed again.
			fmt.Fprintf(&script, "%s*) if grep -qE 'delete' %s 2>/dev/null && [ -e %s/forget ]; then echo '{\"Account\": \"111122223333\"}'; else cat <<'END'\n%s\nEND\nfi;;\n",
				strings.ReplaceAll(call, " ", "\\ "), calls, dir, answer)
		}
		script.WriteString("esac\n")
		require.NoError(t, os.WriteFile(filepath.Join(dir, command), []byte(script.String()), 0o755))
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return calls
}

// stuck is an account with one thing that does not go.
type stuck struct {
	err   error
	tries int
}

func (s *stuck) Find(context.Context) ([]drain.Item, error) {
	return []drain.Item{{Kind: "security group", ID: "sg-1"}}, nil
}

func (s *stuck) Remove(context.Context, drain.Item) error {
	s.tries++
	return s.err
}

func lookPath(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err)
	return path
}

// TestDrainReportsWhatFails: what cannot be asked ends the run, with the command and what it said; what cannot be removed
// is named, and the rest goes on.
func TestDrainReportsWhatFails(t *testing.T) {
	for _, call := range []string{
		"aws sts", "aws eks", "kubectl --kubeconfig", "aws resourcegroupstaggingapi", "aws ec2 describe-network-interfaces",
	} {
		standIns(t, call)
		account := &drain.AWS{AccountID: "111122223333", Region: "eu-west-1", Cluster: "groundwork-dev"}
		err := drain.Run(context.Background(), account, drain.Options{Out: io.Discard})
		account.Close()
		require.ErrorContains(t, err, "AccessDenied", call)
		require.ErrorContains(t, err, strings.Fields(call)[1], call)
	}
	calls := standIns(t, "aws elbv2 delete-load-balancer")
	account := &drain.AWS{AccountID: "111122223333", Region: "eu-west-1", Cluster: "groundwork-dev"}
	defer account.Close()
	var out bytes.Buffer
	require.ErrorContains(t, drain.Run(context.Background(), account, drain.Options{Out: &out, Remove: true, Data: true}), "6 things are still there")
	assert.Contains(t, out.String(), "AccessDenied")
	made, err := os.ReadFile(calls)
	require.NoError(t, err)
	assert.Contains(t, string(made), "delete-security-group", "the rest goes on")

	// What is in use is tried again, a number of times; what is forbidden is not.
	for code, rounds := range map[string]int{"DependencyViolation": 20, "AccessDenied": 1} {
		only := &stuck{err: fmt.Errorf("deleting: %w", map[string]error{"DependencyViolation": drain.ErrInUse, "AccessDenied": errors.New("forbidden")}[code])}
		require.ErrorContains(t, drain.Run(context.Background(), only, drain.Options{Out: io.Discard, Remove: true}), "1 things are still there")
		assert.Equal(t, rounds, only.tries, code)
	}
	standIns(t, "aws ec2 delete-network-interface")
	text, err := os.ReadFile(filepath.Join(filepath.Dir(lookPath(t, "aws")), "aws"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(lookPath(t, "aws"), bytes.ReplaceAll(text, []byte("AccessDenied"), []byte("InvalidNetworkInterface.InUse")), 0o755))
	require.ErrorIs(t, account.Remove(context.Background(), drain.Item{Kind: "network interface", ID: "eni-1"}), drain.ErrInUse)
	require.ErrorContains(t, account.Remove(context.Background(), drain.Item{Kind: "moon"}), "no way to remove a moon")

	t.Setenv("PATH", t.TempDir())
	require.ErrorContains(t, drain.Run(context.Background(), account, drain.Options{Out: io.Discard}), "draining needs the aws command")
}

// TestDrainOnAWS runs the real commands' stand-ins and reads which calls were made.
func TestDrainOnAWS(t *testing.T) {
	calls := standIns(t, "")
	account := &drain.AWS{AccountID: "111122223333", Region: "eu-west-1", Cluster: "groundwork-dev"}
	defer account.Close()
	var out bytes.Buffer
	require.NoError(t, drain.Run(context.Background(), account, drain.Options{Out: &out}))
	var found []string
	for _, line := range strings.Split(out.String(), "\n")[:6] {
		found = append(found, strings.Join(strings.Fields(line), " "))
	}
	assert.Equal(t, []string{
		"Service default/legacy", "PersistentVolumeClaim default/data (holds data)",
		"load balancer arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/k8s/1", "security group arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1",
		"volume arn:aws:ec2:eu-west-1:111122223333:volume/vol-1 (holds data)", "network interface eni-1",
	}, found)

	out.Reset()
	require.NoError(t, os.Remove(calls))
	require.Error(t, drain.Run(context.Background(), account, drain.Options{Out: &out, Remove: true}), "these stand-ins never forget")
	made, err := os.ReadFile(calls)
	require.NoError(t, err)
	for _, want := range []string{
		"delete service --namespace default legacy", "elbv2 delete-load-balancer --load-balancer-arn arn:aws:elasticloadbalancing", "elbv2 wait load-balancers-deleted",
		"ec2 delete-security-group --group-id sg-1", "ec2 delete-network-interface --network-interface-id eni-1",
	} {
		assert.Contains(t, string(made), want)
	}
	assert.NotContains(t, string(made), "delete-volume")
	assert.NotContains(t, string(made), "delete persistentvolumeclaim")
	assert.NotContains(t, string(made), "sg-eks")

	out.Reset()
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(calls), "forget"), nil, 0o600))
	require.NoError(t, os.Remove(calls))
	require.NoError(t, drain.Run(context.Background(), account, drain.Options{Out: &out, Remove: true, Data: true}))
	assert.Contains(t, out.String(), "All of it is removed")
	made, err = os.ReadFile(calls)
	require.NoError(t, err)
	assert.Contains(t, string(made), "ec2 delete-volume --volume-id vol-1")

	// Where the cluster is gone, the group that CloudFront left in the network is found by its name.
	calls = standIns(t, "aws eks describe-cluster")
	text, err := os.ReadFile(filepath.Join(filepath.Dir(calls), "aws"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(calls), "aws"), bytes.ReplaceAll(text, []byte("AccessDenied"), []byte("ResourceNotFoundException")), 0o755))
	out.Reset()
	require.NoError(t, drain.Run(context.Background(), account, drain.Options{Out: &out}))
	assert.Contains(t, out.String(), "sg-cloudfront")
	assert.NotContains(t, out.String(), "default/legacy")
	require.NoError(t, account.Remove(context.Background(), drain.Item{Kind: "load balancer", ID: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/a1b2"}))
	require.NoError(t, account.Remove(context.Background(), drain.Item{Kind: "target group", ID: "arn:tg"}))
	made, err = os.ReadFile(calls)
	require.NoError(t, err)
	assert.Contains(t, string(made), "elb delete-load-balancer --load-balancer-name a1b2")

	other := &drain.AWS{AccountID: "999999999999", Region: "eu-west-1", Cluster: "groundwork-dev"}
	require.ErrorContains(t, drain.Run(context.Background(), other, drain.Options{Out: &out}), "the credentials are for account 111122223333; the stack is in 999999999999")
}
