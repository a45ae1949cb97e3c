package recovery

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// encrypted is a secret as it is in a state.
var encrypted = map[string]any{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}

// matchCases are operations, the resources of an account, and the one that the operation created.
var matchCases = map[string]struct {
	token      string
	inputs     graph.Props
	candidates []Resource
	recorded   map[string]bool
	want, err  string
}{
	"nothing": {token: awstype.VPC, inputs: graph.Props{"cidrBlock": "10.0.0.0/16"}},
	"by name": {
		token: awstype.Role, inputs: graph.Props{"name": "a"},
		candidates: []Resource{
			{ID: "b", Properties: graph.Props{"name": "b"}}, {ID: "a", Properties: graph.Props{"name": "a"}},
		},
		want: "a",
	},
	"recorded already": {
		token: awstype.Role, inputs: graph.Props{"name": "a"},
		candidates: []Resource{{ID: "a", Properties: graph.Props{"name": "a"}}},
		recorded:   map[string]bool{awstype.Role + "|a": true},
	},
	"by tags": {
		token:  awstype.NATGateway,
		inputs: graph.Props{"tags": map[string]any{"Name": "nat-a"}, "allocationId": "eipalloc-1"},
		candidates: []Resource{
			{ID: "nat-1", Properties: graph.Props{"tags": map[string]any{"Name": "nat-b", "Project": "groundwork"}}},
			{ID: "nat-2", Properties: graph.Props{"tags": map[string]any{"Name": "nat-a", "Project": "groundwork"}}},
		},
		want: "nat-2",
	},
	"by a prefix of its name": {
		token: awstype.Bucket, inputs: graph.Props{"bucketPrefix": "logs-"},
		candidates: []Resource{
			{ID: "other-1", Properties: graph.Props{"bucket": "other-1"}},
			{ID: "logs-1", Properties: graph.Props{"bucket": "logs-1"}},
		},
		want: "logs-1",
	},
	"alike": {
		token: awstype.ElasticIP, inputs: graph.Props{"domain": "vpc"},
		candidates: []Resource{
			{ID: "eipalloc-1", Properties: graph.Props{"domain": "vpc"}},
			{ID: "eipalloc-2", Properties: graph.Props{"domain": "vpc"}},
		},
		want: "eipalloc-1",
	},
	"ambiguous": {
		token: awstype.VPCEndpoint, inputs: graph.Props{"vpcId": "vpc-1"},
		candidates: []Resource{
			{ID: "vpce-1", Properties: graph.Props{"vpcId": "vpc-1", "serviceName": "s3"}},
			{ID: "vpce-2", Properties: graph.Props{"vpcId": "vpc-1", "serviceName": "ecr"}},
		},
		err: "several resources may be it: vpce-1 and vpce-2",
	},
	"a list in another order, and a secret": {
		token: awstype.FlowLog, inputs: graph.Props{"subnetIds": []any{"a", "b"}, "password": encrypted},
		candidates: []Resource{{ID: "fl-1", Properties: graph.Props{"subnetIds": []any{"b", "a"}, "password": "x"}}},
		want:       "fl-1",
	},
	"another list": {
		token: awstype.FlowLog, inputs: graph.Props{"subnetIds": []any{"a", "b"}},
		candidates: []Resource{{ID: "fl-1", Properties: graph.Props{"subnetIds": []any{"b", "c"}}}},
	},
}

func TestMatch(t *testing.T) {
	for name, c := range matchCases {
		op := Operation{Type: c.token, Name: name, Inputs: c.inputs}
		found, err := op.match(c.candidates, c.recorded)
		if c.err != "" {
			require.ErrorContains(t, err, c.err, name)
			continue
		}
		require.NoError(t, err, name)
		id := ""
		if found != nil {
			id = found.ID
		}
		assert.Equal(t, c.want, id, name)
	}
}

func TestLock(t *testing.T) {
	lock, err := ReadLock([]byte(
		`{"pid": 1, "username": "ann", "hostname": "elsewhere", "timestamp": "2026-11-22T10:00:00Z"}`))
	require.NoError(t, err)
	assert.Equal(t, "ann@elsewhere (process 1, since 2026-11-22 10:00:00)", lock.String())
	assert.False(t, lock.Here())
	assert.False(t, lock.Alive(), "nobody can know that of another machine")
	_, err = ReadLock([]byte("[]"))
	require.Error(t, err)
}
