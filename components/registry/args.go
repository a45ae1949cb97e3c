package registry

import (
	"regexp"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/field"
)

// Spec is what a stack chooses about its registry.
type Spec struct {
	// Repositories are the repository names below the environment's prefix, for example "webapp".
	Repositories []string `json:"repositories"`
	// KeepImages is how many images each repository keeps, 10 to 1000; default 30.
	KeepImages int `json:"keepImages"`
}

// SetDefaults sets what a stack may leave out; it comes before the stack's own values.
func (s *Spec) SetDefaults() { s.KeepImages = 30 }

var repositoryName = regexp.MustCompile(`^[a-z][a-z0-9]*([._/-][a-z0-9]+)*$`)

// maxRepositoryName leaves room for the environment's prefix in ECR's 256 characters.
const maxRepositoryName = 200

// Problems returns everything wrong with s.
func (s Spec) Problems() spec.Problems {
	var p spec.Problems
	if len(s.Repositories) == 0 {
		p.Missing("repositories", "at least one repository name")
	}
	for i, name := range s.Repositories {
		p.Match("repositories", name, repositoryName,
			"a repository name: lower-case letters and digits, separated by single . _ - or /, a letter first")
		if len(name) < 2 || len(name) > maxRepositoryName {
			p.Add("repositories", name, "has a length outside 2 to %d", maxRepositoryName)
		}
		if slices.Contains(s.Repositories[:i], name) {
			p.Add("repositories", name, "is given twice")
		}
	}
	p.Range("keepImages", s.KeepImages, 10, 1000)
	return p
}

// Args are the facts and choices of one registry.
type Args struct {
	Spec
	// Name is the physical base name; repositories are called NAME/REPOSITORY.
	Name string
	// AccountID owns the key.
	AccountID string
	// SharedKeyARN encrypts instead of a key of its own; nil makes one.
	SharedKeyARN pulumi.StringInput
	// Protect refuses deletion of key and repositories through Pulumi, and of repositories that hold images.
	Protect bool
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	p := a.Problems()
	if a.Name == "" {
		p.Missing("name", "the physical base name")
	}
	return p.Err("registry " + name + ": args: ")
}
