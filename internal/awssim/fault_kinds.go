package awssim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"groundwork/internal/awstype"
)

// Injection is a fault of a run as users write it: KIND[:TYPE[:N]]. It is something that goes wrong during the run, or
// a change that somebody made in the account before it.
type Injection struct {
	Fault Fault
	// Drifted and Deleted are set for a change before the run: a resource of the type of the fault, the Nth of them in
	// the order of their IDs, has another value in Property, or is gone.
	Drifted, Deleted bool
	Nth              int
	// Property is the input that drifts; empty for the first text of the resource that an update can change.
	Property string
}

// faultKind is one kind of fault.
type faultKind struct {
	name, means string
	// make makes the fault about the Nth operation.
	make func(n int) Injection
}

// once makes a fault of the Nth operation alone.
func once(operation, message string, effect Effect) func(int) Injection {
	return func(n int) Injection {
		return Injection{Fault: Fault{Operation: operation, Error: message, Skip: n - 1, Times: 1, Effect: effect}}
	}
}

// Errors by type. Source of the codes: the API references of the services.
var (
	noCapacity = map[string]string{
		awstype.NodeGroup: "AsgInstanceLaunchFailures: Could not launch On-Demand Instances. " +
			"InsufficientInstanceCapacity - We currently do not have sufficient capacity in the Availability Zone you requested",
		awstype.DBInstance: "InsufficientDBInstanceCapacity: Cannot create a DB instance because of insufficient capacity",
		awstype.ReplicationGroup: "InsufficientCacheClusterCapacity: The requested cache node type is not available in the " +
			"specified Availability Zone",
	}
	noQuota = map[string]string{
		awstype.VPC:        "VpcLimitExceeded: The maximum number of VPCs has been reached",
		awstype.ElasticIP:  "AddressLimitExceeded: The maximum number of addresses has been reached",
		awstype.NATGateway: "NatGatewayLimitExceeded: The maximum number of NAT Gateways has been reached",
		awstype.NodeGroup: "AsgInstanceLaunchFailures: You've reached your quota for maximum number of vCPUs: " +
			"VcpuLimitExceeded",
		awstype.EKSCluster:       "ResourceLimitExceededException: Cluster limit exceeded",
		awstype.DBInstance:       "InstanceQuotaExceeded: DB instance quota exceeded",
		awstype.ReplicationGroup: "NodeQuotaForCustomerExceeded: The customer has exceeded the allowed number of nodes",
		awstype.LoadBalancer:     "TooManyLoadBalancers: The maximum number of load balancers has been reached",
		awstype.Role:             "LimitExceeded: Cannot exceed quota for RolesPerAccount",
		awstype.Bucket:           "TooManyBuckets: You have attempted to create more buckets than allowed",
		awstype.Distribution:     "TooManyDistributions: You have exceeded the number of distributions",
	}
)

// faultKinds are the kinds of faults.
var faultKinds = []faultKind{{
	"throttling", "AWS refuses N calls in a row; the provider tries 25 times before it gives up",
	func(n int) Injection {
		return Injection{Fault: Fault{
			Error: "Throttling: Rate exceeded (exceeded maximum number of attempts, 25)",
			Times: n, Effect: Retried, Patience: 25,
		}}
	},
}, {
	"credentials", "from the Nth operation on the credentials are expired, until the run ends",
	func(n int) Injection {
		return Injection{Fault: Fault{
			Error: "ExpiredToken: The security token included in the request is expired", Skip: n - 1,
		}}
	},
}, {
	"capacity", "AWS has no instances for the Nth node group, database or cache",
	func(n int) Injection {
		return Injection{Fault: Fault{Operation: "create", ErrorOf: noCapacity, Skip: n - 1, Times: 1}}
	},
}, {
	"quota", "the account has reached a quota at the Nth resource that has one",
	func(n int) Injection {
		return Injection{Fault: Fault{Operation: "create", ErrorOf: noQuota, Skip: n - 1, Times: 1}}
	},
}, {
	"create-then-fail", "the Nth resource is created and never becomes ready; the state records it",
	once("create", "the resource was created, and then: unexpected state 'FAILED'", NotReady),
}, {
	"no-answer", "the Nth operation happens and its answer is lost; the state does not record it",
	once("", "RequestError: send request failed: read: connection reset by peer", Unanswered),
}, {
	"slow", "the Nth operation takes ten times as long",
	once("", "", Slow),
}, {
	"role", "a role is not usable yet, N times in a row; the provider waits two minutes before it gives up",
	func(n int) Injection {
		return Injection{Fault: Fault{
			Operation: "create", Error: "InvalidParameterValue: The role cannot be assumed", Times: n, Effect: Retried,
			Patience: 120 / retrySeconds,
		}}
	},
}, {
	"kill-before", "the engine is killed just before the Nth operation", once("", "", KillBefore),
}, {
	"kill-after", "the engine is killed just after the Nth operation, which it never records", once("", "", KillAfter),
}, {
	"drift", "before the run somebody changes an input of the Nth resource: drift:TYPE, or drift:TYPE.INPUT",
	func(n int) Injection { return Injection{Drifted: true, Nth: n} },
}, {
	"deleted", "before the run somebody deletes the Nth resource of the type",
	func(n int) Injection { return Injection{Deleted: true, Nth: n} },
}}

