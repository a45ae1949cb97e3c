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
		Token:  VPC,
		Holds:  "the network of everything in it",
		Free:   freeNetwork,
		Create: took(2, 12, 24, 0),
	},
	{
		Token:    Subnet,
		Identity: []string{"vpcId", "cidrBlock"},
		Free:     freeNetwork,
		Create:   took(1, 2, 11, 0),
	},
	{Token: Route, Free: freeNetwork, Identity: []string{"routeTableId", "destinationCidrBlock"}},
	{Token: RouteTable, Free: freeNetwork},
	{Token: RouteTableAssociation, Free: freeNetwork, Identity: []string{"subnetId"}},
	{
		Token:    SecurityGroup,
		Identity: []string{"vpcId", "name"},
		Free:     freeNetwork,
		AutoName: "name",
	},
	{
		Token: SecurityGroupRule,
		Free:  freeNetwork,
	},
	{
		Token:     IngressRule,
		Free:      freeNetwork,
		Decisions: otherSourceReplaces,
	},
	{
		Token:     EgressRule,
		Free:      freeNetwork,
		Decisions: otherSourceReplaces,
	},
	{Token: InternetGateway, Free: freeNetwork, Identity: []string{"vpcId"}},
	{
		Token:    NATGateway,
		Identity: []string{"allocationId"},
		Create:   took(87, 106, 124, 8),
	},
	{Token: ElasticIP, Holds: "an address that nobody gets again"},
	{
		Token:  Instance,
		Create: took(13, 16, 33, 0),
		Decisions: []Decision{{
			Property: "userData", Effect: Replaces, When: userDataReplaces,
			Why: "CustomizeDiff: ForceNew where userDataReplaceOnChange is set",
		}},
	},
	{
		Token:      LaunchTemplate,
		Identity:   []string{"name"},
		Free:       freeWithCluster,
		AutoName:   "name",
		Recomputed: []string{"latestVersion", "defaultVersion"},
	},
	{
		Token:    VPCEndpoint,
		Identity: []string{"vpcId", "serviceName", "vpcEndpointType"},
		VariesBy: "vpcEndpointType",
		Variants: map[string]Latency{
			"Interface": took(45, 75, 120, 0),
			"Gateway":   took(5, 6, 10, 0),
		},
	},
	{
		Token:    FlowLog,
		Identity: []string{"vpcId", "trafficType", "logDestination"},
		Free:     byUse,
	},
	{Token: DefaultSecurityGroup, Free: freeNetwork, Identity: []string{"vpcId"}},

	// Identity and keys.
	{
		Token:    Role,
		Identity: []string{"name"},
		Global:   true,
		Free:     freeIdentity,
		AutoName: "name",
		Create:   took(1, 2, 7, 0),
	},
	{Token: RolePolicy, Global: true, Free: freeIdentity, AutoName: "name", Identity: []string{"role", "name"}},
	{Token: RolePolicyAttachment, Global: true, Free: freeIdentity, Identity: []string{"role", "policyArn"}},
	{
		Token:    Policy,
		Identity: []string{"name"},
		Global:   true,
		Free:     freeIdentity,
		AutoName: "name",
	},
	{Token: InstanceProfile, Global: true, Free: freeIdentity, AutoName: "name", Identity: []string{"name"}},
	{Token: OIDCProvider, Global: true, Free: freeIdentity, Identity: []string{"url"}},
	{Token: Key, Holds: "the key of what it encrypts", Create: took(12, 20, 29, 2)},
	{Token: KeyAlias, Free: freeIdentity, AutoName: "name", Identity: []string{"name"}},

	// The cluster.
	{
		Token: EKSCluster,
		Consequences: []Consequence{
			{Property: "version", What: "upgrades the control plane, which goes back within seven days only"},
		},
		Identity: []string{"name"},
		Holds:    "everything in Kubernetes",
		AutoName: "name",
		Create:   took(476, 555, 660, 14),
		Decisions: []Decision{{
			Property: "encryptionConfig", Effect: Replaces, When: removed("encryptionConfig"),
			Why: "ForceNewIfChange: encryption cannot be disabled",
		}, {
			Property: "encryptionConfig", Effect: Updates, When: added("encryptionConfig"),
			Why: "AssociateEncryptionConfig, for a cluster that has none",
		}, {
			Property: "encryptionConfig", Effect: Nothing,
			Why: "the update calls AssociateEncryptionConfig only for a cluster that has no key",
		}},
	},
	{
		Token: NodeGroup,
		Consequences: []Consequence{
			{Property: "launchTemplate.version", What: "rolls every node of the group"},
			{Property: "version", What: "rolls every node of the group"},
			{Property: "releaseVersion", What: "rolls every node of the group"},
		},
		Identity: []string{"clusterName", "nodeGroupName"},
		Create:   took(89, 124, 193, 8),
	},
	{
		Token:    Addon,
		Identity: []string{"clusterName", "addonName"},
		Free:     freeWithCluster,
		Create:   took(15, 24, 45, 0),
		VariesBy: "addonName",
		Variants: map[string]Latency{
			"coredns":    took(14, 15, 46, 10),
			"kube-proxy": took(24, 24, 25, 2),
			"vpc-cni":    took(15, 24, 45, 0),
		},
	},
	{Token: AccessEntry, Free: freeWithCluster, Identity: []string{"clusterName", "principalArn"}},
	{
		Token:    AccessPolicyAssociation,
		Identity: []string{"clusterName", "principalArn", "policyArn"},
		Free:     freeWithCluster,
	},
	{Token: EKSComponent},

	// What is inside Kubernetes.
	{
		Token:    Namespace,
		AutoName: "metadata.name",
		Global:   true,
		Free:     freeWithCluster,
		Replaces: []string{"metadata.name"},
		Identity: []string{"metadata.name"},
	},
	{
		Token:    ConfigMap,
		AutoName: "metadata.name",
		Identity: []string{"metadata.namespace", "metadata.name"},
		Global:   true,
		Free:     freeWithCluster,
		Replaces: []string{"metadata.name", "metadata.namespace"},
	},
	{
		Token:    KubernetesRole,
		AutoName: "metadata.name",
		Identity: []string{"metadata.namespace", "metadata.name"},
		Global:   true,
		Free:     freeWithCluster,
		Replaces: []string{"metadata.name", "metadata.namespace"},
	},
	{
		Token:    KubernetesRoleBinding,
		AutoName: "metadata.name",
		Identity: []string{"metadata.namespace", "metadata.name"},
		Global:   true,
		Free:     freeWithCluster,
		Replaces: []string{"metadata.name", "metadata.namespace", "roleRef"},
	},
	{
		Token:    HelmRelease,
		AutoName: "name",
		Identity: []string{"namespace", "name"},
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
		Token: DBInstance,
		Consequences: []Consequence{
			{
				Property: "engineVersion", Waits: true,
				What: "upgrades PostgreSQL, which cannot be undone, with minutes of downtime",
			},
			{
				Property: "instanceClass", Waits: true,
				What: "restarts the database: about a minute with a standby, minutes without",
			},
			{Property: "allocatedStorage", What: "enlarges the volume, which cannot shrink again", Waits: true},
			{Property: "backupRetentionPeriod", What: "changes how long backups are kept; a shorter time deletes older ones"},
			{Property: "multiAz", What: "adds or removes the standby", Waits: true},
		},
		Identity: []string{"identifier"},
		Holds:    "the database",
		AutoName: "identifier",
		VariesBy: "multiAz",
		Variants: map[string]Latency{
			"false": took(305, 443, 505, 13),
			"true":  took(600, 840, 1080, 0),
		},
		Decisions: []Decision{{
			Property: "allocatedStorage", Effect: Nothing, When: grownByAWS,
			Why: "DiffSuppressFunc: with maxAllocatedStorage, a volume that AWS has grown is no difference",
		}},
	},
	{Token: DBSubnetGroup, Free: freeSetting, AutoName: "name", Identity: []string{"name"}},
	{
		Token:    DBParameterGroup,
		Identity: []string{"name"},
		Free:     freeSetting,
	},
	{Token: DBEventSubscription, Free: alwaysFree, AutoName: "name", Identity: []string{"name"}},
	{
		Token: ReplicationGroup,
		Consequences: []Consequence{
			{Property: "nodeType", What: "replaces the nodes of the cache one after another", Waits: true},
			{Property: "engineVersion", What: "upgrades the cache, which cannot be undone", Waits: true},
			{Property: "engine", What: "moves the cache to another engine, which cannot be undone", Waits: true},
			{Property: "snapshotRetentionLimit", What: "changes how long snapshots are kept; a shorter time deletes older ones"},
		},
		Identity: []string{"replicationGroupId"},
		Holds:    "the contents of the cache",
		Create:   took(376, 483, 553, 4),
		Decisions: []Decision{{
			Property: "engine", Effect: Replaces, When: becomes("engine", "valkey", "redis"),
			Why: "ForceNewIfChange: Valkey does not become Redis in place",
		}, {
			Property: "engineVersion", Effect: Replaces, When: lowerVersion("engineVersion"),
			Why: "customizeDiffEngineVersionForceNewOnDowngrade",
		}},
	},
	{Token: CacheSubnetGroup, Free: freeSetting, AutoName: "name", Identity: []string{"name"}},
	{
		Token:    CacheParameterGroup,
		Identity: []string{"name"},
		Free:     freeSetting,
		AutoName: "name",
	},
	{Token: Secret, Holds: "a secret", Identity: []string{"name"}},
	{Token: SecretVersion, Free: freeSetting},
	{
		Token:    Repository,
		Identity: []string{"name"},
		Holds:    "its images",
		Free:     byUse,
		AutoName: "name",
	},
	{
		Token:    LifecyclePolicy,
		Free:     freeSetting,
		Identity: []string{"repository"},
		Consequences: []Consequence{
			{Property: "policy", What: "changes which images ECR deletes"},
		},
	},

	// The edge.
	{
		Token:    LoadBalancer,
		Identity: []string{"name"},
		AutoName: "name",
		VariesBy: "loadBalancerType",
		Variants: map[string]Latency{
			"application": took(139, 152, 169, 7),
		},
	},
	{
		Token:    TargetGroup,
		Identity: []string{"name"},
		Free:     freeSetting,
		AutoName: "name",
	},
	{Token: Listener, Free: freeSetting, Identity: []string{"loadBalancerArn", "port"}},
	{Token: VPCOrigin, Global: true, Free: freeSetting, Create: took(180, 300, 900, 0)},
	{
		Token:  Distribution,
		Holds:  "a host name that nobody gets again",
		Global: true,
		Create: took(191, 228, 778, 8),
		Update: took(191, 228, 778, 0),
	},
	{Token: CloudFrontFunction, Global: true, Free: alwaysFree, AutoName: "name", Identity: []string{"name"}},
	{Token: ResponseHeadersPolicy, Global: true, Free: freeSetting, AutoName: "name", Identity: []string{"name"}},
	{
		Token:  Certificate,
		Free:   freeSetting,
		Create: took(5, 8, 12, 0),
	},
	{
		Token:  CertificateValidation,
		Free:   freeSetting,
		Create: took(60, 102, 300, 1),
	},
	{Token: DNSRecord, Global: true, Free: freeSetting, Identity: []string{"zoneId", "name", "type"}},
	{Token: WebACL, Create: took(2, 3, 5, 0), Identity: []string{"name", "scope"}},
	{Token: WebACLLogging, Free: freeSetting, Identity: []string{"resourceArn"}},

	// Buckets and logs.
	{
		Token:    LogGroup,
		Holds:    "its log events",
		Free:     byUse,
		AutoName: "name",
		Identity: []string{"name"},
		Consequences: []Consequence{
			{Property: "retentionInDays", What: "changes how long events are kept; a shorter time deletes older ones"},
		},
	},
	{Token: Bucket, Holds: "its objects", Global: true, Free: byUse, Identity: []string{"bucket"}},
	{Token: BucketPolicy, Free: freeSetting, Identity: []string{"bucket"}},
	{Token: BucketPublicAccessBlock, Free: freeSetting, Identity: []string{"bucket"}},
	{Token: BucketOwnershipControls, Free: freeSetting, Identity: []string{"bucket"}},
	{Token: BucketLifecycle, Free: freeSetting, Identity: []string{"bucket"}},
	{Token: BucketEncryption, Free: freeSetting, Identity: []string{"bucket"}},
	{Token: BucketVersioning, Free: freeSetting, Identity: []string{"bucket"}},
	{Token: LogDeliverySource, Free: freeSetting, Identity: []string{"name"}},
	{Token: LogDeliveryDestination, Free: freeSetting, Identity: []string{"name"}},
	{Token: LogDelivery, Free: freeSetting},

	// Observability.
	{Token: MetricAlarm, AutoName: "name", Identity: []string{"name"}},
	{Token: LogMetricFilter, AutoName: "name", Identity: []string{"logGroupName", "name"}},
	{Token: Dashboard, Global: true, Identity: []string{"dashboardName"}},
	{Token: Topic, Free: alwaysFree, AutoName: "name", Identity: []string{"name"}},
	{Token: TopicPolicy, Free: alwaysFree, Identity: []string{"arn"}},
	{Token: TopicSubscription, Free: alwaysFree, Identity: []string{"topic", "protocol", "endpoint"}},
	{Token: Budget, Global: true, Free: alwaysFree, AutoName: "name", Identity: []string{"name"}},

	// Schedules.
	{Token: Schedule, Free: alwaysFree, AutoName: "name", Identity: []string{"groupName", "name"}},
	{Token: ScheduleGroup, Free: alwaysFree, AutoName: "name", Identity: []string{"name"}},
	{
		Token:    Association,
		Free:     alwaysFree,
		VariesBy: "name",
		Variants: map[string]Latency{
			"AWS-StartRdsInstance": took(10, 20, 40, 0),
			"AWS-StopRdsInstance":  took(120, 300, 600, 0),
		},
		Delete: small,
	},
	{Token: Queue, Free: alwaysFree, AutoName: "name", Identity: []string{"name"}},
	{Token: QueuePolicy, Free: freeSetting, Identity: []string{"queueUrl"}},

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
