package observability

import (
	"fmt"

	"groundwork/components/database"
	"groundwork/components/hardware"
)

// MissingData says how an alarm treats a period without data.
type MissingData string

const (
	// MissingIsBad is for metrics that are missing only if the resource is down.
	MissingIsBad MissingData = "breaching"
	// MissingIsGood is for metrics that exist only while something happens.
	MissingIsGood MissingData = "notBreaching"
	// MissingIsUnknown is for metrics whose absence means neither.
	MissingIsUnknown MissingData = "missing"
)

// Comparisons that alarms use.
const (
	above   = "GreaterThanThreshold"
	atLeast = "GreaterThanOrEqualToThreshold"
	below   = "LessThanThreshold"
)

// Alarm is one row of the alarm table: a metric, a threshold, and what missing data means. The component adds the
// watched resource as dimensions.
type Alarm struct {
	// Name is the last part of the logical and the physical name.
	Name string
	// Description says what has happened and what to do first.
	Description string
	Namespace   string
	Metric      string
	// Statistic is a statistic of CloudWatch such as Average, or a percentile such as p95.
	Statistic  string
	Comparison string
	Threshold  float64
	// The alarm fires if Datapoints of the last Periods, each of PeriodSeconds, cross the threshold.
	PeriodSeconds, Periods, Datapoints int
	Missing                            MissingData
	// NoAllClear is for events that are logged once: their absence does not mean that the cause is gone. The alarm sends
	// no notification when it returns to OK.
	NoAllClear bool
	// Standing alarms watch resources that run while the environment is parked or outside working hours. They always
	// notify; all other alarms do not notify then.
	Standing bool
}

// NodeAlarms watch one Auto Scaling group.
func NodeAlarms(t Thresholds) []Alarm {
	return []Alarm{{
		Name: "cpu",
		Description: fmt.Sprintf(
			"Nodes use over %d%% CPU for 15 minutes: check pod requests, then whether the autoscaler is at maxSize",
			t.NodeCPUPercent,
		),
		Namespace: "AWS/EC2", Metric: "CPUUtilization", Statistic: "Average",
		Comparison: above, Threshold: float64(t.NodeCPUPercent), PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		// A group without nodes reports no data.
		Missing: MissingIsGood,
	}, {
		Name: "status-check",
		Description: "A node fails EC2 status checks: node repair should replace it within minutes, look at the node " +
			"group's health if not",
		Namespace: "AWS/EC2", Metric: "StatusCheckFailed", Statistic: "Maximum",
		Comparison: atLeast, Threshold: 1, PeriodSeconds: 60, Periods: 5, Datapoints: 3,
		Missing: MissingIsGood,
	}}
}

// ClusterAlarms watch one EKS cluster: its control plane, and what its nodes report to Container Insights.
func ClusterAlarms(t Thresholds) []Alarm {
	return []Alarm{{
		Name: "node-memory",
		Description: fmt.Sprintf(
			"A node uses over %d%% of its memory for 15 minutes: pods without limits, or requests that are too low",
			t.NodeMemoryPercent,
		),
		Namespace: "ContainerInsights", Metric: "node_memory_utilization", Statistic: "Maximum",
		Comparison: above, Threshold: float64(t.NodeMemoryPercent), PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		// Without nodes there are no agents.
		Missing: MissingIsGood,
	}, {
		Name: "node-disk",
		Description: fmt.Sprintf(
			"A node's disk is over %d%% full: the kubelet will evict pods; look for logs and images, then raise diskGiB",
			t.NodeDiskPercent,
		),
		Namespace: "ContainerInsights", Metric: "node_filesystem_utilization", Statistic: "Maximum",
		Comparison: above, Threshold: float64(t.NodeDiskPercent), PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		Missing: MissingIsGood,
	}, {
		Name:        "unschedulable-pods",
		Description: "Pods find no node for 15 minutes: the autoscaler is at maxSize, or requests fit no instance type",
		// Each scheduler of the control plane reports; those that stand by report 0. Shorter periods than the alarm's 15
		// minutes keep a pod that waits for a new node for two minutes, every few minutes, from adding up to an alarm.
		Namespace: "AWS/EKS", Metric: "scheduler_pending_pods_UNSCHEDULABLE", Statistic: "Sum",
		Comparison: above, Threshold: 0, PeriodSeconds: 60, Periods: 15, Datapoints: 14,
		Missing: MissingIsGood,
	}, {
		Name: "container-restarts",
		Description: fmt.Sprintf(
			"Containers restarted over %d times in a quarter of an hour: kubectl get pods -A shows which, kubectl logs "+
				"--previous why",
			t.ContainerRestarts,
		),
		Namespace: "ContainerInsights", Metric: "pod_number_of_container_restarts", Statistic: "Sum",
		Comparison: above, Threshold: float64(t.ContainerRestarts), PeriodSeconds: 900, Periods: 1, Datapoints: 1,
		Missing: MissingIsGood,
	}, {
		Name: "api-errors",
		Description: "The Kubernetes API answers over 100 requests in five minutes with 5xx: see the api log and the EKS " +
			"health page",
		Namespace: "AWS/EKS", Metric: "apiserver_request_total_5XX", Statistic: "Sum",
		Comparison: above, Threshold: 100, PeriodSeconds: 300, Periods: 3, Datapoints: 2,
		Missing: MissingIsGood, Standing: true,
	}}
}

