package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// addonsBeforeNodes installs the add-ons that a node needs to become ready: addresses for pods, routing of Services,
// and credentials.
func (c *Cluster) addonsBeforeNodes(
	ctx *pulumi.Context,
	cp *controlPlane,
	oidc identity.OIDC,
) ([]pulumi.Resource, error) {
	cniRole, err := identity.NewWorkloadRole(ctx, c.name+"-vpc-cni", &identity.WorkloadRoleArgs{
		Facts: c.args.Facts, Name: c.args.Name + "-vpc-cni",
		OIDC: oidc, Namespace: "kube-system", ServiceAccount: "aws-node",
		ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"},
	}, c.childOpts()...)
	if err != nil {
		return nil, err
	}
	// NetworkPolicy objects have no effect on EKS unless the VPC CNI is configured to enforce them.
	cni, err := c.addon(ctx, cp, AddonVPCCNI, cniRole, `{"enableNetworkPolicy":"true"}`)
	if err != nil {
		return nil, err
	}
	proxy, err := c.addon(ctx, cp, AddonKubeProxy, nil, "")
	if err != nil {
		return nil, err
	}
	podIdentity, err := c.addon(ctx, cp, AddonPodIdentityAgent, nil, "")
	if err != nil {
		return nil, err
	}
	return []pulumi.Resource{cni, proxy, podIdentity}, nil
}

// AddonVersion is the version of a core add-on: the stack's choice, or else the catalog's for the Kubernetes version.
func (s Spec) AddonVersion(addon string) string {
	if version, ok := s.AddonVersions[addon]; ok {
		return version
	}
	return Releases[s.KubernetesVersion].Addons[addon]
}

// addon installs one EKS add-on after the given resources. An update overwrites changes that others made to the add-on:
// an add-on that cannot be updated blocks every later upgrade of the cluster.
func (c *Cluster) addon(
	ctx *pulumi.Context,
	cp *controlPlane,
	addon string,
	role *identity.Role,
	configuration string,
	after ...pulumi.Resource,
) (*awseks.Addon, error) {
	args := &awseks.AddonArgs{
		ClusterName:              cp.name,
		AddonName:                pulumi.String(addon),
		AddonVersion:             pulumi.String(c.args.AddonVersion(addon)),
		ResolveConflictsOnCreate: pulumi.String("OVERWRITE"),
		ResolveConflictsOnUpdate: pulumi.String("OVERWRITE"),
	}
	if role != nil {
		args.ServiceAccountRoleArn = role.ARN
		after = append(after, role.Permissions...)
	}
	if configuration != "" {
		args.ConfigurationValues = pulumi.String(configuration)
	}
	opts := c.childOpts(pulumi.DependsOn(after))
	if !c.args.Power.HasNodes() {
		// A new version would wait for a node.
		opts = append(opts, pulumi.IgnoreChanges([]string{"addonVersion"}))
	}
	installed, err := awseks.NewAddon(ctx, c.name+"-"+addon, args, opts...)
	if err != nil {
		return nil, fmt.Errorf("installing add-on %s: %w", addon, err)
	}
	return installed, nil
}

// nodeGroups creates the node groups after the given add-ons and returns them.
func (c *Cluster) nodeGroups(
	ctx *pulumi.Context,
	cp *controlPlane,
	permanent *permanent,
	after []pulumi.Resource,
) ([]pulumi.Resource, error) {
	var groups []pulumi.Resource
	for _, name := range slices.Sorted(maps.Keys(c.args.NodeGroups)) {
		group, err := c.nodeGroup(ctx, cp, name, c.args.NodeGroups[name], permanent.templates[name], after)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group)
	}
	return groups, nil
}

// launchTemplate creates the template that the nodes of a group are started from.
func (c *Cluster) launchTemplate(
	ctx *pulumi.Context,
	name string,
	group NodeGroup,
	key *identity.Key,
) (*ec2.LaunchTemplate, error) {
	physical := c.args.Name + "-" + name
	tags := pulumi.ToStringMap(c.args.Tags)
	tags["Name"] = pulumi.String(physical)
	template, err := ec2.NewLaunchTemplate(ctx, c.name+"-nodes-"+name, &ec2.LaunchTemplateArgs{
		Name:                 pulumi.String(physical),
		UpdateDefaultVersion: pulumi.Bool(true),
		// A new version of the template replaces the nodes in place. On the node group, a new instance type would replace
		// the group.
		InstanceType: pulumi.String(group.InstanceType),
		BlockDeviceMappings: ec2.LaunchTemplateBlockDeviceMappingArray{&ec2.LaunchTemplateBlockDeviceMappingArgs{
			DeviceName: pulumi.String("/dev/xvda"),
			Ebs: &ec2.LaunchTemplateBlockDeviceMappingEbsArgs{
				Encrypted:           pulumi.String("true"),
				KmsKeyId:            key.ARN,
				VolumeType:          pulumi.String("gp3"),
				VolumeSize:          pulumi.Int(group.DiskGiB),
				DeleteOnTermination: pulumi.String("true"),
			},
		}},
		// One hop keeps pods away from the node's credentials: packets of pods take a second hop and are dropped.
		MetadataOptions: &ec2.LaunchTemplateMetadataOptionsArgs{
			HttpEndpoint:            pulumi.String("enabled"),
			HttpTokens:              pulumi.String("required"),
			HttpPutResponseHopLimit: pulumi.Int(1),
		},
		Monitoring: &ec2.LaunchTemplateMonitoringArgs{Enabled: pulumi.Bool(true)},
		TagSpecifications: ec2.LaunchTemplateTagSpecificationArray{
			&ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String("instance"), Tags: tags},
			&ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String("volume"), Tags: tags},
		},
	}, c.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating launch template %s: %w", physical, err)
	}
	return template, nil
}

