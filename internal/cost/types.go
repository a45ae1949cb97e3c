package cost

import (
	"time"

	"groundwork/components/cluster"
	"groundwork/components/hardware"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// Prices of use that stops with the nodes and the database.
const (
	logsWritten  = "cloudwatch.logs.ingest"
	observed     = "cloudwatch.observations_million"
	betweenZones = "data.cross_az"
)

// priced adds the lines of each type that costs something.
var priced = map[string]func(p *pricing, r *graph.Resource){
	awstype.EKSCluster: controlPlane,
	awstype.NodeGroup:  nodes,
	// The only instance besides nodes is the bastion, which stops itself when nobody uses it.
	awstype.Instance: func(p *pricing, r *graph.Resource) {
		kind := r.Inputs.Str("instanceType")
		p.useHours(kind+" while a tunnel is open", ec2Price+kind, p.sheet.Assumed["bastionHours"])
		size, _ := r.Inputs.Num("rootBlockDevice.volumeSize")
		p.pay("GB of volumes", "ebs.gp3.storage", size)
	},
	awstype.NATGateway: func(p *pricing, r *graph.Resource) {
		p.pay("NAT gateway", "nat.hour", 1)
		p.use("GB through it", "nat.gb", p.sheet.Assumed["natGB"])
	},
	awstype.ElasticIP: func(p *pricing, _ *graph.Resource) { p.pay("public address", "public_ipv4.hour", 1) },
	awstype.VPCEndpoint: func(p *pricing, r *graph.Resource) {
		if r.Inputs.Str("vpcEndpointType") != "Interface" {
			p.sheet.Free[r.Type]++
			return
		}
		zones, _ := r.Inputs["subnetIds"].([]any)
		p.pay("endpoint in each zone", "vpce.interface.hour", float64(len(zones)))
	},
	awstype.LoadBalancer: func(p *pricing, _ *graph.Resource) {
		p.pay("load balancer", "alb.hour", 1)
		p.use("capacity units, by traffic", "alb.lcu", p.capacityUnits())
	},
	awstype.DBInstance: database,
	awstype.ReplicationGroup: func(p *pricing, r *graph.Resource) {
		nodes, _ := r.Inputs.Num("numCacheClusters")
		p.pay("nodes", "elasticache."+r.Inputs.Str("engine")+"."+r.Inputs.Str("nodeType"), nodes)
	},
	awstype.Secret: func(p *pricing, _ *graph.Resource) { p.pay("secret", "secretsmanager.secret", 1) },
	awstype.Key:    func(p *pricing, _ *graph.Resource) { p.pay("key", "kms.key", 1) },
	awstype.WebACL: func(p *pricing, r *graph.Resource) {
		rules, _ := r.Inputs["rules"].([]any)
		p.pay("web ACL", "waf.web_acl", 1)
		p.pay("rules", "waf.rule", float64(len(rules)))
		p.use("million requests", "waf.requests_million", p.sheet.Assumed["requests"])
	},
	awstype.Distribution: func(p *pricing, _ *graph.Resource) {
		// A terabyte and ten million requests a month are always free.
		p.use("GB beyond the free terabyte", "cloudfront.payg.gb", max(0, p.sheet.Assumed["deliveryGB"]-1024))
		p.use("ten thousand requests beyond the free ten million", "cloudfront.payg.https_10k",
			max(0, p.sheet.Assumed["requests"]-10)*100)
	},
	awstype.MetricAlarm: func(p *pricing, r *graph.Resource) {
		p.pay("metrics", "cloudwatch.alarm.standard", float64(max(1, metricsOf(r))))
	},
	awstype.Dashboard: func(p *pricing, _ *graph.Resource) { p.pay("dashboard", "cloudwatch.dashboard", 1) },
	awstype.LogMetricFilter: func(p *pricing, r *graph.Resource) {
		if len(p.graph.OfType(awstype.NodeGroup)) == 0 {
			// AWS bills the hours in which a filter counts lines. Without nodes there are none.
			p.sheet.Free[r.Type]++
			return
		}
		p.pay("custom metric", "cloudwatch.custom_metric", 1)
	},
}

// metricsOf returns how many metrics an alarm queries. AWS bills each metric, and no expression.
func metricsOf(r *graph.Resource) int {
	queries, _ := r.Inputs["metricQueries"].([]any)
	n := 0
	for _, query := range queries {
		if q, ok := query.(map[string]any); ok && q["metric"] != nil {
			n++
		}
	}
	return n
}

// extendedSupport returns when standard support of a cluster's version ends, and whether it is over.
func (p *pricing) extendedSupport(r *graph.Resource) (end time.Time, over bool) {
	release, ok := cluster.Releases[r.Inputs.Str("version")]
	if !ok {
		return time.Time{}, false
	}
	return release.StandardSupportEnd, !p.today.Before(release.StandardSupportEnd)
}

// controlPlane adds the line of a cluster.
func controlPlane(p *pricing, r *graph.Resource) {
	if _, over := p.extendedSupport(r); over {
		p.pay("control plane in extended support", "eks.control_plane.extended", 1)
		return
	}
	p.pay("control plane", "eks.control_plane.standard", 1)
}

// metricsOfInstance is how many metrics an instance with detailed monitoring sends. AWS bills each as a custom metric.
// Source: Amazon CloudWatch pricing, "EC2 detailed monitoring": seven metrics an instance.
const metricsOfInstance = 7

// monitoringGB is how many GB a month RDS Enhanced Monitoring logs at one event a second; with longer intervals it is
// less in proportion. Source: Amazon RDS, "Enhanced Monitoring", estimated data transfer by granularity.
const monitoringGB = 16.07

// nodes adds the lines of a node group: its instances and their volumes.
func nodes(p *pricing, r *graph.Resource) {
	n, _ := r.Inputs.Num("scalingConfig.desiredSize")
	share, hours := p.share(r)
	n *= share
	for _, urn := range r.PropertyDependencies["launchTemplate"] {
		template := p.graph.Get(urn)
		if template == nil || template.Type != awstype.LaunchTemplate {
			continue
		}
		kind := template.Inputs.Str("instanceType")
		instance, _ := hardware.Find(hardware.EC2, kind)
		what := kind
		if r.Inputs.Str("capacityType") == "SPOT" {
			what += " (spot, at the price of on demand: what it will be nobody knows)"
		}
		p.pay(what+hours, ec2Price+kind, n)
		size, _ := template.Inputs.Num("blockDeviceMappings[0].ebs.volumeSize")
		p.pay("GB of volumes", "ebs.gp3.storage", n*size)
		if template.Inputs.Flag("monitoring.enabled") {
			p.pay("detailed monitoring", "cloudwatch.custom_metric", n*metricsOfInstance)
		}
		if instance.Burstable() {
			processor := map[bool]string{true: "arm", false: "x86"}[instance.Arm]
			p.useHours("vCPU-hours above the baseline", "ec2.surplus."+processor, p.sheet.Assumed["surplusHours"])
		}
		return
	}
	p.unpriced("its launch template was not found")
}

// database adds the lines of a database instance.
func database(p *pricing, r *graph.Resource) {
	kind := "single"
	if r.Inputs.Flag("multiAz") {
		kind = "multi_az"
	}
	share, hours := p.share(r)
	name := r.Inputs.Str("instanceClass")
	p.pay(name+", "+kind+hours, rdsPrice+name+"."+kind, share)
	size, _ := r.Inputs.Num("allocatedStorage")
	p.pay("GB of storage", "rds.gp3.storage."+kind, size)
	class, _ := hardware.Find(hardware.RDS, name)
	if r.Inputs.Str("databaseInsightsMode") == "advanced" {
		p.pay("vCPUs with advanced insights", "rds.insights", share*float64(class.VCPUs))
	}
	if seconds, on := r.Inputs.Num("monitoringInterval"); on && seconds > 0 {
		p.use("GB of enhanced monitoring", logsWritten, share*monitoringGB/seconds)
	}
	if class.Burstable() {
		p.useHours("vCPU-hours above the baseline", "rds.surplus", p.sheet.Assumed["surplusHours"])
	}
	p.use("GB of backups beyond its volume", "rds.backup", p.sheet.Assumed["backupGB"])
	if r.Inputs.Flag("manageMasterUserPassword") {
		p.pay("secret that RDS manages", "secretsmanager.secret", 1)
	}
}

// shared adds usage that belongs to no single resource. Each line is shown at the first resource of a type.
func (p *pricing) shared() {
	one := func(token string) bool {
		all := p.graph.OfType(token)
		if len(all) > 0 {
			p.current = all[0]
		}
		return len(all) > 0
	}
	if one(awstype.LogGroup) {
		written := p.sheet.Assumed["logsGB"]
		switch {
		case len(p.graph.OfType(awstype.EKSCluster)) == 0:
			written = 0
		case len(p.graph.OfType(awstype.NodeGroup)) == 0:
			written = p.sheet.Assumed["idleLogsGB"]
		}
		p.use("GB of logs, all groups", logsWritten, written)
		p.use("GB of logs kept, compressed", "cloudwatch.logs.storage", p.sheet.Assumed["logsGB"]*p.monthsOfLogs()*compressed)
	}
	if one(awstype.Repository) {
		p.use("GB of images", "ecr.storage", p.sheet.Assumed["imagesGB"])
	}
	if one(awstype.Bucket) {
		p.use("GB in buckets", "s3.standard", p.sheet.Assumed["bucketsGB"])
	}
	if len(p.graph.OfType(awstype.ReplicationGroup)) == 0 && one(awstype.CacheParameterGroup) {
		p.use("GB in its snapshot", "elasticache.backup", p.sheet.Assumed["snapshotGB"])
	}
	for _, r := range p.graph.OfType(awstype.VPCEndpoint) {
		if r.Inputs.Str("vpcEndpointType") == "Interface" {
			p.current = r
			p.use("GB, all interface endpoints", "vpce.interface.gb", p.sheet.Assumed["endpointGB"])
			break
		}
	}
	if p.sheet.Assumed["customMetrics"] > 0 && one(awstype.Addon) {
		p.use("custom metrics", "cloudwatch.custom_metric", p.sheet.Assumed["customMetrics"])
	}
	if one(awstype.NATGateway) {
		// The first 100 GB that an account sends to the internet in a month are free.
		p.use("GB to the internet beyond 100", "data.egress", max(0, p.sheet.Assumed["egressGB"]-100))
	}
	if len(p.graph.OfType(awstype.NodeGroup)) > 0 && one(awstype.VPC) {
		p.use("GB between zones, out and in", betweenZones, 2*p.sheet.Assumed["crossZoneGB"])
	}
	p.observations()
}

// compressed is the share of a log that CloudWatch keeps.
// Source: Amazon CloudWatch pricing: archived logs are compressed to 0.15 of their size.
const compressed = 0.15

// monthsOfLogs returns how many months of logs there are once the oldest begin to expire.
func (p *pricing) monthsOfLogs() float64 {
	longest := 0.0
	for _, r := range p.graph.OfType(awstype.LogGroup) {
		days, _ := r.Inputs.Num("retentionInDays")
		longest = max(longest, days)
	}
	return longest / 365 * 12
}

// minutesPerMonth is how often Container Insights observes in a month: once a minute.
const minutesPerMonth = HoursPerMonth * 60

// Metrics that Container Insights with enhanced observability collects of a node, and of a pod with one container.
// Source: amazon-cloudwatch-agent, translator/translate/otel/exporter/awsemf/kubernetes.go.
const (
	metricsOfNode = 26
	metricsOfPod  = 46
)

// observations adds the line of Container Insights, where its add-on is there and nodes are.
func (p *pricing) observations() {
	for _, r := range p.graph.OfType(awstype.Addon) {
		if r.Inputs.Str("addonName") != cluster.AddonObservability {
			continue
		}
		nodes := 0.0
		for _, group := range p.graph.OfType(awstype.NodeGroup) {
			n, _ := group.Inputs.Num("scalingConfig.desiredSize")
			share, _ := p.share(group)
			nodes += n * share
		}
		p.current = r
		each := metricsOfNode + metricsOfPod*p.sheet.Assumed["podsPerNode"]
		p.use("million observations", observed, nodes*each*minutesPerMonth/1e6)
	}
}

// capacityUnits returns the load balancer capacity units that the assumed traffic makes: the largest of its parts.
// Source: Elastic Load Balancing pricing: a unit is a GB an hour, or 25 new connections a second.
func (p *pricing) capacityUnits() float64 {
	gigabytes := p.sheet.Assumed["deliveryGB"] / HoursPerMonth
	connections := p.sheet.Assumed["requests"] * 1e6 / (HoursPerMonth * 3600) / 25
	return max(gigabytes, connections)
}