// QueueAlarms watch the dead-letter queue of scheduled calls.
func QueueAlarms() []Alarm {
	return []Alarm{{
		Name: "failed-call",
		Description: "A scheduled start or stop failed: the message in the dead-letter queue says which call and why; do " +
			"it by hand, then delete the message. (RDS also refuses to start an instance that already runs.)",
		Namespace: "AWS/SQS", Metric: "ApproximateNumberOfMessagesVisible", Statistic: "Maximum",
		Comparison: atLeast, Threshold: 1, PeriodSeconds: 300, Periods: 1, Datapoints: 1,
		// A queue that has been idle for six hours reports no data.
		Missing: MissingIsGood, Standing: true,
	}}
}

// NATAlarms watch one NAT gateway.
func NATAlarms() []Alarm {
	return []Alarm{{
		Name: "port-allocation",
		Description: "The NAT gateway is out of ports for one destination, connections fail: add a VPC endpoint for it or " +
			"a second address",
		Namespace: "AWS/NATGateway", Metric: "ErrorPortAllocation", Statistic: "Sum",
		Comparison: above, Threshold: 0, PeriodSeconds: 60, Periods: 5, Datapoints: 3,
		Missing: MissingIsGood,
	}, {
		Name:        "packets-dropped",
		Description: "The NAT gateway drops packets: AWS asks for a support case when it lasts",
		Namespace:   "AWS/NATGateway", Metric: "PacketsDropCount", Statistic: "Sum",
		Comparison: above, Threshold: 100, PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		Missing: MissingIsGood,
	}}
}

// LoadBalancerAlarms watch one load balancer.
func LoadBalancerAlarms(t Thresholds) []Alarm {
	return []Alarm{{
		Name: "balancer-errors",
		Description: "The load balancer itself answers with 5xx: no pod is ready, or pods close connections; look at the " +
			"application's readiness",
		Namespace: loadBalancerMetrics, Metric: "HTTPCode_ELB_5XX_Count", Statistic: "Sum",
		Comparison: above, Threshold: 10, PeriodSeconds: 300, Periods: 2, Datapoints: 2,
		// The metric exists only while there are errors.
		Missing: MissingIsGood,
	}, {
		Name:        "application-errors",
		Description: "The application answers with 5xx: look for its errors in the container log, then at database and cache",
		Namespace:   loadBalancerMetrics, Metric: "HTTPCode_Target_5XX_Count", Statistic: "Sum",
		Comparison: above, Threshold: 10, PeriodSeconds: 300, Periods: 2, Datapoints: 2,
		Missing: MissingIsGood,
	}, {
		Name: "latency",
		Description: fmt.Sprintf(
			"One answer in twenty takes over %d ms for 15 minutes: look at the database's latency and at the pods' CPU",
			t.LatencyMilliseconds,
		),
		Namespace: loadBalancerMetrics, Metric: "TargetResponseTime", Statistic: "p95",
		Comparison: above, Threshold: float64(t.LatencyMilliseconds) / 1000, PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		// Without requests there is no latency.
		Missing: MissingIsGood,
	}}
}

const loadBalancerMetrics = "AWS/ApplicationELB"

