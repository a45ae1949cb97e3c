package tests

import (
	"context"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/sandbox"
)

// account is an empty simulated account.
func account() *sandbox.Cloud {
	return sandbox.NewCloud(sandbox.Site{Region: "eu-west-1", Account: "111122223333"})
}

// create makes a resource and returns its ID.
func create(t *testing.T, c *sandbox.Cloud, token, name string, in sandbox.Props) string {
	t.Helper()
	id, _, err := c.Create(t0, "urn:"+name, token, in)
	require.NoError(t, err)
	return id
}

func TestUnknownTypesAndFunctionsAreErrors(t *testing.T) {
	_, err := sandbox.Check("aws:s3/bucketObject:BucketObject", nil)
	require.ErrorContains(t, err, "the sandbox does not simulate aws:s3/bucketObject:BucketObject")
	_, _, err = account().Create(t0, "urn:x", "aws:s3/bucketObject:BucketObject", nil)
	require.Error(t, err)
	_, err = account().Update(t0, "aws:s3/bucketObject:BucketObject", "x", nil)
	require.Error(t, err)
	require.Error(t, account().Delete(t0, "aws:s3/bucketObject:BucketObject", "x"))
	_, err = sandbox.Invoke(sandbox.Site{}, "aws:ec2/getAmi:getAmi", nil)
	require.ErrorContains(t, err, "does not simulate the function aws:ec2/getAmi:getAmi")
}

// TestInvokes: the three functions that the program and pulumi-eks may call.
func TestInvokes(t *testing.T) {
	site := sandbox.Site{Region: "eu-west-1", Account: "111122223333"}
	for token, want := range map[string]string{
		"aws:index/getPartition:getPartition": "aws", "aws:index/getRegion:getRegion": "eu-west-1", "aws:index/getCallerIdentity:getCallerIdentity": "111122223333",
	} {
		result, err := sandbox.Invoke(site, token, nil)
		require.NoError(t, err)
		assert.Equal(t, want, result.Str("id"), token)
	}
}

