package network

import (
	"net/netip"
	"slices"
	"strings"

	"groundwork/components/environment"
	"groundwork/components/field"
)

// NATMode says how private subnets reach the internet.
type NATMode string

const (
	// NATNone has no NAT gateway: private subnets reach AWS only through VPC endpoints.
	NATNone NATMode = "none"
	// NATSingle shares one gateway between the zones. It is the cheapest, but if its zone fails, no zone reaches the
	// internet.
	NATSingle NATMode = "single"
	// NATPerZone has a gateway in each zone, as production needs.
	NATPerZone NATMode = "perZone"
)

// FlowTraffic says which flows are logged.
type FlowTraffic string

const (
	// FlowReject logs rejected flows only.
	FlowReject FlowTraffic = "REJECT"
	// FlowAll logs every flow.
	FlowAll FlowTraffic = "ALL"
)

// endpointServices are the interface endpoints that a stack may choose, by the last part of the service name.
var endpointServices = []string{
	"autoscaling", "ec2", "ec2messages", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms", "logs",
	"monitoring", "rds", "secretsmanager", "sns", "ssm", "ssmmessages", "sts",
}

// endpointsWithoutNAT are the services that a node must reach to join a cluster and pull images without a NAT gateway.
// Source: Amazon EKS User Guide, "Deploy private clusters with limited internet access".
var endpointsWithoutNAT = []string{"ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "logs", "sts"}

// Spec is what a stack chooses about its network. The zero value is not valid: a network needs an address range and
// zones.
type Spec struct {
	// CIDR is the address range of the VPC: private (RFC 1918), /16 to /20, without host bits. Required.
	CIDR string `json:"cidr"`
	// Zones are the availability zones, two or more, in any order. Required.
	Zones []string `json:"zones"`
	// NATMode is none, single or perZone; default single.
	NATMode NATMode `json:"natMode"`
	// InterfaceEndpoints are the AWS services that get an interface endpoint, such as "ecr.api"; default none.
	InterfaceEndpoints []string `json:"interfaceEndpoints"`
	// FlowLogTraffic is REJECT or ALL; default REJECT.
	FlowLogTraffic FlowTraffic `json:"flowLogTraffic"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *Spec) SetDefaults() {
	s.NATMode, s.FlowLogTraffic = NATSingle, FlowReject
}

// maxElasticIPs is the default quota of an account in a region.
// Source: Amazon EC2 User Guide, "Elastic IP address quota".
const maxElasticIPs = 5

var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
}

// Private reports whether p lies wholly inside one of the RFC 1918 ranges.
func Private(p netip.Prefix) bool {
	for _, r := range privateRanges {
		if r.Bits() <= p.Bits() && r.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// ValidateCIDR parses a private IPv4 range with a prefix length of minBits to maxBits. If value is anything else, it
// records at key what is wrong and returns false.
func ValidateCIDR(errs *field.Errors, key, value string, minBits, maxBits int) (prefix netip.Prefix, ok bool) {
	if value == "" {
		errs.Required(key, "an IPv4 range such as 10.20.0.0/16")
		return netip.Prefix{}, false
	}
	prefix, err := netip.ParsePrefix(value)
	if err != nil || !prefix.Addr().Is4() {
		errs.Add(key, value, "is not an IPv4 range; give one such as 10.20.0.0/16")
		return netip.Prefix{}, false
	}
	before := len(*errs)
	if prefix.Bits() < minBits || prefix.Bits() > maxBits {
		errs.Add(key, value, "has a prefix length outside /%d to /%d", minBits, maxBits)
	}
	if prefix != prefix.Masked() {
		errs.Add(key, value, "has host bits set; the range is %s", prefix.Masked())
	}
	if !Private(prefix) {
		errs.Add(key, value, "is not private; use 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
	}
	return prefix, len(*errs) == before
}

// Validate returns everything wrong with s for a VPC in region.
func (s Spec) Validate(region string) field.Errors {
	var errs field.Errors
	ValidateCIDR(&errs, "cidr", s.CIDR, minPrefix, maxPrefix)
	s.validateZones(&errs, region)
	field.OneOf(&errs, "natMode", s.NATMode, NATNone, NATSingle, NATPerZone)
	if s.NATMode == NATPerZone && len(s.Zones) > maxElasticIPs {
		errs.Add("natMode", string(s.NATMode), "needs %d Elastic IP addresses; a region gives an account %d",
			len(s.Zones), maxElasticIPs).On("zones")
	}
	field.OneOf(&errs, "flowLogTraffic", s.FlowLogTraffic, FlowReject, FlowAll)
	s.validateEndpoints(&errs)
	return errs
}

func (s Spec) validateZones(errs *field.Errors, region string) {
	if len(s.Zones) < 2 {
		errs.Add("zones", s.Zones, "has fewer than two zones; EKS and RDS need two or more")
	}
	for i, zone := range s.Zones {
		if slices.Contains(s.Zones[:i], zone) {
			errs.Add("zones", zone, "is given twice")
		}
		letter, inRegion := strings.CutPrefix(zone, region)
		if !inRegion || len(letter) != 1 {
			errs.Add("zones", zone, "is not a zone of %s; give one such as %sa", region, region)
		} else if _, err := zoneSlot(zone); err != nil {
			errs.Add("zones", zone, "does not end in a letter a to h")
		}
	}
}

func (s Spec) validateEndpoints(errs *field.Errors) {
	for i, service := range s.InterfaceEndpoints {
		if !slices.Contains(endpointServices, service) {
			errs.Add("interfaceEndpoints", service, "is not one of %s", strings.Join(endpointServices, ", "))
		}
		if slices.Contains(s.InterfaceEndpoints[:i], service) {
			errs.Add("interfaceEndpoints", service, "is given twice")
		}
	}
	if s.NATMode != NATNone {
		return
	}
	for _, service := range endpointsWithoutNAT {
		if !slices.Contains(s.InterfaceEndpoints, service) {
			errs.Add("interfaceEndpoints", s.InterfaceEndpoints, "lacks %q, which nodes need when natMode is none", service)
		}
	}
}

// Args are the facts and choices of one network. If Power says that there is no egress, the network has no NAT gateways
// and only the interface endpoints in StandbyEndpoints.
type Args struct {
	environment.Facts
	Spec
	// ClusterName is part of the subnet tags by which load balancer controllers find their subnets.
	ClusterName string
	// StandbyEndpoints are the AWS services that get an interface endpoint, in one subnet, where there is no egress;
	// default none.
	StandbyEndpoints []string
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := slices.Concat(a.Spec.Validate(a.Region), a.Facts.Validate(), a.ValidateLogs())
	return errs.Err("network " + name + ": args: ")
}
