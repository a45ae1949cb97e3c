package awssim_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// account is an empty simulated account.
func account() *awssim.Cloud {
	return awssim.NewCloud(awssim.Site{Region: "eu-west-1", Account: "111122223333"})
}

// create creates a resource and returns its ID.
func create(t *testing.T, c *awssim.Cloud, token, name string, in graph.Props) string {
	t.Helper()
	id, err := tryCreate(c, token, name, in)
	require.NoError(t, err)
	return id
}

// tryCreate creates a resource and returns its ID, or the cloud's error.
func tryCreate(c *awssim.Cloud, token, name string, in graph.Props) (string, error) {
	id, _, err := c.Create(context.Background(), "urn:"+name, token, in)
	return id, err
}

func TestUnknownTypesAndFunctionsAreErrors(t *testing.T) {
	_, err := awssim.Check("aws:s3/bucketObject:BucketObject", nil)
	require.ErrorContains(t, err, "the sandbox does not simulate aws:s3/bucketObject:BucketObject")
	_, _, err = account().Create(context.Background(), "urn:x", "aws:s3/bucketObject:BucketObject", nil)
	require.Error(t, err)
	_, err = account().Update(context.Background(), "aws:s3/bucketObject:BucketObject", "x", nil)
	require.Error(t, err)
	require.Error(t, account().Delete(context.Background(), "aws:s3/bucketObject:BucketObject", "x"))
	_, err = awssim.Invoke(awssim.Site{}, "aws:ec2/getVpc:getVpc", nil)
	require.ErrorContains(t, err, "does not simulate the function aws:ec2/getVpc:getVpc")
}

// TestInvokes calls the functions that the program and pulumi-eks may call.
func TestInvokes(t *testing.T) {
	site := awssim.Site{Region: "eu-west-1", Account: "111122223333"}
	for token, want := range map[string]string{
		"aws:index/getPartition:getPartition":           "aws",
		"aws:index/getRegion:getRegion":                 "eu-west-1",
		"aws:index/getCallerIdentity:getCallerIdentity": "111122223333",
	} {
		result, err := awssim.Invoke(site, token, nil)
		require.NoError(t, err)
		assert.Equal(t, want, result.Str("id"), token)
	}
}

// TestCloudKeepsOrder: AWS refuses some operations because of what else exists.
func TestCloudKeepsOrder(t *testing.T) {
	c, ctx := account(), context.Background()
	vpc := create(t, c, awstype.VPC, "vpc", graph.Props{"cidrBlock": "10.0.0.0/16"})
	_, err := tryCreate(c, awstype.Subnet, "s", graph.Props{"vpcId": "vpc-none", "cidrBlock": "10.0.0.0/24"})
	require.ErrorContains(t, err, "InvalidVpcID.NotFound")
	_, err = tryCreate(c, awstype.Subnet, "s", graph.Props{"vpcId": vpc, "cidrBlock": "10.1.0.0/24"})
	require.ErrorContains(t, err, "InvalidSubnet.Range")
	subnet := create(t, c, awstype.Subnet, "subnet", graph.Props{
		"vpcId": vpc, "cidrBlock": "10.0.0.0/24", "availabilityZone": "eu-west-1a",
	})
	_, err = tryCreate(c, awstype.Subnet, "s2", graph.Props{"vpcId": vpc, "cidrBlock": "10.0.0.128/25"})
	require.ErrorContains(t, err, "InvalidSubnet.Conflict")
	require.ErrorContains(t, c.Delete(ctx, awstype.VPC, vpc), "DependencyViolation")
	require.NoError(t, c.Delete(ctx, awstype.Subnet, subnet))
	require.NoError(t, c.Delete(ctx, awstype.Subnet, subnet), "deleting twice is not an error")
	require.NoError(t, c.Delete(ctx, awstype.VPC, vpc))
	assert.Nil(t, c.Read(awstype.VPC, vpc))
	assert.Empty(t, c.Objects())
}

func TestCloudRefusesSecondNames(t *testing.T) {
	c := account()
	in := graph.Props{"name": "a", "assumeRolePolicy": `{}`}
	id := create(t, c, awstype.Role, "a", in)
	_, err := tryCreate(c, awstype.Role, "b", in)
	require.ErrorContains(t, err, "EntityAlreadyExists: a already exists")
	_, err = c.Update(context.Background(), awstype.Role, id, in)
	require.NoError(t, err, "its own name is not a conflict")
	_, err = c.Update(context.Background(), awstype.Role, "gone", in)
	require.ErrorContains(t, err, "ResourceNotFoundException")
}

func TestQuotas(t *testing.T) {
	c := account()
	for i := range 5 {
		create(t, c, awstype.ElasticIP, string(rune('a'+i)), graph.Props{"domain": "vpc"})
	}
	_, err := tryCreate(c, awstype.ElasticIP, "f", graph.Props{"domain": "vpc"})
	require.ErrorContains(t, err, "AddressLimitExceeded")
}

