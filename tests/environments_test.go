package tests

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/tests/harness"
)

// declared is the whole difference between dev and prod, beyond names and accounts: type and input, or a type that has
// more resources in prod.
var declared = []string{
	"aws:budgets/budget:Budget limitAmount",
	"aws:cloudfront/distribution:Distribution webAclId",
	"aws:cloudwatch/dashboard:Dashboard dashboardBody",
	"aws:cloudwatch/logGroup:LogGroup retentionInDays",
	"aws:cloudwatch/logMetricFilter:LogMetricFilter +",
	"aws:cloudwatch/metricAlarm:MetricAlarm alarmDescription",
	"aws:cloudwatch/metricAlarm:MetricAlarm only in dev: observability-database-cpu-credits",
	"aws:cloudwatch/metricAlarm:MetricAlarm threshold",
	"aws:ec2/eip:Eip +",
	"aws:ec2/flowLog:FlowLog trafficType",
	"aws:ec2/instance:Instance +",
	"aws:ec2/launchTemplate:LaunchTemplate instanceType",
	"aws:ec2/natGateway:NatGateway +",
	"aws:ec2/route:Route +",
	"aws:ec2/routeTable:RouteTable +",
	"aws:ec2/routeTableAssociation:RouteTableAssociation +",
	"aws:ec2/securityGroup:SecurityGroup +",
	"aws:ec2/subnet:Subnet +",
	"aws:ec2/subnet:Subnet cidrBlock",
	"aws:ec2/vpc:Vpc cidrBlock",
	"aws:ec2/vpcEndpoint:VpcEndpoint +",
	"aws:ecr/lifecyclePolicy:LifecyclePolicy policy",
	"aws:ecr/repository:Repository forceDelete",
	"aws:eks/cluster:Cluster vpcConfig",
	"aws:eks/nodeGroup:NodeGroup scalingConfig",
	"aws:elasticache/replicationGroup:ReplicationGroup applyImmediately",
	"aws:elasticache/replicationGroup:ReplicationGroup automaticFailoverEnabled",
	"aws:elasticache/replicationGroup:ReplicationGroup multiAzEnabled",
	"aws:elasticache/replicationGroup:ReplicationGroup nodeType",
	"aws:elasticache/replicationGroup:ReplicationGroup numCacheClusters",
	"aws:elasticache/replicationGroup:ReplicationGroup snapshotRetentionLimit",
	"aws:iam/instanceProfile:InstanceProfile +",
	"aws:iam/role:Role +",
	"aws:iam/role:Role only in dev: parking-runbook-role",
	"aws:iam/rolePolicy:RolePolicy only in dev: parking-runbook-role-policy",
	"aws:iam/rolePolicy:RolePolicy policy",
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment +",
	"aws:kms/alias:Alias +",
	"aws:kms/alias:Alias name",
	"aws:kms/key:Key +",
	"aws:kms/key:Key description",
	"aws:kms/key:Key policy",
	"aws:lb/loadBalancer:LoadBalancer enableDeletionProtection",
	"aws:rds/instance:Instance allocatedStorage",
	"aws:rds/instance:Instance applyImmediately",
	"aws:rds/instance:Instance backupRetentionPeriod",
	"aws:rds/instance:Instance deleteAutomatedBackups",
	"aws:rds/instance:Instance deletionProtection",
	"aws:rds/instance:Instance instanceClass",
	"aws:rds/instance:Instance maxAllocatedStorage",
	"aws:rds/instance:Instance monitoringInterval",
	"aws:rds/instance:Instance multiAz",
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2 rules",
	"aws:s3/bucketV2:BucketV2 forceDestroy",
	"aws:secretsmanager/secret:Secret recoveryWindowInDays",
	"aws:sns/topicSubscription:TopicSubscription endpoint",
	"aws:ssm/association:Association only in dev: parking-database",
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule +",
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule +",
	"aws:wafv2/webAcl:WebAcl +",
	"aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration +",
	"kubernetes:core/v1:ConfigMap only in dev: webapp-values",
	"kubernetes:core/v1:Namespace +",
	"kubernetes:helm.sh/v3:Release +",
	"kubernetes:helm.sh/v3:Release values",
}