// awsRefusals are inputs that AWS or its provider refuses.
var awsRefusals = []struct {
	token    string
	in       sandbox.Props
	property string
}{
	{vpcT, sandbox.Props{"cidrBlock": "10.0.0.0/8"}, "cidrBlock"},
	{vpcT, sandbox.Props{"cidrBlock": "10.0.1.0/16"}, "cidrBlock"},
	{vpcT, sandbox.Props{"cidrBlok": "10.0.0.0/16"}, "cidrBlok"},
	{vpcT, sandbox.Props{"enableDnsSupport": "yes"}, "enableDnsSupport"},
	{subnetT, sandbox.Props{"cidrBlock": "10.0.0.0/24"}, "vpcId"},
	{subnetT, sandbox.Props{"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24", "availabilityZone": "Ireland"}, "availabilityZone"},
	{groupT, sandbox.Props{"description": "the cluster's nodes"}, "description"},
	{groupT, sandbox.Props{"name": "sg-1"}, "name"},
	{ingressT, sandbox.Props{"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 1.0, "toPort": 2.0}, "cidrIpv4"},
	{ingressT, sandbox.Props{"securityGroupId": "sg-1", "ipProtocol": "tcp", "cidrIpv4": "10.0.0.0/8", "fromPort": 9.0, "toPort": 2.0}, "toPort"},
	{ingressT, sandbox.Props{"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8", "fromPort": 1.0, "toPort": 2.0}, "fromPort"},
	{ruleT, sandbox.Props{"securityGroupId": "sg-1", "type": "sideways", "protocol": "tcp", "fromPort": 1.0, "toPort": 2.0}, "type"},
	{natT, sandbox.Props{"subnetId": "subnet-1"}, "allocationId"},
	{endpointT, sandbox.Props{"vpcId": "vpc-1", "vpcEndpointType": "Gateway", "subnetIds": []any{"subnet-1"}}, "subnetIds"},
	{endpointT, sandbox.Props{"vpcId": "vpc-1", "vpcEndpointType": "Interface", "routeTableIds": []any{"rtb-1"}}, "routeTableIds"},
	{flowT, sandbox.Props{"trafficType": "SOME"}, "trafficType"},
	{flowT, sandbox.Props{"maxAggregationInterval": 30.0}, "maxAggregationInterval"},
	{templateT, sandbox.Props{"name": "lt"}, "name"},
	{templateT, sandbox.Props{"metadataOptions": map[string]any{"httpPutResponseHopLimit": 65.0}}, "metadataOptions.httpPutResponseHopLimit"},
	{templateT, sandbox.Props{"metadataOptions": map[string]any{"httpTokens": "maybe"}}, "metadataOptions.httpTokens"},
	{templateT, sandbox.Props{"blockDeviceMappings": []any{map[string]any{"ebs": map[string]any{"volumeType": "gp9"}}}}, "blockDeviceMappings[0].ebs.volumeType"},
	{roleT, sandbox.Props{"assumeRolePolicy": "{", "name": "a"}, "assumeRolePolicy"},
	{roleT, sandbox.Props{"assumeRolePolicy": `{"Version":"2012-10-17","Statement":[{"Effect":"Permit"}]}`}, "assumeRolePolicy"},
	{roleT, sandbox.Props{"assumeRolePolicy": `{"Version":"2008-10-17","Statement":[]}`}, "assumeRolePolicy"},
	{roleT, sandbox.Props{"assumeRolePolicy": "", "name": "a b"}, "name"},
	{roleT, sandbox.Props{"assumeRolePolicy": "", "path": "x"}, "path"},
	{attachT, sandbox.Props{"role": "a", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolcy"}, "policyArn"},
	{attachT, sandbox.Props{"role": "a", "policyArn": "AmazonEKSClusterPolicy"}, "policyArn"},
	{oidcT, sandbox.Props{"url": "http://x", "clientIdLists": []any{}}, "url"},
	{keyT, sandbox.Props{"deletionWindowInDays": 5.0}, "deletionWindowInDays"},
	{keyT, sandbox.Props{"rotationPeriodInDays": 5.0}, "rotationPeriodInDays"},
	{"aws:kms/alias:Alias", sandbox.Props{"name": "alias/aws/mine", "targetKeyId": "k"}, "name"},
	{clusterT, sandbox.Props{"roleArn": "r", "version": "1.20", "vpcConfig": map[string]any{"subnetIds": []any{}}}, "version"},
	{clusterT, sandbox.Props{"roleArn": "r", "vpcConfig": map[string]any{}}, "vpcConfig.subnetIds"},
	{nodesT, sandbox.Props{"clusterName": "c", "nodeRoleArn": "r", "subnetIds": []any{"s"}, "amiType": "AL2_x86_64", "scalingConfig": map[string]any{"desiredSize": 1.0, "minSize": 1.0, "maxSize": 2.0}}, "amiType"},
	{nodesT, sandbox.Props{"clusterName": "c", "nodeRoleArn": "r", "subnetIds": []any{"s"}, "amiType": "AL2023_x86_64_STANDARD", "instanceTypes": []any{"m7g.large"}, "scalingConfig": map[string]any{"desiredSize": 1.0, "minSize": 1.0, "maxSize": 2.0}}, "amiType"},
	{nodesT, sandbox.Props{"clusterName": "c", "nodeRoleArn": "r", "subnetIds": []any{"s"}, "scalingConfig": map[string]any{"desiredSize": 3.0, "minSize": 3.0, "maxSize": 2.0}}, "scalingConfig.minSize"},
	{addonT, sandbox.Props{"clusterName": "c", "addonName": "coredns", "addonVersion": "latest"}, "addonVersion"},
	{addonT, sandbox.Props{"clusterName": "c", "addonName": "coredns", "resolveConflictsOnCreate": "PRESERVE"}, "resolveConflictsOnCreate"},
	{accessT, sandbox.Props{"clusterName": "c", "principalArn": "arn:aws:iam::111122223333:root"}, "principalArn"},
	{policyT, sandbox.Props{"clusterName": "c", "principalArn": "p", "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", "accessScope": map[string]any{"type": "namespace"}}, "accessScope.namespaces"},
	{rdsT, sandbox.Props{"instanceClass": "db.t3.huge"}, "instanceClass"},
	{rdsT, sandbox.Props{"instanceClass": "db.t3.micro", "monitoringInterval": 20.0}, "monitoringInterval"},
	{rdsT, sandbox.Props{"instanceClass": "db.t3.micro", "identifier": "a--b"}, "identifier"},
	{rdsT, sandbox.Props{"instanceClass": "db.t3.micro", "databaseInsightsMode": "advanced", "performanceInsightsRetentionPeriod": 7.0}, "performanceInsightsRetentionPeriod"},
	{rdsT, sandbox.Props{"instanceClass": "db.t3.micro", "password": "x", "manageMasterUserPassword": true}, "password"},
	{paramT, sandbox.Props{"family": "mysql8.0"}, "family"},
	{repoT, sandbox.Props{"name": "WebApp"}, "name"},
	{logT, sandbox.Props{"name": "a b"}, "name"},
	{logT, sandbox.Props{"retentionInDays": 31.0}, "retentionInDays"},
	{alarmT, sandbox.Props{"comparisonOperator": "Above", "evaluationPeriods": 1.0}, "comparisonOperator"},
	{alarmT, sandbox.Props{"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1.0, "datapointsToAlarm": 2.0}, "datapointsToAlarm"},
	{alarmT, sandbox.Props{"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1.0, "dimensions": map[string]any{"QueueName": ""}}, "dimensions.QueueName"},
	{scheduleT, sandbox.Props{"scheduleExpression": "cron(0 20 * * MON)", "flexibleTimeWindow": map[string]any{"mode": "OFF"}, "target": map[string]any{"arn": "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance", "roleArn": "r"}}, "scheduleExpression"},
	{scheduleT, sandbox.Props{"scheduleExpression": "cron(0 20 ? * MON *)", "scheduleExpressionTimezone": "Mars/Olympus", "flexibleTimeWindow": map[string]any{"mode": "OFF"}, "target": map[string]any{"arn": "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance", "roleArn": "r"}}, "scheduleExpression"},
	{scheduleT, sandbox.Props{"scheduleExpression": "cron(0 20 ? * MON *)", "flexibleTimeWindow": map[string]any{"mode": "OFF"}, "target": map[string]any{"arn": "arn:aws:lambda:eu-west-1:1:function:f", "roleArn": "r"}}, "target.arn"},
	{functionT, sandbox.Props{"name": "f", "runtime": "nodejs20.x", "code": ""}, "runtime"},
	{powerT, sandbox.Props{"name": "AWS-RebootRdsInstance"}, "name"},
	{"aws:sqs/queue:Queue", sandbox.Props{"name": "a b"}, "name"},
	{topicT, sandbox.Props{"name": "a.b"}, "name"},
	{"aws:cloudwatch/dashboard:Dashboard", sandbox.Props{"dashboardName": "a", "dashboardBody": "{"}, "dashboardBody"},
	{"aws:sns/topicSubscription:TopicSubscription", sandbox.Props{"topic": "t", "protocol": "email", "endpoint": "me"}, "endpoint"},
	{"aws:budgets/budget:Budget", sandbox.Props{"budgetType": "COST", "timeUnit": "HOURLY"}, "timeUnit"},
	{cacheT, sandbox.Props{"description": "d", "replicationGroupId": strings.Repeat("x", 41)}, "replicationGroupId"},
	{cacheT, sandbox.Props{"description": "d", "replicationGroupId": "a--b"}, "replicationGroupId"},
	{cacheT, sandbox.Props{"description": "d", "numCacheClusters": 1.0, "automaticFailoverEnabled": true}, "automaticFailoverEnabled"},
	{cacheT, sandbox.Props{"description": "d", "multiAzEnabled": true}, "multiAzEnabled"},
	{cacheT, sandbox.Props{"description": "d", "numCacheClusters": 7.0}, "numCacheClusters"},
	{cacheT, sandbox.Props{"description": "d", "nodeType": "t4g.micro"}, "nodeType"},
	{cacheT, sandbox.Props{"description": "d", "engine": "memcached"}, "engine"},
	{cacheT, sandbox.Props{"description": "d", "authToken": "short", "transitEncryptionEnabled": true}, "authToken"},
	{cacheT, sandbox.Props{"description": "d", "authToken": "0123456789abcdef"}, "authToken"},
	{secretT, sandbox.Props{"name": "a b"}, "name"},
	{secretT, sandbox.Props{"recoveryWindowInDays": 3.0}, "recoveryWindowInDays"},
	{versionT, sandbox.Props{"secretId": "s"}, "secretString"},
	{"random:index/randomPassword:RandomPassword", sandbox.Props{"length": 0.0}, "length"},
	{"random:index/randomId:RandomId", sandbox.Props{"byteLength": 0.0}, "byteLength"},
}

func TestAWSRefusals(t *testing.T) {
	for _, r := range awsRefusals {
		failures, err := sandbox.Check(r.token, r.in)
		require.NoError(t, err)
		assert.True(t, slices.ContainsFunc(failures, func(f sandbox.Failure) bool { return f.Property == r.property }), "%s %v: %v", r.token, r.in, failures)
	}
}

// TestCloudKeepsOrder: what AWS refuses because of what else exists.
func TestCloudKeepsOrder(t *testing.T) {
	c := account()
	vpc := create(t, c, vpcT, "vpc", sandbox.Props{"cidrBlock": "10.0.0.0/16"})
	_, _, err := c.Create(t0, "urn:s", subnetT, sandbox.Props{"vpcId": "vpc-none", "cidrBlock": "10.0.0.0/24"})
	require.ErrorContains(t, err, "InvalidVpcID.NotFound")
	_, _, err = c.Create(t0, "urn:s", subnetT, sandbox.Props{"vpcId": vpc, "cidrBlock": "10.1.0.0/24"})
	require.ErrorContains(t, err, "InvalidSubnet.Range")
	subnet := create(t, c, subnetT, "subnet", sandbox.Props{"vpcId": vpc, "cidrBlock": "10.0.0.0/24", "availabilityZone": "eu-west-1a"})
	_, _, err = c.Create(t0, "urn:s2", subnetT, sandbox.Props{"vpcId": vpc, "cidrBlock": "10.0.0.128/25"})
	require.ErrorContains(t, err, "InvalidSubnet.Conflict")
	require.ErrorContains(t, c.Delete(t0, vpcT, vpc), "DependencyViolation")
	require.NoError(t, c.Delete(t0, subnetT, subnet))
	require.NoError(t, c.Delete(t0, subnetT, subnet), "deleting twice is not an error")
	require.NoError(t, c.Delete(t0, vpcT, vpc))
	assert.Nil(t, c.Read(vpcT, vpc))
	assert.Empty(t, c.Objects())
}

func TestCloudRefusesSecondNames(t *testing.T) {
	c := account()
	in := sandbox.Props{"name": "a", "assumeRolePolicy": `{}`}
	id := create(t, c, roleT, "a", in)
	_, _, err := c.Create(t0, "urn:b", roleT, in)
	require.ErrorContains(t, err, "EntityAlreadyExists: a already exists")
	_, err = c.Update(t0, roleT, id, in)
	require.NoError(t, err, "its own name is no conflict")
	_, err = c.Update(t0, roleT, "gone", in)
	require.ErrorContains(t, err, "ResourceNotFoundException")
}

func TestQuotas(t *testing.T) {
	c := account()
	for i := range 5 {
		create(t, c, "aws:ec2/eip:Eip", string(rune('a'+i)), sandbox.Props{"domain": "vpc"})
	}
	_, _, err := c.Create(t0, "urn:f", "aws:ec2/eip:Eip", sandbox.Props{"domain": "vpc"})
	require.ErrorContains(t, err, "AddressLimitExceeded")
}

// TestDatabaseLife: protection, the final snapshot and its name, and the log groups RDS makes when nobody did.
func TestDatabaseLife(t *testing.T) {
	c := account()
	in := sandbox.Props{
		"identifier": "main", "instanceClass": "db.t3.micro", "engine": "postgres", "engineVersion": "15", "deletionProtection": true,
		"finalSnapshotIdentifier": "main-final", "enabledCloudwatchLogsExports": []any{"postgresql"}, "manageMasterUserPassword": true,
	}
	id := create(t, c, rdsT, "db", in)
	assert.Contains(t, c.Left(), "log group /aws/rds/instance/main/postgresql")
	require.ErrorContains(t, c.Delete(t0, rdsT, id), "Cannot delete protected DB Instance")
	in["deletionProtection"] = false
	state, err := c.Update(t0, rdsT, id, in)
	require.NoError(t, err)
	assert.NotEmpty(t, state.Get("masterUserSecrets"))
	require.NoError(t, c.Delete(t0, rdsT, id))
	assert.Contains(t, c.Left(), "database snapshot main-final")
	id = create(t, c, rdsT, "db", in)
	require.ErrorContains(t, c.Delete(t0, rdsT, id), "DBSnapshotAlreadyExists")
}

func TestLogGroupsNeedAKeyThatLogsMayUse(t *testing.T) {
	c := account()
	key := create(t, c, keyT, "key", sandbox.Props{"policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}`})
	_, _, err := c.Create(t0, "urn:l", logT, sandbox.Props{"name": "/a", "kmsKeyId": c.Read(keyT, key).Str("arn")})
	require.ErrorContains(t, err, "does not let CloudWatch Logs use it")
}

func TestFaults(t *testing.T) {
	c := account()
	c.Inject(sandbox.Fault{Type: vpcT, Operation: "create", Error: "Throttling: Rate exceeded", Times: 1})
	_, _, err := c.Create(t0, "urn:v", vpcT, sandbox.Props{"cidrBlock": "10.0.0.0/16"})
	require.ErrorContains(t, err, "api error Throttling: Rate exceeded")
	assert.Empty(t, c.Objects(), "what failed does not exist")
	id := create(t, c, vpcT, "v", sandbox.Props{"cidrBlock": "10.0.0.0/16"})
	c.Inject(sandbox.Fault{Error: "ExpiredToken: The security token included in the request is expired"})
	_, err = c.Update(t0, vpcT, id, sandbox.Props{"cidrBlock": "10.0.0.0/16"})
	require.ErrorContains(t, err, "ExpiredToken")
	require.ErrorContains(t, c.Delete(t0, vpcT, id), "ExpiredToken")
}

// TestCloudSurvivesOnDisk: a cloud that is opened again is the same; one whose file is damaged says so.
func TestCloudSurvivesOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "cloud.json")
	c, err := sandbox.OpenCloud(path)
	require.NoError(t, err)
	id := create(t, c, vpcT, "v", sandbox.Props{"cidrBlock": "10.0.0.0/16"})
	require.NoError(t, c.Tamper(vpcT, id, "enableDnsSupport", false))
	require.Error(t, c.Tamper(vpcT, "none", "x", 1))
	again, err := sandbox.OpenCloud(path)
	require.NoError(t, err)
	assert.Equal(t, c.Objects(), again.Objects())
	lost, err := again.Forget(func(o sandbox.Object) bool { return o.ID == id })
	require.NoError(t, err)
	assert.Len(t, lost, 1)
	require.NoError(t, writeFile(path, "{"))
	_, err = sandbox.OpenCloud(path)
	require.ErrorContains(t, err, "delete the file to begin anew")
}

// TestWaitingEnds: a wait ends with its context, and when the cloud is told to hurry.
func TestWaitingEnds(t *testing.T) {
	c := account()
	c.Speed = 0.001
	ctx, cancel := context.WithCancel(t0)
	cancel()
	_, _, err := c.Create(ctx, "urn:v", vpcT, sandbox.Props{"cidrBlock": "10.0.0.0/16"})
	require.ErrorContains(t, err, "waiting for AWS")
	assert.Empty(t, c.Objects())
	c.Hurry()
	c.Hurry()
	id := create(t, c, vpcT, "v", sandbox.Props{"cidrBlock": "10.0.0.0/16"})
	assert.NotEmpty(t, id)
}

// TestCatalogueNamesRealInputs: every immutable property and every reference is an input of the type, by the SDK's own
// argument structs.
func TestCatalogueNamesRealInputs(t *testing.T) {
	types := sandbox.KnownTypes()
	assert.Greater(t, len(types), 35)
	seen := 0
	for _, token := range types {
		entry := sandbox.Lookup(token)
		for _, path := range slices.Concat(entry.Immutable, entry.Required) {
			assert.True(t, isInput(entry.Args.ElementType(), path), "%s %s", token, path)
			seen++
		}
		if entry.AutoName != "" {
			assert.True(t, isInput(entry.Args.ElementType(), entry.AutoName), token)
		}
		for _, ref := range entry.Refs {
			assert.Contains(t, types, ref.Type, token)
			assert.True(t, isInput(entry.Args.ElementType(), ref.Path), "%s %s", token, ref.Path)
			seen++
		}
	}
	assert.Greater(t, seen, 100)
	assert.False(t, isInput(sandbox.Lookup(vpcT).Args.ElementType(), "cidrBlok"), "the check must see a wrong one")
}

// isInput follows a path through the SDK's plain argument types.
func isInput(t reflect.Type, path string) bool {
	for _, step := range strings.Split(path, ".") {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if _, err := strconv.Atoi(step); err == nil {
			continue
		}
		if t.Kind() == reflect.Map {
			t = t.Elem()
			continue
		}
		if t.Kind() != reflect.Struct {
			return false
		}
		found := false
		for i := range t.NumField() {
			if t.Field(i).Tag.Get("pulumi") == step {
				t, found = t.Field(i).Type, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func TestLatencies(t *testing.T) {
	multi := sandbox.Latency(rdsT, sandbox.Props{"multiAz": true}, sandbox.Median)
	assert.Equal(t, 840.0, multi)
	assert.Equal(t, 443.0, sandbox.Latency(rdsT, sandbox.Props{}, sandbox.Median))
	assert.Equal(t, 15.0, sandbox.Latency(addonT, sandbox.Props{"addonName": "coredns"}, sandbox.Median))
	assert.Equal(t, 24.0, sandbox.Latency(addonT, sandbox.Props{"addonName": "eks-pod-identity-agent"}, sandbox.Median))
	assert.Equal(t, 78.0, sandbox.Latency("kubernetes:helm.sh/v3:Release", sandbox.Props{"chart": "argo-cd"}, sandbox.Median))
	assert.Equal(t, 1.0, sandbox.Latency("aws:x/y:Z", nil, sandbox.Median))
	for _, token := range []string{clusterT, natT, keyT} {
		fast, slow := sandbox.Latency(token, nil, sandbox.Fast), sandbox.Latency(token, nil, sandbox.Slow)
		assert.Less(t, fast, slow, token)
	}
}
