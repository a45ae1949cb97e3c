package network

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// endpoints creates the S3 gateway endpoint and the chosen interface endpoints, and returns all of them. The gateway
// endpoint is free and keeps image layers off the NAT gateways.
func (n *Network) endpoints(
	ctx *pulumi.Context,
	v *ec2.Vpc,
	privateTables pulumi.StringArray,
) ([]pulumi.Resource, error) {
	s3, err := ec2.NewVpcEndpoint(ctx, n.name+"-endpoint-s3", &ec2.VpcEndpointArgs{
		VpcId:           v.ID(),
		ServiceName:     pulumi.String("com.amazonaws." + n.args.Region + ".s3"),
		VpcEndpointType: pulumi.String("Gateway"),
		RouteTableIds:   privateTables,
		Tags:            n.tags("s3"),
	}, n.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating the gateway endpoint of s3: %w", err)
	}
	all := []pulumi.Resource{s3}
	if len(n.args.InterfaceEndpoints) == 0 {
		return all, nil
	}
	group, err := n.endpointGroup(ctx, v)
	if err != nil {
		return nil, err
	}
	subnets := n.Placement.PrivateSubnetIDs
	if !n.args.Power.HasEgress() {
		// Each subnet costs by the hour.
		subnets = pulumi.StringArray{n.Placement.FirstSubnetID}.ToStringArrayOutput()
	}
	for _, service := range n.args.InterfaceEndpoints {
		endpoint, err := ec2.NewVpcEndpoint(ctx, n.name+"-endpoint-"+service, &ec2.VpcEndpointArgs{
			VpcId:             v.ID(),
			ServiceName:       pulumi.String("com.amazonaws." + n.args.Region + "." + service),
			VpcEndpointType:   pulumi.String("Interface"),
			SubnetIds:         subnets,
			SecurityGroupIds:  pulumi.StringArray{group.ID()},
			PrivateDnsEnabled: pulumi.Bool(true),
			Tags:              n.tags(service),
		}, n.childOpts()...)
		if err != nil {
			return nil, fmt.Errorf("creating the interface endpoint of %s: %w", service, err)
		}
		all = append(all, endpoint)
	}
	return all, nil
}

// endpointGroup creates the security group of the interface endpoints. It allows HTTPS from the VPC.
func (n *Network) endpointGroup(ctx *pulumi.Context, v *ec2.Vpc) (*ec2.SecurityGroup, error) {
	name := n.args.Name + "-endpoints"
	group, err := ec2.NewSecurityGroup(ctx, n.name+"-endpoints", &ec2.SecurityGroupArgs{
		Name:        pulumi.String(name),
		Description: pulumi.String("VPC interface endpoints: HTTPS from inside the VPC"),
		VpcId:       v.ID(),
		Tags:        n.tags("endpoints"),
	}, n.childOpts()...)
	if err != nil {
		return nil, fmt.Errorf("creating security group %s: %w", name, err)
	}
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, n.name+"-endpoints-https", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: group.ID(),
		Description:     pulumi.String("HTTPS from the VPC"),
		CidrIpv4:        pulumi.String(n.args.CIDR),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(443),
		ToPort:          pulumi.Int(443),
	}, n.childOpts()...); err != nil {
		return nil, fmt.Errorf("creating the ingress rule of security group %s: %w", name, err)
	}
	return group, nil
}
