package secrets

import (
	"regexp"

	"groundwork/components/cache"
	"groundwork/components/database"
	"groundwork/components/environment"
)

// Args are the facts about the secrets of one application.
type Args struct {
	environment.Facts
	// Application is the name of the application: lower-case letters, digits and hyphens, a letter first. Names of secrets
	// begin with NAME/APPLICATION/.
	Application string
	// Database and Cache are the connections of the application. While there is no cache, the secret of the cache keeps
	// the last host.
	Database database.Connection
	Cache    cache.Connection
	// RecoveryDays is how long a deleted secret can be restored: 7 to 30 days, or 0 for not at all.
	RecoveryDays int
}

var (
	secretName      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)
	confusingSuffix = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)
)

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := a.Facts.Validate()
	errs.Match("application", a.Application, secretName, "lower-case letters, digits and hyphens, a letter first")
	if confusingSuffix.MatchString(a.Application) {
		errs.Add("application", a.Application,
			"ends in a hyphen and six characters, as the ARNs of secrets do; choose another name")
	}
	if a.RecoveryDays != 0 {
		errs.Range("recoveryDays", a.RecoveryDays, 7, 30)
	}
	return errs.Err("secrets " + name + ": args: ")
}
