package observability

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// dashboard creates the dashboard.
func (o *Observability) dashboard(ctx *pulumi.Context) error {
	if !o.args.Power.HasDashboard() {
		o.DashboardURL = pulumi.String("").ToStringOutput()
		return nil
	}
	t := o.args.Targets
	names := pulumi.StringMap{
		"cluster": t.ClusterName, "database": t.DatabaseIdentifier,
		"loadBalancer": t.Edge.LoadBalancer, "targetGroup": t.Edge.TargetGroup, "distribution": t.Edge.Distribution,
	}
	body := pulumi.All(
		names, outputMap(t.AutoScalingGroups), outputMap(t.NATGatewayIDs), outputMap(t.CacheNodeIDs), o.alarms,
	).ApplyT(func(all []any) string {
		names := all[0].(map[string]string)
		return DashboardBody(Subjects{
			Region:            o.args.Region,
			Cluster:           names["cluster"],
			Database:          names["database"],
			LoadBalancer:      names["loadBalancer"],
			TargetGroup:       names["targetGroup"],
			Distribution:      names["distribution"],
			AutoScalingGroups: all[1].(map[string]string),
			NATGateways:       all[2].(map[string]string),
			CacheNodes:        all[3].(map[string]string),
			AlarmARNs:         all[4].([]string),
			LogAlarms:         LogAlarms(o.args.Name, t.ArgoCD),
		})
	}).(pulumi.StringOutput)
	dashboard, err := cloudwatch.NewDashboard(ctx, o.name+"-dashboard", &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(o.args.Name),
		DashboardBody: body,
	}, o.childOpts()...)
	if err != nil {
		return fmt.Errorf("creating dashboard %s: %w", o.args.Name, err)
	}
	o.DashboardURL = pulumi.Sprintf("https://%s.console.aws.amazon.com/cloudwatch/home?region=%s#dashboards/dashboard/%s",
		o.args.Region, o.args.Region, dashboard.DashboardName)
	return nil
}

func outputMap(m map[string]pulumi.StringOutput) pulumi.StringMap {
	out := pulumi.StringMap{}
	for key, value := range m {
		out[key] = value
	}
	return out
}

// Subjects are the resources that a dashboard shows, by the names that CloudWatch uses.
type Subjects struct {
	Region  string
	Cluster string
	// AutoScalingGroups are keyed by node group, NATGateways by zone.
	AutoScalingGroups, NATGateways map[string]string
	// CacheNodes are keyed by number.
	CacheNodes map[string]string
	Database   string
	// LoadBalancer and TargetGroup are the last parts of their ARNs; Distribution is an ID.
	LoadBalancer, TargetGroup, Distribution string
	// LogAlarms are the counts of lines in the container log.
	LogAlarms []LogAlarm
	// AlarmARNs are the alarms. Their states are at the top.
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

// Sizes in the units of CloudWatch, which divides a row into 24 columns.
const (
	widgetWidth  = 8
	widgetHeight = 6
	alarmsHeight = 4
	rowWidth     = 24
)

// DashboardBody renders a dashboard: first the alarms, then the resources in the order in which a request passes them:
// the edge, the nodes, the cluster and its NAT gateways, database and cache.
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

// requests adds the graphs of the edge, and of the nodes that answer requests.
func (g *grid) requests(s Subjects) {
	loadBalancer := func(metric string) []any {
		return []any{loadBalancerMetrics, metric, "LoadBalancer", s.LoadBalancer}
	}
	distribution := func(metric string) []any {
		return []any{"AWS/CloudFront", metric, "DistributionId", s.Distribution, "Region", "Global"}
	}
	g.row(
		global(graph("Requests at CloudFront", "Sum", [][]any{distribution("Requests")})),
		global(graph("Errors at CloudFront %", "Average", [][]any{
			distribution("4xxErrorRate"), distribution("5xxErrorRate"),
		})),
		graph("Application latency p95", "p95", [][]any{loadBalancer("TargetResponseTime")}),
	)
	g.row(
		graph("Errors behind CloudFront", "Sum", [][]any{
			loadBalancer("HTTPCode_ELB_5XX_Count"), loadBalancer("HTTPCode_Target_5XX_Count"),
		}),
		graph("Pods that get requests", "Minimum", [][]any{
			{loadBalancerMetrics, "HealthyHostCount", "TargetGroup", s.TargetGroup, "LoadBalancer", s.LoadBalancer},
			{loadBalancerMetrics, "UnHealthyHostCount", "TargetGroup", s.TargetGroup, "LoadBalancer", s.LoadBalancer},
		}),
		graph("Failures of operators", "Sum", counted(s.LogAlarms)),
	)
	g.row(
		graph("Node CPU %", "Average",
			each("AWS/EC2", "CPUUtilization", "AutoScalingGroupName", s.AutoScalingGroups)),
		graph("Nodes in service", "Minimum",
			each("AWS/AutoScaling", "GroupInServiceInstances", "AutoScalingGroupName", s.AutoScalingGroups)),
		graph("Pods without a node", "Maximum", [][]any{
			{"AWS/EKS", "scheduler_pending_pods_UNSCHEDULABLE", "ClusterName", s.Cluster},
		}),
	)
}

// cluster adds the graphs of the cluster and its NAT gateways.
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
		nat := func(metric string) [][]any { return each("AWS/NATGateway", metric, "NatGatewayId", s.NATGateways) }
		g.row(
			graph("NAT bytes out", "Sum", nat("BytesOutToDestination")),
			graph("NAT connections", "Maximum", nat("ActiveConnectionCount")),
			graph("NAT port errors", "Sum", nat("ErrorPortAllocation")),
		)
	}
}

// data adds the graphs of database and cache.
func (g *grid) data(s Subjects) {
	db := func(metric string) []any { return []any{"AWS/RDS", metric, "DBInstanceIdentifier", s.Database} }
	cache := func(metric string) [][]any { return each("AWS/ElastiCache", metric, "CacheClusterId", s.CacheNodes) }
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
		graph("Cache engine CPU %", "Average", cache("EngineCPUUtilization")),
		graph("Cache memory %", "Average", cache("DatabaseMemoryUsagePercentage")),
		graph("Cache evictions", "Sum", cache("Evictions")),
	)
}

func graph(title, statistic string, metrics [][]any) widget {
	return widget{Type: "metric", Properties: map[string]any{
		"title": title, "view": "timeSeries", "stat": statistic, "period": 300, "metrics": metrics,
	}}
}

// global moves a graph to the region of CloudFront's metrics.
func global(g widget) widget {
	g.Properties["region"] = usEast1
	return g
}

// counted returns one line for each log alarm.
func counted(rows []LogAlarm) [][]any {
	lines := make([][]any, 0, len(rows))
	for _, row := range rows {
		lines = append(lines, []any{row.Namespace, row.Metric})
	}
	return lines
}

// each returns one line for each subject, labeled with the subject's key.
func each(namespace, metric, dimension string, subjects map[string]string) [][]any {
	lines := make([][]any, 0, len(subjects))
	for _, key := range slices.Sorted(maps.Keys(subjects)) {
		lines = append(lines, []any{namespace, metric, dimension, subjects[key], map[string]string{"label": key}})
	}
	return lines
}
