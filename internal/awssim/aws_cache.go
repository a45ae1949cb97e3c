package awssim

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"

	"groundwork/components/cache"
	"groundwork/internal/awstype"
)

var (
	cacheID    = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
	authToken  = regexp.MustCompile(`^[^\s/"@]{16,128}$`)
	secretName = regexp.MustCompile(`^[\w/+=.@-]{1,512}$`)
)

var cacheTypes = map[string]Type{
	awstype.CacheSubnetGroup: {
		Args:     elasticache.SubnetGroupArgs{},
		Required: []string{"subnetIds"},
		Refs:     []Ref{{Path: "subnetIds", Type: awstype.Subnet, Blocks: true, Code: "InvalidSubnet"}},
		Unique:   unique("name", "CacheSubnetGroupAlreadyExists"),
		ID:       fromName("name"),
		Outputs:  func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("elasticache", "subnetgroup:"+id)} },
	},
	awstype.CacheParameterGroup: {
		Args:   elasticache.ParameterGroupArgs{},
		Unique: unique("name", "CacheParameterGroupAlreadyExists"),
		ID:     fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, !oneOf(in, "family", "redis7", "valkey7", "valkey8"), "family", "is not a parameter family")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("elasticache", "parametergroup:"+id)}
		},
	},
	awstype.ReplicationGroup: {
		Args: elasticache.ReplicationGroupArgs{},
		Refs: []Ref{
			{Path: "subnetGroupName", Type: awstype.CacheSubnetGroup, By: "name", Blocks: true, Code: "CacheSubnetGroupNotFoundFault"},
			{Path: "parameterGroupName", Type: awstype.CacheParameterGroup, By: "name", Blocks: true, Code: "CacheParameterGroupNotFound"},
			{Path: "securityGroupIds", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidParameterValue"},
			{Path: "kmsKeyId", Type: awstype.Key, By: "arn", Code: "InvalidParameterValue"},
		},
		Unique: unique("replicationGroupId", "ReplicationGroupAlreadyExists"),
		ID:     fromName("replicationGroupId"),
		Check:  checkReplicationGroup,
		Outputs: func(s Site, id string, in Props) Props {
			host := func(kind string) string {
				return fmt.Sprintf("%s.%s.sandbox.%s.cache.amazonaws.com", kind, id, s.Region)
			}
			var members []any
			nodes, _ := in.Num("numCacheClusters")
			for i := range int(nodes) {
				members = append(members, fmt.Sprintf("%s-%03d", id, i+1))
			}
			return Props{
				"arn": s.arn("elasticache", "replicationgroup:"+id), "primaryEndpointAddress": host("master"), "readerEndpointAddress": host("replica"),
				"memberClusters": members, "engineVersionActual": in.Str("engineVersion") + ".1", "clusterEnabled": false,
			}
		},
		Created: func(c *Cloud, o *Object) error {
			if from := o.State.Str("snapshotName"); from != "" {
				holds, there := c.snapshots[from]
				if !there {
					return apiError("SnapshotNotFoundFault: %s not found", from)
				}
				o.Contents = holds
			}
			group := c.find(Ref{Type: awstype.CacheParameterGroup, By: "name"}, o.State.Str("parameterGroupName"))
			if group != nil && !strings.HasPrefix(group.State.Str("family"), o.State.Str("engine")) {
				return apiError("InvalidParameterCombination: the parameter group's family %s is not that of %s", group.State.Str("family"), o.State.Str("engine"))
			}
			return nil
		},
		Deleted: func(c *Cloud, o *Object) error {
			if !o.State.Has("finalSnapshotIdentifier") {
				return nil
			}
			snapshot := "cache snapshot " + o.State.Str("finalSnapshotIdentifier")
			if _, taken := c.left[snapshot]; taken {
				return apiError("SnapshotAlreadyExistsFault: %s", snapshot)
			}
			c.snapshots[o.State.Str("finalSnapshotIdentifier")] = o.Contents
			c.leave(snapshot, "the final snapshot, kept until you delete it, readable as long as its KMS key exists")
			return nil
		},
	},
	awstype.Secret: {
		Args: secretsmanager.SecretArgs{},
		Refs: []Ref{{Path: "kmsKeyId", Type: awstype.Key, By: "arn", Code: "InvalidParameterException"}},
		ID: func(in Props, digest string) string {
			name := in.Str("name")
			if name == "" {
				name = in.Str("namePrefix") + digest[:26]
			}
			// The ARN is the ID; its last six characters differ for each secret.
			return "secret:" + name + "-" + digest[26:32]
		},
		Check: func(in Props) []Failure {
			var f []Failure
			for _, property := range []string{"name", "namePrefix"} {
				failIf(&f, in.Has(property) && !secretName.MatchString(in.Str(property)), property, "%q is not a secret name", in.Str(property))
			}
			days, ok := in.Num("recoveryWindowInDays")
			failIf(&f, ok && days != 0 && (days < 7 || days > 30), "recoveryWindowInDays", "is not 0 or 7 to 30")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("secretsmanager", id), "name": id[len("secret:") : len(id)-7]}
		},
		Deleted: func(c *Cloud, o *Object) error {
			if days, _ := o.State.Num("recoveryWindowInDays"); days > 0 {
				c.leave("secret "+o.State.Str("name"), fmt.Sprintf("can be brought back for %d days", int(days)))
			}
			return nil
		},
	},
	awstype.SecretVersion: {
		Args: secretsmanager.SecretVersionArgs{},
		Refs: []Ref{{Path: "secretId", Type: awstype.Secret, Code: "ResourceNotFoundException"}},
		ID:   func(in Props, digest string) string { return in.Str("secretId") + "|" + digest[:32] },
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Get("secretString") == nil && in.Get("secretBinary") == nil, "secretString", "is needed where there is no secretBinary")
			failIf(&f, len(in.Str("secretString")) > 65536, "secretString", "has more than 65536 bytes")
			return f
		},
		Outputs: func(s Site, id string, in Props) Props {
			return Props{"versionId": id[strings.LastIndex(id, "|")+1:], "arn": s.arn("secretsmanager", in.Str("secretId"))}
		},
	},
}