// TargetAlarms watch one target group of a load balancer.
func TargetAlarms() []Alarm {
	return []Alarm{{
		Name:        "unhealthy-hosts",
		Description: "A pod is not ready for ten minutes: its /ready page names the dependency that does not answer",
		Namespace:   loadBalancerMetrics, Metric: "UnHealthyHostCount", Statistic: "Maximum",
		Comparison: atLeast, Threshold: 1, PeriodSeconds: 60, Periods: 10, Datapoints: 10,
		Missing: MissingIsGood,
	}, {
		Name: "no-healthy-host",
		Description: "No pod gets requests: none is ready, or none is bound to the load balancer. Expect this alarm " +
			"before the first deployment",
		Namespace: loadBalancerMetrics, Metric: "HealthyHostCount", Statistic: "Maximum",
		Comparison: below, Threshold: 1, PeriodSeconds: 60, Periods: 5, Datapoints: 5,
		// A group without targets reports no data.
		Missing: MissingIsBad,
	}}
}

// DistributionAlarms watch one CloudFront distribution. Its metrics are in us-east-1.
func DistributionAlarms(t Thresholds) []Alarm {
	return []Alarm{{
		Name: "error-rate",
		Description: fmt.Sprintf(
			"Over %d%% of all requests fail at CloudFront: if the load balancer's alarms are silent, CloudFront does not "+
				"reach it; see the VPC origin",
			t.ErrorPercent,
		),
		Namespace: "AWS/CloudFront", Metric: "5xxErrorRate", Statistic: "Average",
		Comparison: above, Threshold: float64(t.ErrorPercent), PeriodSeconds: 300, Periods: 2, Datapoints: 2,
		Missing: MissingIsGood,
	}}
}

// LogAlarm counts lines of the container log and watches the count.
type LogAlarm struct {
	Alarm
	// Pattern is a CloudWatch Logs filter pattern. The agent puts the fields of a line that it can parse into
	// log_processed.
	Pattern string
}

// LogAlarms watch events that operators report only in their logs. The alarms of Argo CD are left out if it does not
// deploy the application. ownMetrics is the namespace of the counts.
func LogAlarms(ownMetrics string, argoCD bool) []LogAlarm {
	row := func(name, description, pattern string, seconds, periods int) LogAlarm {
		return LogAlarm{Pattern: pattern, Alarm: Alarm{
			Name: name, Description: description, Namespace: ownMetrics, Metric: name, Statistic: "Sum",
			Comparison: atLeast, Threshold: 1, PeriodSeconds: seconds, Periods: periods, Datapoints: periods,
			Missing: MissingIsGood,
		}}
	}
	rows := []LogAlarm{row("secret-sync",
		"External Secrets fails to read a secret for half an hour: kubectl describe externalsecret says which; pods keep "+
			"the last value they had",
		// The operator retries within seven minutes, and logs each failure.
		`{ $.log_processed.msg = "Reconciler error" && $.log_processed.controllerGroup = "external-secrets.io" }`,
		900, 2,
	)}
	if !argoCD {
		return rows
	}
	once := func(r LogAlarm) LogAlarm {
		r.NoAllClear = true
		return r
	}
	return append(rows, once(row("argocd-sync",
		"Argo CD gave up deploying: the Application's status says why; the old pods go on",
		`{ $.kubernetes.namespace_name = "argocd" && $.log_processed.reason = "OperationCompleted" `+
			`&& $.log_processed.type = "Warning" }`,
		300, 1,
	)), once(row("argocd-degraded",
		"What Argo CD deployed is not healthy: look at the pods of the Application",
		`{ $.kubernetes.namespace_name = "argocd" && $.log_processed.msg = "*-> Degraded" }`,
		300, 1,
	)))
}

// cacheCPU returns the metric that shows how busy the engine of a node is, and the threshold for a share of its one
// core. A node with at most two cores is watched as a whole, because all that is not the engine needs much of it too.
// Source: Amazon ElastiCache User Guide, "Which metrics should I monitor?": 90 % of one of two cores is 45 %.
func cacheCPU(node hardware.Type, percent int) (metric string, threshold float64) {
	if node.VCPUs > 2 {
		return "EngineCPUUtilization", float64(percent)
	}
	return "CPUUtilization", float64(percent) / float64(max(node.VCPUs, 1))
}

