package awstype

import (
	"fmt"
	"regexp"
	"strings"
)

// Identifier says how the provider's ID of a resource is found that no state records. The ID is the one that an import
// takes. Source: the section "Import" of each resource in the documentation of the providers.
type Identifier struct {
	// Import is the ID as it follows from the inputs, with {input} for each of them, {account} and {region}; empty where
	// AWS gives an ID.
	Import string
	// ARN is how the ARN of a tagged resource begins after the account, "natgateway/", after its service, "ec2:"; empty
	// for a type that has no tags or that AWS's tagging API does not list.
	ARN string
	// FromARN returns the ID from an ARN; nil where it is what follows ARN.
	FromARN func(arn string) string
	// Listed says how resources of the type are listed that have neither; empty for others. Package recovery has the
	// calls.
	Listed bool
	// Nowhere says why there is nothing to find.
	Nowhere string
}

func whole(arn string) string { return arn }

// lastPart returns the last part of an ARN.
func lastPart(arn string) string { return arn[strings.LastIndexAny(arn, "/:")+1:] }

// pair returns the two parts after the kind of an EKS ARN, such as cluster and node group, as "cluster:name".
func pair(arn string) string {
	parts := strings.Split(arn, "/")
	if len(parts) < 3 {
		return ""
	}
	return parts[1] + ":" + parts[2]
}

// webACL returns "ID/name/scope" of the ARN of a web ACL.
func webACL(arn string) string {
	parts := strings.Split(arn, "/")
	if len(parts) < 4 {
		return ""
	}
	scope := "REGIONAL"
	if strings.HasSuffix(parts[0], ":global") {
		scope = "CLOUDFRONT"
	}
	return parts[3] + "/" + parts[2] + "/" + scope
}

const (
	byBucket  = "{bucket}"
	byName    = "{name}"
	onMachine = "its value is made on this machine: a new one is made"
)

