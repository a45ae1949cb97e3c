package properties

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// metric is what AWS publishes under the name of a metric.
type metric struct {
	// statistics are those that say something. Of a metric that several parties report, of which all but one report 0,
	// Minimum and Average do not.
	statistics []string
	// period is the shortest period with data, in seconds.
	period float64
	// dimensions are the sets of dimensions under which it is published. An alarm with any other set never sees data.
	dimensions []string
}

// Sets of statistics.
var (
	level   = []string{"Average", "Minimum", "Maximum"}
	count   = []string{"Sum"}
	latency = []string{"Average", "Minimum", "Maximum", "p50", "p90", "p95", "p99"}
)

// metrics are the metrics of AWS that alarms and widgets may read.
var metrics = map[string]metric{
	// Amazon EC2 User Guide, "CloudWatch metrics that are available for your instances": with detailed monitoring, as the
	// launch templates have, every minute; status checks always every minute.
	"AWS/EC2 CPUUtilization":    {level, 60, []string{"AutoScalingGroupName", "InstanceId", "InstanceType"}},
	"AWS/EC2 StatusCheckFailed": {[]string{"Maximum", "Sum"}, 60, []string{"AutoScalingGroupName", "InstanceId"}},
	// Amazon EC2 Auto Scaling User Guide, "Amazon CloudWatch metrics for Amazon EC2 Auto Scaling".
	"AWS/AutoScaling GroupInServiceInstances": {level, 60, []string{"AutoScalingGroupName"}},
	// Amazon EKS User Guide, "Monitor cluster data with Amazon CloudWatch": each minute; valid statistics: Sum.
	"AWS/EKS scheduler_pending_pods_UNSCHEDULABLE": {[]string{"Sum", "Maximum"}, 60, []string{"ClusterName"}},
	"AWS/EKS apiserver_request_total_5XX":          {count, 60, []string{"ClusterName"}},
	// amazon-cloudwatch-agent, translator/translate/otel/exporter/awsemf/kubernetes.go, with enhanced observability, which
	// the add-on has. The restarts are those since the report before.
	"ContainerInsights node_memory_utilization":          {level, 60, containerNode},
	"ContainerInsights node_filesystem_utilization":      {level, 60, containerNode},
	"ContainerInsights pod_number_of_container_restarts": {count, 60, containerPod},
	// Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS".
	"AWS/SQS ApproximateNumberOfMessagesVisible": {level, 60, []string{"QueueName"}},
	// Amazon VPC User Guide, "NAT gateway metrics and dimensions".
	"AWS/NATGateway ErrorPortAllocation":   {count, 60, []string{"NatGatewayId"}},
	"AWS/NATGateway PacketsDropCount":      {count, 60, []string{"NatGatewayId"}},
	"AWS/NATGateway BytesOutToDestination": {count, 60, []string{"NatGatewayId"}},
	"AWS/NATGateway ActiveConnectionCount": {[]string{"Maximum"}, 60, []string{"NatGatewayId"}},
	// Elastic Load Balancing User Guide, "CloudWatch metrics for your Application Load Balancer".
	"AWS/ApplicationELB HTTPCode_ELB_5XX_Count":    {count, 60, []string{"LoadBalancer"}},
	"AWS/ApplicationELB HTTPCode_Target_5XX_Count": {count, 60, []string{"LoadBalancer", "LoadBalancer,TargetGroup"}},
	"AWS/ApplicationELB TargetResponseTime":        {latency, 60, []string{"LoadBalancer", "LoadBalancer,TargetGroup"}},
	"AWS/ApplicationELB HealthyHostCount":          {level, 60, []string{"LoadBalancer,TargetGroup"}},
	"AWS/ApplicationELB UnHealthyHostCount":        {level, 60, []string{"LoadBalancer,TargetGroup"}},
	// Amazon CloudFront Developer Guide, "View CloudFront and edge function metrics": rates are Average, requests Sum.
	"AWS/CloudFront Requests":     {count, 60, []string{"DistributionId,Region"}},
	"AWS/CloudFront 4xxErrorRate": {[]string{"Average"}, 60, []string{"DistributionId,Region"}},
	"AWS/CloudFront 5xxErrorRate": {[]string{"Average"}, 60, []string{"DistributionId,Region"}},
	// Amazon RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS": every minute; credits every five minutes.
	"AWS/RDS CPUUtilization":      {level, 60, databaseInstance},
	"AWS/RDS CPUCreditBalance":    {level, 300, databaseInstance},
	"AWS/RDS DatabaseConnections": {level, 60, databaseInstance},
	"AWS/RDS FreeableMemory":      {level, 60, databaseInstance},
	"AWS/RDS FreeStorageSpace":    {level, 60, databaseInstance},
	"AWS/RDS ReadIOPS":            {level, 60, databaseInstance},
	"AWS/RDS WriteIOPS":           {level, 60, databaseInstance},
	"AWS/RDS ReadLatency":         {latency, 60, databaseInstance},
	"AWS/RDS WriteLatency":        {latency, 60, databaseInstance},
	// Amazon ElastiCache User Guide, "Metrics for Valkey and Redis OSS", "Host-level metrics"; credits every five minutes.
	"AWS/ElastiCache CPUUtilization":                {level, 60, cacheNode},
	"AWS/ElastiCache CPUCreditBalance":              {level, 300, cacheNode},
	"AWS/ElastiCache EngineCPUUtilization":          {level, 60, cacheNode},
	"AWS/ElastiCache DatabaseMemoryUsagePercentage": {level, 60, cacheNode},
	"AWS/ElastiCache Evictions":                     {count, 60, cacheNode},
}

