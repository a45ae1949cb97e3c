package observability

import (
	"net/mail"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/edge"
	"groundwork/components/environment"
	"groundwork/components/field"
	"groundwork/components/hardware"
)

// Thresholds are the alarm thresholds that may differ between environments.
type Thresholds struct {
	// NodeCPUPercent is the CPU usage of nodes, 1 to 99 percent; default 80.
	NodeCPUPercent int `json:"nodeCpuPercent"`
	// NodeMemoryPercent and NodeDiskPercent are the memory and disk usage of nodes, 1 to 99 percent; default 85.
	NodeMemoryPercent int `json:"nodeMemoryPercent"`
	NodeDiskPercent   int `json:"nodeDiskPercent"`
	// CacheCPUPercent and CacheMemoryPercent are the CPU and memory usage of the cache, 1 to 99 percent; default 80.
	CacheCPUPercent    int `json:"cacheCpuPercent"`
	CacheMemoryPercent int `json:"cacheMemoryPercent"`
	// LatencyMilliseconds is the 95th percentile of the application's response times, 10 to 60000 ms; default 1000.
	LatencyMilliseconds int `json:"latencyMilliseconds"`
	// ErrorPercent is the share of requests that fail at CloudFront, 1 to 99 percent; default 5.
	ErrorPercent int `json:"errorPercent"`
	// ContainerRestarts is the number of container restarts in 15 minutes, 1 to 1000; default 5.
	ContainerRestarts int `json:"containerRestarts"`
	// DatabaseCPUPercent is the CPU usage of the database, 1 to 99 percent; default 80.
	DatabaseCPUPercent int `json:"databaseCpuPercent"`
	// DatabaseFreeStoragePercent is the free share of the initial storage, 1 to 50 percent; default 15.
	DatabaseFreeStoragePercent int `json:"databaseFreeStoragePercent"`
	// DatabaseConnectionsPercent is the share of the possible connections that are open, 1 to 99 percent; default 80.
	DatabaseConnectionsPercent int `json:"databaseConnectionsPercent"`
}

// Spec is what a stack chooses about its observability.
type Spec struct {
	// AlarmEmails are the e-mail addresses that receive alarms; default none. Each address must confirm its subscription.
	AlarmEmails []string `json:"alarmEmails"`
	// MonthlyBudgetUSD is the monthly budget of the account in US dollars, 1 or more. Required.
	MonthlyBudgetUSD int `json:"monthlyBudgetUsd"`
	// Thresholds are the thresholds of the alarms.
	Thresholds Thresholds `json:"thresholds"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (t *Thresholds) SetDefaults() {
	*t = Thresholds{
		NodeCPUPercent:             80,
		NodeMemoryPercent:          85,
		NodeDiskPercent:            85,
		DatabaseCPUPercent:         80,
		DatabaseFreeStoragePercent: 15,
		DatabaseConnectionsPercent: 80,
		CacheCPUPercent:            80,
		CacheMemoryPercent:         80,
		LatencyMilliseconds:        1000,
		ErrorPercent:               5,
		ContainerRestarts:          5,
	}
}

// Validate returns everything wrong with s.
func (s Spec) Validate() field.Errors {
	var errs field.Errors
	for i, address := range s.AlarmEmails {
		if slices.Contains(s.AlarmEmails[:i], address) {
			errs.Add("alarmEmails", address, "is given twice")
		}
		parsed, err := mail.ParseAddress(address)
		if err != nil || parsed.Address != address {
			errs.Add("alarmEmails", address, "is not an e-mail address such as oncall@example.com")
		}
	}
	if s.MonthlyBudgetUSD < 1 {
		errs.Add("monthlyBudgetUsd", s.MonthlyBudgetUSD, "is below 1; give the account's monthly budget in US dollars")
	}
	t := s.Thresholds
	errs.Range("thresholds.nodeCpuPercent", t.NodeCPUPercent, 1, 99)
	errs.Range("thresholds.nodeMemoryPercent", t.NodeMemoryPercent, 1, 99)
	errs.Range("thresholds.nodeDiskPercent", t.NodeDiskPercent, 1, 99)
	errs.Range("thresholds.cacheCpuPercent", t.CacheCPUPercent, 1, 99)
	errs.Range("thresholds.cacheMemoryPercent", t.CacheMemoryPercent, 1, 99)
	errs.Range("thresholds.latencyMilliseconds", t.LatencyMilliseconds, 10, 60000)
	errs.Range("thresholds.errorPercent", t.ErrorPercent, 1, 99)
	errs.Range("thresholds.containerRestarts", t.ContainerRestarts, 1, 1000)
	errs.Range("thresholds.databaseCpuPercent", t.DatabaseCPUPercent, 1, 99)
	errs.Range("thresholds.databaseFreeStoragePercent", t.DatabaseFreeStoragePercent, 1, 50)
	errs.Range("thresholds.databaseConnectionsPercent", t.DatabaseConnectionsPercent, 1, 99)
	return errs
}

// Targets are the resources that alarms and dashboard watch.
type Targets struct {
	// ClusterName is the EKS cluster.
	ClusterName pulumi.StringOutput
	// AutoScalingGroups are the Auto Scaling groups of the nodes, by node group.
	AutoScalingGroups map[string]pulumi.StringOutput
	// NATGatewayIDs are the NAT gateways, by zone.
	NATGatewayIDs map[string]pulumi.StringOutput
	// DatabaseIdentifier is the RDS instance. The thresholds of its alarms depend on DatabaseClass and DatabaseStorageGiB.
	DatabaseIdentifier pulumi.StringOutput
	DatabaseClass      hardware.Type
	DatabaseStorageGiB int
	// CacheNodeIDs are the nodes of the cache, by number. The alarms of a node depend on CacheNodeType.
	CacheNodeIDs  map[string]pulumi.StringOutput
	CacheNodeType hardware.Type
	// Edge names the load balancer, the target group and the distribution.
	Edge edge.Metrics
	// ContainerLogGroup is the log group of all containers.
	ContainerLogGroup pulumi.StringOutput
	// ArgoCD is true if Argo CD deploys the application.
	ArgoCD bool
}

// Args are the facts and choices of one environment's observability.
type Args struct {
	environment.Facts
	Spec
	// USEast1 is the AWS provider of us-east-1. CloudFront's metrics are there, so their alarms must be there too.
	USEast1 pulumi.ProviderResource
	// Targets are the resources that alarms and dashboard watch.
	Targets Targets
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := append(a.Spec.Validate(), a.Facts.Validate()...)
	if a.USEast1 == nil {
		errs.Required("usEast1", "the AWS provider of us-east-1")
	}
	return errs.Err("observability " + name + ": args: ")
}