// identifiers are the rows by token.
var identifiers = map[string]Identifier{
	VPC:                   {ARN: "ec2:vpc/"},
	Subnet:                {ARN: "ec2:subnet/"},
	Route:                 {Import: "{routeTableId}_{destinationCidrBlock}"},
	RouteTable:            {ARN: "ec2:route-table/"},
	RouteTableAssociation: {Import: "{subnetId}/{routeTableId}"},
	SecurityGroup:         {ARN: "ec2:security-group/"},
	SecurityGroupRule: {
		Nowhere: "AWS takes an equal rule for the same one, and the provider then says that it exists: import it by hand",
	},
	IngressRule:          {ARN: "ec2:security-group-rule/"},
	EgressRule:           {ARN: "ec2:security-group-rule/"},
	InternetGateway:      {ARN: "ec2:internet-gateway/"},
	NATGateway:           {ARN: "ec2:natgateway/"},
	ElasticIP:            {ARN: "ec2:elastic-ip/"},
	Instance:             {ARN: "ec2:instance/"},
	LaunchTemplate:       {ARN: "ec2:launch-template/"},
	VPCEndpoint:          {ARN: "ec2:vpc-endpoint/"},
	FlowLog:              {ARN: "ec2:vpc-flow-log/"},
	DefaultSecurityGroup: {Nowhere: "the group belongs to the VPC; an update takes it over again"},

	Role:                 {Import: byName},
	RolePolicy:           {Import: "{role}:{name}"},
	RolePolicyAttachment: {Import: "{role}/{policyArn}"},
	Policy:               {Import: "arn:aws:iam::{account}:policy{path}{name}"},
	InstanceProfile:      {Import: byName},
	OIDCProvider:         {Import: "arn:aws:iam::{account}:oidc-provider/{url}"},
	Key:                  {ARN: "kms:key/"},
	KeyAlias:             {Import: byName},

	EKSCluster:              {Import: byName, ARN: "eks:cluster/"},
	NodeGroup:               {ARN: "eks:nodegroup/", FromARN: pair},
	Addon:                   {Import: "{clusterName}:{addonName}", ARN: "eks:addon/", FromARN: pair},
	AccessEntry:             {Import: "{clusterName}:{principalArn}"},
	AccessPolicyAssociation: {Import: "{clusterName}#{principalArn}#{policyArn}"},
	Namespace:               {Import: "{metadata.name}"},
	ConfigMap:               {Import: "{metadata.namespace}/{metadata.name}"},
	KubernetesRole:          {Import: "{metadata.namespace}/{metadata.name}"},
	KubernetesRoleBinding:   {Import: "{metadata.namespace}/{metadata.name}"},
	HelmRelease:             {Import: "{namespace}/{name}"},

	DBInstance:          {Import: "{identifier}", ARN: "rds:db:"},
	DBSubnetGroup:       {Import: byName, ARN: "rds:subgrp:"},
	DBParameterGroup:    {ARN: "rds:pg:"},
	DBEventSubscription: {Import: byName, ARN: "rds:es:"},
	ReplicationGroup:    {Import: "{replicationGroupId}", ARN: "elasticache:replicationgroup:"},
	CacheSubnetGroup:    {Import: byName, ARN: "elasticache:subnetgroup:"},
	CacheParameterGroup: {Import: byName, ARN: "elasticache:parametergroup:"},
	Secret:              {ARN: "secretsmanager:secret:", FromARN: whole},
	SecretVersion:       {Listed: true},
	Repository:          {Import: byName, ARN: "ecr:repository/"},
	LifecyclePolicy:     {Import: "{repository}"},

	LoadBalancer:          {ARN: "elasticloadbalancing:loadbalancer/", FromARN: whole},
	TargetGroup:           {ARN: "elasticloadbalancing:targetgroup/", FromARN: whole},
	Listener:              {ARN: "elasticloadbalancing:listener/", FromARN: whole},
	VPCOrigin:             {ARN: "cloudfront:vpcorigin/"},
	Distribution:          {ARN: "cloudfront:distribution/"},
	CloudFrontFunction:    {Import: byName},
	ResponseHeadersPolicy: {Listed: true},
	Certificate:           {ARN: "acm:certificate/", FromARN: whole},
	CertificateValidation: {Nowhere: "it only waits: an update waits again"},
	DNSRecord:             {Import: "{zoneId}_{name}_{type}"},
	WebACL:                {ARN: "wafv2:", FromARN: webACL},
	WebACLLogging:         {Import: "{resourceArn}"},

	LogGroup:                {Import: byName, ARN: "logs:log-group:"},
	Bucket:                  {ARN: "s3:", FromARN: lastPart},
	BucketPolicy:            {Import: byBucket},
	BucketPublicAccessBlock: {Import: byBucket},
	BucketOwnershipControls: {Import: byBucket},
	BucketLifecycle:         {Import: byBucket},
	BucketEncryption:        {Import: byBucket},
	BucketVersioning:        {Import: byBucket},
	LogDeliverySource:       {Import: byName},
	LogDeliveryDestination:  {Import: byName},
	LogDelivery:             {Listed: true},

	MetricAlarm:       {Import: byName, ARN: "cloudwatch:alarm:"},
	LogMetricFilter:   {Import: "{logGroupName}:{name}"},
	Dashboard:         {Import: "{dashboardName}"},
	Topic:             {Import: "arn:aws:sns:{region}:{account}:{name}", ARN: "sns:", FromARN: whole},
	TopicPolicy:       {Import: "{arn}"},
	TopicSubscription: {Listed: true},
	Budget:            {Import: "{account}:{name}"},
	Schedule:          {Import: "{groupName}/{name}"},
	ScheduleGroup:     {Import: byName, ARN: "scheduler:schedule-group/"},
	Association:       {Listed: true},
	Queue:             {Import: "https://sqs.{region}.amazonaws.com/{account}/{name}"},
	QueuePolicy:       {Import: "{queueUrl}"},

	RandomPassword: {Nowhere: onMachine},
	RandomID:       {Nowhere: onMachine},
}

// IdentifierOf returns how the ID of a resource of a type is found; ok is false for a type that has no row.
func IdentifierOf(token string) (i Identifier, ok bool) {
	i, ok = identifiers[token]
	return i, ok
}

var placeholder = regexp.MustCompile(`\{([A-Za-z.]+)\}`)

// ImportID returns the ID that follows from inputs. An input that is missing or not a text is an error.
func (i Identifier) ImportID(in Inputs, account, region string) (string, error) {
	var missing string
	id := placeholder.ReplaceAllStringFunc(i.Import, func(name string) string {
		switch name = strings.Trim(name, "{}"); name {
		case "account":
			return account
		case "region":
			return region
		}
		value := strings.TrimPrefix(in.text(name), "https://")
		if name == "path" && value == "" {
			value = "/"
		}
		if value == "" {
			missing = name
		}
		return value
	})
	if missing != "" {
		return "", fmt.Errorf("its input %s is not known", missing)
	}
	return id, nil
}

// TypeOfARN returns the type of a tagged resource and its ID; empty for an ARN of none of the types.
func TypeOfARN(arn string) (token, id string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "", ""
	}
	service, rest := parts[2], parts[5]
	for _, t := range table {
		i := identifiers[t.Token]
		beginning, ok := strings.CutPrefix(i.ARN, service+":")
		after, fits := strings.CutPrefix(rest, beginning)
		if i.ARN == "" || !ok || !fits || service == "wafv2" && !strings.Contains(rest, "/webacl/") {
			continue
		}
		if i.FromARN != nil {
			after = i.FromARN(arn)
		}
		return t.Token, after
	}
	return "", ""
}
