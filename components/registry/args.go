package registry

import (
	"regexp"
	"slices"

	"groundwork/components/environment"
	"groundwork/components/field"
)

// Spec is what a stack chooses about its registry.
type Spec struct {
	// Repositories are the names of the repositories after the environment's prefix, such as "webapp"; at least one.
	Repositories []string `json:"repositories"`
	// KeepImages is how many tagged images each repository keeps, 10 to 1000; default 30.
	KeepImages int `json:"keepImages"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *Spec) SetDefaults() { s.KeepImages = 30 }

var repositoryName = regexp.MustCompile(`^[a-z][a-z0-9]*([._/-][a-z0-9]+)*$`)

// maxRepositoryName leaves room for the environment's prefix in the 256 characters that ECR allows.
const maxRepositoryName = 200

// Validate returns everything wrong with s.
func (s Spec) Validate() field.Errors {
	var errs field.Errors
	if len(s.Repositories) == 0 {
		errs.Required("repositories", "at least one repository name")
	}
	for i, name := range s.Repositories {
		errs.Match("repositories", name, repositoryName,
			"a repository name: lower-case letters and digits, separated by single . _ - or /, a letter first")
		if len(name) < 2 || len(name) > maxRepositoryName {
			errs.Add("repositories", name, "has a length outside 2 to %d", maxRepositoryName)
		}
		if slices.Contains(s.Repositories[:i], name) {
			errs.Add("repositories", name, "is given twice")
		}
	}
	errs.Range("keepImages", s.KeepImages, 10, 1000)
	return errs
}

// Args are the facts and choices of one registry.
type Args struct {
	// Facts are the environment's. The physical name of a repository is NAME/REPOSITORY. Protect makes Pulumi refuse to
	// delete the key and the repositories, and ECR refuse to delete repositories with images.
	environment.Facts
	Spec
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := append(a.Spec.Validate(), a.Facts.Validate()...)
	return errs.Err("registry " + name + ": args: ")
}
