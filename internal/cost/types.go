package cost

import (
	"time"

	"groundwork/components/cluster"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// priced adds the lines of each type that costs something.
var priced = map[string]func(p *pricing, r *graph.Resource){
	awstype.EKSCluster: controlPlane,
	awstype.NodeGroup:  nodes,
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
		p.use("capacity units", "alb.lcu", p.sheet.Assumed["balancerUnits"])
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
		what := kind
		if r.Inputs.Str("capacityType") == "SPOT" {
			what += " (spot, at the price of on demand: what it will be nobody knows)"
		}
		p.pay(what+hours, "ec2."+kind, n)
		size, _ := template.Inputs.Num("blockDeviceMappings[0].ebs.volumeSize")
		p.pay("GB of volumes", "ebs.gp3.storage", n*size)
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
	p.pay(r.Inputs.Str("instanceClass")+", "+kind+hours, "rds.pg."+r.Inputs.Str("instanceClass")+"."+kind, share)
	size, _ := r.Inputs.Num("allocatedStorage")
	p.pay("GB of storage", "rds.gp3.storage."+kind, size)
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
		p.use("GB of logs, all groups", "cloudwatch.logs.ingest", written)
		p.use("GB of logs kept", "cloudwatch.logs.storage", p.sheet.Assumed["logsGB"])
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
}
