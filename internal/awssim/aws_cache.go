package awssim

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"

	"groundwork/components/hardware"
	"groundwork/internal/awstype"
)

var (
	cacheID   = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
	authToken = regexp.MustCompile(`^[^\s/"@]{16,128}$`)
)

var cacheTypes = map[string]Type{
	awstype.CacheSubnetGroup: {
		Args:     elasticache.SubnetGroupArgs{},
		Required: []string{"subnetIds"},
		Refs:     []Ref{{Path: "subnetIds", Type: awstype.Subnet, Blocks: true, Code: "InvalidSubnet"}},
		Taken:    "CacheSubnetGroupAlreadyExists",
		Updated:  subnetGroupUpdated,
		ID:       fromName("name"),
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("elasticache", "subnetgroup:"+id)}
		},
	},
	awstype.CacheParameterGroup: {
		Args:  elasticache.ParameterGroupArgs{},
		Taken: "CacheParameterGroupAlreadyExists",
		ID:    fromName("name"),
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
			{
				Path: "subnetGroupName", Type: awstype.CacheSubnetGroup, By: "name",
				Blocks: true, Code: "CacheSubnetGroupNotFoundFault",
			},
			{
				Path: "parameterGroupName", Type: awstype.CacheParameterGroup, By: "name",
				Blocks: true, Code: "CacheParameterGroupNotFound",
			},
			{Path: "securityGroupIds", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidParameterValue"},
			{Path: "kmsKeyId", Type: awstype.Key, By: "arn", Code: "InvalidParameterValue"},
		},
		Taken:   "ReplicationGroupAlreadyExists",
		ID:      fromName("replicationGroupId"),
		Check:   checkReplicationGroup,
		Outputs: replicationGroupOutputs,
		Created: replicationGroupCreated,
		Updated: replicationGroupUpdated,
		Changed: replicationGroupChanged,
		Deleted: replicationGroupDeleted,
	},
}

func checkReplicationGroup(in Props) []Failure {
	var f []Failure
	id := in.Str("replicationGroupId")
	failIf(&f, id != "" && (!cacheID.MatchString(id) || len(id) > 40),
		"replicationGroupId", "%q is not 1 to 40 letters, digits and single hyphens", id)
	failIf(&f, !oneOf(in, "engine", "redis", "valkey"), "engine", "is not redis or valkey")
	_, known := hardware.Find(hardware.ElastiCache, in.Str("nodeType"))
	failIf(&f, in.Has("nodeType") && !known,
		"nodeType", "InvalidParameterValue: %s is not a node type", in.Str("nodeType"))
	nodes, counted := in.Num("numCacheClusters")
	failIf(&f, counted && (nodes < 1 || nodes > 6), "numCacheClusters", "is outside 1 to 6")
	failIf(&f, counted && nodes < 2 && in.Flag("automaticFailoverEnabled"),
		"automaticFailoverEnabled", "needs two nodes or more")
	failIf(&f, in.Flag("multiAzEnabled") && !in.Flag("automaticFailoverEnabled"),
		"multiAzEnabled", "needs automaticFailoverEnabled")
	failIf(&f, mismatch(in, "authToken", authToken),
		"authToken", "is not 16 to 128 characters without spaces, /, \" and @")
	failIf(&f, in.Get("authToken") != nil && !in.Flag("transitEncryptionEnabled"),
		"authToken", "needs transit encryption")
	return f
}

func replicationGroupOutputs(s Site, id string, in Props) Props {
	host := func(kind string) string {
		return fmt.Sprintf("%s.%s.sandbox.%s.cache.amazonaws.com", kind, id, s.Region)
	}
	var members []any
	nodes, _ := in.Num("numCacheClusters")
	for i := range int(nodes) {
		members = append(members, fmt.Sprintf("%s-%03d", id, i+1))
	}
	return Props{
		"arn":                    s.arn("elasticache", "replicationgroup:"+id),
		"primaryEndpointAddress": host("master"),
		"readerEndpointAddress":  host("replica"),
		"memberClusters":         members,
		"engineVersionActual":    in.Str("engineVersion") + ".1",
		"clusterEnabled":         false,
	}
}

// replicationGroupCreated restores the snapshot that the group names, and refuses parameters of another engine.
func replicationGroupCreated(c *Cloud, o *Object) error {
	if from := o.State.Str("snapshotName"); from != "" {
		contents, exists := c.snapshots[from]
		if !exists {
			return apiError("SnapshotNotFoundFault: %s not found", from)
		}
		if c.engines[from] == "valkey" && o.State.Str("engine") == "redis" {
			return apiError("InvalidParameterCombination: %s is a snapshot of Valkey, which Redis cannot read", from)
		}
		o.Contents = contents
	}
	if err := errors.Join(replicationGroupChanged(c, o), replicationGroupUpdated(c, o, o.State)); err != nil {
		return err
	}
	group := c.find(Ref{Type: awstype.CacheParameterGroup, By: "name"}, o.State.Str("parameterGroupName"))
	if group != nil && !strings.HasPrefix(group.State.Str("family"), o.State.Str("engine")) {
		return apiError("InvalidParameterCombination: the parameter group's family %s is not that of %s",
			group.State.Str("family"), o.State.Str("engine"))
	}
	return nil
}

// replicationGroupUpdated refuses a node type that the region does not have.
func replicationGroupUpdated(c *Cloud, _ *Object, after Props) error {
	node := after.Str("nodeType")
	kind, _ := hardware.Find(hardware.ElastiCache, node)
	if _, offered := kind.Price(c.Site.Region); node != "" && !offered {
		return apiError("InvalidParameterValue: The specified Cache Node Type %s is not supported in %s", node, c.Site.Region)
	}
	return nil
}

// replicationGroupChanged gives the nodes their zones.
func replicationGroupChanged(c *Cloud, o *Object) error {
	nodes, _ := o.State.Num("numCacheClusters")
	c.place(o, awstype.CacheSubnetGroup, o.State.Str("subnetGroupName"), int(nodes))
	return nil
}

// replicationGroupDeleted takes the final snapshot.
func replicationGroupDeleted(c *Cloud, o *Object) error {
	name := o.State.Str("finalSnapshotIdentifier")
	if name == "" {
		return nil
	}
	snapshot := "cache snapshot " + name
	if _, taken := c.left[snapshot]; taken {
		return apiError("SnapshotAlreadyExistsFault: %s", snapshot)
	}
	c.snapshots[name], c.engines[name] = o.Contents, o.State.Str("engine")
	c.leave(snapshot, "the final snapshot, kept until you delete it, readable as long as its KMS key exists")
	return nil
}

// lookUpReplicationGroup answers the data source of a cache.
func (c *Cloud) lookUpReplicationGroup(in Props) (Props, error) {
	name := in.Str("replicationGroupId")
	state, err := c.readFor("ElastiCache Replication Group", awstype.ReplicationGroup, name)
	if err != nil {
		return nil, err
	}
	return Props{
		"id": name, "replicationGroupId": name, "arn": state.Str("arn"), "nodeType": state.Str("nodeType"),
		"numCacheClusters": state["numCacheClusters"], "memberClusters": state["memberClusters"],
	}, nil
}
