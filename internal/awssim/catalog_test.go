package awssim_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// awsRefusals are inputs that AWS or its provider refuses, with the property that the refusal names.
var awsRefusals = []struct {
	token    string
	in       graph.Props
	property string
}{
	{awstype.VPC, graph.Props{"cidrBlock": "10.0.0.0/8"}, "cidrBlock"},
	{awstype.VPC, graph.Props{"cidrBlock": "10.0.1.0/16"}, "cidrBlock"},
	{awstype.VPC, graph.Props{"cidrBlok": "10.0.0.0/16"}, "cidrBlok"},
	{awstype.VPC, graph.Props{"enableDnsSupport": "yes"}, "enableDnsSupport"},
	{awstype.Subnet, graph.Props{"cidrBlock": "10.0.0.0/24"}, "vpcId"},
	{awstype.Subnet, graph.Props{
		"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24", "availabilityZone": "Ireland",
	}, "availabilityZone"},
	{awstype.SecurityGroup, graph.Props{"description": "the cluster's nodes"}, "description"},
	{awstype.SecurityGroup, graph.Props{"name": "sg-1"}, "name"},
	{awstype.IngressRule, graph.Props{
		"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 1.0, "toPort": 2.0,
	}, "cidrIpv4"},
	{awstype.IngressRule, graph.Props{
		"securityGroupId": "sg-1", "ipProtocol": "tcp", "cidrIpv4": "10.0.0.0/8", "fromPort": 9.0, "toPort": 2.0,
	}, "toPort"},
	{awstype.IngressRule, graph.Props{
		"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8", "fromPort": 1.0, "toPort": 2.0,
	}, "fromPort"},
	{awstype.SecurityGroupRule, graph.Props{
		"securityGroupId": "sg-1", "type": "sideways", "protocol": "tcp", "fromPort": 1.0, "toPort": 2.0,
	}, "type"},
	{awstype.NATGateway, graph.Props{"subnetId": "subnet-1"}, "allocationId"},
	{awstype.VPCEndpoint, graph.Props{
		"vpcId": "vpc-1", "vpcEndpointType": "Gateway", "subnetIds": []any{"subnet-1"},
	}, "subnetIds"},
	{awstype.VPCEndpoint, graph.Props{
		"vpcId": "vpc-1", "vpcEndpointType": "Interface", "routeTableIds": []any{"rtb-1"},
	}, "routeTableIds"},
	{awstype.FlowLog, graph.Props{"trafficType": "SOME"}, "trafficType"},
	{awstype.FlowLog, graph.Props{"maxAggregationInterval": 30.0}, "maxAggregationInterval"},
	{awstype.LaunchTemplate, graph.Props{"name": "lt"}, "name"},
	{awstype.LaunchTemplate, graph.Props{
		"metadataOptions": map[string]any{"httpPutResponseHopLimit": 65.0},
	}, "metadataOptions.httpPutResponseHopLimit"},
	{awstype.LaunchTemplate, graph.Props{
		"metadataOptions": map[string]any{"httpTokens": "maybe"},
	}, "metadataOptions.httpTokens"},
	{awstype.LaunchTemplate, graph.Props{
		"blockDeviceMappings": []any{map[string]any{"ebs": map[string]any{"volumeType": "gp9"}}},
	}, "blockDeviceMappings[0].ebs.volumeType"},
	{awstype.Role, graph.Props{"assumeRolePolicy": "{", "name": "a"}, "assumeRolePolicy"},
	{awstype.Role, graph.Props{
		"assumeRolePolicy": `{"Version":"2012-10-17","Statement":[{"Effect":"Permit"}]}`,
	}, "assumeRolePolicy"},
	{awstype.Role, graph.Props{"assumeRolePolicy": `{"Version":"2008-10-17","Statement":[]}`}, "assumeRolePolicy"},
	{awstype.Role, graph.Props{"assumeRolePolicy": "", "name": "a b"}, "name"},
	{awstype.Role, graph.Props{"assumeRolePolicy": "", "path": "x"}, "path"},
	{awstype.RolePolicyAttachment, graph.Props{
		"role": "a", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolcy",
	}, "policyArn"},
	{awstype.RolePolicyAttachment, graph.Props{"role": "a", "policyArn": "AmazonEKSClusterPolicy"}, "policyArn"},
	{awstype.OIDCProvider, graph.Props{"url": "http://x", "clientIdLists": []any{}}, "url"},
	{awstype.Key, graph.Props{"deletionWindowInDays": 5.0}, "deletionWindowInDays"},
	{awstype.Key, graph.Props{"rotationPeriodInDays": 5.0}, "rotationPeriodInDays"},
	{awstype.KeyAlias, graph.Props{"name": "alias/aws/mine", "targetKeyId": "k"}, "name"},
	{awstype.EKSCluster, graph.Props{
		"roleArn": "r", "version": "1.20", "vpcConfig": map[string]any{"subnetIds": []any{}},
	}, "version"},
	{awstype.EKSCluster, graph.Props{"roleArn": "r", "vpcConfig": map[string]any{}}, "vpcConfig.subnetIds"},
	{awstype.NodeGroup, nodeGroup(graph.Props{"amiType": "AL2_x86_64"}), "amiType"},
	{awstype.NodeGroup, nodeGroup(graph.Props{
		"amiType": "AL2023_x86_64_STANDARD", "instanceTypes": []any{"m7g.large"},
	}), "amiType"},
	{awstype.NodeGroup, nodeGroup(graph.Props{
		"scalingConfig": map[string]any{"desiredSize": 3.0, "minSize": 3.0, "maxSize": 2.0},
	}), "scalingConfig.minSize"},
	{awstype.Addon, graph.Props{"clusterName": "c", "addonName": "coredns", "addonVersion": "latest"}, "addonVersion"},
	{awstype.Addon, graph.Props{
		"clusterName": "c", "addonName": "coredns", "resolveConflictsOnCreate": "PRESERVE",
	}, "resolveConflictsOnCreate"},
	{awstype.AccessEntry, graph.Props{
		"clusterName": "c", "principalArn": "arn:aws:iam::111122223333:root",
	}, "principalArn"},
	{awstype.AccessPolicyAssociation, graph.Props{
		"clusterName":  "c",
		"principalArn": "p",
		"policyArn":    "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
		"accessScope":  map[string]any{"type": "namespace"},
	}, "accessScope.namespaces"},
	{awstype.DBInstance, graph.Props{"instanceClass": "db.t3.huge"}, "instanceClass"},
	{awstype.DBInstance, graph.Props{"instanceClass": "db.t3.micro", "monitoringInterval": 20.0}, "monitoringInterval"},
	{awstype.DBInstance, graph.Props{"instanceClass": "db.t3.micro", "identifier": "a--b"}, "identifier"},
	{awstype.DBInstance, graph.Props{
		"instanceClass": "db.t3.micro", "databaseInsightsMode": "advanced", "performanceInsightsRetentionPeriod": 7.0,
	}, "performanceInsightsRetentionPeriod"},
	{awstype.DBInstance, graph.Props{
		"instanceClass": "db.t3.micro", "password": "x", "manageMasterUserPassword": true,
	}, "password"},
	{awstype.DBParameterGroup, graph.Props{"family": "mysql8.0"}, "family"},
	{awstype.Repository, graph.Props{"name": "WebApp"}, "name"},
	{awstype.LogGroup, graph.Props{"name": "a b"}, "name"},
	{awstype.LogGroup, graph.Props{"retentionInDays": 31.0}, "retentionInDays"},
	{awstype.MetricAlarm, graph.Props{"comparisonOperator": "Above", "evaluationPeriods": 1.0}, "comparisonOperator"},
	{awstype.MetricAlarm, graph.Props{
		"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1.0, "datapointsToAlarm": 2.0,
	}, "datapointsToAlarm"},
	{awstype.MetricAlarm, graph.Props{
		"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1.0, "dimensions": map[string]any{"QueueName": ""},
	}, "dimensions.QueueName"},
	{awstype.Schedule, graph.Props{
		"scheduleExpression": "cron(0 20 * * MON)",
		"flexibleTimeWindow": map[string]any{"mode": "OFF"},
		"target":             map[string]any{"arn": "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance", "roleArn": "r"},
	}, "scheduleExpression"},
	{awstype.Schedule, graph.Props{
		"scheduleExpression":         "cron(0 20 ? * MON *)",
		"scheduleExpressionTimezone": "Mars/Olympus",
		"flexibleTimeWindow":         map[string]any{"mode": "OFF"},
		"target":                     map[string]any{"arn": "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance", "roleArn": "r"},
	}, "scheduleExpression"},
	{awstype.Schedule, graph.Props{
		"scheduleExpression": "cron(0 20 ? * MON *)",
		"flexibleTimeWindow": map[string]any{"mode": "OFF"},
		"target":             map[string]any{"arn": "arn:aws:lambda:eu-west-1:1:function:f", "roleArn": "r"},
	}, "target.arn"},
	{awstype.CloudFrontFunction, graph.Props{"name": "f", "runtime": "nodejs20.x", "code": ""}, "runtime"},
	{awstype.Association, graph.Props{"name": "AWS-RebootRdsInstance"}, "name"},
	{awstype.Queue, graph.Props{"name": "a b"}, "name"},
	{awstype.Topic, graph.Props{"name": "a.b"}, "name"},
	{awstype.Dashboard, graph.Props{"dashboardName": "a", "dashboardBody": "{"}, "dashboardBody"},
	{awstype.TopicSubscription, graph.Props{"topic": "t", "protocol": "email", "endpoint": "me"}, "endpoint"},
	{awstype.Budget, graph.Props{"budgetType": "COST", "timeUnit": "HOURLY"}, "timeUnit"},
	{awstype.ReplicationGroup, graph.Props{
		"description": "d", "replicationGroupId": strings.Repeat("x", 41),
	}, "replicationGroupId"},
	{awstype.ReplicationGroup, graph.Props{"description": "d", "replicationGroupId": "a--b"}, "replicationGroupId"},
	{awstype.ReplicationGroup, graph.Props{
		"description": "d", "numCacheClusters": 1.0, "automaticFailoverEnabled": true,
	}, "automaticFailoverEnabled"},
	{awstype.ReplicationGroup, graph.Props{"description": "d", "multiAzEnabled": true}, "multiAzEnabled"},
	{awstype.ReplicationGroup, graph.Props{"description": "d", "numCacheClusters": 7.0}, "numCacheClusters"},
	{awstype.ReplicationGroup, graph.Props{"description": "d", "nodeType": "t4g.micro"}, "nodeType"},
	{awstype.ReplicationGroup, graph.Props{"description": "d", "engine": "memcached"}, "engine"},
	{awstype.ReplicationGroup, graph.Props{
		"description": "d", "authToken": "short", "transitEncryptionEnabled": true,
	}, "authToken"},
	{awstype.ReplicationGroup, graph.Props{"description": "d", "authToken": "0123456789abcdef"}, "authToken"},
	{awstype.Secret, graph.Props{"name": "a b"}, "name"},
	{awstype.Secret, graph.Props{"recoveryWindowInDays": 3.0}, "recoveryWindowInDays"},
	{awstype.SecretVersion, graph.Props{"secretId": "s"}, "secretString"},
	{awstype.RandomPassword, graph.Props{"length": 0.0}, "length"},
	{awstype.RandomID, graph.Props{"byteLength": 0.0}, "byteLength"},
}

