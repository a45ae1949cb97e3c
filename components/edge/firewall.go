package edge

import (
	"fmt"
	"reflect"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The SDK's package for AWS WAF has 141,000 lines, more than the rest of the program together. These are the parts of
// it that a web ACL needs, under the SDK's names. A test compares them with the SDK.

// WebACLArgs are the inputs of a web ACL. All of them are plain values.
type WebACLArgs struct {
	Name             string           `pulumi:"name"`
	Description      string           `pulumi:"description"`
	Scope            string           `pulumi:"scope"`
	DefaultAction    DefaultAction    `pulumi:"defaultAction"`
	Rules            []WebACLRule     `pulumi:"rules"`
	VisibilityConfig VisibilityConfig `pulumi:"visibilityConfig"`
}

// ElementType makes WebACLArgs an input.
func (WebACLArgs) ElementType() reflect.Type { return reflect.TypeOf(WebACLArgs{}) }

// DefaultAction is what happens to requests that match no rule.
type DefaultAction struct {
	Allow *Nothing `pulumi:"allow"`
}

// Nothing is an empty mapping. WAF uses it where the presence of the key is the value.
type Nothing struct{}

// WebACLRule is one rule. A rule group has an override action, any other statement an action.
type WebACLRule struct {
	Name             string           `pulumi:"name"`
	Priority         int              `pulumi:"priority"`
	Action           *Action          `pulumi:"action"`
	OverrideAction   *OverrideAction  `pulumi:"overrideAction"`
	Statement        Statement        `pulumi:"statement"`
	VisibilityConfig VisibilityConfig `pulumi:"visibilityConfig"`
}

// Action is what a rule does with requests that match.
type Action struct {
	Block *Nothing `pulumi:"block"`
}

// OverrideAction says whether the actions of the rules inside a group apply.
type OverrideAction struct {
	None *Nothing `pulumi:"none"`
}

// Statement is the condition of a rule.
type Statement struct {
	ManagedRuleGroupStatement *ManagedRuleGroup `pulumi:"managedRuleGroupStatement"`
	RateBasedStatement        *RateLimit        `pulumi:"rateBasedStatement"`
}

// ManagedRuleGroup names a group of rules that a vendor maintains.
type ManagedRuleGroup struct {
	Name       string `pulumi:"name"`
	VendorName string `pulumi:"vendorName"`
}

// RateLimit bounds the requests from one address.
type RateLimit struct {
	Limit               int    `pulumi:"limit"`
	AggregateKeyType    string `pulumi:"aggregateKeyType"`
	EvaluationWindowSec int    `pulumi:"evaluationWindowSec"`
}

// VisibilityConfig says what a rule reports to CloudWatch.
type VisibilityConfig struct {
	CloudwatchMetricsEnabled bool   `pulumi:"cloudwatchMetricsEnabled"`
	MetricName               string `pulumi:"metricName"`
	SampledRequestsEnabled   bool   `pulumi:"sampledRequestsEnabled"`
}

// WebACL is a registered web ACL.
type WebACL struct {
	pulumi.CustomResourceState

	ARN pulumi.StringOutput `pulumi:"arn"`
}

// WebACLLoggingArgs are the inputs of a web ACL's logging.
type WebACLLoggingArgs struct {
	LogDestinationConfigs pulumi.StringArrayInput
	RedactedFields        RedactedFields
	ResourceARN           pulumi.StringInput
}

// WebACLLogging is WebACLLoggingArgs with plain values.
type WebACLLogging struct {
	LogDestinationConfigs []string       `pulumi:"logDestinationConfigs"`
	RedactedFields        RedactedFields `pulumi:"redactedFields"`
	ResourceARN           string         `pulumi:"resourceArn"`
}

// ElementType makes WebACLLoggingArgs an input.
func (WebACLLoggingArgs) ElementType() reflect.Type { return reflect.TypeOf(WebACLLogging{}) }

// RedactedFields are the parts of requests that the logs omit.
type RedactedFields []RedactedField

// RedactedField is one header that the logs omit.
type RedactedField struct {
	SingleHeader *SingleHeader `pulumi:"singleHeader"`
}

// SingleHeader names a header, in lower case.
type SingleHeader struct {
	Name string `pulumi:"name"`
}

// Type tokens of the two resources.
const (
	WebACLType        = "aws:wafv2/webAcl:WebAcl"
	WebACLLoggingType = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
)

// managedGroups are the AWS-managed rule groups without an extra charge, in the order of evaluation. The common rule
// set blocks bodies over 8 KB, more than any form or API call of the application has.
// Source: AWS WAF Developer Guide, "AWS Managed Rules rule groups list".
var managedGroups = []string{
	"AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet",
	"AWSManagedRulesSQLiRuleSet",
}

// rateWindowSeconds is the period in which the rate limit counts requests.
const rateWindowSeconds = 300

// FirewallRules lists the rules: first the rate limit, which costs least to evaluate, then the managed groups.
func FirewallRules(requestsPerFiveMinutes int) []WebACLRule {
	visible := func(name string) VisibilityConfig {
		return VisibilityConfig{CloudwatchMetricsEnabled: true, MetricName: name, SampledRequestsEnabled: true}
	}
	rules := []WebACLRule{{
		Name: "rate", Priority: 0, Action: &Action{Block: &Nothing{}}, VisibilityConfig: visible("rate"),
		Statement: Statement{RateBasedStatement: &RateLimit{
			Limit: requestsPerFiveMinutes, AggregateKeyType: "IP", EvaluationWindowSec: rateWindowSeconds,
		}},
	}}
	for i, group := range managedGroups {
		rules = append(rules, WebACLRule{
			Name: group, Priority: i + 1, OverrideAction: &OverrideAction{None: &Nothing{}}, VisibilityConfig: visible(group),
			Statement: Statement{ManagedRuleGroupStatement: &ManagedRuleGroup{Name: group, VendorName: "AWS"}},
		})
	}
	return rules
}

// firewall creates the web ACL of the distribution and sends its logs to bucket, without cookies and credentials.
func (e *Edge) firewall(ctx *pulumi.Context, bucket *s3.BucketPolicy) (*WebACL, error) {
	acl := &WebACL{}
	name := e.args.Name + "-web"
	if err := ctx.RegisterResource(WebACLType, e.name, WebACLArgs{
		Name: name, Description: "What CloudFront lets through to " + e.args.Name, Scope: "CLOUDFRONT",
		DefaultAction:    DefaultAction{Allow: &Nothing{}},
		Rules:            FirewallRules(e.args.RequestsPerFiveMinutes),
		VisibilityConfig: VisibilityConfig{CloudwatchMetricsEnabled: true, MetricName: name, SampledRequestsEnabled: true},
	}, acl, e.childOpts(e.inUSEast1())...); err != nil {
		return nil, fmt.Errorf("creating web ACL %s: %w", name, err)
	}
	var logging pulumi.CustomResourceState
	if err := ctx.RegisterResource(WebACLLoggingType, e.name, WebACLLoggingArgs{
		LogDestinationConfigs: pulumi.StringArray{pulumi.Sprintf("arn:aws:s3:::%s", bucket.Bucket)},
		RedactedFields: RedactedFields{
			{SingleHeader: &SingleHeader{"authorization"}}, {SingleHeader: &SingleHeader{"cookie"}},
		},
		ResourceARN: acl.ARN,
		// A web ACL has one configuration: the deletion of the old one would delete a new one.
	}, &logging, e.childOpts(e.inUSEast1(), pulumi.DeleteBeforeReplace(true))...); err != nil {
		return nil, fmt.Errorf("creating the logging of web ACL %s: %w", name, err)
	}
	return acl, nil
}
