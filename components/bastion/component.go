package bastion

import (
	_ "embed"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:bastion:Bastion"

// InstanceType is the type of the instance. It forwards packets and runs the Session Manager agent; the 512 MiB of the
// next smaller type are too little for updates beside it.
const InstanceType = "t4g.micro"

// diskGiB is the least that the images of Amazon Linux 2023 need.
const diskGiB = 8

// Services are the AWS services that the Session Manager agent must reach, by a NAT gateway or by interface endpoints.
// Source: AWS Systems Manager User Guide, "Improve the security of EC2 instances by using VPC endpoints". Agents from
// version 3.3.40 on use ssmmessages for what ec2messages did.
var Services = []string{"ssm", "ssmmessages"}

// image matches the names of Amazon Linux 2023, whose images have the Session Manager agent.
const image = "al2023-ami-2023.*-kernel-6.*-arm64"

// Name returns the name of the instance, its role and its security group in an environment with the given physical base
// name.
func Name(environment string) string { return environment + "-bastion" }

//go:embed stop-when-idle.sh
var stopWhenIdle string

// Bastion is the instance with its role and its security group.
type Bastion struct {
	pulumi.ResourceState

	// Path are the resources that connections need. What uses the Kubernetes API depends on them, so that they exist
	// before it and as long as it does.
	Path []pulumi.Resource

	name string
	args *Args
}

// New creates a bastion. It returns everything wrong with args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Bastion, error) {
	if args == nil {
		return nil, fmt.Errorf("bastion %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	b := &Bastion{name: name, args: args}
	if err := ctx.RegisterComponentResource(TypeToken, name, b, opts...); err != nil {
		return nil, fmt.Errorf("registering bastion %s: %w", name, err)
	}
	role, err := identity.NewServiceRole(ctx, name, &identity.ServiceRoleArgs{
		Facts: args.Facts, Name: Name(args.Name),
		Services:          []string{"ec2.amazonaws.com"},
		ManagedPolicyARNs: []string{identity.PolicySessionManager},
	}, pulumi.Parent(b))
	if err != nil {
		return nil, err
	}
	profile, err := iam.NewInstanceProfile(ctx, name+"-profile", &iam.InstanceProfileArgs{
		Name: pulumi.String(Name(args.Name)), Path: pulumi.String(args.RolePath), Role: role.Resource.Name,
	}, pulumi.Parent(b))
	if err != nil {
		return nil, fmt.Errorf("creating instance profile %s: %w", Name(args.Name), err)
	}
	group, rules, err := b.securityGroup(ctx)
	if err != nil {
		return nil, err
	}
	// The agent registers once it has its permissions and a way to AWS.
	needs := append(append(role.Permissions, rules...), args.Placement.EgressRoutes...)
	instance, err := b.instance(ctx, profile, group, needs)
	if err != nil {
		return nil, err
	}
	b.Path = append(needs, instance)
	if err := ctx.RegisterResourceOutputs(b, pulumi.Map{"instanceId": instance.ID()}); err != nil {
		return nil, fmt.Errorf("registering outputs of bastion %s: %w", name, err)
	}
	return b, nil
}

func (b *Bastion) tags() pulumi.StringMap {
	return pulumi.StringMap{"Name": pulumi.String(Name(b.args.Name))}
}

// securityGroup creates the security group and its rules: HTTPS to Systems Manager and the Kubernetes API, and the rule
// by which the API admits it.
func (b *Bastion) securityGroup(ctx *pulumi.Context) (*ec2.SecurityGroup, []pulumi.Resource, error) {
	name := Name(b.args.Name)
	group, err := ec2.NewSecurityGroup(ctx, b.name, &ec2.SecurityGroupArgs{
		Name:        pulumi.String(name),
		Description: pulumi.String("Bastion: nothing in; HTTPS to Systems Manager and the Kubernetes API out"),
		VpcId:       b.args.Placement.VPCID,
		Tags:        b.tags(),
	}, pulumi.Parent(b))
	if err != nil {
		return nil, nil, fmt.Errorf("creating security group %s: %w", name, err)
	}
	out, err := vpc.NewSecurityGroupEgressRule(ctx, b.name+"-https", &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId: group.ID(),
		Description:     pulumi.String("HTTPS to AWS and the Kubernetes API"),
		CidrIpv4:        pulumi.String("0.0.0.0/0"),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(443),
		ToPort:          pulumi.Int(443),
	}, pulumi.Parent(b))
	if err != nil {
		return nil, nil, fmt.Errorf("creating the egress rule of security group %s: %w", name, err)
	}
	in, err := vpc.NewSecurityGroupIngressRule(ctx, b.name+"-api", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           b.args.APISecurityGroupID,
		Description:               pulumi.String("Kubernetes API from the bastion"),
		ReferencedSecurityGroupId: group.ID(),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(443),
		ToPort:                    pulumi.Int(443),
	}, pulumi.Parent(b))
	if err != nil {
		return nil, nil, fmt.Errorf("creating the ingress rule of the Kubernetes API: %w", err)
	}
	return group, []pulumi.Resource{out, in}, nil
}

