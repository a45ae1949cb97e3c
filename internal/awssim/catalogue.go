package awssim

import (
	"fmt"
	"maps"
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
	// Type of the resource it names.
	Type string
	// By is the property of that resource that is named: "id" (the default), "arn", "name" or another one.
	By string
	// AnyRegion is true where the named resource may be in another region.
	AnyRegion bool
	// Blocks is true where AWS refuses to delete the named resource while this one exists.
	Blocks bool
	// Code is AWS's error code when the named resource does not exist.
	Code string
}

// Type is how resources of one type behave; awstype has the facts.
type Type struct {
	// Args is the SDK's argument struct; inputs are checked against it.
	Args pulumi.Input
	// Refs are the inputs that name other resources.
	Refs []Ref
	// Unique returns what may exist once, such as a name, and AWS's error code for a second one.
	Unique func(in Props) (key, code string)
	// Check returns what AWS or its provider refuses about the inputs alone. Unknown values read as empty.
	Check func(in Props) []Failure
	// ID returns the physical ID of a new resource; digest differs for each.
	ID func(in Props, digest string) string
	// Outputs returns what AWS adds to the inputs.
	Outputs func(s Site, id string, in Props) Props
	// Required are the lists that must be given; scalars that must be are known from Args.
	Required []string
	// Updated returns what AWS refuses about a change.
	Updated func(before, after Props) error
	// Created, Changed and Deleted let a resource act on the rest of the cloud. An error stops the operation.
	Created func(c *Cloud, o *Object) error
	Changed func(c *Cloud, o *Object) error
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
	Region, Account string
}

// arn returns an ARN in the site's account and region.
func (s Site) arn(service, rest string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, s.Region, s.Account, rest)
}

// iamARN returns an ARN of IAM, which knows no region.
func (s Site) iamARN(rest string) string { return "arn:aws:iam::" + s.Account + ":" + rest }

// catalogue holds every type the sandbox knows, by type token.
var catalogue map[string]Type

// The types' hooks look the catalogue up themselves, so it can only be filled once they exist.
func init() {
	catalogue = merge(ec2Types, iamTypes, eksTypes, dataTypes, cacheTypes, edgeTypes, archiveTypes, kubernetesTypes, monitoringTypes, randomTypes, schedulerTypes)
}

func merge(parts ...map[string]Type) map[string]Type {
	all := map[string]Type{}
	for _, part := range parts {
		for token, t := range part {
			if _, double := all[token]; double {
				panic("the sandbox catalogue has " + token + " twice")
			}
			all[token] = t
		}
	}
	return all
}

// KnownTypes lists the type tokens that the sandbox can simulate.
func KnownTypes() []string { return slices.Sorted(maps.Keys(catalogue)) }

// Lookup returns what the catalogue says of a type; the zero Type where it says nothing.
func Lookup(token string) Type { return catalogue[token] }

// lookUp returns the type of a token, or an error that says what to do.
func lookUp(token string) (Type, error) {
	t, ok := catalogue[token]
	if !ok {
		return Type{}, fmt.Errorf("the sandbox does not simulate %s: add the type to its catalogue (internal/awssim/aws_*.go)", token)
	}
	return t, nil
}

// Check returns everything the sandbox would refuse about the inputs of a resource of the given type.
func Check(token string, in Props) ([]Failure, error) {
	t, err := lookUp(token)
	if err != nil {
		return nil, err
	}
	failures := checkSchema(t.Args, in)
	for _, list := range t.Required {
		failIf(&failures, in.Get(list) == nil, list, "is required but was not given")
	}
	if len(failures) == 0 && t.Check != nil {
		failures = t.Check(in)
	}
	return failures, nil
}

// Invoke answers a data source. An unknown one is an error.
func Invoke(s Site, token string, in Props) (Props, error) {
	switch token {
	case "aws:index/getPartition:getPartition":
		return Props{"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}, nil
	case "aws:index/getRegion:getRegion":
		return Props{"id": s.Region, "name": s.Region, "endpoint": "ec2." + s.Region + ".amazonaws.com", "description": s.Region}, nil
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return Props{"id": s.Account, "accountId": s.Account, "arn": s.iamARN("user/sandbox"), "userId": "AIDASANDBOX"}, nil
	case "aws:ec2/getManagedPrefixList:getManagedPrefixList":
		// The lists that AWS keeps in every region.
		known := []string{"com.amazonaws.global.cloudfront.origin-facing", "com.amazonaws." + s.Region + ".s3", "com.amazonaws." + s.Region + ".dynamodb"}
		if name := in.Str("name"); !slices.Contains(known, name) {
			return nil, fmt.Errorf("no matching EC2 Managed Prefix List found: %q in %s", name, s.Region)
		}
		id := fmt.Sprintf("pl-%08x", checksum(Props{"name": in.Str("name"), "region": s.Region}))
		return Props{"id": id, "name": in.Str("name"), "arn": "arn:aws:ec2:" + s.Region + ":aws:prefix-list/" + id, "addressFamily": "IPv4", "ownerId": "AWS"}, nil
	}
	return nil, fmt.Errorf("the sandbox does not simulate the function %s: add it to Invoke (internal/awssim/catalogue.go)", token)
}

// failIf adds a failure when bad holds; the checks of the types are lists of these.
func failIf(failures *[]Failure, bad bool, property, reason string, a ...any) {
	if bad {
		*failures = append(*failures, Failure{property, fmt.Sprintf(reason, a...)})
	}
}

// outOfRange reports whether there is a known number at path outside min to max.
func outOfRange(in Props, path string, min, max float64) bool {
	n, ok := in.Num(path)
	return ok && (n < min || n > max)
}

// oneOf reports whether the text at path is one of the allowed, unknown or not given.
func oneOf(in Props, path string, allowed ...string) bool {
	return !in.Has(path) || slices.Contains(allowed, in.Str(path))
}

// fromName makes the physical ID the value of an input.
func fromName(property string) func(Props, string) string {
	return func(in Props, _ string) string { return in.Str(property) }
}

// withPrefix makes an ID as EC2 shapes them: a prefix and 17 hexadecimal digits.
func withPrefix(prefix string) func(Props, string) string {
	return func(_ Props, digest string) string { return prefix + digest[:17] }
}

// unique makes the value of an input unique among resources of the type, with AWS's code for a second one.
func unique(property, code string) func(Props) (string, string) {
	return func(in Props) (string, string) { return in.Str(property), code }
}
