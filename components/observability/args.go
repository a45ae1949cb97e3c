package observability

import (
	"net/mail"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/database"
	"groundwork/components/edge"
	"groundwork/components/environment"
	"groundwork/components/field"
)

// Thresholds are the alarm thresholds that environments really differ in.
type Thresholds struct {
	// NodeCPUPercent is 1 to 99; default 80.
	NodeCPUPercent int `json:"nodeCpuPercent"`
	// NodeMemoryPercent and NodeDiskPercent are 1 to 99; default 85.
	NodeMemoryPercent int `json:"nodeMemoryPercent"`
	NodeDiskPercent   int `json:"nodeDiskPercent"`
	// CacheCPUPercent and CacheMemoryPercent are 1 to 99; default 80.
	CacheCPUPercent    int `json:"cacheCpuPercent"`
	CacheMemoryPercent int `json:"cacheMemoryPercent"`
	// LatencyMilliseconds is the 95th percentile of the application's answers, 10 to 60000; default 1000.
	LatencyMilliseconds int `json:"latencyMilliseconds"`
	// ErrorPercent is the share of requests that may fail at CloudFront, 1 to 99; default 5.
	ErrorPercent int `json:"errorPercent"`
	// ContainerRestarts is how many containers may restart in a quarter of an hour, 1 to 1000; default 5.
	ContainerRestarts int `json:"containerRestarts"`
	// DatabaseCPUPercent is 1 to 99; default 80.
	DatabaseCPUPercent int `json:"databaseCpuPercent"`
	// DatabaseFreeStoragePercent is 1 to 50; default 15.
	DatabaseFreeStoragePercent int `json:"databaseFreeStoragePercent"`
	// DatabaseConnectionsPercent is 1 to 99; default 80.
	DatabaseConnectionsPercent int `json:"databaseConnectionsPercent"`
}

// Spec is what a stack chooses about its observability.
type Spec struct {
	// AlarmEmails receive alarms; each address has to confirm once.
	AlarmEmails []string `json:"alarmEmails"`
	// MonthlyBudgetUSD is the account's budget in US dollars, 1 or more.
	MonthlyBudgetUSD int `json:"monthlyBudgetUsd"`
	// Thresholds of the alarms.
	Thresholds Thresholds `json:"thresholds"`
}

// SetDefaults sets what a stack may leave out; it comes before the stack's own values.
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

// Targets are what is watched.
type Targets struct {
	// ClusterName is the EKS cluster.
	ClusterName pulumi.StringOutput
	// AutoScalingGroups are watched for load and failed instances, by node group.
	AutoScalingGroups map[string]pulumi.StringOutput
	// NATGatewayIDs are watched for exhaustion, by zone.
	NATGatewayIDs map[string]pulumi.StringOutput
	// DatabaseIdentifier is the RDS instance; DatabaseClass and DatabaseStorageGiB size its alarms.
	DatabaseIdentifier pulumi.StringOutput
	DatabaseClass      database.Class
	DatabaseStorageGiB int
	// CacheNodeIDs are the nodes of the cache, by number.
	CacheNodeIDs map[string]pulumi.StringOutput
	// Edge are the load balancer and what is before and behind it.
	Edge edge.Metrics
	// ContainerLogGroup is where the lines of all containers are.
	ContainerLogGroup pulumi.StringOutput
	// ArgoCD is true where Argo CD deploys, and may fail to.
	ArgoCD bool
}

// Args are the facts and choices of one environment's observability.
type Args struct {
	environment.Facts
	Spec
	// USEast1 is the AWS provider of us-east-1, where CloudFront's metrics are and their alarms have to be.
	USEast1 pulumi.ProviderResource
	// Targets are what is watched.
	Targets Targets
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := append(a.Spec.Validate(), a.Facts.Validate()...)
	if a.USEast1 == nil {
		errs.Required("usEast1", "the AWS provider of us-east-1")
	}
	return errs.Err("observability " + name + ": args: ")
}
