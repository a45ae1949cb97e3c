package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/cluster"
	"groundwork/components/identity"
	"groundwork/components/network"
	"groundwork/components/observability"
	"groundwork/components/registry"
)

// PlatformOutputs is what the platform layer hands to the layers above it; between stacks, under the names of the tags.
type PlatformOutputs struct {
	// Placement is where things go.
	Placement network.Placement `pulumi:"placement"`
	// NATGatewayIDs by zone.
	NATGatewayIDs map[string]pulumi.StringOutput `pulumi:"natGatewayIds"`
	// Cluster is who the cluster is.
	Cluster cluster.Identity `pulumi:"cluster"`
	// AutoScalingGroups by node group.
	AutoScalingGroups map[string]pulumi.StringOutput `pulumi:"autoScalingGroups"`
	// ContainerLogGroup is where the lines of all containers go.
	ContainerLogGroup pulumi.StringOutput `pulumi:"containerLogGroup"`
	// NodeGroups are their physical names, by node group; none while the environment is down.
	NodeGroups map[string]pulumi.StringOutput `pulumi:"nodeGroups"`
	// ControlPlane takes what is in Kubernetes along when it is deleted; nil where it is not there, or in another stack.
	ControlPlane pulumi.Resource `pulumi:"-"`
	// LogsKeyARN encrypts log groups; where the environment shares one key, it is that one.
	LogsKeyARN pulumi.StringOutput `pulumi:"logsKeyArn"`
	// RepositoryURLs by repository.
	RepositoryURLs map[string]pulumi.StringOutput `pulumi:"repositoryUrls"`
	// BreakGlassRoleARN administers the cluster when everything else fails.
	BreakGlassRoleARN pulumi.StringOutput `pulumi:"breakGlassRoleArn"`
}

// logsKey is the key of the log groups, and of everything else where the environment shares one.
func (c *Config) logsKey() *identity.KeyArgs {
	args := &identity.KeyArgs{
		Alias:      c.Prefix() + "-logs",
		Purpose:    "log groups of " + c.Prefix(),
		AccountID:  c.AccountID,
		Statements: []identity.Statement{identity.LogsMayUseKey(c.AccountID, c.Region)},
		Protect:    c.Protect,
	}
	if c.EncryptionKeys == KeysShared {
		args.Alias, args.Purpose = c.Prefix(), "everything of "+c.Prefix()
		args.Statements = append(args.Statements, identity.AutoScalingMayUseKey(c.AccountID)...)
		args.Statements = append(args.Statements, identity.PublishersMayUseKey(c.AccountID, observability.Publishers...))
	}
	return args
}

// sharedKey is the key that takes the place of all others, or nil where each purpose has its own.
func (p *PlatformOutputs) sharedKey(c *Config) pulumi.StringInput {
	if c.EncryptionKeys == KeysShared {
		return p.LogsKeyARN
	}
	return nil
}

// platform creates what changes every few months: network, roles, cluster, registry.
func platform(ctx *pulumi.Context, c *Config, m memory, opts ...pulumi.ResourceOption) (*PlatformOutputs, error) {
	logsKey, err := identity.NewKey(ctx, "logs", c.logsKey(), opts...)
	if err != nil {
		return nil, err
	}
	roles, err := identity.New(ctx, "identity", &identity.Args{
		Name:      c.Prefix(),
		Path:      c.RolePath(),
		Boundary:  c.PermissionsBoundary,
		AccountID: c.AccountID,
	}, opts...)
	if err != nil {
		return nil, err
	}
	net, err := network.New(ctx, "network", &network.Args{
		Spec:             c.Network,
		Name:             c.Prefix(),
		Region:           c.Region,
		ClusterName:      c.ClusterName(),
		LogsKeyARN:       logsKey.ARN,
		LogRetentionDays: c.LogRetentionDays,
		RolePath:         c.RolePath(),
		RoleBoundary:     c.PermissionsBoundary,
		Down:             c.Mode().Down(),
	}, opts...)
	if err != nil {
		return nil, err
	}
	shared := (&PlatformOutputs{LogsKeyARN: logsKey.ARN}).sharedKey(c)
	images, err := registry.New(ctx, "registry", &registry.Args{
		Spec:      c.Registry,
		Name:      c.Prefix(),
		AccountID: c.AccountID,
		Protect:   c.Protect,

		SharedKeyARN: shared,
	}, opts...)
	if err != nil {
		return nil, err
	}
	var deployer *cluster.Deployer
	previewer := ""
	if c.Pipelines.Any() {
		deployer = &cluster.Deployer{PrincipalARN: identity.DeployRoleARN(c.AccountID, c.RolePath(), c.Prefix()), Group: deployerGroup}
		previewer = identity.PreviewRoleARN(c.AccountID, c.RolePath(), c.Prefix())
	}
	eks, err := cluster.New(ctx, "cluster", &cluster.Args{
		Spec:             c.Cluster,
		Name:             c.ClusterName(),
		AccountID:        c.AccountID,
		Tags:             c.AllTags(),
		Placement:        net.Placement,
		Roles:            roles,
		RolePath:         c.RolePath(),
		RoleBoundary:     c.PermissionsBoundary,
		LogsKeyARN:       logsKey.ARN,
		LogRetentionDays: c.LogRetentionDays,
		Deployer:         deployer,
		PreviewerARN:     previewer,
		Protect:          c.Protect,
		Today:            c.Today,
		SharedKeyARN:     shared,
		Mode:             c.Mode(),
		Bare:             m.bare(c),
		Scheduled:        c.Schedule.On(),
	}, opts...)
	if err != nil {
		return nil, err
	}
	return &PlatformOutputs{
		Placement:         net.Placement,
		NATGatewayIDs:     net.NATGatewayIDs,
		Cluster:           eks.Identity,
		AutoScalingGroups: eks.AutoScalingGroups,
		NodeGroups:        eks.NodeGroups,
		ControlPlane:      eks.ControlPlane,
		ContainerLogGroup: eks.ContainerLogGroup,
		LogsKeyARN:        logsKey.ARN,
		RepositoryURLs:    images.URLs,
		BreakGlassRoleARN: roles.BreakGlassRole.ARN,
	}, nil
}
