package recovery_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awscli"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/recovery"
)

// answers are what the stand-in for the aws command prints, by what the call begins with.
var answers = map[string]string{
	"sts get-caller-identity": `{"Account": "111122223333"}`,
	"resourcegroupstaggingapi get-resources --tag-filters Key=Environment,Values=dev Key=Project,Values=groundwork " +
		"--region eu-west-1": `{"ResourceTagMappingList": [
		{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:natgateway/nat-1", "Tags": [{"Key": "Name", "Value": "a"}]},
		{"ResourceARN": "arn:aws:ec2:eu-west-1:111122223333:elastic-ip/eipalloc-1", "Tags": []},
		{"ResourceARN": "arn:aws:lambda:eu-west-1:111122223333:function:f", "Tags": []}]}`,
	"resourcegroupstaggingapi get-resources --tag-filters Key=Environment,Values=dev Key=Project,Values=groundwork " +
		"--region us-east-1": `{"ResourceTagMappingList": [
		{"ResourceARN": "arn:aws:cloudfront::111122223333:distribution/E1", "Tags": []}]}`,
	"sns list-subscriptions-by-topic --topic-arn arn:aws:sns:us-east-1:111122223333:alarms --query " +
		"Subscriptions[].{ID:SubscriptionArn,Endpoint:Endpoint} --region us-east-1": `[
		{"ID": "arn:aws:sns:us-east-1:111122223333:alarms:1", "Endpoint": "ann@example.com"}]`,
	"s3api list-objects-v2 --bucket states": `[".pulumi/locks/organization/groundwork/dev/a.json", "README"]`,
	"s3 cp s3://states/.pulumi/locks/organization/groundwork/dev/a.json -": `
		{"pid": 7, "username": "ann", "hostname": "elsewhere", "timestamp": "2026-11-22T10:00:00Z"}`,
}

// standIn puts a stand-in for the aws command on PATH. It answers what it knows, and refuses everything else.
func standIn(t *testing.T) *recovery.AWS {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in\n"
	for call, answer := range answers {
		script += fmt.Sprintf("%q*) cat <<'END'\n%s\nEND\n;;\n", call, answer)
	}
	script += "*) echo \"An error occurred (AccessDenied): $*\" >&2; exit 254;;\nesac\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "aws"), []byte(script), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return &recovery.AWS{
		Account: awscli.Account{ID: "111122223333", Region: "eu-west-1"},
		Tags:    map[string]string{"Project": "groundwork", "Environment": "dev"},
	}
}

// TestFindInAWS: by its name, by the tags, and by a list, each with the calls that AWS has for it.
func TestFindInAWS(t *testing.T) {
	a := standIn(t)
	for _, c := range []struct {
		token, region string
		inputs        graph.Props
		want          []string
	}{
		{awstype.Role, "", graph.Props{"name": "nodes"}, []string{"nodes"}},
		{awstype.Route, "", graph.Props{"routeTableId": "rtb-1"}, nil},
		{awstype.NATGateway, "", graph.Props{"allocationId": "eipalloc-1"}, []string{"nat-1"}},
		{awstype.NATGateway, "us-east-1", graph.Props{"allocationId": "eipalloc-1"}, nil},
		{awstype.Distribution, "", graph.Props{}, []string{"E1"}},
		{awstype.Topic, "us-east-1", graph.Props{"name": "alarms"}, []string{"arn:aws:sns:us-east-1:111122223333:alarms"}},
		{awstype.TopicSubscription, "us-east-1", graph.Props{"topic": "arn:aws:sns:us-east-1:111122223333:alarms"},
			[]string{"arn:aws:sns:us-east-1:111122223333:alarms:1"}},
		{awstype.RandomPassword, "", graph.Props{}, nil},
	} {
		found, err := a.Find(t.Context(), recovery.Operation{Type: c.token, Region: c.region, Inputs: c.inputs})
		require.NoError(t, err, c.token)
		var ids []string
		for _, r := range found {
			ids = append(ids, r.ID)
		}
		assert.Equal(t, c.want, ids, c.token)
	}
	tagged, err := a.Tagged(t.Context())
	require.NoError(t, err)
	assert.Len(t, tagged, 3, "what is of no type of the program is not its own")
	_, err = a.Find(t.Context(), recovery.Operation{Type: "aws:new/thing:Thing"})
	require.ErrorContains(t, err, "pulumi import takes it over by hand")
	_, err = a.Find(t.Context(), recovery.Operation{
		Type: awstype.LogDelivery, Inputs: graph.Props{"deliverySourceName": "x"},
	})
	require.ErrorContains(t, err, "AccessDenied")
}

func TestAccountAndLocks(t *testing.T) {
	a := standIn(t)
	require.NoError(t, a.Check(t.Context()))
	locks, err := a.Locks(t.Context(), "states", "groundwork", "dev")
	require.NoError(t, err)
	require.Len(t, locks, 1)
	_, err = (&recovery.Pulumi{Stack: "dev"}).Unlock(t.Context(), locks)
	require.ErrorContains(t, err, "dev is locked by ann@elsewhere")
	require.ErrorContains(t, err, "pulumi cancel -s dev")
	a.ID = "999955556666"
	require.ErrorContains(t, a.Check(t.Context()), "the credentials are for account 111122223333")
	t.Setenv("PATH", t.TempDir())
	err = a.Check(t.Context())
	require.ErrorContains(t, err, "this needs the aws command")
}
