package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/bastion"
	"groundwork/components/cluster"
	"groundwork/components/environment"
	"groundwork/components/identity"
	"groundwork/components/network"
	"groundwork/components/observability"
	"groundwork/components/registry"
)

// PlatformOutputs are the outputs of the platform layer for the layers above. Stack outputs have the names of the tags.
type PlatformOutputs struct {
	// Placement is the VPC and its subnets.
	Placement network.Placement `pulumi:"placement"`
	// NATGatewayIDs are keyed by zone.
	NATGatewayIDs map[string]pulumi.StringOutput `pulumi:"natGatewayIds"`
	// Cluster identifies the cluster.
	Cluster cluster.Identity `pulumi:"cluster"`
	// AutoScalingGroups are keyed by node group.
	AutoScalingGroups map[string]pulumi.StringOutput `pulumi:"autoScalingGroups"`
	// ContainerLogGroup is the log group of all containers.
	ContainerLogGroup pulumi.StringOutput `pulumi:"containerLogGroup"`
	// NodeGroups are the physical names of the node groups, by node group; empty if there are none.
	NodeGroups map[string]pulumi.StringOutput `pulumi:"nodeGroups"`
	// ControlPlane is the resource whose deletion deletes everything in Kubernetes; nil if it does not exist or is in
	// another stack.
	ControlPlane pulumi.Resource `pulumi:"-"`
	// APIPath are the resources through which the Kubernetes API is reached; none if it is reached without a bastion, or
	// in another stack.
	APIPath []pulumi.Resource `pulumi:"-"`
	// LogsKeyARN is the key that encrypts log groups. If the environment shares one key, it is that key.
	LogsKeyARN pulumi.StringOutput `pulumi:"logsKeyArn"`
	// RepositoryURLs are keyed by repository.
	RepositoryURLs map[string]pulumi.StringOutput `pulumi:"repositoryUrls"`
	// BreakGlassRoleARN is the role that administers the cluster when everything else fails.
	BreakGlassRoleARN pulumi.StringOutput `pulumi:"breakGlassRoleArn"`
}

// logsKey describes the key of the log groups. If the environment shares one key, it is the key of everything.
func (d *deployment) logsKey() *identity.KeyArgs {
	c := d.config
	args := &identity.KeyArgs{
		Alias:      c.Prefix() + "-logs",
		Purpose:    "log groups of " + c.Prefix(),
		Facts:      d.facts(nil),
		Statements: []identity.Statement{identity.LogsMayUseKey(c.AccountID, c.Region)},
	}
	if c.EncryptionKeys == KeysShared {
		args.Alias, args.Purpose = c.Prefix(), "everything of "+c.Prefix()
		args.Statements = append(args.Statements, identity.AutoScalingMayUseKey(c.AccountID)...)
		args.Statements = append(args.Statements, identity.PublishersMayUseKey(c.AccountID, observability.Publishers...))
	}
	return args
}

// platform declares the layer that changes every few months: network, roles, cluster, registry.
func (d *deployment) platform() error {
	c := d.config
	logsKey, err := identity.NewKey(d.ctx, "logs", d.logsKey(), d.regional)
	if err != nil {
		return err
	}
	facts := d.facts(logsKey.ARN)
	roles, err := identity.New(d.ctx, "identity", &identity.Args{Facts: facts}, d.regional)
	if err != nil {
		return err
	}
	networkArgs := &network.Args{Facts: facts, Spec: c.Network, ClusterName: c.ClusterName()}
	if d.tunneled() {
		networkArgs.StandbyEndpoints = bastion.Services
	}
	net, err := network.New(d.ctx, "network", networkArgs, d.regional)
	if err != nil {
		return err
	}
	images, err := registry.New(d.ctx, "registry", &registry.Args{Facts: facts, Spec: c.Registry}, d.regional)
	if err != nil {
		return err
	}
	eks, err := d.cluster(facts, net.Placement, roles)
	if err != nil {
		return err
	}
	d.platformOutputs = PlatformOutputs{
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
	}
	if d.tunneled() {
		b, err := bastion.New(d.ctx, "bastion", &bastion.Args{
			Facts: facts, Placement: net.Placement, APISecurityGroupID: eks.Identity.NodeSecurityGroupID,
		}, d.regional)
		if err != nil {
			return err
		}
		d.platformOutputs.APIPath = b.Path
	}
	d.exportPlatform()
	return nil
}

// cluster declares the cluster.
func (d *deployment) cluster(
	facts environment.Facts,
	placement network.Placement,
	roles *identity.Identity,
) (*cluster.Cluster, error) {
	c := d.config
	args := &cluster.Args{
		Facts: facts, Spec: c.Cluster, Tags: c.AllTags(), Placement: placement, Roles: roles, Today: c.Today,
	}
	var err error
	if args.LiveNodes, err = d.liveNodes(); err != nil {
		return nil, err
	}
	if c.Pipelines.Any() {
		args.Deployer = &cluster.Deployer{
			PrincipalARN: identity.DeployRoleARN(c.AccountID, c.RolePath(), c.Prefix()), Group: deployerGroup,
		}
		args.PreviewerARN = identity.PreviewRoleARN(c.AccountID, c.RolePath(), c.Prefix())
	}
	return cluster.New(d.ctx, "cluster", args, d.regional)
}

// tunneled reports whether there is a Kubernetes API that is reached through a tunnel.
func (d *deployment) tunneled() bool { return d.power.HasCluster() && d.config.Cluster.Tunneled() }

// exportPlatform exports what people need to know about the platform.
func (d *deployment) exportPlatform() {
	p := d.platformOutputs
	d.ctx.Export("repositoryUrls", stringMap(p.RepositoryURLs))
	if !d.power.HasCluster() {
		return
	}
	d.ctx.Export(nodeGroupNamesKey, stringMap(p.NodeGroups))
	d.ctx.Export("clusterName", p.Cluster.Name)
	d.ctx.Export("clusterEndpoint", p.Cluster.Endpoint)
	command := pulumi.Sprintf("aws eks update-kubeconfig --region %s --name %s", d.config.Region, p.Cluster.Name)
	if d.tunneled() {
		command = pulumi.Sprintf("bin/groundwork tunnel -s %s", d.config.Environment)
	}
	d.ctx.Export("kubeconfigCommand", command)
	d.ctx.Export("breakGlassRoleArn", p.BreakGlassRoleARN)
}