func (c *Cluster) nodeGroup(
	ctx *pulumi.Context,
	cp *controlPlane,
	name string,
	group NodeGroup,
	template *ec2.LaunchTemplate,
	after []pulumi.Resource,
) (*awseks.NodeGroup, error) {
	physical := c.args.Name + "-" + name
	// The autoscaler owns the number of nodes. Where the group changes, the number goes with the change. A schedule owns
	// the lower bound too: it is 0 outside working hours.
	ignored := []string{"scalingConfig.desiredSize"}
	if live, changes := c.args.LiveNodes[name]; changes {
		ignored, group.DesiredSize = nil, live
	}
	if c.args.Power.Scheduled() {
		ignored = append(ignored, "scalingConfig.minSize")
	}
	nodes, err := awseks.NewNodeGroup(ctx, c.name+"-nodes-"+name, &awseks.NodeGroupArgs{
		ClusterName: cp.name,
		// A prefix lets a replacement exist before the old group is deleted.
		NodeGroupNamePrefix: pulumi.String(physical + "-"),
		NodeRoleArn:         c.args.Roles.NodeRole.ARN,
		SubnetIds:           c.args.Placement.PrivateSubnetIDs,
		Version:             cp.version,
		AmiType:             pulumi.String(amiType(group.InstanceType)),
		CapacityType:        pulumi.String(group.CapacityType),
		ScalingConfig: &awseks.NodeGroupScalingConfigArgs{
			DesiredSize: pulumi.Int(group.DesiredSize),
			MinSize:     pulumi.Int(group.MinSize),
			MaxSize:     pulumi.Int(group.MaxSize),
		},
		UpdateConfig:     &awseks.NodeGroupUpdateConfigArgs{MaxUnavailablePercentage: pulumi.Int(33)},
		NodeRepairConfig: &awseks.NodeGroupNodeRepairConfigArgs{Enabled: pulumi.Bool(true)},
		LaunchTemplate: &awseks.NodeGroupLaunchTemplateArgs{
			Id:      template.ID(),
			Version: template.LatestVersion.ApplyT(strconv.Itoa).(pulumi.StringOutput),
		},
		Labels: pulumi.StringMap{"groundwork/node-group": pulumi.String(name)},
	}, c.childOpts(
		pulumi.DependsOn(slices.Concat(after, c.args.Roles.NodeRole.Permissions, c.args.Placement.EgressRoutes)),
		pulumi.IgnoreChanges(ignored),
	)...)
	if err != nil {
		return nil, fmt.Errorf("creating node group %s: %w", name, err)
	}
	groups := nodes.Resources.Index(pulumi.Int(0)).AutoscalingGroups()
	c.AutoScalingGroups[name] = groups.Index(pulumi.Int(0)).Name().Elem()
	c.NodeGroups[name] = nodes.NodeGroupName
	return nodes, nil
}

// containerInsights installs the agent that sends metrics and logs of nodes and containers to CloudWatch. The log
// groups come first, because the agent would create them without key and retention.
func (c *Cluster) containerInsights(
	ctx *pulumi.Context,
	cp *controlPlane,
	oidc identity.OIDC,
	after []pulumi.Resource,
) error {
	role, err := identity.NewWorkloadRole(ctx, c.name+"-cloudwatch-agent", &identity.WorkloadRoleArgs{
		Facts: c.args.Facts, Name: c.args.Name + "-cloudwatch-agent",
		OIDC: oidc, Namespace: "amazon-cloudwatch", ServiceAccount: "cloudwatch-agent",
		ManagedPolicyARNs: []string{"arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"},
	}, c.childOpts()...)
	if err != nil {
		return err
	}
	// Tracing changes the pods that it monitors and is billed by the span. Applications can enable it themselves.
	configuration := `{"manager":{"applicationSignals":{"autoMonitor":{"monitorAllServices":false}}}}`
	_, err = c.addon(ctx, cp, AddonObservability, role, configuration, after...)
	return err
}
