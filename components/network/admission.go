package network

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// AdmissionArgs describe a security group that lets one other group in, at one TCP port, and nothing out.
type AdmissionArgs struct {
	// Name is the physical name, Service what is behind the group: "PostgreSQL".
	Name, Service string
	// VPCID is where the group is.
	VPCID pulumi.StringInput
	// Port is the TCP port.
	Port int
	// From is the one security group whose members may connect; nil while there is nobody.
	From pulumi.StringInput
}

// NewAdmission creates the group under the parent given in opts. Its only rule is a resource of its own: what wears the
// group does not wait for the members of the other one, which may take ten minutes longer to exist.
func NewAdmission(ctx *pulumi.Context, name string, args *AdmissionArgs, opts ...pulumi.ResourceOption) (*ec2.SecurityGroup, error) {
	group, err := ec2.NewSecurityGroup(ctx, name, &ec2.SecurityGroupArgs{
		Name:        pulumi.String(args.Name),
		Description: pulumi.String(args.Service + " from the nodes of the cluster only; nothing out"),
		VpcId:       args.VPCID,
		Tags:        pulumi.StringMap{"Name": pulumi.String(args.Name)},
	}, opts...)
	if err != nil || args.From == nil {
		return group, err
	}
	_, err = vpc.NewSecurityGroupIngressRule(ctx, name+"-from-nodes", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           group.ID(),
		Description:               pulumi.String(args.Service + " from the nodes of the cluster"),
		ReferencedSecurityGroupId: args.From,
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(args.Port),
		ToPort:                    pulumi.Int(args.Port),
	}, opts...)
	return group, err
}
