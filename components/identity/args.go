package identity

import (
	"regexp"

	"groundwork/components/environment"
	"groundwork/components/field"
)

var (
	keyAlias = regexp.MustCompile(`^[0-9A-Za-z/_-]{1,250}$`)
	roleName = regexp.MustCompile(`^[0-9A-Za-z+=,.@_-]{1,64}$`)
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

func validateRoleName(errs *field.Errors, name string) {
	errs.Match("name", name, roleName, "a role name of 1 to 64 letters, digits or +=,.@_-")
}

// Args are the facts about the roles that must exist before a cluster.
type Args struct {
	environment.Facts
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	return a.Facts.Validate().Err("identity " + name + ": args: ")
}