// FaultHelp describes the kinds of faults.
func FaultHelp() string {
	var out strings.Builder
	out.WriteString("KIND[:TYPE[:N]] makes something go wrong in this run. TYPE is such as Instance, rds/instance or\n" +
		"eks/nodeGroup; without it every type counts. N is 1 where it is not given.\n\n")
	for _, kind := range faultKinds {
		fmt.Fprintf(&out, "  %-17s %s\n", kind.name, kind.means)
	}
	return out.String()
}

// ParseFault reads a fault as users write it.
func ParseFault(text string) (Injection, error) {
	parts := strings.Split(text, ":")
	i := slices.IndexFunc(faultKinds, func(kind faultKind) bool { return kind.name == parts[0] })
	if i < 0 {
		var known []string
		for _, kind := range faultKinds {
			known = append(known, kind.name)
		}
		return Injection{}, fmt.Errorf("reading --fault %q: %q is not one of %s", text, parts[0], strings.Join(known, ", "))
	}
	if len(parts) > 3 {
		return Injection{}, fmt.Errorf("reading --fault %q: want KIND[:TYPE[:N]]", text)
	}
	n := 1
	if len(parts) == 3 {
		var err error
		if n, err = strconv.Atoi(parts[2]); err != nil || n < 1 {
			return Injection{}, fmt.Errorf("reading --fault %q: %q is not a number from 1 on", text, parts[2])
		}
	}
	injection := faultKinds[i].make(n)
	name := ""
	if len(parts) > 1 {
		name = parts[1]
	}
	if injection.Drifted || injection.Deleted {
		name, injection.Property, _ = strings.Cut(name, ".")
	}
	if name == "" {
		if injection.Drifted || injection.Deleted {
			return Injection{}, fmt.Errorf("reading --fault %q: want %s:TYPE", text, parts[0])
		}
		return injection, nil
	}
	token, err := tokenOf(name)
	if err != nil {
		return Injection{}, fmt.Errorf("reading --fault %q: %w", text, err)
	}
	injection.Fault.Type = token
	if _, fits := injection.Fault.ErrorOf[token]; injection.Fault.ErrorOf != nil && !fits {
		return Injection{}, fmt.Errorf("reading --fault %q: AWS has no such error for %s", text, name)
	}
	return injection, nil
}

// tokenOf returns the type that users call by a short name: the last part of its token, its module and name, or the
// token without its package.
func tokenOf(name string) (string, error) {
	var fits []string
	for _, token := range KnownTypes() {
		_, inner, _ := strings.Cut(token, ":")
		module, last, _ := strings.Cut(inner, ":")
		if strings.EqualFold(last, name) || strings.EqualFold(module, name) {
			fits = append(fits, token)
		}
	}
	switch len(fits) {
	case 0:
		return "", fmt.Errorf("no type is called %q; write it such as rds/instance or NodeGroup", name)
	case 1:
		return fits[0], nil
	}
	var modules []string
	for _, token := range fits {
		modules = append(modules, strings.Split(token, ":")[1])
	}
	return "", fmt.Errorf("%q is one of %s; say which", name, strings.Join(modules, ", "))
}

// Apply makes an injection happen: at once where it is a change before the run. It returns what it changed.
func (c *Cloud) Apply(i Injection) (string, error) {
	if !i.Drifted && !i.Deleted {
		c.Inject(i.Fault)
		return "", nil
	}
	var of []Object
	for _, o := range c.Objects() {
		if o.Type == i.Fault.Type && o.URN != "" {
			of = append(of, o)
		}
	}
	if len(of) < i.Nth {
		return "", fmt.Errorf("the account has %d of %s", len(of), i.Fault.Type)
	}
	o := of[i.Nth-1]
	if i.Deleted {
		_, err := c.Forget(func(other Object) bool { return other.key() == o.key() })
		return fmt.Sprintf("somebody deleted %s %s", o.Type, o.ID), err
	}
	property, value, err := o.drift(i.Property)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("somebody changed %s of %s %s to %v", property, o.Type, o.ID, value),
		c.In(o.Region).InjectDrift(o.Type, o.ID, property, value)
}

// drift chooses another value for an input of a resource: for the one that is asked for, or for the first one that an
// update can change.
func (o Object) drift(property string) (string, any, error) {
	fields := catalog[o.Type].Args.ElementType()
	var names []string
	for i := range fields.NumField() {
		name := fields.Field(i).Tag.Get("pulumi")
		if property == name || property == "" && !slices.Contains(awstype.Replacing(o.Type), name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		switch value := o.State[name].(type) {
		case string:
			return name, value + "-drifted", nil
		case float64:
			return name, value + 1, nil
		case bool:
			return name, !value, nil
		case map[string]any:
			return name, map[string]any{"Drifted": "yes"}, nil
		}
	}
	if property != "" {
		return "", nil, fmt.Errorf("%s %s has no text, number, switch or mapping called %s", o.Type, o.ID, property)
	}
	return "", nil, fmt.Errorf("%s %s has no input that an update can change", o.Type, o.ID)
}
