package edge

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/network"
	"groundwork/components/field"
)

// Firewall says what looks at requests before the application does.
type Firewall string

const (
	// FirewallManaged is a web ACL with AWS's managed rules and a rate limit.
	FirewallManaged Firewall = "managed"
	// FirewallNone lets every request through; it saves about ten dollars a month.
	FirewallNone Firewall = "none"
)

// AccessLogs says what becomes of the access logs when the environment is destroyed.
type AccessLogs string

const (
	// AccessLogsKeep leaves the buckets, with their expiry, behind.
	AccessLogsKeep AccessLogs = "keep"
	// AccessLogsDelete empties and deletes them.
	AccessLogsDelete AccessLogs = "delete"
)

// Spec is what a stack chooses about its edge. The zero value has no domain.
type Spec struct {
	// Domain is the host name of the application, such as shop.example.com. Empty, the default, means the name that
	// CloudFront gives.
	Domain string `json:"domain"`
	// HostedZoneID is the Route 53 zone that holds Domain.
	HostedZoneID string `json:"hostedZoneId"`
	// Firewall is managed or none; default managed.
	Firewall Firewall `json:"firewall"`
	// RequestsPerFiveMinutes is how many requests one address may make before it is blocked, 10 to 2000000000; default 2000.
	RequestsPerFiveMinutes int `json:"requestsPerFiveMinutes"`
	// AccessLogs is keep or delete; default keep.
	AccessLogs AccessLogs `json:"accessLogs"`
}

// SetDefaults sets what a stack may leave out; it comes before the stack's own values.
func (s *Spec) SetDefaults() {
	s.Firewall, s.RequestsPerFiveMinutes, s.AccessLogs = FirewallManaged, 2000, AccessLogsKeep
}

var (
	hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	zoneID   = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)
	// Load balancers and target groups share the form, and the 32 characters, of their names.
	balancerName = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9])*$`)
)

// maxRate is the largest rate limit of AWS WAF. Source: AWS WAF API, "RateBasedStatement".
const maxRate = 2_000_000_000

// Problems returns everything wrong with s. A protected environment must have a firewall and keep its logs.
func (s Spec) Problems(protected bool) spec.Problems {
	var p spec.Problems
	if s.Domain != "" {
		p.Match("domain", s.Domain, hostName, "a host name in lower case, such as shop.example.com")
	}
	if len(s.Domain) > 64 {
		p.Add("domain", s.Domain, "has %d characters; the first name of an ACM certificate has at most 64", len(s.Domain))
	}
	switch {
	case s.Domain != "" && s.HostedZoneID == "":
		p.Missing("hostedZoneId", "the Route 53 hosted zone of "+s.Domain)
	case s.Domain == "" && s.HostedZoneID != "":
		p.Missing("domain", "a host name in the zone "+s.HostedZoneID+", or leave hostedZoneId out")
	case s.HostedZoneID != "":
		p.Match("hostedZoneId", s.HostedZoneID, zoneID, "a Route 53 hosted zone ID such as Z0123456789ABCDEFGHIJ")
	}
	spec.OneOf(&p, "firewall", s.Firewall, FirewallManaged, FirewallNone)
	if protected && s.Firewall == FirewallNone {
		p.Add("firewall", string(s.Firewall), "does not go with protect; choose %s", FirewallManaged)
	}
	p.Range("requestsPerFiveMinutes", s.RequestsPerFiveMinutes, 10, maxRate)
	spec.OneOf(&p, "accessLogs", s.AccessLogs, AccessLogsKeep, AccessLogsDelete)
	if protected && s.AccessLogs == AccessLogsDelete {
		p.Add("accessLogs", string(s.AccessLogs), "does not go with protect; choose %s", AccessLogsKeep)
	}
	return p
}

// Application is what the load balancer sends requests to.
type Application struct {
	// Port is the pods' TCP port.
	Port int
	// ReadinessPath answers 200 when a pod may get requests.
	ReadinessPath string
}

// Args are the facts and choices of one edge.
type Args struct {
	Spec
	// Name is the physical base name: letters, digits and single hyphens, at most 23 characters.
	Name string
	// Region and AccountID are where the load balancer is.
	Region, AccountID string
	// USEast1 is the AWS provider of us-east-1, where CloudFront's certificate, web ACL and logs have to be.
	USEast1 pulumi.ProviderResource
	// Placement is where the load balancer goes.
	Placement network.Placement
	// PodSecurityGroupID is the group that the pods' nodes wear; nil while there is no cluster.
	PodSecurityGroupID pulumi.StringInput
	// Application is what gets the requests.
	Application Application
	// LogRetentionDays is how long access logs are kept.
	LogRetentionDays int
	// Down leaves load balancer and VPC origin out: CloudFront then answers by itself that the environment is parked.
	Down bool
	// Protect keeps the load balancer from being deleted.
	Protect bool
}

// maxName leaves room for "-web-" and a port in the 32 characters of a target group.
const maxName = 32 - len("-web-65535")

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	p := a.Problems(a.Protect)
	p.Match("name", a.Name, balancerName, "letters, digits and single hyphens")
	if len(a.Name) > maxName {
		p.Add("name", a.Name, "has more than %d characters", maxName)
	}
	if a.USEast1 == nil {
		p.Missing("usEast1", "the AWS provider of us-east-1")
	}
	p.Range("application.port", a.Application.Port, 1, 65535)
	if !strings.HasPrefix(a.Application.ReadinessPath, "/") {
		p.Add("application.readinessPath", a.Application.ReadinessPath, "does not begin with /")
	}
	p.Range("logRetentionDays", a.LogRetentionDays, 1, 3653)
	return p.Err("edge " + name + ": args: ")
}