// instance creates the instance. An image that is published later does not replace it.
func (b *Bastion) instance(
	ctx *pulumi.Context,
	profile *iam.InstanceProfile,
	group *ec2.SecurityGroup,
	needs []pulumi.Resource,
) (*ec2.Instance, error) {
	latest := true
	found, err := ec2.LookupAmi(ctx, &ec2.LookupAmiArgs{
		Owners: []string{"amazon"}, MostRecent: &latest,
		Filters: []ec2.GetAmiFilter{{Name: "name", Values: []string{image}}},
	}, pulumi.Parent(b))
	if err != nil {
		return nil, fmt.Errorf("looking up the image of the bastion: %w", err)
	}
	instance, err := ec2.NewInstance(ctx, b.name, &ec2.InstanceArgs{
		Ami:                               pulumi.String(found.Id),
		InstanceType:                      pulumi.String(InstanceType),
		SubnetId:                          b.args.Placement.FirstSubnetID,
		VpcSecurityGroupIds:               pulumi.StringArray{group.ID()},
		IamInstanceProfile:                profile.Name,
		AssociatePublicIpAddress:          pulumi.Bool(false),
		InstanceInitiatedShutdownBehavior: pulumi.String("stop"),
		MetadataOptions: &ec2.InstanceMetadataOptionsArgs{
			HttpEndpoint:            pulumi.String("enabled"),
			HttpTokens:              pulumi.String("required"),
			HttpPutResponseHopLimit: pulumi.Int(1),
		},
		// The account's default key, which AWS manages unless somebody changed that. With a key of the program, everybody who
		// starts the instance would need rights to it.
		RootBlockDevice: &ec2.InstanceRootBlockDeviceArgs{
			Encrypted:           pulumi.Bool(true),
			VolumeType:          pulumi.String("gp3"),
			VolumeSize:          pulumi.Int(diskGiB),
			DeleteOnTermination: pulumi.Bool(true),
			Tags:                b.tags(),
		},
		UserData:                pulumi.String(userData()),
		UserDataReplaceOnChange: pulumi.Bool(true),
		Tags:                    b.tags(),
	}, pulumi.Parent(b), pulumi.DependsOn(needs), pulumi.IgnoreChanges([]string{"ami"}))
	if err != nil {
		return nil, fmt.Errorf("creating instance %s: %w", Name(b.args.Name), err)
	}
	return instance, nil
}

// userData is the script that runs when the instance starts for the first time. It installs the timer that stops the
// instance.
func userData() string {
	return `#!/bin/bash
cat > /usr/local/sbin/stop-when-idle <<'SCRIPT'
` + stopWhenIdle + `SCRIPT
chmod 755 /usr/local/sbin/stop-when-idle
cat > /etc/systemd/system/stop-when-idle.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/stop-when-idle
UNIT
cat > /etc/systemd/system/stop-when-idle.timer <<'UNIT'
[Timer]
OnBootSec=1min
OnUnitInactiveSec=5min
[Install]
WantedBy=timers.target
UNIT
systemctl daemon-reload
systemctl enable --now stop-when-idle.timer
`
}
