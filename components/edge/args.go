package edge

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
	"groundwork/components/network"
)

// Firewall says what inspects requests before the application gets them.
type Firewall string

const (
	// FirewallManaged is a web ACL with AWS-managed rules and a rate limit.
	FirewallManaged Firewall = "managed"
	// FirewallNone has no web ACL. It saves about ten dollars a month.
	FirewallNone Firewall = "none"
)

// AccessLogs says what happens to the access logs when the environment is destroyed.
type AccessLogs string

const (
	// AccessLogsKeep keeps the buckets. Their contents still expire.
	AccessLogsKeep AccessLogs = "keep"
	// AccessLogsDelete empties and deletes the buckets.
	AccessLogsDelete AccessLogs = "delete"
)

// Spec is what a stack chooses about its edge.
type Spec struct {
	// Domain is the host name of the application, such as shop.example.com, at most 64 characters. If empty, the default,
	// the application has the host name of its CloudFront distribution.
	Domain string `json:"domain"`
	// HostedZoneID is the Route 53 hosted zone of Domain. Required with a domain.
	HostedZoneID string `json:"hostedZoneId"`
	// Firewall is managed or none; default managed. A protected environment needs managed.
	Firewall Firewall `json:"firewall"`
	// RequestsPerFiveMinutes is how many requests one address may send in five minutes before the firewall blocks it, 10
	// to 2000000000; default 2000.
	RequestsPerFiveMinutes int `json:"requestsPerFiveMinutes"`
	// AccessLogs is keep or delete; default keep. A protected environment needs keep.
	AccessLogs AccessLogs `json:"accessLogs"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *Spec) SetDefaults() {
	s.Firewall, s.RequestsPerFiveMinutes, s.AccessLogs = FirewallManaged, 2000, AccessLogsKeep
}

var (
	hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	zoneID   = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)
)

// maxRate is the largest rate limit of AWS WAF. Source: AWS WAF API, "RateBasedStatement".
const maxRate = 2_000_000_000

// Validate returns everything wrong with s. A protected environment must have a firewall and keep its access logs.
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

// Application describes the pods that get the requests.
type Application struct {
	// Port is the TCP port of the pods, 1 to 65535.
	Port int
	// ReadinessPath is the path, beginning with /, at which a pod answers with 200 if it is ready for requests.
	ReadinessPath string
}

// Args are the facts and choices of one edge.
type Args struct {
	environment.Facts
	Spec
	// USEast1 is the AWS provider of us-east-1. CloudFront needs its certificate, web ACL and log delivery there.
	USEast1 pulumi.ProviderResource
	// Placement is the VPC and the subnets of the load balancer.
	Placement network.Placement
	// NodeSecurityGroupID is the security group of the nodes, which is the pods' group too. It is ignored if there is no
	// cluster.
	NodeSecurityGroupID pulumi.StringInput
	// Application describes the pods that get the requests.
	Application Application
}

// Validate returns everything wrong with the arguments in one error.
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
