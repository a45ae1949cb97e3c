package cost

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"groundwork/components/cluster"
	"groundwork/components/edge"
	"groundwork/sandbox"
	"groundwork/stacks"
)

func layerOrder(layer string) int {
	return slices.Index(append([]string{stacks.LayerAccount}, stacks.Layers...), layer)
}

// free are the types that cost nothing, with the reason.
var free = map[string]string{}

func init() {
	for reason, types := range map[string][]string{
		"network without hourly price": {"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/internetGateway:InternetGateway", "aws:ec2/routeTable:RouteTable", "aws:ec2/route:Route",
			"aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
			"aws:ec2/defaultNetworkAcl:DefaultNetworkAcl", "aws:ec2/networkAcl:NetworkAcl", "aws:ec2/networkAclRule:NetworkAclRule", "aws:ec2/defaultRouteTable:DefaultRouteTable",
			"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "aws:ec2/tag:Tag"},
		"identity": {"aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/policy:Policy",
			"aws:iam/openIdConnectProvider:OpenIdConnectProvider", "aws:kms/alias:Alias"},
		"part of the cluster": {"aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "aws:eks/addon:Addon",
			"aws:eks/podIdentityAssociation:PodIdentityAssociation", "aws:ec2/launchTemplate:LaunchTemplate", "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:Namespace", "kubernetes:core/v1:ConfigMap",
			"kubernetes:core/v1:ServiceAccount", "kubernetes:rbac.authorization.k8s.io/v1:Role", "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "kubernetes:storage.k8s.io/v1:StorageClass"},
		"settings of what is paid for elsewhere": {"aws:rds/subnetGroup:SubnetGroup", "aws:rds/parameterGroup:ParameterGroup", "aws:elasticache/subnetGroup:SubnetGroup", "aws:elasticache/parameterGroup:ParameterGroup",
			"aws:secretsmanager/secretVersion:SecretVersion", "aws:secretsmanager/secretPolicy:SecretPolicy", "aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy",
			"aws:lb/listener:Listener", "aws:lb/targetGroup:TargetGroup", "aws:lb/listenerRule:ListenerRule", "aws:cloudfront/vpcOrigin:VpcOrigin", "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
			"aws:cloudfront/cachePolicy:CachePolicy", "aws:cloudfront/originRequestPolicy:OriginRequestPolicy", "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
			"aws:s3/bucketPolicy:BucketPolicy", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "aws:s3/bucketOwnershipControls:BucketOwnershipControls", "aws:s3/bucketVersioningV2:BucketVersioningV2",
			"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			"aws:cloudwatch/logDeliverySource:LogDeliverySource", "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination", "aws:cloudwatch/logDelivery:LogDelivery",
			"aws:acm/certificate:Certificate", "aws:acm/certificateValidation:CertificateValidation", "aws:route53/record:Record", "aws:sqs/queuePolicy:QueuePolicy", "random:index/randomPassword:RandomPassword", "random:index/randomId:RandomId"},
		"within what is always free at this size": {"aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy", "aws:sns/topicSubscription:TopicSubscription", "aws:budgets/budget:Budget", "aws:rds/eventSubscription:EventSubscription",
			"aws:cloudfront/function:Function", "aws:ssm/association:Association", scheduleType, "aws:scheduler/scheduleGroup:ScheduleGroup", "aws:sqs/queue:Queue"},
		"priced by use, in a line for all of them": {"aws:cloudwatch/logGroup:LogGroup", "aws:ec2/flowLog:FlowLog", "aws:s3/bucketV2:BucketV2", "aws:ecr/repository:Repository"},
	} {
		for _, token := range types {
			free[token] = reason
		}
	}
}

const nodeGroupType = "aws:eks/nodeGroup:NodeGroup"

// priced are the types that cost something, whoever uses them or not.
var priced = map[string]func(p *pricing, r *sandbox.Resource){
	"aws:eks/cluster:Cluster": controlPlane,
	nodeGroupType:             nodes,
	"aws:ec2/natGateway:NatGateway": func(p *pricing, r *sandbox.Resource) {
		p.pay("NAT gateway", "nat.hour", 1)
		p.use("GB through it", "nat.gb", p.sheet.Assumed["natGB"])
	},
	"aws:ec2/eip:Eip": func(p *pricing, _ *sandbox.Resource) { p.pay("public address", "public_ipv4.hour", 1) },
	"aws:ec2/vpcEndpoint:VpcEndpoint": func(p *pricing, r *sandbox.Resource) {
		if r.Inputs.Str("vpcEndpointType") != "Interface" {
			p.sheet.Free[r.Type]++
			return
		}
		zones, _ := r.Inputs["subnetIds"].([]any)
		p.pay("endpoint in each zone", "vpce.interface.hour", float64(len(zones)))
	},
	"aws:lb/loadBalancer:LoadBalancer": func(p *pricing, _ *sandbox.Resource) {
		p.pay("load balancer", "alb.hour", 1)
		p.use("capacity units", "alb.lcu", p.sheet.Assumed["balancerUnits"])
	},
	"aws:rds/instance:Instance": database,
	"aws:elasticache/replicationGroup:ReplicationGroup": func(p *pricing, r *sandbox.Resource) {
		nodes, _ := r.Inputs.Num("numCacheClusters")
		p.pay("nodes", "elasticache."+r.Inputs.Str("engine")+"."+r.Inputs.Str("nodeType"), nodes)
	},
	"aws:secretsmanager/secret:Secret": func(p *pricing, _ *sandbox.Resource) { p.pay("secret", "secretsmanager.secret", 1) },
	"aws:kms/key:Key":                  func(p *pricing, _ *sandbox.Resource) { p.pay("key", "kms.key", 1) },
	edge.WebACLType: func(p *pricing, r *sandbox.Resource) {
		rules, _ := r.Inputs["rules"].([]any)
		p.pay("web ACL", "waf.web_acl", 1)
		p.pay("rules", "waf.rule", float64(len(rules)))
		p.use("million requests", "waf.requests_million", p.sheet.Assumed["requests"])
	},
	"aws:cloudfront/distribution:Distribution": func(p *pricing, _ *sandbox.Resource) {
		// A terabyte and ten million requests a month are always free.
		p.use("GB beyond the free terabyte", "cloudfront.payg.gb", max(0, p.sheet.Assumed["deliveryGB"]-1024))
		p.use("ten thousand requests beyond the free ten million", "cloudfront.payg.https_10k", max(0, p.sheet.Assumed["requests"]-10)*100)
	},
	"aws:cloudwatch/metricAlarm:MetricAlarm": func(p *pricing, r *sandbox.Resource) {
		p.pay("metrics", "cloudwatch.alarm.standard", float64(max(1, metricsOf(r))))
	},
	"aws:cloudwatch/dashboard:Dashboard": func(p *pricing, _ *sandbox.Resource) { p.pay("dashboard", "cloudwatch.dashboard", 1) },
	"aws:cloudwatch/logMetricFilter:LogMetricFilter": func(p *pricing, r *sandbox.Resource) {
		if len(p.graph.OfType(nodeGroupType)) == 0 {
			p.sheet.Free[r.Type]++ // Paid by the hour in which there are lines to count, and there are none.
			return
		}
		p.pay("custom metric", "cloudwatch.custom_metric", 1)
	},
}

// metricsOf is how many metrics an alarm looks at: each is paid for, expressions are not.
func metricsOf(r *sandbox.Resource) int {
	queries, _ := r.Inputs["metricQueries"].([]any)
	n := 0
	for _, query := range queries {
		if q, ok := query.(map[string]any); ok && q["metric"] != nil {
			n++
		}
	}
	return n
}

// extendedSupport is when standard support of a cluster's version ends, and whether it has.
func (p *pricing) extendedSupport(r *sandbox.Resource) (end time.Time, over bool) {
	release, ok := cluster.Releases[r.Inputs.Str("version")]
	if !ok {
		return time.Time{}, false
	}
	return release.StandardSupportEnd, !p.today.Before(release.StandardSupportEnd)
}

func controlPlane(p *pricing, r *sandbox.Resource) {
	if _, over := p.extendedSupport(r); over {
		p.pay("control plane in extended support", "eks.control_plane.extended", 1)
		return
	}
	p.pay("control plane", "eks.control_plane.standard", 1)
}

func nodes(p *pricing, r *sandbox.Resource) {
	n, _ := r.Inputs.Num("scalingConfig.desiredSize")
	share, hours := p.share(r)
	n *= share
	for _, urn := range r.PropertyDependencies["launchTemplate"] {
		template := p.graph.Get(urn)
		if template == nil || template.Type != "aws:ec2/launchTemplate:LaunchTemplate" {
			continue
		}
		kind := template.Inputs.Str("instanceType")
		what := kind
		if r.Inputs.Str("capacityType") == "SPOT" {
			what += " (spot, at the price of on demand: what it will be nobody knows)"
		}
		p.pay(what+hours, "ec2."+kind, n)
		size, _ := template.Inputs.Num("blockDeviceMappings.0.ebs.volumeSize")
		p.pay("GB of volumes", "ebs.gp3.storage", n*size)
		return
	}
	p.unpriced("its launch template was not found")
}

func database(p *pricing, r *sandbox.Resource) {
	kind := "single"
	if r.Inputs.Flag("multiAz") {
		kind = "multi_az"
	}
	share, hours := p.share(r)
	p.pay(r.Inputs.Str("instanceClass")+", "+kind+hours, "rds.pg."+r.Inputs.Str("instanceClass")+"."+kind, share)
	size, _ := r.Inputs.Num("allocatedStorage")
	p.pay("GB of storage", "rds.gp3.storage."+kind, size)
	if r.Inputs.Flag("manageMasterUserPassword") {
		p.pay("secret that RDS manages", "secretsmanager.secret", 1)
	}
}

// shared adds what use adds and belongs to no single resource.
func (p *pricing) shared() {
	one := func(token string) bool {
		all := p.graph.OfType(token)
		if len(all) > 0 {
			p.current = all[0]
		}
		return len(all) > 0
	}
	if one("aws:cloudwatch/logGroup:LogGroup") {
		written := p.sheet.Assumed["logsGB"]
		switch {
		case len(p.graph.OfType("aws:eks/cluster:Cluster")) == 0:
			written = 0
		case len(p.graph.OfType(nodeGroupType)) == 0:
			written = p.sheet.Assumed["idleLogsGB"]
		}
		p.use("GB of logs, all groups", "cloudwatch.logs.ingest", written)
		p.use("GB of logs kept", "cloudwatch.logs.storage", p.sheet.Assumed["logsGB"])
	}
	if one("aws:ecr/repository:Repository") {
		p.use("GB of images", "ecr.storage", p.sheet.Assumed["imagesGB"])
	}
	if one("aws:s3/bucketV2:BucketV2") {
		p.use("GB in buckets", "s3.standard", p.sheet.Assumed["bucketsGB"])
	}
	if len(p.graph.OfType("aws:elasticache/replicationGroup:ReplicationGroup")) == 0 && one("aws:elasticache/parameterGroup:ParameterGroup") {
		p.use("GB in its snapshot", "elasticache.backup", p.sheet.Assumed["snapshotGB"])
	}
	for _, r := range p.graph.OfType("aws:ec2/vpcEndpoint:VpcEndpoint") {
		if r.Inputs.Str("vpcEndpointType") == "Interface" {
			p.current = r
			p.use("GB, all interface endpoints", "vpce.interface.gb", p.sheet.Assumed["endpointGB"])
			break
		}
	}
	if p.sheet.Assumed["customMetrics"] > 0 && one("aws:eks/addon:Addon") {
		p.use("custom metrics", "cloudwatch.custom_metric", p.sheet.Assumed["customMetrics"])
	}
}

// arm is the instance type on AWS's own processors that takes the place of one of Intel's or AMD's.
var arm = strings.NewReplacer("t3.", "t4g.", "m7i.", "m7g.", "m5.", "m7g.")

// hints say what would be cheaper, and what will be dearer.
func (p *pricing) hints() {
	hint := func(format string, a ...any) { p.sheet.Hints = append(p.sheet.Hints, fmt.Sprintf(format, a...)) }
	if len(p.graph.OfType(scheduleType)) > 0 && len(p.graph.OfType(nodeGroupType)) > 0 {
		hint("with a schedule a night is counted as twelve average hours of the week; one with nodes and database down costs less")
	}
	endpoints := 0.0
	for _, l := range p.sheet.Lines {
		if l.Price == "vpce.interface.hour" {
			endpoints += l.Month
		}
		if kind, ok := strings.CutPrefix(l.Price, "ec2."); ok || strings.HasPrefix(l.Price, "rds.pg.db.t3") {
			other := "ec2." + arm.Replace(kind)
			if !ok {
				other = arm.Replace(l.Price)
			}
			if cheaper, err := unitPrice(other, p.sheet.Region); err == nil && other != l.Price && cheaper < l.UnitPrice {
				condition := ""
				if ok {
					condition = ", if its images run on arm64"
				}
				name := strings.TrimPrefix(strings.TrimPrefix(other, "ec2."), "rds.pg.")
				hint("%s as %s would save %.2f a month%s", l.Resource, strings.TrimSuffix(strings.TrimSuffix(name, ".single"), ".multi_az"), (l.UnitPrice-cheaper)*l.Quantity*HoursPerMonth, condition)
			}
		}
	}
	through, err1 := unitPrice("nat.gb", p.sheet.Region)
	past, err2 := unitPrice("vpce.interface.gb", p.sheet.Region)
	if endpoints > 0 && err1 == nil && err2 == nil && through > past {
		hint("interface endpoints cost %.2f a month and save %.3f a GB against NAT: they pay for themselves from %.0f GB a month on", endpoints, through-past, endpoints/(through-past))
	}
	for _, r := range p.graph.OfType("aws:eks/cluster:Cluster") {
		standard, err1 := unitPrice("eks.control_plane.standard", p.sheet.Region)
		extended, err2 := unitPrice("eks.control_plane.extended", p.sheet.Region)
		if err := err1; err != nil || err2 != nil {
			continue
		}
		surcharge := (extended - standard) * HoursPerMonth
		switch end, over := p.extendedSupport(r); {
		case over:
			hint("Kubernetes %s is in extended support: an upgrade saves %.2f a month", r.Inputs.Str("version"), surcharge)
		case !end.IsZero():
			hint("from %s on Kubernetes %s would cost %.2f a month more, in extended support", end.Format(time.DateOnly), r.Inputs.Str("version"), surcharge)
		}
	}
}
