package network

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// flowLog logs the flows of the VPC to CloudWatch.
func (n *Network) flowLog(ctx *pulumi.Context, v *ec2.Vpc) error {
	physical := "/aws/vpc/" + n.args.Name + "/flow-logs"
	group, err := cloudwatch.NewLogGroup(ctx, n.name+"-flow-logs", &cloudwatch.LogGroupArgs{
		Name:            pulumi.String(physical),
		RetentionInDays: pulumi.Int(n.args.LogRetentionDays),
		KmsKeyId:        n.args.LogsKeyARN,
	}, n.childOpts()...)
	if err != nil {
		return fmt.Errorf("creating log group %s: %w", physical, err)
	}
	role, err := identity.NewServiceRole(ctx, n.name+"-flow-logs", &identity.ServiceRoleArgs{
		Facts:    n.args.Facts,
		Name:     n.args.Name + "-flow-logs",
		Services: []string{"vpc-flow-logs.amazonaws.com"},
		Policy: group.Arn.ApplyT(func(arn string) string {
			return identity.NewDocument(identity.Statement{
				Sid: "WriteFlowLogs", Effect: identity.Allow,
				Action:   identity.Strings{"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"},
				Resource: identity.Strings{arn + ":*"},
			}, identity.Statement{
				// The service looks for its log group before it writes. The action does not support resources.
				Sid: "FindLogGroup", Effect: identity.Allow,
				Action: identity.Strings{"logs:DescribeLogGroups"}, Resource: identity.Strings{"*"},
			}).JSON()
		}).(pulumi.StringOutput),
	}, n.childOpts()...)
	if err != nil {
		return err
	}
	_, err = ec2.NewFlowLog(ctx, n.name+"-flow-log", &ec2.FlowLogArgs{
		VpcId:                  v.ID(),
		TrafficType:            pulumi.String(n.args.FlowLogTraffic),
		LogDestinationType:     pulumi.String("cloud-watch-logs"),
		LogDestination:         group.Arn,
		IamRoleArn:             role.ARN,
		MaxAggregationInterval: pulumi.Int(600),
		Tags:                   n.tags("flow-log"),
		// EC2 refuses a second flow log with the same destination.
	}, n.childOpts(pulumi.DependsOn(role.Permissions), pulumi.DeleteBeforeReplace(true))...)
	if err != nil {
		return fmt.Errorf("creating the flow log of the VPC: %w", err)
	}
	return nil
}