// nodeGroup is a group that AWS accepts, with changes.
func nodeGroup(changes graph.Props) graph.Props {
	p := graph.Props{
		"clusterName": "c", "nodeRoleArn": "r", "subnetIds": []any{"s"},
		"scalingConfig": map[string]any{"desiredSize": 1.0, "minSize": 1.0, "maxSize": 2.0},
	}
	maps.Copy(p, changes)
	return p
}

func TestAWSRefusals(t *testing.T) {
	for _, r := range awsRefusals {
		failures, err := awssim.Check(r.token, r.in)
		require.NoError(t, err)
		refused := slices.ContainsFunc(failures, func(f awssim.Failure) bool { return f.Property == r.property })
		assert.True(t, refused, "%s %v: %v", r.token, r.in, failures)
	}
}

// TestCatalogNamesRealInputs: every immutable property and every reference is an input of the type in the SDK's
// argument structs.
func TestCatalogNamesRealInputs(t *testing.T) {
	types := awssim.KnownTypes()
	assert.Greater(t, len(types), 35)
	seen := 0
	for _, token := range types {
		entry := awssim.Lookup(token)
		for _, path := range slices.Concat(awstype.Of(token).Replaces, entry.Required) {
			assert.True(t, isInput(entry.Args.ElementType(), path), "%s %s", token, path)
			seen++
		}
		if name := awstype.Of(token).AutoName; name != "" {
			assert.True(t, isInput(entry.Args.ElementType(), name), token)
		}
		for _, ref := range entry.Refs {
			assert.Contains(t, types, ref.Type, token)
			assert.True(t, isInput(entry.Args.ElementType(), ref.Path), "%s %s", token, ref.Path)
			seen++
		}
	}
	assert.Greater(t, seen, 100)
	assert.False(t, isInput(awssim.Lookup(awstype.VPC).Args.ElementType(), "cidrBlok"), "isInput must find a wrong name")
}

// isInput follows a property path through the SDK's plain argument types.
func isInput(t reflect.Type, path string) bool {
	steps, err := resource.ParsePropertyPath(path)
	if err != nil {
		return false
	}
	for _, step := range steps {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		name, isName := step.(string)
		switch {
		case !isName && t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
			t = t.Elem()
			continue
		case t.Kind() == reflect.Slice:
			t = t.Elem() // A path without an index means every element of the list.
		case !isName || t.Kind() != reflect.Struct:
			return false
		}
		field, ok := fieldOf(t, name)
		if !ok {
			return false
		}
		t = field.Type
	}
	return true
}

// fieldOf finds the field of a struct by its Pulumi name.
func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("pulumi") == name {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}
