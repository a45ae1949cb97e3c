package tests

import "groundwork/components/helm"

// The type tokens that tests look for.
const (
	vpcT, subnetT, routeT, tableT, assocT = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/route:Route", "aws:ec2/routeTable:RouteTable", "aws:ec2/routeTableAssociation:RouteTableAssociation"
	natT, endpointT, flowT                = "aws:ec2/natGateway:NatGateway", "aws:ec2/vpcEndpoint:VpcEndpoint", "aws:ec2/flowLog:FlowLog"
	groupT, ingressT, templateT           = "aws:ec2/securityGroup:SecurityGroup", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:ec2/launchTemplate:LaunchTemplate"
	ruleT, igwT                           = "aws:ec2/securityGroupRule:SecurityGroupRule", "aws:ec2/internetGateway:InternetGateway"
	clusterT, nodesT, addonT, componentT  = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon", "eks:index:Cluster"
	roleT, attachT, inlineT, oidcT        = "aws:iam/role:Role", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/rolePolicy:RolePolicy", "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
	keyT, rdsT, paramT, logT              = "aws:kms/key:Key", "aws:rds/instance:Instance", "aws:rds/parameterGroup:ParameterGroup", "aws:cloudwatch/logGroup:LogGroup"
	repoT, lifecycleT, alarmT, topicT     = "aws:ecr/repository:Repository", "aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:sns/topic:Topic"
	cacheT, secretT, versionT             = "aws:elasticache/replicationGroup:ReplicationGroup", "aws:secretsmanager/secret:Secret", "aws:secretsmanager/secretVersion:SecretVersion"
	accessT, policyT                      = "aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
	balancerT, targetT, listenerT         = "aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup", "aws:lb/listener:Listener"
	distributionT, originT, egressT       = "aws:cloudfront/distribution:Distribution", "aws:cloudfront/vpcOrigin:VpcOrigin", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
	bucketT, bucketPolicyT                = "aws:s3/bucketV2:BucketV2", "aws:s3/bucketPolicy:BucketPolicy"
	closedT, sseT, expiryT                = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
	deliveryT, certificateT               = "aws:cloudwatch/logDelivery:LogDelivery", "aws:acm/certificate:Certificate"
	releaseT, namespaceT                  = helm.ReleaseType, "kubernetes:core/v1:Namespace"
)
