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

	"groundwork/components/cluster"
	"groundwork/internal/awscli"
	"groundwork/internal/drain"
)

// answers are what the stand-ins for the aws and kubectl commands print, by the beginning of the call.
var answers = map[string]string{
	"aws sts get-caller-identity": `{"Account": "111122223333"}`,
	"aws eks describe-cluster": `{"cluster": {
		"endpoint": "https://example", "certificateAuthority": {"data": "Y2E="}}}`,
	"aws resourcegroupstaggingapi get-resources --tag-filters Key=elbv2.k8s.aws/cluster": `{"ResourceTagMappingList": [
		{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", "Tags": []},
		{"ResourceARN": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/k8s/1", "Tags": []}]}`,
	"aws resourcegroupstaggingapi get-resources --tag-filters Key=kubernetes.io": `{"ResourceTagMappingList": [
		{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", "Tags": []},
		{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-eks",
			"Tags": [{"Key": "aws:eks:cluster-name", "Value": "groundwork-dev"}]},
		{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-program",
			"Tags": [{"Key": "ManagedBy", "Value": "pulumi"}]}]}`,
	"aws ec2 describe-vpcs":               `{"Vpcs": [{"VpcID": "vpc-1"}]}`,
	"aws ec2 describe-security-groups":    `{"SecurityGroups": [{"GroupID": "sg-cloudfront"}]}`,
	"aws ec2 describe-network-interfaces": `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]}`,
	"kubectl --kubeconfig * get": `{"items": [
		{"kind": "Service", "metadata": {"namespace": "default", "name": "legacy"}, "spec": {"type": "LoadBalancer"}},
		{"kind": "Service", "metadata": {"namespace": "webapp", "name": "webapp"}, "spec": {"type": "ClusterIP"}},
		{"kind": "PersistentVolumeClaim", "metadata": {"namespace": "default", "name": "data"}},
		{"kind": "Ingress", "metadata": {"namespace": "webapp", "name": "kept",
			"annotations": {"argocd.argoproj.io/tracking-id": "webapp"}}}]}`,
}

// Lines of a stand-in script: the first ones of a command, one call that fails, and one call that is answered. Once the
// file "forget" exists, a resource that was deleted is not listed again.
const (
	scriptHead   = "#!/bin/sh\necho \"%[1]s $*\" >> %[2]s\ncase \"%[1]s $*\" in\n"
	scriptFail   = "%s*) echo 'An error occurred (AccessDenied)' >&2; exit 254;;\n"
	scriptAnswer = "%s*) if grep -qE 'delete' %s 2>/dev/null && [ -e %s/forget ]; " +
		"then echo '{\"Account\": \"111122223333\"}'; else cat <<'END'\n%s\nEND\nfi;;\n"
)

