package secrets

import (
	"regexp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/cache"
	"groundwork/components/database"
	"groundwork/components/field"
)

// Args are the facts about the secrets of one application.
type Args struct {
	// Name is the physical base name, Application the application's: secrets are called NAME/APPLICATION/...
	Name, Application string
	// AccountID owns the key.
	AccountID string
	// Database and Cache are what the application connects to.
	Database database.Connection
	Cache    cache.Connection
	// CacheDown is true while there is no cache: the secret then keeps saying where it was and will be.
	CacheDown bool
	// RecoveryDays is how long a deleted secret can be brought back: 7 to 30, or 0 for not at all.
	RecoveryDays int
	// SharedKeyARN encrypts instead of a key of its own; nil makes one.
	SharedKeyARN pulumi.StringInput
	// Protect refuses deletion of the key through Pulumi.
	Protect bool
}

var (
	secretName      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)
	confusingSuffix = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)
)

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	var p spec.Problems
	p.Match("name", a.Name, secretName, "lower-case letters, digits and hyphens, a letter first")
	p.Match("application", a.Application, secretName, "lower-case letters, digits and hyphens, a letter first")
	if confusingSuffix.MatchString(a.Application) {
		p.Add("application", a.Application, "ends in a hyphen and six characters, as the ARNs of secrets do; choose another name")
	}
	if a.RecoveryDays != 0 {
		p.Range("recoveryDays", a.RecoveryDays, 7, 30)
	}
	return p.Err("secrets " + name + ": args: ")
}
