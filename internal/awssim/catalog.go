package awssim

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"groundwork/internal/graph"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Props are the properties of a resource.
type Props = graph.Props

// Ref says that an input names another resource, which must exist.
type Ref struct {
	// Path of the input; a list is checked element by element.
	Path string
	// Type of the resource that the input names.
	Type string
	// By is the property of that resource that the input holds: "id" (the default), "arn", "name" or another one.
	By string
	// AnyRegion is true where the named resource may be in another region.
	AnyRegion bool
	// Blocks is true where AWS refuses to delete the named resource while this one exists.
	Blocks bool
	// Code is AWS's error code when the named resource does not exist.
	Code string
}

// Type is how resources of one type behave. Package awstype has the facts about the type.
type Type struct {
	// Args is the SDK's argument struct; inputs are checked against it.
	Args pulumi.Input
	// Refs are the inputs that name other resources.
	Refs []Ref
	// Taken is AWS's error code for a resource whose identity another one has. Where it is empty, a creation takes over
	// what exists.
	Taken string
	// Check returns what AWS or its provider refuses about the inputs alone. Unknown values read as empty.
	Check func(in Props) []Failure
	// ID returns the physical ID of a new resource; digest is 64 hexadecimal digits that differ for each.
	ID func(in Props, digest string) string
	// Outputs returns the properties that AWS adds to the inputs.
	Outputs func(s Site, id string, in Props) Props
	// Required are the lists that must be given. Args tells which scalars must be.
	Required []string
	// Updated returns AWS's error for a change to new inputs that it refuses.
	Updated func(c *Cloud, o *Object, after Props) error
	// Created acts on the rest of the cloud before a new resource exists. An error stops the creation.
	Created func(c *Cloud, o *Object) error
	// Changed acts on the rest of the cloud after an update. An error undoes the update.
	Changed func(c *Cloud, o *Object) error
	// Deleted acts on the rest of the cloud before a resource is gone. An error stops the deletion.
	Deleted func(c *Cloud, o *Object) error
}

// takes reports whether the type has an input of that name.
func (t Type) takes(input string) bool {
	fields := t.Args.ElementType()
	for i := range fields.NumField() {
		if fields.Field(i).Tag.Get("pulumi") == input {
			return true
		}
	}
	return false
}

// Site is where the simulated resources are.
type Site struct {
	// Region is the code of a region, such as "eu-west-1"; Account is the ID of the account.
	Region, Account string
}

// arn returns an ARN in the site's account and region.
func (s Site) arn(service, rest string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, s.Region, s.Account, rest)
}

// iamARN returns an ARN of IAM, which has no region.
func (s Site) iamARN(rest string) string { return "arn:aws:iam::" + s.Account + ":" + rest }

// cloudFrontARN returns an ARN of CloudFront, which has no region.
func (s Site) cloudFrontARN(rest string) string {
	return "arn:aws:cloudfront::" + s.Account + ":" + rest
}

// catalog holds every type that the sandbox simulates, by type token.
var catalog map[string]Type

// The hooks of the types use the catalog, so Go cannot initialize it before them: init does.
func init() {
	catalog = merge(
		networkTypes, securityGroupTypes, launchTemplateTypes, instanceTypes,
		iamTypes, keyTypes,
		clusterTypes, nodeGroupTypes, accessTypes, kubernetesTypes, releaseTypes,
		databaseTypes, registryTypes, cacheTypes, secretTypes,
		loadBalancerTypes, cloudFrontTypes, firewallTypes, certificateTypes,
		bucketTypes, logDeliveryTypes,
		cloudWatchTypes, notificationTypes,
		schedulerTypes, queueTypes,
		randomTypes,
	)
}

func merge(parts ...map[string]Type) map[string]Type {
	all := map[string]Type{}
	for _, part := range parts {
		for token, t := range part {
			if _, double := all[token]; double {
				panic("the sandbox catalog has " + token + " twice")
			}
			all[token] = t
		}
	}
	return all
}

// KnownTypes lists the type tokens that the sandbox can simulate.
func KnownTypes() []string { return slices.Sorted(maps.Keys(catalog)) }

// Lookup returns the catalog's entry for a type; the zero Type where there is none.
func Lookup(token string) Type { return catalog[token] }

// lookUp returns the catalog's entry for a type, or an error that says how to add one.
func lookUp(token string) (Type, error) {
	t, ok := catalog[token]
	if !ok {
		return Type{}, fmt.Errorf("the sandbox does not simulate %s: "+
			"add the type to its catalog (internal/awssim/aws_*.go)", token)
	}
	return t, nil
}