var (
	containerNode    = []string{"ClusterName", "ClusterName,InstanceId,NodeName"}
	containerPod     = []string{"ClusterName", "ClusterName,Namespace,PodName"}
	databaseInstance = []string{"DBInstanceIdentifier"}
	cacheNode        = []string{"CacheClusterId", "CacheClusterId,CacheNodeId"}
)

// unreadable returns what is wrong with a reader of a metric; nothing where the metric is the environment's own.
func unreadable(namespace, name, statistic string, period float64, dimensions []string) string {
	if !strings.HasPrefix(namespace, "AWS/") && namespace != "ContainerInsights" {
		return ""
	}
	m, known := metrics[namespace+" "+name]
	slices.Sort(dimensions)
	switch {
	case !known:
		return "no such metric is known: " + namespace + " " + name
	case !slices.Contains(m.statistics, statistic):
		return fmt.Sprintf("%s of %s %s says nothing; use %s", statistic, namespace, name, strings.Join(m.statistics, ", "))
	case period < m.period:
		return fmt.Sprintf("%s %s has data every %v s, not every %v s", namespace, name, m.period, period)
	case !slices.Contains(m.dimensions, strings.Join(dimensions, ",")):
		return fmt.Sprintf("%s %s is not published by %s", namespace, name, strings.Join(dimensions, ","))
	}
	return ""
}

// metricReaders holds that alarms and widgets read metrics that exist, by a statistic that says something.
func metricReaders(g *graph.Graph) (seen int, wrong []string) {
	note := func(reader, problem string) {
		seen++
		if problem != "" {
			wrong = append(wrong, reader+": "+problem)
		}
	}
	for _, r := range g.OfType(awstype.MetricAlarm) {
		period, _ := r.Inputs.Num("period")
		statistic := r.Inputs.Str("statistic") + r.Inputs.Str("extendedStatistic")
		dimensions := slices.Collect(maps.Keys(r.Inputs.Object("dimensions")))
		note(r.Name, unreadable(r.Inputs.Str("namespace"), r.Inputs.Str("metricName"), statistic, period, dimensions))
	}
	for _, r := range g.OfType(awstype.Dashboard) {
		var body struct {
			Widgets []struct {
				Properties struct {
					Title, Stat string
					Period      float64
					Metrics     [][]any
				}
			}
		}
		if err := json.Unmarshal([]byte(r.Inputs.Str("dashboardBody")), &body); err != nil {
			note(r.Name, err.Error())
			continue
		}
		for _, w := range body.Widgets {
			for _, line := range w.Properties.Metrics {
				var words, dimensions []string
				for _, field := range line {
					if word, ok := field.(string); ok {
						words = append(words, word)
					}
				}
				for i := 2; i+1 < len(words); i += 2 {
					dimensions = append(dimensions, words[i])
				}
				note(r.Name+" "+w.Properties.Title,
					unreadable(words[0], words[1], w.Properties.Stat, w.Properties.Period, dimensions))
			}
		}
	}
	return seen, wrong
}