// TestDatabaseLife covers deletion protection, the final snapshot and its name, and the log groups that RDS creates
// when the program does not.
func TestDatabaseLife(t *testing.T) {
	c := account()
	in := graph.Props{
		"identifier": "main", "instanceClass": "db.t3.micro", "engine": "postgres", "engineVersion": "15",
		"deletionProtection": true, "finalSnapshotIdentifier": "main-final",
		"enabledCloudwatchLogsExports": []any{"postgresql"}, "manageMasterUserPassword": true,
	}
	id := create(t, c, awstype.DBInstance, "db", in)
	assert.Contains(t, c.Left(), "log group /aws/rds/instance/main/postgresql")
	require.ErrorContains(t, c.Delete(context.Background(), awstype.DBInstance, id), "Cannot delete protected DB Instance")
	in["deletionProtection"] = false
	state, err := c.Update(context.Background(), awstype.DBInstance, id, in)
	require.NoError(t, err)
	assert.NotEmpty(t, state.Get("masterUserSecrets"))
	require.NoError(t, c.Delete(context.Background(), awstype.DBInstance, id))
	assert.Contains(t, c.Left(), "database snapshot main-final")
	id = create(t, c, awstype.DBInstance, "db", in)
	require.ErrorContains(t, c.Delete(context.Background(), awstype.DBInstance, id), "DBSnapshotAlreadyExists")
}

