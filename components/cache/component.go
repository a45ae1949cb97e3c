package cache

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
	"groundwork/components/network"
)

// Connection says how to connect to the cache.
type Connection struct {
	// Host is a DNS name; empty if there are no nodes. After a failover it points to the new primary.
	Host pulumi.StringOutput
	// Port is the TCP port. It accepts TLS only.
	Port int
	// Token is the password of clients. It is a secret.
	Token pulumi.StringOutput
}

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:cache:Cache"

// Cache is one replication group.
type Cache struct {
	pulumi.ResourceState

	// Connection is what clients need.
	Connection Connection
	// NodeIDs are the cache clusters of the group as metrics name them, by number such as "001"; empty if there are no
	// nodes.
	NodeIDs map[string]pulumi.StringOutput
	// FinalSnapshot is the name of the snapshot that ElastiCache takes when the nodes are deleted.
	FinalSnapshot pulumi.StringOutput

	name string
	args *Args
}

// New creates a cache. It returns everything wrong with args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Cache, error) {
	if args == nil {
		return nil, fmt.Errorf("cache %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	c := &Cache{name: name, args: args, NodeIDs: map[string]pulumi.StringOutput{}}
	if err := ctx.RegisterComponentResource(TypeToken, name, c, opts...); err != nil {
		return nil, fmt.Errorf("registering cache %s: %w", name, err)
	}
	key, err := identity.NewKey(ctx, name, &identity.KeyArgs{
		Alias:   args.GroupID,
		Purpose: "the cache " + args.GroupID + " and its snapshots",
		Facts:   args.Facts,
	}, c.childOpts()...)
	if err != nil {
		return nil, err
	}
	clients, err := network.NewServiceGroup(ctx, name, &network.ServiceGroupArgs{
		Name: args.GroupID, Service: "Cache", VPCID: args.Placement.VPCID, Port: Port,
		HasNodes: args.Power.HasCluster(), From: args.NodeSecurityGroupID,
	}, c.childOpts()...)
	if err != nil {
		return nil, err
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	c.Connection = Connection{Host: pulumi.String("").ToStringOutput(), Port: Port, Token: token.Result}
	permanent, err := c.permanent(ctx, key)
	if err != nil {
		return nil, err
	}
	c.FinalSnapshot = permanent.finalSnapshot
	if args.Power.HasCache() {
		group, err := c.replicationGroup(ctx, permanent, key, clients, token)
		if err != nil {
			return nil, err
		}
		c.Connection.Host = group.PrimaryEndpointAddress
		for i := range args.Nodes {
			number := fmt.Sprintf("%03d", i+1)
			c.NodeIDs[number] = pulumi.Sprintf("%s-%s", group.ReplicationGroupId, number)
		}
	}
	if err := ctx.RegisterResourceOutputs(c, pulumi.Map{"host": c.Connection.Host}); err != nil {
		return nil, fmt.Errorf("registering outputs of cache %s: %w", name, err)
	}
	return c, nil
}

func (c *Cache) childOpts(extra ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(c)}, extra...)
}

// token generates the password of clients.
func (c *Cache) token(ctx *pulumi.Context) (*random.RandomPassword, error) {
	// Letters and digits only: ElastiCache refuses some of the other characters.
	token, err := random.NewRandomPassword(ctx, c.name+"-token", &random.RandomPasswordArgs{
		Length: pulumi.Int(64), Special: pulumi.Bool(false),
	}, c.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("generating the token of cache %s: %w", c.args.GroupID, err)
	}
	return token, nil
}

// permanent are the resources that exist in every state of Power.
type permanent struct {
	subnetGroup, parameterGroup, finalSnapshot pulumi.StringOutput
	logs                                       elasticache.ReplicationGroupLogDeliveryConfigurationArray
}

// permanent creates the subnet group, the parameter group, the log groups and the name of the final snapshot.
func (c *Cache) permanent(ctx *pulumi.Context, key *identity.Key) (*permanent, error) {
	subnets, err := elasticache.NewSubnetGroup(ctx, c.name, &elasticache.SubnetGroupArgs{
		Name:        pulumi.String(c.args.GroupID),
		Description: pulumi.String("Data subnets without a route out of the VPC"),
		SubnetIds:   c.args.Placement.DataSubnetIDs,
	}, c.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating subnet group %s: %w", c.args.GroupID, err)
	}
	parameters, err := c.parameterGroup(ctx)
	if err != nil {
		return nil, err
	}
	logs, err := c.logGroups(ctx)
	if err != nil {
		return nil, err
	}
	snapshot, err := c.finalSnapshot(ctx, key)
	if err != nil {
		return nil, err
	}
	return &permanent{subnets.Name, parameters.Name, snapshot.Hex, logs}, nil
}

func (c *Cache) parameterGroup(ctx *pulumi.Context) (*elasticache.ParameterGroup, error) {
	family := releases[c.args.Engine].family
	group, err := elasticache.NewParameterGroup(ctx, c.name, &elasticache.ParameterGroupArgs{
		Name:        pulumi.String(c.args.GroupID + "-" + family),
		Description: pulumi.String("A cache: the least recently used keys make room"),
		Family:      pulumi.String(family),
		Parameters: elasticache.ParameterGroupParameterArray{&elasticache.ParameterGroupParameterArgs{
			Name: pulumi.String("maxmemory-policy"), Value: pulumi.String("allkeys-lru"),
		}},
	}, c.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating the parameter group of %s: %w", family, err)
	}
	return group, nil
}

