package observability

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Subjects name what a dashboard shows, by the names CloudWatch knows.
type Subjects struct {
	Region  string
	Cluster string
	// AutoScalingGroups by node group, NATGateways by zone.
	AutoScalingGroups, NATGateways map[string]string
	// CacheNodes by number.
	CacheNodes map[string]string
	Database   string
	// LoadBalancer and TargetGroup are the last parts of their ARNs, Distribution is its ID.
	LoadBalancer, TargetGroup, Distribution string
	// LogAlarms are what is counted in the container log.
	LogAlarms []LogAlarm
	// AlarmARNs are shown with their states at the top.
	AlarmARNs []string
}

type widget struct {
	Type       string         `json:"type"`
	X          int            `json:"x"`
	Y          int            `json:"y"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	Properties map[string]any `json:"properties"`
}

// Dashboard units: CloudWatch divides a row into 24 columns.
const (
	widgetWidth  = 8
	widgetHeight = 6
	alarmsHeight = 4
	rowWidth     = 24
)

// DashboardBody renders a dashboard: the alarms first, then the way of a request:
// the edge, the nodes, the way out, database and cache.
func DashboardBody(s Subjects) string {
	g := &grid{region: s.Region, y: alarmsHeight, widgets: []widget{{
		Type: "alarm", Width: rowWidth, Height: alarmsHeight,
		Properties: map[string]any{"title": "Alarms", "alarms": slices.Sorted(slices.Values(s.AlarmARNs))},
	}}}
	g.requests(s)
	g.cluster(s)
	g.data(s)
	out, err := json.Marshal(map[string]any{"widgets": g.widgets})
	if err != nil {
		// Strings, numbers, lists and maps always marshal.
		panic(fmt.Sprintf("rendering dashboard: %v", err))
	}
	return string(out)
}

// grid places graphs in rows, from the top down.
type grid struct {
	region  string
	y       int
	widgets []widget
}

// row adds a row of graphs.
func (g *grid) row(graphs ...widget) {
	for i, w := range graphs {
		w.X, w.Y, w.Width, w.Height = i*widgetWidth, g.y, widgetWidth, widgetHeight
		if w.Properties["region"] == nil {
			w.Properties["region"] = g.region
		}
		g.widgets = append(g.widgets, w)
	}
	g.y += widgetHeight
}

// requests shows the way of a request, and the nodes that answer it.
func (g *grid) requests(s Subjects) {
	balancer := func(metric string) []any { return []any{balancerMetrics, metric, "LoadBalancer", s.LoadBalancer} }
	distribution := func(metric string) []any {
		return []any{"AWS/CloudFront", metric, "DistributionId", s.Distribution, "Region", "Global"}
	}
	g.row(
		global(graph("Requests at CloudFront", "Sum", [][]any{distribution("Requests")})),
		global(
			graph("Errors at CloudFront %", "Average", [][]any{distribution("4xxErrorRate"), distribution("5xxErrorRate")}),
		),
		graph("Application latency p95", "p95", [][]any{balancer("TargetResponseTime")}),
	)
	g.row(
		graph(
			"Errors behind CloudFront",
			"Sum",
			[][]any{balancer("HTTPCode_ELB_5XX_Count"), balancer("HTTPCode_Target_5XX_Count")},
		),
		graph("Pods that get requests", "Minimum", [][]any{
			{balancerMetrics, "HealthyHostCount", "TargetGroup", s.TargetGroup, "LoadBalancer", s.LoadBalancer},
			{balancerMetrics, "UnHealthyHostCount", "TargetGroup", s.TargetGroup, "LoadBalancer", s.LoadBalancer},
		}),
		graph("Failures of operators", "Sum", counted(s.LogAlarms)),
	)
	g.row(
		graph("Node CPU %", "Average", each("AWS/EC2", "CPUUtilization", "AutoScalingGroupName", s.AutoScalingGroups)),
		graph(
			"Nodes in service",
			"Minimum",
			each("AWS/AutoScaling", "GroupInServiceInstances", "AutoScalingGroupName", s.AutoScalingGroups),
		),
		graph(
			"Pods without a node",
			"Maximum",
			[][]any{{"AWS/EKS", "scheduler_pending_pods_UNSCHEDULABLE", "ClusterName", s.Cluster}},
		),
	)
}

// cluster shows the cluster, and the way out of it.
func (g *grid) cluster(s Subjects) {
	cluster := func(namespace, metric string) [][]any { return [][]any{{namespace, metric, "ClusterName", s.Cluster}} }
	g.row(
		graph("Node memory %", "Maximum", cluster("ContainerInsights", "node_memory_utilization")),
		graph("Node disk %", "Maximum", cluster("ContainerInsights", "node_filesystem_utilization")),
		graph("Container restarts", "Sum", cluster("ContainerInsights", "pod_number_of_container_restarts")),
	)
	g.row(
		graph("Kubernetes API errors", "Sum", cluster("AWS/EKS", "apiserver_request_total_5XX")),
	)
	if len(s.NATGateways) > 0 {
		g.row(
			graph("NAT bytes out", "Sum", each("AWS/NATGateway", "BytesOutToDestination", "NatGatewayId", s.NATGateways)),
			graph("NAT connections", "Maximum", each("AWS/NATGateway", "ActiveConnectionCount", "NatGatewayId", s.NATGateways)),
			graph("NAT port errors", "Sum", each("AWS/NATGateway", "ErrorPortAllocation", "NatGatewayId", s.NATGateways)),
		)
	}
}

// data shows database and cache.
func (g *grid) data(s Subjects) {
	db := func(metric string) []any { return []any{"AWS/RDS", metric, "DBInstanceIdentifier", s.Database} }
	g.row(
		graph("Database CPU %", "Average", [][]any{db("CPUUtilization")}),
		graph("Database connections", "Maximum", [][]any{db("DatabaseConnections")}),
		graph("Database latency", "Average", [][]any{db("ReadLatency"), db("WriteLatency")}),
	)
	g.row(
		graph("Database free storage", "Minimum", [][]any{db("FreeStorageSpace")}),
		graph("Database free memory", "Minimum", [][]any{db("FreeableMemory")}),
		graph("Database IOPS", "Average", [][]any{db("ReadIOPS"), db("WriteIOPS")}),
	)
	g.row(
		graph(
			"Cache engine CPU %",
			"Average",
			each("AWS/ElastiCache", "EngineCPUUtilization", "CacheClusterId", s.CacheNodes),
		),
		graph(
			"Cache memory %",
			"Average",
			each("AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", s.CacheNodes),
		),
		graph("Cache evictions", "Sum", each("AWS/ElastiCache", "Evictions", "CacheClusterId", s.CacheNodes)),
	)
}

func graph(title, statistic string, metrics [][]any) widget {
	return widget{Type: "metric", Properties: map[string]any{
		"title": title, "view": "timeSeries", "stat": statistic, "period": 300, "metrics": metrics,
	}}
}

// global moves a graph to us-east-1, where CloudFront's metrics are.
func global(g widget) widget {
	g.Properties["region"] = "us-east-1"
	return g
}

// counted is one line per row.
func counted(rows []LogAlarm) [][]any {
	lines := make([][]any, 0, len(rows))
	for _, row := range rows {
		lines = append(lines, []any{row.Namespace, row.Metric})
	}
	return lines
}

// each is one line per subject, labelled with the subject's key.
func each(namespace, metric, dimension string, subjects map[string]string) [][]any {
	lines := make([][]any, 0, len(subjects))
	for _, key := range slices.Sorted(maps.Keys(subjects)) {
		lines = append(lines, []any{namespace, metric, dimension, subjects[key], map[string]string{"label": key}})
	}
	return lines
}