func TestLogGroupsNeedAKeyThatLogsMayUse(t *testing.T) {
	c := account()
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}`
	key := create(t, c, awstype.Key, "key", graph.Props{"policy": policy})
	arn := c.Read(awstype.Key, key).Str("arn")
	_, err := tryCreate(c, awstype.LogGroup, "l", graph.Props{"name": "/a", "kmsKeyId": arn})
	require.ErrorContains(t, err, "does not let CloudWatch Logs use it")
}

func TestFaults(t *testing.T) {
	c := account()
	c.Inject(awssim.Fault{Type: awstype.VPC, Operation: "create", Error: "Throttling: Rate exceeded", Times: 1})
	_, err := tryCreate(c, awstype.VPC, "v", graph.Props{"cidrBlock": "10.0.0.0/16"})
	require.ErrorContains(t, err, "api error Throttling: Rate exceeded")
	assert.Empty(t, c.Objects(), "a creation that failed leaves nothing")
	id := create(t, c, awstype.VPC, "v", graph.Props{"cidrBlock": "10.0.0.0/16"})
	c.Inject(awssim.Fault{Error: "ExpiredToken: The security token included in the request is expired"})
	_, err = c.Update(context.Background(), awstype.VPC, id, graph.Props{"cidrBlock": "10.0.0.0/16"})
	require.ErrorContains(t, err, "ExpiredToken")
	require.ErrorContains(t, c.Delete(context.Background(), awstype.VPC, id), "ExpiredToken")
}

// TestCloudSurvivesOnDisk: opening a cloud again returns the same objects; opening a damaged file is an error.
func TestCloudSurvivesOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "cloud.json")
	c, err := awssim.OpenCloud(path)
	require.NoError(t, err)
	id := create(t, c, awstype.VPC, "v", graph.Props{"cidrBlock": "10.0.0.0/16"})
	require.NoError(t, c.InjectDrift(awstype.VPC, id, "enableDnsSupport", false))
	require.Error(t, c.InjectDrift(awstype.VPC, "none", "x", 1))
	again, err := awssim.OpenCloud(path)
	require.NoError(t, err)
	assert.Equal(t, c.Objects(), again.Objects())
	lost, err := again.Forget(func(o awssim.Object) bool { return o.ID == id })
	require.NoError(t, err)
	assert.Len(t, lost, 1)
	require.NoError(t, os.WriteFile(path, []byte(`{"format": 99}`), 0o600))
	_, err = awssim.OpenCloud(path)
	require.ErrorContains(t, err, "a newer program wrote it (format 99, this one reads 1)")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err = awssim.OpenCloud(path)
	require.ErrorContains(t, err, "delete the file to begin anew")
}

// TestAccountStays: the account of an environment is kept with it, and a provider of another one is refused.
func TestAccountStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cloud.json")
	c, err := awssim.OpenCloud(path)
	require.NoError(t, err)
	c, err = c.Connect(awssim.Site{Region: "eu-west-1", Account: "111122223333"})
	require.NoError(t, err)
	create(t, c, awstype.VPC, "v", graph.Props{"cidrBlock": "10.0.0.0/16"})
	again, err := awssim.OpenCloud(path)
	require.NoError(t, err)
	_, err = again.Connect(awssim.Site{Region: "eu-west-1", Account: "444455556666"})
	require.ErrorContains(t, err, "the environment is in the account 111122223333")
	_, err = again.Connect(awssim.Site{Region: "us-east-1", Account: "111122223333"})
	require.NoError(t, err)
}

// TestIdentityOfOneCreation: what is created again under the same name has other addresses.
func TestIdentityOfOneCreation(t *testing.T) {
	c := account()
	vpc := create(t, c, awstype.VPC, "v", graph.Props{"cidrBlock": "10.0.0.0/16"})
	var subnets []any
	for zone, cidr := range map[string]string{"eu-west-1a": "10.0.0.0/24", "eu-west-1b": "10.0.1.0/24"} {
		subnets = append(subnets, create(t, c, awstype.Subnet, zone, graph.Props{
			"vpcId": vpc, "cidrBlock": cidr, "availabilityZone": zone,
		}))
	}
	role := create(t, c, awstype.Role, "r", graph.Props{"name": "r", "assumeRolePolicy": "{}"})
	in := graph.Props{
		"name": "c", "roleArn": c.Read(awstype.Role, role).Str("arn"), "vpcConfig": map[string]any{"subnetIds": subnets},
	}
	id := create(t, c, awstype.EKSCluster, "c", in)
	first := c.Read(awstype.EKSCluster, id)
	updated, err := c.Update(context.Background(), awstype.EKSCluster, id, in)
	require.NoError(t, err)
	assert.Equal(t, first, updated)
	require.NoError(t, c.Delete(context.Background(), awstype.EKSCluster, id))
	second := c.Read(awstype.EKSCluster, create(t, c, awstype.EKSCluster, "c", in))
	for _, path := range []string{
		"endpoint", "certificateAuthority.data", "identities[0].oidcs[0].issuer", "vpcConfig.clusterSecurityGroupId",
	} {
		require.NotEmpty(t, first.Str(path), path)
		assert.NotEqual(t, first.Str(path), second.Str(path), path)
	}
	// EKS takes an upgrade back for a week.
	c.SetClock(time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC))
	upgrade := func(version string) error {
		in["version"] = version
		_, err := c.Update(context.Background(), awstype.EKSCluster, "c", in)
		return err
	}
	require.NoError(t, upgrade("1.35"))
	require.ErrorContains(t, upgrade("1.34"), "unsupported Kubernetes minor version update from 1.35 to 1.34")
	require.NoError(t, upgrade("1.36"))
	require.NoError(t, upgrade("1.35"))
	assert.Regexp(t, `^sg-[0-9a-f]{17}$`, first.Str("vpcConfig.clusterSecurityGroupId"))
}

// TestUpdatesOfTheDatabase: a stopped instance takes tags only, and a volume that AWS has grown stays as it is.
func TestUpdatesOfTheDatabase(t *testing.T) {
	c := account()
	in := graph.Props{
		"instanceClass": "db.t4g.micro", "engine": "postgres", "engineVersion": "16", "identifier": "d",
		"allocatedStorage": 20.0, "maxAllocatedStorage": 100.0, "username": "u", "skipFinalSnapshot": true,
		"manageMasterUserPassword": true,
	}
	id := create(t, c, awstype.DBInstance, "d", in)
	require.NoError(t, c.InjectDrift(awstype.DBInstance, id, "allocatedStorage", 35.0))
	change := func(key string, value any) error {
		changed := maps.Clone(in)
		changed[key] = value
		_, err := c.Update(context.Background(), awstype.DBInstance, id, changed)
		return err
	}
	require.NoError(t, change("monitoringInterval", 0.0))
	assert.Equal(t, 35.0, c.Read(awstype.DBInstance, id)["allocatedStorage"])
	require.NoError(t, c.InjectDrift(awstype.DBInstance, id, "status", "stopped"))
	require.NoError(t, change("tags", map[string]any{"Owner": "somebody"}))
	require.ErrorContains(t, change("instanceClass", "db.t4g.small"), "is not in available state")
}

// TestSnapshotsOfAnEngine: Redis cannot read a snapshot of Valkey.
func TestSnapshotsOfAnEngine(t *testing.T) {
	c := account()
	group := func(engine string) graph.Props {
		return graph.Props{
			"description": "d", "replicationGroupId": "g", "engine": engine, "finalSnapshotIdentifier": "final-" + engine,
		}
	}
	for _, engine := range []string{"valkey", "redis"} {
		id := create(t, c, awstype.ReplicationGroup, engine, group(engine))
		require.NoError(t, c.Delete(context.Background(), awstype.ReplicationGroup, id))
	}
	into := func(engine, snapshot string) error {
		in := group(engine)
		in["replicationGroupId"], in["snapshotName"] = "of-"+snapshot, snapshot
		_, _, err := c.Create(context.Background(), "urn:"+snapshot, awstype.ReplicationGroup, in)
		return err
	}
	require.ErrorContains(t, into("redis", "final-valkey"), "is a snapshot of Valkey")
	require.NoError(t, into("valkey", "final-redis"))
}

// TestWaitingEnds: a wait ends with its context, and when the cloud skips latency.
func TestWaitingEnds(t *testing.T) {
	c := account()
	c.Speed = 0.001
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := c.Create(ctx, "urn:v", awstype.VPC, graph.Props{"cidrBlock": "10.0.0.0/16"})
	require.ErrorContains(t, err, "waiting for AWS")
	assert.Empty(t, c.Objects())
	c.SkipLatency()
	c.SkipLatency()
	id := create(t, c, awstype.VPC, "v", graph.Props{"cidrBlock": "10.0.0.0/16"})
	assert.NotEmpty(t, id)
}