func checkReplicationGroup(in Props) []Failure {
	var f []Failure
	id := in.Str("replicationGroupId")
	failIf(&f, id != "" && (!cacheID.MatchString(id) || len(id) > 40), "replicationGroupId", "%q is not 1 to 40 letters, digits and single hyphens", id)
	failIf(&f, !oneOf(in, "engine", "redis", "valkey"), "engine", "is not redis or valkey")
	_, known := cache.NodeTypes[in.Str("nodeType")]
	failIf(&f, in.Has("nodeType") && !known, "nodeType", "InvalidParameterValue: %s is not a node type", in.Str("nodeType"))
	nodes, counted := in.Num("numCacheClusters")
	failIf(&f, counted && (nodes < 1 || nodes > 6), "numCacheClusters", "is outside 1 to 6")
	failIf(&f, counted && nodes < 2 && in.Flag("automaticFailoverEnabled"), "automaticFailoverEnabled", "needs two nodes or more")
	failIf(&f, in.Flag("multiAzEnabled") && !in.Flag("automaticFailoverEnabled"), "multiAzEnabled", "needs automaticFailoverEnabled")
	failIf(&f, outOfRange(in, "snapshotRetentionLimit", 0, 35), "snapshotRetentionLimit", "is outside 0 to 35")
	failIf(&f, in.Has("authToken") && !authToken.MatchString(in.Str("authToken")), "authToken", "is not 16 to 128 characters without spaces, /, \" and @")
	failIf(&f, in.Get("authToken") != nil && !in.Flag("transitEncryptionEnabled"), "authToken", "needs transit encryption")
	return f
}
