package database

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
	"groundwork/components/network"
)

// Connection says how to connect to the database.
type Connection struct {
	// Host is a DNS name. After a failover it points to the new instance.
	Host pulumi.StringOutput `pulumi:"host"`
	// Port is the TCP port.
	Port int `pulumi:"port"`
	// DatabaseName is the database inside the instance.
	DatabaseName string `pulumi:"databaseName"`
	// SecretARN is the Secrets Manager secret with the name and password of the master user. RDS rotates the password.
	SecretARN pulumi.StringOutput `pulumi:"secretArn"`
	// SecretKeyARN is the key that encrypts the secret.
	SecretKeyARN pulumi.StringOutput `pulumi:"secretKeyArn"`
}

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:database:Database"

// Database is one PostgreSQL instance.
type Database struct {
	pulumi.ResourceState

	// Connection is what clients need.
	Connection Connection
	// Identifier is the instance identifier, as metrics and events name it.
	Identifier pulumi.StringOutput

	name string
	args *Args
}

// exportedLogs are all logs that RDS for PostgreSQL can send to CloudWatch.
var exportedLogs = []string{"postgresql", "upgrade"}

// New creates a database. It returns everything wrong with args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Database, error) {
	if args == nil {
		return nil, fmt.Errorf("database %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	d := &Database{name: name, args: args}
	if err := ctx.RegisterComponentResource(TypeToken, name, d, opts...); err != nil {
		return nil, fmt.Errorf("registering database %s: %w", name, err)
	}
	key, err := identity.NewKey(ctx, name, &identity.KeyArgs{
		Alias:   args.Identifier,
		Purpose: "the database " + args.Identifier + " and its snapshots",
		Facts:   args.Facts,
	}, d.childOpts()...)
	if err != nil {
		return nil, err
	}
	group, err := network.NewServiceGroup(ctx, name, &network.ServiceGroupArgs{
		Name: args.Identifier, Service: "PostgreSQL", VPCID: args.Placement.VPCID, Port: args.Port,
		HasNodes: args.Power.HasCluster(), From: args.NodeSecurityGroupID,
	}, d.childOpts()...)
	if err != nil {
		return nil, err
	}
	logs, err := d.logGroups(ctx)
	if err != nil {
		return nil, err
	}
	instance, err := d.instance(ctx, key, group, logs)
	if err != nil {
		return nil, err
	}
	d.Identifier = instance.Identifier
	d.Connection = Connection{
		Host:         instance.Address,
		Port:         args.Port,
		DatabaseName: args.DatabaseName,
		SecretARN:    instance.MasterUserSecrets.Index(pulumi.Int(0)).SecretArn().Elem(),
		SecretKeyARN: instance.MasterUserSecrets.Index(pulumi.Int(0)).KmsKeyId().Elem(),
	}
	if err := ctx.RegisterResourceOutputs(d, pulumi.Map{
		"host":      d.Connection.Host,
		"secretArn": d.Connection.SecretARN,
	}); err != nil {
		return nil, fmt.Errorf("registering outputs of database %s: %w", name, err)
	}
	return d, nil
}

func (d *Database) childOpts(extra ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(d)}, extra...)
}

// logGroups creates the log groups of the instance. RDS would create them without key and retention.
func (d *Database) logGroups(ctx *pulumi.Context) ([]pulumi.Resource, error) {
	var groups []pulumi.Resource
	for _, log := range exportedLogs {
		physical := "/aws/rds/instance/" + d.args.Identifier + "/" + log
		group, err := cloudwatch.NewLogGroup(ctx, d.name+"-"+log+"-logs", &cloudwatch.LogGroupArgs{
			Name:            pulumi.String(physical),
			RetentionInDays: pulumi.Int(d.args.LogRetentionDays),
			KmsKeyId:        d.args.LogsKeyARN,
		}, d.childOpts()...)
		if err != nil {
			return nil, fmt.Errorf("creating log group %s: %w", physical, err)
		}
		groups = append(groups, group)
	}
	return groups, nil
}

// instance creates the instance, after its subnet group, parameter group, monitoring role and log groups.
func (d *Database) instance(
	ctx *pulumi.Context,
	key *identity.Key,
	group *ec2.SecurityGroup,
	logs []pulumi.Resource,
) (*rds.Instance, error) {
	subnets, err := rds.NewSubnetGroup(ctx, d.name, &rds.SubnetGroupArgs{
		Name:        pulumi.String(d.args.Identifier),
		Description: pulumi.String("Data subnets without a route out of the VPC"),
		SubnetIds:   d.args.Placement.DataSubnetIDs,
	}, d.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating subnet group %s: %w", d.args.Identifier, err)
	}
	parameters, err := d.parameterGroup(ctx)
	if err != nil {
		return nil, err
	}
	monitoring, err := identity.NewServiceRole(ctx, d.name+"-monitoring", &identity.ServiceRoleArgs{
		Facts: d.args.Facts, Name: d.args.Identifier + "-monitoring",
		Services:          []string{"monitoring.rds.amazonaws.com"},
		ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"},
	}, d.childOpts()...)
	if err != nil {
		return nil, err
	}
	snapshot, err := d.finalSnapshot(ctx, key)
	if err != nil {
		return nil, err
	}
	args := d.instanceArgs(key)
	args.DbSubnetGroupName, args.ParameterGroupName = subnets.Name, parameters.Name
	args.VpcSecurityGroupIds = pulumi.StringArray{group.ID()}
	args.MonitoringRoleArn, args.FinalSnapshotIdentifier = monitoring.ARN, snapshot.Hex
	opts := d.childOpts(
		pulumi.DependsOn(append(logs, monitoring.Permissions...)), pulumi.IgnoreChanges(d.args.Pending))
	instance, err := rds.NewInstance(ctx, d.name, args, opts...)
	if err != nil {
		return nil, fmt.Errorf("creating database instance %s: %w", d.args.Identifier, err)
	}
	return instance, nil
}

