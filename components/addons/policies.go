package addons

import "groundwork/components/identity"

// LoadBalancerControllerPolicy lets the controller register pods with one target group. Creating load balancers, rules
// and groups, most of the controller's published policy, is the program's.
// Source: aws-load-balancer-controller, pkg/targetgroupbinding; "Describe" actions take no resource.
func LoadBalancerControllerPolicy(targetGroupARN string) identity.Document {
	return identity.NewDocument(identity.Statement{
		Sid: "LookAround", Effect: identity.Allow,
		Action: identity.Strings{
			"ec2:DescribeSecurityGroups", "ec2:DescribeVpcs",
			"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
		},
		Resource: identity.Strings{"*"},
	}, identity.Statement{
		Sid: "BindPods", Effect: identity.Allow,
		Action:   identity.Strings{"elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"},
		Resource: identity.Strings{targetGroupARN},
	})
}

// ClusterAutoscalerPolicy lets cluster-autoscaler change the size of the groups that belong to one cluster.
// Source: cluster-autoscaler, cloudprovider/aws/README.md.
func ClusterAutoscalerPolicy(clusterName string) identity.Document {
	return identity.NewDocument(identity.Statement{
		Sid: "LookAround", Effect: identity.Allow,
		Action: identity.Strings{
			"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeLaunchConfigurations",
			"autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags",
			"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements",
		},
		Resource: identity.Strings{"*"},
	}, identity.Statement{
		Sid: "SeeNodeGroups", Effect: identity.Allow,
		Action:   identity.Strings{"eks:DescribeNodegroup"},
		Resource: identity.Strings{"arn:aws:eks:*:*:nodegroup/" + clusterName + "/*"},
	}, identity.Statement{
		Sid: "ChangeSizes", Effect: identity.Allow,
		Action:   identity.Strings{"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"},
		Resource: identity.Strings{"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/eks-*"},
		Condition: identity.Condition{"StringEquals": {
			"aws:ResourceTag/k8s.io/cluster-autoscaler/" + clusterName: {"owned"},
		}},
	})
}