// Check returns what AWS or its provider refuses about the inputs of a resource of the given type.
func Check(token string, in Props) ([]Failure, error) {
	t, err := lookUp(token)
	if err != nil {
		return nil, err
	}
	failures := checkSchema(t.Args, in)
	for _, list := range t.Required {
		failIf(&failures, in.Get(list) == nil, list, "is required but was not given")
	}
	if len(failures) > 0 {
		return failures, nil
	}
	failures = checkLimits(token, in)
	if t.Check == nil {
		return failures, nil
	}
	for _, f := range t.Check(in) {
		known := slices.ContainsFunc(failures, func(other Failure) bool { return other.Property == f.Property })
		if !known {
			failures = append(failures, f)
		}
	}
	return failures, nil
}

// readFor returns the state of a resource for a data source, or the provider's error where there is none.
func (c *Cloud) readFor(what, token, id string) (Props, error) {
	state := c.Read(token, id)
	if state == nil {
		return nil, fmt.Errorf("reading %s (%s): couldn't find resource", what, id)
	}
	return state, nil
}

// Invoke answers a data source about what is in the account, or one of Invoke's.
func (c *Cloud) Invoke(token string, in Props) (Props, error) {
	switch token {
	case "aws:eks/getNodeGroup:getNodeGroup":
		return c.lookUpNodeGroup(in)
	case "aws:eks/getCluster:getCluster":
		return c.lookUpCluster(in)
	case "aws:rds/getInstance:getInstance":
		return c.lookUpInstance(in)
	case "aws:rds/getSnapshot:getSnapshot":
		return c.lookUpSnapshot(in)
	case "aws:elasticache/getReplicationGroup:getReplicationGroup":
		return c.lookUpReplicationGroup(in)
	}
	return Invoke(c.Site, token, in)
}

// Invoke answers a data source that is about no resource of the account. An unknown one is an error.
func Invoke(s Site, token string, in Props) (Props, error) {
	switch token {
	case "aws:index/getPartition:getPartition":
		return Props{
			"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws",
		}, nil
	case "aws:index/getRegion:getRegion":
		return Props{
			"id": s.Region, "name": s.Region, "endpoint": "ec2." + s.Region + ".amazonaws.com", "description": s.Region,
		}, nil
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return Props{
			"id": s.Account, "accountId": s.Account, "arn": s.iamARN("user/sandbox"), "userId": "AIDASANDBOX",
		}, nil
	case "aws:ec2/getManagedPrefixList:getManagedPrefixList":
		return managedPrefixList(s, in.Str("name"))
	case "aws:ec2/getAmi:getAmi":
		return latestImage(s, in)
	}
	return nil, fmt.Errorf("the sandbox does not simulate the function %s: "+
		"add it to Invoke (internal/awssim/catalog.go)", token)
}

// managedPrefixList returns one of the prefix lists that AWS keeps in every region.
func managedPrefixList(s Site, name string) (Props, error) {
	known := []string{
		"com.amazonaws.global.cloudfront.origin-facing",
		"com.amazonaws." + s.Region + ".s3",
		"com.amazonaws." + s.Region + ".dynamodb",
	}
	if !slices.Contains(known, name) {
		return nil, fmt.Errorf("no matching EC2 Managed Prefix List found: %q in %s", name, s.Region)
	}
	id := fmt.Sprintf("pl-%08x", checksum(Props{"name": name, "region": s.Region}))
	return Props{
		"id": id, "name": name, "arn": "arn:aws:ec2:" + s.Region + ":aws:prefix-list/" + id,
		"addressFamily": "IPv4", "ownerId": "AWS",
	}, nil
}

// failIf adds a failure when bad is true. The Check functions of the types are lists of failIf calls.
func failIf(failures *[]Failure, bad bool, property, reason string, a ...any) {
	if bad {
		*failures = append(*failures, Failure{property, fmt.Sprintf(reason, a...)})
	}
}

// outOfRange reports whether the number at path is outside min to max. It is false for a number that is unknown or not
// given.
func outOfRange(in Props, path string, min, max float64) bool {
	n, ok := in.Num(path)
	return ok && (n < min || n > max)
}

// oneOf reports whether the text at path is one of the allowed ones. It is true for a text that is unknown or not
// given.
func oneOf(in Props, path string, allowed ...string) bool {
	return !in.Has(path) || slices.Contains(allowed, in.Str(path))
}

// mismatch reports whether the text at path does not match a pattern. It is false for a text that is unknown or not
// given.
func mismatch(in Props, path string, pattern *regexp.Regexp) bool {
	return in.Has(path) && !pattern.MatchString(in.Str(path))
}

// fromName makes the physical ID the value of an input.
func fromName(property string) func(Props, string) string {
	return func(in Props, _ string) string { return in.Str(property) }
}

// withPrefix makes an ID in the form of EC2: a prefix and 17 hexadecimal digits.
func withPrefix(prefix string) func(Props, string) string {
	return func(_ Props, digest string) string { return prefix + digest[:17] }
}

// uuid makes an ID in the form of a UUID.
func uuid(_ Props, digest string) string {
	return digest[:8] + "-" + digest[8:12] + "-" + digest[12:16] + "-" + digest[16:20] + "-" + digest[20:32]
}
