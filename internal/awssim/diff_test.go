package awssim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// changeTests are changes of inputs with what the provider makes of them: the changed properties, with a "!" where the
// change replaces the resource. Before holds outputs too, as a state does.
var changeTests = []struct {
	name, token   string
	before, after graph.Props
	want          string
}{{
	"Valkey does not become Redis in place", awstype.ReplicationGroup,
	graph.Props{"engine": "valkey"}, graph.Props{"engine": "redis"}, "engine!",
}, {
	"Redis becomes Valkey in place", awstype.ReplicationGroup,
	graph.Props{"engine": "redis"}, graph.Props{"engine": "valkey"}, "engine",
}, {
	"an older version of the cache", awstype.ReplicationGroup,
	graph.Props{"engineVersion": "8.1"}, graph.Props{"engineVersion": "8.0"}, "engineVersion!",
}, {
	"a newer version of the cache", awstype.ReplicationGroup,
	graph.Props{"engineVersion": "8.1"}, graph.Props{"engineVersion": "8.2"}, "engineVersion",
}, {
	"a version that ElastiCache chose", awstype.ReplicationGroup,
	graph.Props{"engineVersion": "8.1"}, graph.Props{}, "",
}, {
	"the policy of a repository", awstype.LifecyclePolicy,
	graph.Props{"policy": `{"rules":[]}`}, graph.Props{"policy": `{"rules":[{}]}`}, "policy!",
}, {
	"the same policy in another form", awstype.LifecyclePolicy,
	graph.Props{"policy": `{"rules":[]}`}, graph.Props{"policy": `{ "rules": [ ] }`}, "",
}, {
	"a new value of a secret", awstype.SecretVersion,
	graph.Props{"secretString": "a"}, graph.Props{"secretString": "b"}, "secretString!",
}, {
	"the domain of an address", awstype.ElasticIP,
	graph.Props{"domain": "vpc"}, graph.Props{"domain": "standard"}, "domain!",
}, {
	"the key of a cluster that has one", awstype.EKSCluster,
	encrypted("a"), encrypted("b"), "",
}, {
	"the first key of a cluster", awstype.EKSCluster,
	graph.Props{}, encrypted("b"), "encryptionConfig",
}, {
	"a cluster without its key", awstype.EKSCluster,
	encrypted("a"), graph.Props{}, "encryptionConfig!",
}, {
	"the addresses of services", awstype.EKSCluster,
	graph.Props{"kubernetesNetworkConfig": map[string]any{"serviceIpv4Cidr": "10.1.0.0/16", "ipFamily": "ipv4"}},
	graph.Props{"kubernetesNetworkConfig": map[string]any{"serviceIpv4Cidr": "10.2.0.0/16"}},
	"kubernetesNetworkConfig.serviceIpv4Cidr!",
}, {
	"outputs inside a block", awstype.EKSCluster,
	graph.Props{"vpcConfig": map[string]any{"subnetIds": []any{"a", "b"}, "clusterSecurityGroupId": "sg-1"}},
	graph.Props{"vpcConfig": map[string]any{"subnetIds": []any{"b", "a"}}}, "",
}, {
	"security groups of a control plane", awstype.EKSCluster,
	graph.Props{"vpcConfig": map[string]any{"securityGroupIds": []any{"a"}}},
	graph.Props{"vpcConfig": map[string]any{"securityGroupIds": []any{"b"}}}, "vpcConfig.securityGroupIds",
}, {
	"the subnet group of a database", awstype.DBInstance,
	graph.Props{"dbSubnetGroupName": "a"}, graph.Props{"dbSubnetGroupName": "b"}, "dbSubnetGroupName",
}, {
	"a volume that AWS has grown", awstype.DBInstance,
	graph.Props{"allocatedStorage": 35.0, "maxAllocatedStorage": 100.0},
	graph.Props{"allocatedStorage": 20.0, "maxAllocatedStorage": 100.0}, "",
}, {
	"a smaller volume without a limit", awstype.DBInstance,
	graph.Props{"allocatedStorage": 35.0}, graph.Props{"allocatedStorage": 20.0}, "allocatedStorage",
}, {
	"a default that is not given", awstype.DBInstance,
	graph.Props{"publiclyAccessible": false}, graph.Props{}, "",
}, {
	"an input that AWS does not compute", awstype.DBInstance,
	graph.Props{"deletionProtection": true}, graph.Props{}, "deletionProtection",
}, {
	"another kind of source of a rule", awstype.IngressRule,
	graph.Props{"cidrIpv4": "10.0.0.0/8"}, graph.Props{"referencedSecurityGroupId": "sg-1"},
	"cidrIpv4! referencedSecurityGroupId!",
}, {
	"another source of the same kind", awstype.IngressRule,
	graph.Props{"cidrIpv4": "10.0.0.0/8"}, graph.Props{"cidrIpv4": "10.0.0.0/16"}, "cidrIpv4",
}, {
	"the key inside a list of blocks", awstype.Repository,
	graph.Props{"encryptionConfigurations": []any{map[string]any{"encryptionType": "KMS", "kmsKey": "a"}}},
	graph.Props{"encryptionConfigurations": []any{map[string]any{"encryptionType": "KMS", "kmsKey": "b"}}},
	"encryptionConfigurations!",
}, {
	"parameters in another order", awstype.DBParameterGroup,
	graph.Props{"parameters": []any{map[string]any{"name": "a", "value": "1"}, map[string]any{"name": "b", "value": "2"}}},
	graph.Props{"parameters": []any{map[string]any{"name": "b", "value": "2"}, map[string]any{"name": "a", "value": "1"}}},
	"",
}, {
	"a list whose order counts", awstype.NodeGroup,
	graph.Props{"instanceTypes": []any{"a", "b"}}, graph.Props{"instanceTypes": []any{"b", "a"}}, "instanceTypes!",
}, {
	"one tag of several", awstype.VPC,
	graph.Props{"tags": map[string]any{"a": "1", "b": "2"}}, graph.Props{"tags": map[string]any{"a": "1", "b": "3"}},
	"tags.b",
}, {
	"a type that is not updated", awstype.RolePolicyAttachment,
	graph.Props{"role": "a"}, graph.Props{"role": "b"}, "role!",
}, {
	"a name in Kubernetes", awstype.ConfigMap,
	graph.Props{"metadata": map[string]any{"name": "a"}}, graph.Props{"metadata": map[string]any{"name": "b"}},
	"metadata.name!",
}}

// encrypted are the inputs of a cluster that encrypts its secrets.
func encrypted(key string) graph.Props {
	return graph.Props{"encryptionConfig": map[string]any{
		"provider": map[string]any{"keyArn": key}, "resources": []any{"secrets"},
	}}
}

func TestDiff(t *testing.T) {
	for _, test := range changeTests {
		var got []string
		for _, change := range awssim.Diff(test.token, test.before, test.after) {
			mark := ""
			if change.Replace {
				mark = "!"
			}
			got = append(got, change.Property+mark)
		}
		assert.Equal(t, test.want, strings.Join(got, " "), test.name)
	}
}
