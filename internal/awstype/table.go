package awstype

// Why a type costs nothing by itself.
const (
	freeNetwork     = "network without hourly price"
	freeIdentity    = "identity"
	freeWithCluster = "part of the cluster"
	freeSetting     = "settings of what is paid for elsewhere"
	alwaysFree      = "within what is always free at this size"
	byUse           = "priced by use, in a line for all of them"
)

// table has one row for each type.
var table = []Type{
	// Network.
	{
		Token:    VPC,
		Stateful: true,
		Free:     freeNetwork,
		Replaces: []string{"cidrBlock", "instanceTenancy"},
		Create:   took(2, 12, 24, 0),
	},
	{
		Token:    Subnet,
		Free:     freeNetwork,
		Replaces: []string{"vpcId", "cidrBlock", "availabilityZone"},
		Create:   took(1, 2, 11, 0),
	},
	{Token: Route, Free: freeNetwork, Replaces: []string{"routeTableId", "destinationCidrBlock"}},
	{Token: RouteTable, Free: freeNetwork, Replaces: []string{"vpcId"}},
	{Token: RouteTableAssociation, Free: freeNetwork, Replaces: []string{"subnetId"}},
	{
		Token:    SecurityGroup,
		Free:     freeNetwork,
		AutoName: "name",
		Replaces: []string{"name", "description", "vpcId"},
	},
	{
		Token: SecurityGroupRule,
		Free:  freeNetwork,
		Replaces: []string{
			"securityGroupId",
			"type",
			"protocol",
			"fromPort",
			"toPort",
			"cidrBlocks",
			"sourceSecurityGroupId",
			"self",
		},
	},
	{Token: IngressRule, Free: freeNetwork, Replaces: []string{"securityGroupId"}},
	{Token: EgressRule, Free: freeNetwork, Replaces: []string{"securityGroupId"}},
	{Token: InternetGateway, Free: freeNetwork},
	{
		Token:    NATGateway,
		Replaces: []string{"subnetId", "allocationId", "connectivityType"},
		Create:   took(87, 106, 124, 8),
	},
	{Token: ElasticIP},
	{
		Token:      LaunchTemplate,
		Free:       freeWithCluster,
		AutoName:   "name",
		Replaces:   []string{"name"},
		Recomputed: []string{"latestVersion", "defaultVersion"},
	},
	{
		Token:    VPCEndpoint,
		Replaces: []string{"vpcId", "serviceName", "vpcEndpointType"},
		VariesBy: "vpcEndpointType",
		Variants: map[string]Latency{
			"Interface": took(45, 75, 120, 0),
			"Gateway":   took(5, 6, 10, 0),
		},
	},
	{
		Token: FlowLog,
		Free:  byUse,
		Replaces: []string{
			"vpcId",
			"trafficType",
			"logDestination",
			"logDestinationType",
			"iamRoleArn",
			"maxAggregationInterval",
			"logFormat",
		},
	},
	{Token: DefaultSecurityGroup, Free: freeNetwork},

	// Identity and keys.
	{
		Token:    Role,
		Global:   true,
		Free:     freeIdentity,
		AutoName: "name",
		Replaces: []string{"name", "path"},
		Create:   took(1, 2, 7, 0),
	},
	{Token: RolePolicy, Global: true, Free: freeIdentity, AutoName: "name", Replaces: []string{"name", "role"}},
	{Token: RolePolicyAttachment, Global: true, Free: freeIdentity, Replaces: []string{"role", "policyArn"}},
	{
		Token:    Policy,
		Global:   true,
		Free:     freeIdentity,
		AutoName: "name",
		Replaces: []string{"name", "path", "description"},
	},
	{Token: OIDCProvider, Global: true, Free: freeIdentity, Replaces: []string{"url"}},
	{Token: Key, Stateful: true, Create: took(12, 20, 29, 2)},
	{Token: KeyAlias, Free: freeIdentity, AutoName: "name", Replaces: []string{"name"}},

	// The cluster.
	{
		Token:    EKSCluster,
		Stateful: true,
		AutoName: "name",
		Replaces: []string{
			"name",
			"roleArn",
			"encryptionConfig",
			"kubernetesNetworkConfig",
			"vpcConfig.securityGroupIds",
			"bootstrapSelfManagedAddons",
		},
		Create: took(476, 555, 660, 14),
	},
	{
		Token: NodeGroup,
		Replaces: []string{
			"clusterName",
			"nodeGroupName",
			"nodeGroupNamePrefix",
			"nodeRoleArn",
			"subnetIds",
			"amiType",
			"capacityType",
			"diskSize",
			"instanceTypes",
			"launchTemplate.id",
			"remoteAccess",
		},
		Create: took(89, 124, 193, 8),
	},
	{
		Token:    Addon,
		Free:     freeWithCluster,
		Replaces: []string{"addonName", "clusterName"},
		Create:   took(15, 24, 45, 0),
		VariesBy: "addonName",
		Variants: map[string]Latency{
			"coredns":    took(14, 15, 46, 10),
			"kube-proxy": took(24, 24, 25, 2),
			"vpc-cni":    took(15, 24, 45, 0),
		},
	},
	{Token: AccessEntry, Free: freeWithCluster, Replaces: []string{"clusterName", "principalArn", "type"}},
	{
		Token:    AccessPolicyAssociation,
		Free:     freeWithCluster,
		Replaces: []string{"clusterName", "principalArn", "policyArn", "accessScope"},
	},
	{Token: EKSComponent},

	// What is inside Kubernetes.
	{Token: Namespace, Global: true, Free: freeWithCluster, Replaces: []string{"metadata.name"}},
	{
		Token:    ConfigMap,
		Global:   true,
		Free:     freeWithCluster,
		Replaces: []string{"metadata.name", "metadata.namespace"},
	},
	{
		Token:    KubernetesRole,
		Global:   true,
		Free:     freeWithCluster,
		Replaces: []string{"metadata.name", "metadata.namespace"},
	},
	{
		Token:    KubernetesRoleBinding,
		Global:   true,
		Free:     freeWithCluster,
		Replaces: []string{"metadata.name", "metadata.namespace", "roleRef"},
	},
	{
		Token:    HelmRelease,
		Global:   true,
		Free:     freeWithCluster,
		Replaces: []string{"name", "namespace"},
		Create:   took(20, 30, 60, 0),
		VariesBy: "chart",
		Variants: map[string]Latency{
			"argo-cd":                      took(60, 78, 143, 8),
			"aws-load-balancer-controller": took(30, 45, 75, 1),
			"argocd-apps":                  took(3, 5, 10, 0),
			"external-secrets":             took(30, 45, 90, 0),
		},
	},

	// Database, cache, secrets, images.
	{
		Token:    DBInstance,
		Stateful: true,
		AutoName: "identifier",
		Replaces: []string{
			"engine",
			"username",
			"dbName",
			"kmsKeyId",
			"storageEncrypted",
			"dbSubnetGroupName",
			"availabilityZone",
			"snapshotIdentifier",
		},
		VariesBy: "multiAz",
		Variants: map[string]Latency{
			"false": took(305, 443, 505, 13),
			"true":  took(600, 840, 1080, 0),
		},
	},
	{Token: DBSubnetGroup, Free: freeSetting, AutoName: "name", Replaces: []string{"name"}},
	{
		Token:    DBParameterGroup,
		Free:     freeSetting,
		Replaces: []string{"name", "namePrefix", "family", "description"},
	},
	{Token: DBEventSubscription, Free: alwaysFree, AutoName: "name", Replaces: []string{"name"}},
	{
		Token:    ReplicationGroup,
		Stateful: true,
		Replaces: []string{
			"replicationGroupId",
			"subnetGroupName",
			"kmsKeyId",
			"atRestEncryptionEnabled",
			"port",
			"snapshotName",
			"snapshotArns",
		},
		Create: took(376, 483, 553, 4),
	},
	{Token: CacheSubnetGroup, Free: freeSetting, AutoName: "name", Replaces: []string{"name"}},
	{
		Token:    CacheParameterGroup,
		Free:     freeSetting,
		AutoName: "name",
		Replaces: []string{"name", "family", "description"},
	},
	{Token: Secret, Stateful: true, Replaces: []string{"name", "namePrefix"}},
	{Token: SecretVersion, Free: freeSetting, Replaces: []string{"secretId"}},
	{
		Token:    Repository,
		Stateful: true,
		Free:     byUse,
		AutoName: "name",
		Replaces: []string{"name", "encryptionConfigurations"},
	},
	{Token: LifecyclePolicy, Free: freeSetting, Replaces: []string{"repository"}},

	// The edge.
	{
		Token:    LoadBalancer,
		AutoName: "name",
		Replaces: []string{"name", "internal", "loadBalancerType"},
		VariesBy: "loadBalancerType",
		Variants: map[string]Latency{
			"application": took(139, 152, 169, 7),
		},
	},
	{
		Token:    TargetGroup,
		Free:     freeSetting,
		AutoName: "name",
		Replaces: []string{"name", "port", "protocol", "vpcId", "targetType"},
	},
	{Token: Listener, Free: freeSetting, Replaces: []string{"loadBalancerArn"}},
	{Token: VPCOrigin, Global: true, Free: freeSetting, Create: took(180, 300, 900, 0)},
	{Token: Distribution, Global: true, Create: took(191, 228, 778, 8), Update: took(191, 228, 778, 0)},
	{Token: CloudFrontFunction, Global: true, Free: alwaysFree, AutoName: "name", Replaces: []string{"name"}},
	{Token: ResponseHeadersPolicy, Global: true, Free: freeSetting, AutoName: "name"},
	{
		Token:    Certificate,
		Free:     freeSetting,
		Replaces: []string{"domainName", "subjectAlternativeNames", "validationMethod", "keyAlgorithm"},
		Create:   took(5, 8, 12, 0),
	},
	{
		Token:    CertificateValidation,
		Free:     freeSetting,
		Replaces: []string{"certificateArn", "validationRecordFqdns"},
		Create:   took(60, 102, 300, 1),
	},
	{Token: DNSRecord, Global: true, Free: freeSetting, Replaces: []string{"zoneId", "name", "type"}},
	{Token: WebACL, Replaces: []string{"name", "scope"}, Create: took(2, 3, 5, 0)},
	{Token: WebACLLogging, Free: freeSetting, Replaces: []string{"resourceArn"}},

	// Buckets and logs.
	{Token: LogGroup, Free: byUse, AutoName: "name", Replaces: []string{"name"}},
	{Token: Bucket, Stateful: true, Global: true, Free: byUse, Replaces: []string{"bucket", "bucketPrefix"}},
	{Token: BucketPolicy, Free: freeSetting, Replaces: []string{"bucket"}},
	{Token: BucketPublicAccessBlock, Free: freeSetting, Replaces: []string{"bucket"}},
	{Token: BucketOwnershipControls, Free: freeSetting, Replaces: []string{"bucket"}},
	{Token: BucketLifecycle, Free: freeSetting, Replaces: []string{"bucket"}},
	{Token: BucketEncryption, Free: freeSetting, Replaces: []string{"bucket"}},
	{Token: BucketVersioning, Free: freeSetting, Replaces: []string{"bucket"}},
	{Token: LogDeliverySource, Free: freeSetting, Replaces: []string{"name", "logType", "resourceArn"}},
	{Token: LogDeliveryDestination, Free: freeSetting, Replaces: []string{"name", "outputFormat"}},
	{Token: LogDelivery, Free: freeSetting, Replaces: []string{"deliverySourceName", "deliveryDestinationArn"}},

	// Observability.
	{Token: MetricAlarm, AutoName: "name", Replaces: []string{"name"}},
	{Token: LogMetricFilter, AutoName: "name", Replaces: []string{"name", "logGroupName"}},
	{Token: Dashboard, Global: true, Replaces: []string{"dashboardName"}},
	{Token: Topic, Free: alwaysFree, AutoName: "name", Replaces: []string{"name", "fifoTopic"}},
	{Token: TopicPolicy, Free: alwaysFree, Replaces: []string{"arn"}},
	{Token: TopicSubscription, Free: alwaysFree, Replaces: []string{"topic", "protocol", "endpoint"}},
	{Token: Budget, Global: true, Free: alwaysFree, AutoName: "name", Replaces: []string{"name", "accountId"}},

	// Schedules.
	{Token: Schedule, Free: alwaysFree, AutoName: "name", Replaces: []string{"name", "groupName"}},
	{Token: ScheduleGroup, Free: alwaysFree, AutoName: "name", Replaces: []string{"name"}},
	{
		Token:    Association,
		Free:     alwaysFree,
		Replaces: []string{"name"},
		VariesBy: "name",
		Variants: map[string]Latency{
			"AWS-StartRdsInstance": took(10, 20, 40, 0),
			"AWS-StopRdsInstance":  took(120, 300, 600, 0),
		},
		Delete: small,
	},
	{Token: Queue, Free: alwaysFree, AutoName: "name", Replaces: []string{"name", "fifoQueue"}},
	{Token: QueuePolicy, Free: freeSetting, Replaces: []string{"queueUrl"}},

	// Random values.
	{
		Token:    RandomPassword,
		Free:     freeSetting,
		Replaces: []string{"length", "special", "keepers", "lower", "upper", "numeric", "overrideSpecial"},
		Instant:  true,
	},
	{
		Token:    RandomID,
		Free:     freeSetting,
		Replaces: []string{"byteLength", "keepers", "prefix"},
		Instant:  true,
	},
}