// standIns puts stand-ins for aws and kubectl on PATH and returns the file to which they write each call. The answer to
// failing, the beginning of a call, is an error.
func standIns(t *testing.T, failing string) string {
	t.Helper()
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	escape := func(call string) string { return strings.ReplaceAll(call, " ", "\\ ") }
	for _, command := range []string{"aws", "kubectl"} {
		var script strings.Builder
		fmt.Fprintf(&script, scriptHead, command, calls)
		if failing != "" {
			fmt.Fprintf(&script, scriptFail, escape(failing))
		}
		for call, answer := range answers {
			fmt.Fprintf(&script, scriptAnswer, escape(call), calls, dir, answer)
		}
		script.WriteString("esac\n")
		require.NoError(t, os.WriteFile(filepath.Join(dir, command), []byte(script.String()), 0o755))
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return calls
}

// patchAWS replaces a string in the stand-in for aws.
func patchAWS(t *testing.T, old, replacement string) {
	t.Helper()
	path, err := exec.LookPath("aws")
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	text = bytes.ReplaceAll(text, []byte(old), []byte(replacement))
	require.NoError(t, os.WriteFile(path, text, 0o755))
}

// devAccount is the account that the stand-ins answer for.
func devAccount() *drain.AWS {
	return &drain.AWS{
		Account: awscli.Account{ID: "111122223333", Region: "eu-west-1"}, Client: cluster.Client{Name: "groundwork-dev"},
	}
}

// run drains an account and returns what Run printed.
func run(account drain.Account, remove, data bool) (string, error) {
	var out bytes.Buffer
	err := drain.Run(context.Background(), account, drain.Options{Out: &out, Remove: remove, Data: data})
	return out.String(), err
}

// list runs without removing anything, and returns the error only.
func list(account drain.Account) error {
	return drain.Run(context.Background(), account, drain.Options{Out: io.Discard})
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// stuck is an account with one item that cannot be removed.
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

// TestFailedCommandEndsTheRun: the error names the command that failed and contains its message.
func TestFailedCommandEndsTheRun(t *testing.T) {
	for _, call := range []string{
		"aws sts", "aws eks", "kubectl --kubeconfig", "aws resourcegroupstaggingapi", "aws ec2 describe-network-interfaces",
	} {
		standIns(t, call)
		account := devAccount()
		err := list(account)
		account.Close()
		require.ErrorContains(t, err, "AccessDenied", call)
		require.ErrorContains(t, err, strings.Fields(call)[1], call)
	}
	t.Setenv("PATH", t.TempDir())
	require.ErrorContains(t, list(devAccount()), "draining: this needs the aws command")
}

// TestFailedRemovalDoesNotStopTheOthers: Run reports the item that it cannot remove, and removes the others.
func TestFailedRemovalDoesNotStopTheOthers(t *testing.T) {
	calls := standIns(t, "aws elbv2 delete-load-balancer")
	account := devAccount()
	defer account.Close()
	out, err := run(account, true, true)
	require.ErrorContains(t, err, "6 things are still there")
	assert.Contains(t, out, "AccessDenied")
	assert.Contains(t, read(t, calls), "delete-security-group", "Run continues with the others")
}

// TestRetries: Run tries an item in use again, up to a number of times, and a forbidden one only once.
func TestRetries(t *testing.T) {
	for cause, rounds := range map[error]int{drain.ErrInUse: 20, errors.New("forbidden"): 1} {
		only := &stuck{err: fmt.Errorf("deleting: %w", cause)}
		_, err := run(only, true, false)
		require.ErrorContains(t, err, "1 things are still there")
		assert.Equal(t, rounds, only.tries, "%v", cause)
	}
}

func TestRemoveOneItem(t *testing.T) {
	standIns(t, "aws ec2 delete-network-interface")
	patchAWS(t, "AccessDenied", "InvalidNetworkInterface.InUse")
	ctx, account := context.Background(), devAccount()
	err := account.Remove(ctx, drain.Item{Kind: "network interface", ID: "eni-1"})
	require.ErrorIs(t, err, drain.ErrInUse)
	err = account.Remove(ctx, drain.Item{Kind: "moon"})
	require.ErrorContains(t, err, "no way to remove a moon")
}

func TestListOnAWS(t *testing.T) {
	standIns(t, "")
	account := devAccount()
	defer account.Close()
	out, err := run(account, false, false)
	require.NoError(t, err)
	var found []string
	for _, line := range strings.Split(out, "\n")[:6] {
		found = append(found, strings.Join(strings.Fields(line), " "))
	}
	assert.Equal(t, []string{
		"Service default/legacy",
		"PersistentVolumeClaim default/data (holds data)",
		"load balancer arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/k8s/1",
		"security group arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1",
		"volume arn:aws:ec2:eu-west-1:111122223333:volume/vol-1 (holds data)",
		"network interface eni-1",
	}, found)
}

// TestRemoveOnAWS: Run keeps the items that hold data, unless told otherwise, and never touches those of EKS.
func TestRemoveOnAWS(t *testing.T) {
	calls := standIns(t, "")
	account := devAccount()
	defer account.Close()
	_, err := run(account, true, false)
	require.Error(t, err, "the stand-ins list deleted items again")
	made := read(t, calls)
	for _, want := range []string{
		"delete service --namespace default legacy",
		"elbv2 delete-load-balancer --load-balancer-arn arn:aws:elasticloadbalancing",
		"elbv2 wait load-balancers-deleted",
		"ec2 delete-security-group --group-id sg-1",
		"ec2 delete-network-interface --network-interface-id eni-1",
	} {
		assert.Contains(t, made, want)
	}
	assert.NotContains(t, made, "delete-volume")
	assert.NotContains(t, made, "delete persistentvolumeclaim")
	assert.NotContains(t, made, "sg-eks")

	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(calls), "forget"), nil, 0o600))
	require.NoError(t, os.Remove(calls))
	out, err := run(account, true, true)
	require.NoError(t, err)
	assert.Contains(t, out, "All of it is removed")
	assert.Contains(t, read(t, calls), "ec2 delete-volume --volume-id vol-1")
}

// TestWithoutCluster: once the cluster is gone, Find lists the security group that CloudFront left in the network, by
// its name.
func TestWithoutCluster(t *testing.T) {
	calls := standIns(t, "aws eks describe-cluster")
	patchAWS(t, "AccessDenied", "ResourceNotFoundException")
	account := devAccount()
	defer account.Close()
	out, err := run(account, false, false)
	require.NoError(t, err)
	assert.Contains(t, out, "sg-cloudfront")
	assert.NotContains(t, out, "default/legacy")

	classic := "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/a1b2"
	require.NoError(t, account.Remove(context.Background(), drain.Item{Kind: "load balancer", ID: classic}))
	require.NoError(t, account.Remove(context.Background(), drain.Item{Kind: "target group", ID: "arn:tg"}))
	assert.Contains(t, read(t, calls), "elb delete-load-balancer --load-balancer-name a1b2")
}

func TestOtherAccountIsRefused(t *testing.T) {
	standIns(t, "")
	other := &drain.AWS{
		Account: awscli.Account{ID: "999999999999", Region: "eu-west-1"}, Client: cluster.Client{Name: "groundwork-dev"},
	}
	require.ErrorContains(t, list(other),
		"the credentials are for account 111122223333; the stack is in 999999999999")
}