// logGroups creates the log groups of the cache, and returns how the nodes deliver their logs to them.
func (c *Cache) logGroups(
	ctx *pulumi.Context,
) (elasticache.ReplicationGroupLogDeliveryConfigurationArray, error) {
	logs := elasticache.ReplicationGroupLogDeliveryConfigurationArray{}
	for _, kind := range []string{"slow-log", "engine-log"} {
		physical := "/aws/elasticache/" + c.args.GroupID + "/" + kind
		group, err := cloudwatch.NewLogGroup(ctx, c.name+"-"+kind, &cloudwatch.LogGroupArgs{
			Name:            pulumi.String(physical),
			RetentionInDays: pulumi.Int(c.args.LogRetentionDays),
			KmsKeyId:        c.args.LogsKeyARN,
		}, c.childOpts()...)
		if err != nil {
			return nil, fmt.Errorf("creating log group %s: %w", physical, err)
		}
		logs = append(logs, &elasticache.ReplicationGroupLogDeliveryConfigurationArgs{
			Destination: group.Name, DestinationType: pulumi.String("cloudwatch-logs"),
			LogFormat: pulumi.String("json"), LogType: pulumi.String(kind),
		})
	}
	return logs, nil
}

// finalSnapshot generates the name of the snapshot that ElastiCache takes when the nodes are deleted.
func (c *Cache) finalSnapshot(ctx *pulumi.Context, key *identity.Key) (*random.RandomId, error) {
	keepers := pulumi.StringMap{"keyArn": key.ARN}
	if c.args.RestoredFrom != "" {
		// The name of that snapshot cannot be used again.
		keepers["restoredFrom"] = pulumi.String(c.args.RestoredFrom)
	}
	if c.args.Engine != Valkey {
		// A change of the engine replaces the group, which leaves a snapshot of this name behind.
		keepers["engine"] = pulumi.String(c.args.Engine)
	}
	if c.args.Life != "" {
		keepers["life"] = pulumi.String(c.args.Life)
	}
	snapshot, err := random.NewRandomId(ctx, c.name+"-final-snapshot", &random.RandomIdArgs{
		ByteLength: pulumi.Int(4),
		Prefix:     pulumi.String(c.args.GroupID + "-final-"),
		Keepers:    keepers,
	}, c.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("naming the final snapshot of cache %s: %w", c.args.GroupID, err)
	}
	return snapshot, nil
}

// replicationGroup creates the nodes.
func (c *Cache) replicationGroup(
	ctx *pulumi.Context,
	p *permanent,
	key *identity.Key,
	clients *ec2.SecurityGroup,
	token *random.RandomPassword,
) (*elasticache.ReplicationGroup, error) {
	several := pulumi.Bool(c.args.Nodes > 1)
	args := &elasticache.ReplicationGroupArgs{
		ReplicationGroupId:        pulumi.String(c.args.GroupID),
		Description:               pulumi.String("Cache of " + c.args.GroupID),
		Engine:                    pulumi.String(c.args.Engine),
		EngineVersion:             pulumi.String(releases[c.args.Engine].version),
		AutoMinorVersionUpgrade:   pulumi.Bool(true),
		NodeType:                  pulumi.String(c.args.NodeType),
		NumCacheClusters:          pulumi.Int(c.args.Nodes),
		AutomaticFailoverEnabled:  several,
		MultiAzEnabled:            several,
		Port:                      pulumi.Int(Port),
		SubnetGroupName:           p.subnetGroup,
		ParameterGroupName:        p.parameterGroup,
		SecurityGroupIds:          pulumi.StringArray{clients.ID()},
		AtRestEncryptionEnabled:   pulumi.Bool(true),
		KmsKeyId:                  key.ARN,
		TransitEncryptionEnabled:  pulumi.Bool(true),
		TransitEncryptionMode:     pulumi.String("required"),
		AuthToken:                 token.Result,
		AuthTokenUpdateStrategy:   pulumi.String("ROTATE"),
		SnapshotRetentionLimit:    pulumi.Int(c.args.SnapshotRetentionDays),
		SnapshotWindow:            pulumi.String("01:00-02:00"),
		MaintenanceWindow:         pulumi.String(MaintenanceWindow),
		FinalSnapshotIdentifier:   p.finalSnapshot,
		ApplyImmediately:          pulumi.Bool(c.args.ApplyImmediately),
		LogDeliveryConfigurations: p.logs,
	}
	if c.args.RestoreFrom != "" {
		args.SnapshotName = pulumi.String(c.args.RestoreFrom)
	}
	// The snapshot matters only for new nodes. A change of its name would replace the nodes. The group has a fixed name,
	// so a replacement deletes the old group first, which takes the final snapshot.
	ignored := append([]string{"snapshotName"}, c.args.Pending...)
	if !c.args.NewEngine {
		ignored = append(ignored, "engineVersion")
	}
	opts := c.childOpts(pulumi.IgnoreChanges(ignored), pulumi.DeleteBeforeReplace(true))
	group, err := elasticache.NewReplicationGroup(ctx, c.name, args, opts...)
	if err != nil {
		return nil, fmt.Errorf("creating replication group %s: %w", c.args.GroupID, err)
	}
	return group, nil
}