// neutralInputs are the inputs of a graph by type and name, without names, accounts and IDs.
func neutralInputs(t *testing.T, environment string) map[string]graph.Props {
	t.Helper()
	names := strings.NewReplacer("groundwork-"+environment, "NAME", "/groundwork/"+environment, "PATH",
		`"`+environment+`"`, `"ENVIRONMENT"`, "111122223333", "ACCOUNT", "444455556666", "ACCOUNT")
	out := map[string]graph.Props{}
	for _, r := range harness.Graph(t, environment).Resources {
		if !strings.HasPrefix(r.Type, "aws:") && !strings.HasPrefix(r.Type, "kubernetes:") {
			continue
		}
		text, err := json.Marshal(r.Inputs)
		require.NoError(t, err)
		neutral := harness.PhysicalID.ReplaceAllString(names.Replace(string(text)), "ID")
		var in graph.Props
		require.NoError(t, json.Unmarshal([]byte(neutral), &in))
		// Lists of subnets are longer in prod, as there are more zones.
		for _, key := range []string{"subnetIds", "subnets", "routeTableIds"} {
			delete(in, key)
		}
		// EC2 counts versions up by itself.
		delete(in.Object("launchTemplate"), "version")
		// Subscriptions are named after their addresses, which differ.
		key := r.Type + "|" + strings.TrimSuffix(r.Name, r.Inputs.Str("endpoint"))
		require.NotContains(t, out, key, "two resources would be compared as one")
		out[key] = in
	}
	return out
}

// TestDevAndProdDifferOnlyAsDeclared compares both graphs input by input.
func TestDevAndProdDifferOnlyAsDeclared(t *testing.T) {
	dev, prod := neutralInputs(t, "dev"), neutralInputs(t, "prod")
	found := map[string]bool{}
	for key, in := range prod {
		token, _, _ := strings.Cut(key, "|")
		other, ok := dev[key]
		if !ok {
			if token != awstype.MetricAlarm { // Alarms of the additional NAT gateways.
				found[token+" +"] = true
			}
			continue
		}
		for property := range in {
			if !assert.ObjectsAreEqual(in[property], other[property]) {
				// The cluster's subnets are among vpcConfig, which differs by the endpoint as well.
				found[token+" "+property] = true
			}
		}
	}
	for key, in := range dev {
		other, ok := prod[key]
		if !ok {
			found[strings.Replace(key, "|", " only in dev: ", 1)] = true
			continue
		}
		for property := range in {
			assert.Contains(t, other, property, "an input of %s only in dev", key)
		}
	}
	assert.Equal(t, declared, slices.Sorted(maps.Keys(found)))
}

func TestConfigFilesHaveTheSameKeys(t *testing.T) {
	var keys func(prefix string, v any) []string
	keys = func(prefix string, v any) []string {
		m, ok := v.(map[string]any)
		if !ok {
			return []string{prefix}
		}
		var all []string
		for _, k := range slices.Sorted(maps.Keys(m)) {
			all = append(all, keys(prefix+"."+k, m[k])...)
		}
		return all
	}
	all := map[string][]string{}
	for _, stack := range harness.Environments {
		for _, key := range slices.Sorted(maps.Keys(harness.Settings(t, stack))) {
			var v any = harness.Settings(t, stack)[key]
			_ = json.Unmarshal([]byte(harness.Settings(t, stack)[key]), &v)
			all[stack] = append(all[stack], keys(key, v)...)
		}
	}
	assert.Equal(t, all["dev"], all["prod"])
	assert.Greater(t, len(all["dev"]), 30)
}
