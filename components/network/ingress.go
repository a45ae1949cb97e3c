package network

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ServiceGroupArgs describe the security group of a service inside the VPC. The group allows connections from the nodes
// of the cluster to one TCP port, and no outgoing connections.
type ServiceGroupArgs struct {
	// Name is the physical name; Service is the software that has the group, such as "PostgreSQL".
	Name, Service string
	// VPCID is the VPC of the group.
	VPCID pulumi.StringInput
	// Port is the TCP port.
	Port int
	// HasNodes is false if there is no cluster: then the group allows nothing. From is the security group of the nodes.
	HasNodes bool
	From     pulumi.StringInput
}

// NewServiceGroup creates the group under the parent given in opts. Its ingress rule is a resource of its own, so that
// the service does not wait for the security group of the nodes, which may exist ten minutes later.
func NewServiceGroup(
	ctx *pulumi.Context,
	name string,
	args *ServiceGroupArgs,
	opts ...pulumi.ResourceOption,
) (*ec2.SecurityGroup, error) {
	group, err := ec2.NewSecurityGroup(ctx, name, &ec2.SecurityGroupArgs{
		Name:        pulumi.String(args.Name),
		Description: pulumi.String(args.Service + " from the nodes of the cluster only; nothing out"),
		VpcId:       args.VPCID,
		Tags:        pulumi.StringMap{"Name": pulumi.String(args.Name)},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("creating security group %s: %w", args.Name, err)
	}
	if !args.HasNodes {
		return group, nil
	}
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, name+"-from-nodes", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           group.ID(),
		Description:               pulumi.String(args.Service + " from the nodes of the cluster"),
		ReferencedSecurityGroupId: args.From,
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(args.Port),
		ToPort:                    pulumi.Int(args.Port),
	}, opts...); err != nil {
		return nil, fmt.Errorf("creating the ingress rule of security group %s: %w", args.Name, err)
	}
	return group, nil
}
