package awstype

// The type tokens of everything that the program, pulumi-eks or the simulation registers.
const (
	// Network.
	VPC                   = "aws:ec2/vpc:Vpc"
	Subnet                = "aws:ec2/subnet:Subnet"
	Route                 = "aws:ec2/route:Route"
	RouteTable            = "aws:ec2/routeTable:RouteTable"
	RouteTableAssociation = "aws:ec2/routeTableAssociation:RouteTableAssociation"
	SecurityGroup         = "aws:ec2/securityGroup:SecurityGroup"
	SecurityGroupRule     = "aws:ec2/securityGroupRule:SecurityGroupRule"
	IngressRule           = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	EgressRule            = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
	InternetGateway       = "aws:ec2/internetGateway:InternetGateway"
	NATGateway            = "aws:ec2/natGateway:NatGateway"
	ElasticIP             = "aws:ec2/eip:Eip"
	Instance              = "aws:ec2/instance:Instance"
	LaunchTemplate        = "aws:ec2/launchTemplate:LaunchTemplate"
	VPCEndpoint           = "aws:ec2/vpcEndpoint:VpcEndpoint"
	FlowLog               = "aws:ec2/flowLog:FlowLog"
	DefaultSecurityGroup  = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"

	// Identity and keys.
	Role                 = "aws:iam/role:Role"
	RolePolicy           = "aws:iam/rolePolicy:RolePolicy"
	RolePolicyAttachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	Policy               = "aws:iam/policy:Policy"
	InstanceProfile      = "aws:iam/instanceProfile:InstanceProfile"
	OIDCProvider         = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
	Key                  = "aws:kms/key:Key"
	KeyAlias             = "aws:kms/alias:Alias"

	// The cluster.
	EKSCluster              = "aws:eks/cluster:Cluster"
	NodeGroup               = "aws:eks/nodeGroup:NodeGroup"
	Addon                   = "aws:eks/addon:Addon"
	AccessEntry             = "aws:eks/accessEntry:AccessEntry"
	AccessPolicyAssociation = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
	EKSComponent            = "eks:index:Cluster"

	// What is inside Kubernetes.
	Namespace             = "kubernetes:core/v1:Namespace"
	ConfigMap             = "kubernetes:core/v1:ConfigMap"
	KubernetesRole        = "kubernetes:rbac.authorization.k8s.io/v1:Role"
	KubernetesRoleBinding = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
	HelmRelease           = "kubernetes:helm.sh/v3:Release"

	// Database, cache, secrets, images.
	DBInstance          = "aws:rds/instance:Instance"
	DBSubnetGroup       = "aws:rds/subnetGroup:SubnetGroup"
	DBParameterGroup    = "aws:rds/parameterGroup:ParameterGroup"
	DBEventSubscription = "aws:rds/eventSubscription:EventSubscription"
	ReplicationGroup    = "aws:elasticache/replicationGroup:ReplicationGroup"
	CacheSubnetGroup    = "aws:elasticache/subnetGroup:SubnetGroup"
	CacheParameterGroup = "aws:elasticache/parameterGroup:ParameterGroup"
	Secret              = "aws:secretsmanager/secret:Secret"
	SecretVersion       = "aws:secretsmanager/secretVersion:SecretVersion"
	Repository          = "aws:ecr/repository:Repository"
	LifecyclePolicy     = "aws:ecr/lifecyclePolicy:LifecyclePolicy"

	// The edge.
	LoadBalancer          = "aws:lb/loadBalancer:LoadBalancer"
	TargetGroup           = "aws:lb/targetGroup:TargetGroup"
	Listener              = "aws:lb/listener:Listener"
	VPCOrigin             = "aws:cloudfront/vpcOrigin:VpcOrigin"
	Distribution          = "aws:cloudfront/distribution:Distribution"
	CloudFrontFunction    = "aws:cloudfront/function:Function"
	ResponseHeadersPolicy = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
	Certificate           = "aws:acm/certificate:Certificate"
	CertificateValidation = "aws:acm/certificateValidation:CertificateValidation"
	DNSRecord             = "aws:route53/record:Record"
	WebACL                = "aws:wafv2/webAcl:WebAcl"
	WebACLLogging         = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"

	// Buckets and logs.
	LogGroup                = "aws:cloudwatch/logGroup:LogGroup"
	Bucket                  = "aws:s3/bucketV2:BucketV2"
	BucketPolicy            = "aws:s3/bucketPolicy:BucketPolicy"
	BucketPublicAccessBlock = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
	BucketOwnershipControls = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
	BucketLifecycle         = "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
	BucketEncryption        = "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2"
	BucketVersioning        = "aws:s3/bucketVersioningV2:BucketVersioningV2"
	LogDeliverySource       = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
	LogDeliveryDestination  = "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination"
	LogDelivery             = "aws:cloudwatch/logDelivery:LogDelivery"

	// Observability.
	MetricAlarm       = "aws:cloudwatch/metricAlarm:MetricAlarm"
	LogMetricFilter   = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
	Dashboard         = "aws:cloudwatch/dashboard:Dashboard"
	Topic             = "aws:sns/topic:Topic"
	TopicPolicy       = "aws:sns/topicPolicy:TopicPolicy"
	TopicSubscription = "aws:sns/topicSubscription:TopicSubscription"
	Budget            = "aws:budgets/budget:Budget"

	// Schedules.
	Schedule      = "aws:scheduler/schedule:Schedule"
	ScheduleGroup = "aws:scheduler/scheduleGroup:ScheduleGroup"
	Association   = "aws:ssm/association:Association"
	Queue         = "aws:sqs/queue:Queue"
	QueuePolicy   = "aws:sqs/queuePolicy:QueuePolicy"

	// Random values.
	RandomPassword = "random:index/randomPassword:RandomPassword"
	RandomID       = "random:index/randomId:RandomId"
)