// CacheAlarms watch one node of the cache, of the given type.
func CacheAlarms(t Thresholds, node hardware.Type) []Alarm {
	metric, threshold := cacheCPU(node, t.CacheCPUPercent)
	alarms := []Alarm{{
		Name: "cpu",
		Description: fmt.Sprintf(
			"The cache uses over %d%% of the one core of its engine for 15 minutes: look for slow commands in the slow log, "+
				"then add a node or a larger type",
			t.CacheCPUPercent,
		),
		Namespace: "AWS/ElastiCache", Metric: metric, Statistic: "Average",
		Comparison: above, Threshold: threshold, PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		// A running node reports data every minute.
		Missing: MissingIsBad,
	}, {
		Name: "memory",
		Description: fmt.Sprintf(
			"The cache is over %d%% full for 15 minutes: it will evict keys that are still wanted; shorten lifetimes or "+
				"choose a larger type",
			t.CacheMemoryPercent,
		),
		Namespace: "AWS/ElastiCache", Metric: "DatabaseMemoryUsagePercentage", Statistic: "Average",
		Comparison: above, Threshold: float64(t.CacheMemoryPercent), PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		Missing: MissingIsUnknown,
	}}
	if node.Burstable() {
		alarms = append(alarms, creditAlarm("AWS/ElastiCache", "node", "type"))
	}
	return alarms
}

// creditAlarm watches the CPU credits of a burstable instance. what it is and its kind are for the description.
func creditAlarm(namespace, what, kind string) Alarm {
	return Alarm{
		Name: "cpu-credits",
		Description: fmt.Sprintf("The burstable %s is nearly out of CPU credits: it will be throttled or billed for more; "+
			"choose a larger or a fixed %s", what, kind),
		Namespace: namespace, Metric: "CPUCreditBalance", Statistic: "Minimum",
		Comparison: below, Threshold: 20, PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		Missing: MissingIsUnknown,
	}
}

// DatabaseAlarms watch one RDS instance of the given class and initial storage.
func DatabaseAlarms(t Thresholds, class hardware.Type, storageGiB int) []Alarm {
	alarms := []Alarm{{
		Name: "cpu",
		Description: fmt.Sprintf(
			"The database uses over %d%% CPU for 15 minutes: look at the top statements in Performance Insights",
			t.DatabaseCPUPercent,
		),
		Namespace: "AWS/RDS", Metric: "CPUUtilization", Statistic: "Average",
		Comparison: above, Threshold: float64(t.DatabaseCPUPercent), PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		// A running instance reports data every minute.
		Missing: MissingIsBad,
	}, {
		Name: "free-storage",
		Description: fmt.Sprintf(
			"Less than %d%% of the first volume size is free: storage grows by itself up to maxStorageGiB, raise that or "+
				"clean up",
			t.DatabaseFreeStoragePercent,
		),
		Namespace: "AWS/RDS", Metric: "FreeStorageSpace", Statistic: "Minimum",
		Comparison: below, Threshold: float64(storageGiB) * float64(1<<30) * float64(t.DatabaseFreeStoragePercent) / 100,
		PeriodSeconds: 300, Periods: 1, Datapoints: 1,
		Missing: MissingIsUnknown,
	}, {
		Name: "free-memory",
		Description: "Less than a tenth of the memory is free: the instance will swap; look for many or large connections, " +
			"then for a larger class",
		Namespace: "AWS/RDS", Metric: "FreeableMemory", Statistic: "Minimum",
		Comparison: below, Threshold: class.MemoryGiB * float64(1<<30) / 10, PeriodSeconds: 300, Periods: 3,
		Datapoints: 3,
		Missing:    MissingIsUnknown,
	}, {
		Name: "connections",
		Description: fmt.Sprintf(
			"Over %d%% of the possible connections are open: find the client that leaks them before new ones are refused",
			t.DatabaseConnectionsPercent,
		),
		Namespace: "AWS/RDS", Metric: "DatabaseConnections", Statistic: "Maximum",
		Comparison: above, Threshold: float64(database.Connections(class) * t.DatabaseConnectionsPercent / 100),
		PeriodSeconds: 60, Periods: 5, Datapoints: 3,
		Missing: MissingIsUnknown,
	}, {
		Name:        "write-latency",
		Description: "Writes take over 50 ms for 15 minutes: the volume is at its limit, or the standby is slow to confirm",
		Namespace:   "AWS/RDS", Metric: "WriteLatency", Statistic: "Average",
		Comparison: above, Threshold: 0.05, PeriodSeconds: 300, Periods: 3, Datapoints: 3,
		// Without writes there is no latency.
		Missing: MissingIsGood,
	}}
	if class.Burstable() {
		alarms = append(alarms, creditAlarm("AWS/RDS", "instance", "class"))
	}
	return alarms
}
