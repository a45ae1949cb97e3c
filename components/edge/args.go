package edge

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
	"groundwork/components/network"
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
	// RequestsPerFiveMinutes is how many requests one address may make before it is blocked, 10 to 2000000000; default
	// 2000.
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
)

// maxRate is the largest rate limit of AWS WAF. Source: AWS WAF API, "RateBasedStatement".
const maxRate = 2_000_000_000

// Validate returns everything wrong with s. A protected environment must have a firewall and keep its logs.
func (s Spec) Validate(protected bool) field.Errors {
	var errs field.Errors
	if s.Domain != "" {
		errs.Match("domain", s.Domain, hostName, "a host name in lower case, such as shop.example.com")
	}
	if len(s.Domain) > 64 {
		errs.Add("domain", s.Domain, "has %d characters; the first name of an ACM certificate has at most 64", len(s.Domain))
	}
	switch {
	case s.Domain != "" && s.HostedZoneID == "":
		errs.Required("hostedZoneId", "the Route 53 hosted zone of "+s.Domain)
	case s.Domain == "" && s.HostedZoneID != "":
		errs.Required("domain", "a host name in the zone "+s.HostedZoneID+", or leave hostedZoneId out")
	case s.HostedZoneID != "":
		errs.Match("hostedZoneId", s.HostedZoneID, zoneID, "a Route 53 hosted zone ID such as Z0123456789ABCDEFGHIJ")
	}
	field.OneOf(&errs, "firewall", s.Firewall, FirewallManaged, FirewallNone)
	if protected && s.Firewall == FirewallNone {
		errs.Add("firewall", string(s.Firewall), "does not go with protect; choose %s", FirewallManaged)
	}
	errs.Range("requestsPerFiveMinutes", s.RequestsPerFiveMinutes, 10, maxRate)
	field.OneOf(&errs, "accessLogs", s.AccessLogs, AccessLogsKeep, AccessLogsDelete)
	if protected && s.AccessLogs == AccessLogsDelete {
		errs.Add("accessLogs", string(s.AccessLogs), "does not go with protect; choose %s", AccessLogsKeep)
	}
	return errs
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
	environment.Facts
	Spec
	// USEast1 is the AWS provider of us-east-1, where CloudFront's certificate, web ACL and logs have to be.
	USEast1 pulumi.ProviderResource
	// Placement is where the load balancer goes.
	Placement network.Placement
	// NodeSecurityGroupID is the security group of the pods' nodes; it means nothing where there is no cluster.
	NodeSecurityGroupID pulumi.StringInput
	// Application is what gets the requests.
	Application Application
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := append(a.Spec.Validate(a.Protect), a.Facts.Validate()...)
	if a.USEast1 == nil {
		errs.Required("usEast1", "the AWS provider of us-east-1")
	}
	errs.Range("application.port", a.Application.Port, 1, 65535)
	if !strings.HasPrefix(a.Application.ReadinessPath, "/") {
		errs.Add("application.readinessPath", a.Application.ReadinessPath, "does not begin with /")
	}
	errs.Range("logRetentionDays", a.LogRetentionDays, 1, 3653)
	return errs.Err("edge " + name + ": args: ")
}
