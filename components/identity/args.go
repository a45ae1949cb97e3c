package identity

import (
	"regexp"

	"groundwork/components/field"
)

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	keyAlias  = regexp.MustCompile(`^[0-9A-Za-z/_-]{1,250}$`)
	roleName  = regexp.MustCompile(`^[0-9A-Za-z+=,.@_-]{1,64}$`)
	rolePath  = regexp.MustCompile(`^/([\x21-\x7e]+/)?$`)
	policyARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+$`)
	dnsLabel  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

func checkRoleName(p *spec.Problems, name string) {
	p.Match("name", name, roleName, "a role name of 1 to 64 letters, digits or +=,.@_-")
}

// CheckAccountID records at key that value is not an AWS account ID.
func CheckAccountID(p *spec.Problems, key, value string) {
	p.Match(key, value, accountID, "an account of 12 digits, quoted, such as \"111122223333\"")
}

// CheckPolicyARN records at key that value is not the ARN of an IAM policy.
func CheckPolicyARN(p *spec.Problems, key, value string) {
	p.Match(key, value, policyARN, "the ARN of an IAM policy, such as arn:aws:iam::111122223333:policy/boundary")
}

// Args are the facts about the roles that exist before a cluster.
type Args struct {
	// Name is the physical base name, for example "groundwork-prod".
	Name string
	// Path is the IAM path of every role, for example "/groundwork/prod/".
	Path string
	// Boundary is the ARN of the permissions boundary of every role; empty for none.
	Boundary string
	// AccountID is the account whose principals may use the break-glass role.
	AccountID string
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	var p spec.Problems
	p.Match("name", a.Name, roleName, "a physical base name")
	p.Match("path", a.Path, rolePath, "an IAM path that begins and ends with /")
	if a.Boundary != "" {
		CheckPolicyARN(&p, "boundary", a.Boundary)
	}
	CheckAccountID(&p, "accountId", a.AccountID)
	return p.Err("identity " + name + ": args: ")
}
