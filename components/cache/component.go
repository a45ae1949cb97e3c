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

// Connection says how to reach the cache.
type Connection struct {
	// Host is a DNS name that follows the primary through failovers.
	Host pulumi.StringOutput
	// Port is a TCP port; TLS only.
	Port int
	// Token is what clients authenticate with; a secret.
	Token pulumi.StringOutput
}

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:cache:Cache"

// Cache is one replication group.
type Cache struct {
	pulumi.ResourceState

	// Connection is what clients need.
	Connection Connection
	// NodeIDs are the cache clusters of the group, as metrics name them, by number: "001".
	NodeIDs map[string]pulumi.StringOutput
	// FinalSnapshot is what the snapshot is called that the nodes leave behind when they go.
	FinalSnapshot pulumi.StringOutput

	name string
	args *Args
}

// New creates a cache. It returns every problem of args in one error, before anything is registered.
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
	// Letters and digits only: ElastiCache refuses some of the other characters.
	token, err := random.NewRandomPassword(ctx, name+"-token", &random.RandomPasswordArgs{
		Length: pulumi.Int(64), Special: pulumi.Bool(false),
	}, c.childOpts()...)
	if err != nil {
		return nil, err
	}
	c.Connection = Connection{Host: pulumi.String("").ToStringOutput(), Port: Port, Token: token.Result}
	settings, err := c.settings(ctx, key)
	if err != nil {
		return nil, err
	}
	c.FinalSnapshot = settings.finalSnapshot
	if args.Power.HasCache() {
		group, err := c.replicationGroup(ctx, settings, key, clients, token)
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

// settings is what stays when the nodes go.
type settings struct {
	subnetGroup, parameterGroup, finalSnapshot pulumi.StringOutput
	logs                                       elasticache.ReplicationGroupLogDeliveryConfigurationArray
}

// settings creates subnet group, parameter group, log groups and the name of the final snapshot.
func (c *Cache) settings(ctx *pulumi.Context, key *identity.Key) (*settings, error) {
	release := releases[c.args.Engine]
	subnets, err := elasticache.NewSubnetGroup(ctx, c.name, &elasticache.SubnetGroupArgs{
		Name:        pulumi.String(c.args.GroupID),
		Description: pulumi.String("Data subnets without a route out of the VPC"),
		SubnetIds:   c.args.Placement.DataSubnetIDs,
	}, c.childOpts()...)
	if err != nil {
		return nil, err
	}
	parameters, err := elasticache.NewParameterGroup(ctx, c.name, &elasticache.ParameterGroupArgs{
		Name:        pulumi.String(c.args.GroupID + "-" + release.family),
		Description: pulumi.String("A cache: the least recently used keys make room"),
		Family:      pulumi.String(release.family),
		Parameters: elasticache.ParameterGroupParameterArray{&elasticache.ParameterGroupParameterArgs{
			Name: pulumi.String("maxmemory-policy"), Value: pulumi.String("allkeys-lru"),
		}},
	}, c.childOpts()...)
	if err != nil {
		return nil, err
	}
	logs := elasticache.ReplicationGroupLogDeliveryConfigurationArray{}
	for _, kind := range []string{"slow-log", "engine-log"} {
		group, err := cloudwatch.NewLogGroup(ctx, c.name+"-"+kind, &cloudwatch.LogGroupArgs{
			Name:            pulumi.String("/aws/elasticache/" + c.args.GroupID + "/" + kind),
			RetentionInDays: pulumi.Int(c.args.LogRetentionDays),
			KmsKeyId:        c.args.LogsKeyARN,
		}, c.childOpts()...)
		if err != nil {
			return nil, err
		}
		logs = append(logs, &elasticache.ReplicationGroupLogDeliveryConfigurationArgs{
			Destination: group.Name, DestinationType: pulumi.String("cloudwatch-logs"),
			LogFormat: pulumi.String("json"), LogType: pulumi.String(kind),
		})
	}
	keepers := pulumi.StringMap{"keyArn": key.ARN}
	if c.args.RestoredFrom != "" {
		// That name is taken.
		keepers["restoredFrom"] = pulumi.String(c.args.RestoredFrom)
	}
	snapshot, err := random.NewRandomId(ctx, c.name+"-final-snapshot", &random.RandomIdArgs{
		ByteLength: pulumi.Int(4),
		Prefix:     pulumi.String(c.args.GroupID + "-final-"),
		Keepers:    keepers,
	}, c.childOpts()...)
	if err != nil {
		return nil, err
	}
	return &settings{subnets.Name, parameters.Name, snapshot.Hex, logs}, nil
}

func (c *Cache) replicationGroup(
	ctx *pulumi.Context,
	s *settings,
	key *identity.Key,
	clients *ec2.SecurityGroup,
	token *random.RandomPassword,
) (*elasticache.ReplicationGroup, error) {
	several := pulumi.Bool(c.args.Nodes > 1)
	group := &elasticache.ReplicationGroupArgs{
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
		SubnetGroupName:           s.subnetGroup,
		ParameterGroupName:        s.parameterGroup,
		SecurityGroupIds:          pulumi.StringArray{clients.ID()},
		AtRestEncryptionEnabled:   pulumi.Bool(true),
		KmsKeyId:                  key.ARN,
		TransitEncryptionEnabled:  pulumi.Bool(true),
		TransitEncryptionMode:     pulumi.String("required"),
		AuthToken:                 token.Result,
		AuthTokenUpdateStrategy:   pulumi.String("ROTATE"),
		SnapshotRetentionLimit:    pulumi.Int(c.args.SnapshotRetentionDays),
		SnapshotWindow:            pulumi.String("01:00-02:00"),
		MaintenanceWindow:         pulumi.String("sun:05:00-sun:06:00"),
		FinalSnapshotIdentifier:   s.finalSnapshot,
		ApplyImmediately:          pulumi.Bool(c.args.ApplyImmediately),
		LogDeliveryConfigurations: s.logs,
	}
	if c.args.RestoreFrom != "" {
		group.SnapshotName = pulumi.String(c.args.RestoreFrom)
	}
	// What it began with is history: another name there would replace it.
	return elasticache.NewReplicationGroup(
		ctx,
		c.name,
		group,
		c.childOpts(pulumi.Protect(c.args.Protect), pulumi.IgnoreChanges([]string{"snapshotName"}))...)
}
