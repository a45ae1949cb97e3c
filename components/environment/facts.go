package environment

import (
	"regexp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/field"
)

// Facts are the facts that all components of an environment share. The Args of each component embed them.
type Facts struct {
	// Name is the physical base name, such as "groundwork-prod": the first part of every physical name. It has lower-case
	// letters, digits and single hyphens, a letter first.
	Name string
	// AccountID is the AWS account of the environment, 12 digits; Region is its region.
	AccountID, Region string
	// RolePath is the IAM path of every role, beginning and ending with /. RoleBoundary is the ARN of the permissions
	// boundary of every role; empty for none.
	RolePath, RoleBoundary string
	// LogsKeyARN is the key that encrypts every log group. LogRetentionDays is how long log groups keep events, 1 to 3653
	// days.
	LogsKeyARN       pulumi.StringInput
	LogRetentionDays int
	// SharedKeyARN is the key that encrypts everything; nil if each purpose has a key of its own.
	SharedKeyARN pulumi.StringInput
	// Protect makes AWS refuse to delete what holds data or cannot be created again.
	Protect bool
	// Power says how much of the environment runs, and when.
	Power Power
}

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	baseName  = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	rolePath  = regexp.MustCompile(`^/([\x21-\x7e]+/)?$`)
	policyARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+$`)
)

// maxName leaves room for the longest suffix, "-web-" and a port, in the shortest names of AWS: those of load balancers
// and target groups have at most 32 characters.
const maxName = 32 - len("-web-65535")

// Validate returns everything wrong with f.
func (f Facts) Validate() field.Errors {
	var errs field.Errors
	if f.Name == "" {
		errs.Required("name", "the physical base name")
	} else {
		errs.Match("name", f.Name, baseName, "lower-case letters, digits and single hyphens, a letter first")
	}
	if len(f.Name) > maxName {
		errs.Add("name", f.Name, "has more than %d characters", maxName)
	}
	ValidateAccountID(&errs, "accountId", f.AccountID)
	errs.Match("rolePath", f.RolePath, rolePath, "an IAM path that begins and ends with /")
	if f.RoleBoundary != "" {
		ValidatePolicyARN(&errs, "roleBoundary", f.RoleBoundary)
	}
	if f.Region == "" {
		errs.Required("region", "the AWS region")
	}
	errs.Below("schedule", f.Power.Schedule.Validate())
	return errs
}

// ValidateLogs returns everything wrong with the facts that a component with log groups needs.
func (f Facts) ValidateLogs() field.Errors {
	var errs field.Errors
	if f.LogsKeyARN == nil {
		errs.Required("logsKeyARN", "the key that encrypts the log groups")
	}
	errs.Range("logRetentionDays", f.LogRetentionDays, 1, 3653)
	return errs
}

// ValidateAccountID records an error at key unless value is an AWS account ID.
func ValidateAccountID(errs *field.Errors, key, value string) {
	errs.Match(key, value, accountID, "an account of 12 digits, quoted, such as \"111122223333\"")
}

// ValidatePolicyARN records an error at key unless value is the ARN of an IAM policy.
func ValidatePolicyARN(errs *field.Errors, key, value string) {
	errs.Match(key, value, policyARN, "the ARN of an IAM policy, such as arn:aws:iam::111122223333:policy/boundary")
}
