package awssim

import (
	"strings"

	"groundwork/components/edge"
	"groundwork/internal/awstype"
)

var firewallTypes = map[string]Type{
	awstype.WebACL: {
		Args:  edge.WebACLArgs{},
		Taken: "WAFDuplicateItemException",
		ID:    uuid,
		Check: checkWebACL,
		Outputs: func(s Site, id string, in Props) Props {
			return Props{"arn": s.arn("wafv2", "global/webacl/"+in.Str("name")+"/"+id)}
		},
		Created: webACLCreated,
	},
	awstype.WebACLLogging: {
		Args:    edge.WebACLLoggingArgs{},
		Refs:    []Ref{{Path: "resourceArn", Type: awstype.WebACL, By: "arn", Code: "WAFNonexistentItemException"}},
		ID:      fromName("resourceArn"),
		Check:   checkWebACLLogging,
		Created: webACLLoggingCreated,
	},
}

func checkWebACL(in Props) []Failure {
	var f []Failure
	taken, capacity := map[float64]bool{}, 0
	rules, _ := in.Get("rules").([]any)
	for _, r := range rules {
		rule := Props(r.(map[string]any))
		priority, _ := rule.Num("priority")
		failIf(&f, taken[priority], "rules", "WAFInvalidParameterException: priority %v is taken", priority)
		taken[priority] = true
		capacity += checkWebACLRule(&f, rule)
	}
	failIf(&f, capacity > 5000, "rules", "WAFLimitsExceededException: %d units are more than 5000", capacity)
	return f
}

// checkWebACLRule checks a rule and returns the capacity units that it uses.
func checkWebACLRule(f *[]Failure, rule Props) int {
	capacity := 0
	if group := rule.Str("statement.managedRuleGroupStatement.name"); group != "" {
		units, known := managedGroupCapacity[group]
		failIf(f, !known,
			"rules", "the sandbox knows no managed rule group %s (internal/awssim/aws_edge.go)", group)
		failIf(f, rule.Get("overrideAction") == nil,
			"rules", "WAFInvalidParameterException: %s needs an override action", group)
		capacity += units
	}
	if rule.Get("statement.rateBasedStatement") != nil {
		failIf(f, outOfRange(rule, "statement.rateBasedStatement.limit", 10, 2e9),
			"rules", "WAFInvalidParameterException: the rate is outside 10 to 2000000000")
		failIf(f, rule.Get("action") == nil, "rules", "WAFInvalidParameterException: a rate needs an action")
		capacity += 2
	}
	return capacity
}

func webACLCreated(c *Cloud, o *Object) error {
	if o.State.Str("scope") == "CLOUDFRONT" && c.Site.Region != globalRegion {
		return apiError("WAFInvalidParameterException: "+
			"The scope is not valid., field: SCOPE_VALUE, parameter: CLOUDFRONT, in %s", c.Site.Region)
	}
	return nil
}

func checkWebACLLogging(in Props) []Failure {
	var f []Failure
	for _, arn := range in.Strs("logDestinationConfigs") {
		failIf(&f, !strings.Contains(arn, ":aws-waf-logs-"), "logDestinationConfigs",
			"WAFInvalidParameterException: %s does not begin with aws-waf-logs-", arn)
	}
	return f
}

func webACLLoggingCreated(c *Cloud, o *Object) error {
	bucket := strings.TrimPrefix(o.State.Strs("logDestinationConfigs")[0], "arn:aws:s3:::")
	return c.logsTo(bucket, "delivery.logs.amazonaws.com", "WAFLogDestinationPermissionIssueException")
}