// parameterGroup creates the parameter group of the version.
func (d *Database) parameterGroup(ctx *pulumi.Context) (*rds.ParameterGroup, error) {
	parameters := rds.ParameterGroupParameterArray{}
	for _, parameter := range Parameters() {
		method := "immediate"
		if parameter.Static {
			method = "pending-reboot"
		}
		parameters = append(parameters, &rds.ParameterGroupParameterArgs{
			Name: pulumi.String(parameter.Name), Value: pulumi.String(parameter.Value), ApplyMethod: pulumi.String(method),
		})
	}
	// A prefix, because during an upgrade a group of the new family must exist beside the old one. If RDS refuses the
	// upgrade and it is reverted, a third group must exist beside both.
	group, err := rds.NewParameterGroup(ctx, d.name, &rds.ParameterGroupArgs{
		NamePrefix:  pulumi.String(d.args.Identifier + "-postgres" + d.args.Version + "-"),
		Description: pulumi.String("PostgreSQL " + d.args.Version + ": TLS forced, slow statements and connections logged"),
		Family:      pulumi.String("postgres" + d.args.Version),
		Parameters:  parameters,
	}, d.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating the parameter group of PostgreSQL %s: %w", d.args.Version, err)
	}
	return group, nil
}

// finalSnapshot generates the name of the snapshot that RDS takes when the instance is deleted.
func (d *Database) finalSnapshot(ctx *pulumi.Context, key *identity.Key) (*random.RandomId, error) {
	// A snapshot's name cannot be used again as long as the snapshot exists. With a random part, an environment can be
	// destroyed, created again and destroyed again.
	// A change of these replaces the instance and leaves a snapshot of the old one, so the new one needs another name.
	keepers := pulumi.StringMap{
		"databaseName": pulumi.String(d.args.DatabaseName),
		"username":     pulumi.String(d.args.Username),
		"keyArn":       key.ARN,
	}
	if d.args.Life != "" {
		keepers["life"] = pulumi.String(d.args.Life)
	}
	snapshot, err := random.NewRandomId(ctx, d.name+"-final-snapshot", &random.RandomIdArgs{
		ByteLength: pulumi.Int(4),
		Prefix:     pulumi.String(d.args.Identifier + "-final-"),
		Keepers:    keepers,
	}, d.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("naming the final snapshot of database instance %s: %w", d.args.Identifier, err)
	}
	return snapshot, nil
}

// instanceArgs are the inputs of the instance that follow from the settings and the key.
func (d *Database) instanceArgs(key *identity.Key) *rds.InstanceArgs {
	backup, maintenance := d.args.Power.Schedule.Windows()
	retentionDays := 7
	if d.args.Insights == InsightsAdvanced {
		retentionDays = 465
	}
	return &rds.InstanceArgs{
		Identifier:    pulumi.String(d.args.Identifier),
		Engine:        pulumi.String("postgres"),
		EngineVersion: pulumi.String(d.args.Version),
		// Without this, AWS keeps an old major version at a surcharge instead of upgrading it.
		EngineLifecycleSupport:   pulumi.String("open-source-rds-extended-support-disabled"),
		AutoMinorVersionUpgrade:  pulumi.Bool(true),
		AllowMajorVersionUpgrade: pulumi.Bool(d.args.AllowMajorVersionUpgrade),
		InstanceClass:            pulumi.String(d.args.InstanceClass),
		MultiAz:                  pulumi.Bool(d.args.Availability == MultiZone),
		StorageType:              pulumi.String("gp3"),
		AllocatedStorage:         pulumi.Int(d.args.StorageGiB),
		MaxAllocatedStorage:      pulumi.Int(d.args.MaxStorageGiB),
		StorageEncrypted:         pulumi.Bool(true),
		KmsKeyId:                 key.ARN,

		DbName:                           pulumi.String(d.args.DatabaseName),
		Username:                         pulumi.String(d.args.Username),
		ManageMasterUserPassword:         pulumi.Bool(true),
		MasterUserSecretKmsKeyId:         key.ARN,
		IamDatabaseAuthenticationEnabled: pulumi.Bool(true),

		PubliclyAccessible: pulumi.Bool(false),
		Port:               pulumi.Int(d.args.Port),
		CaCertIdentifier:   pulumi.String("rds-ca-rsa2048-g1"),

		BackupRetentionPeriod:  pulumi.Int(d.args.BackupRetentionDays),
		BackupWindow:           pulumi.String(backup),
		MaintenanceWindow:      pulumi.String(maintenance),
		CopyTagsToSnapshot:     pulumi.Bool(true),
		DeleteAutomatedBackups: pulumi.Bool(!d.args.Protect),
		SkipFinalSnapshot:      pulumi.Bool(false),
		DeletionProtection:     pulumi.Bool(d.args.Protect),
		ApplyImmediately:       pulumi.Bool(d.args.ApplyImmediately),

		EnabledCloudwatchLogsExports:       pulumi.ToStringArray(exportedLogs),
		MonitoringInterval:                 pulumi.Int(d.args.MonitoringSeconds),
		PerformanceInsightsEnabled:         pulumi.Bool(true),
		PerformanceInsightsKmsKeyId:        key.ARN,
		PerformanceInsightsRetentionPeriod: pulumi.Int(retentionDays),
		DatabaseInsightsMode:               pulumi.String(d.args.Insights),
	}
}
