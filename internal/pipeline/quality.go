package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Notes of the commit that passed a stage. The next stage reads them.
const (
	testsPassed   = "reports/tests-passed"
	qualityPassed = "reports/quality-passed"
)

// test runs every test. It writes coverage and reports for quality, and notes the commit if there are no uncommitted
// changes.
func (r *Run) test(ctx context.Context) error {
	commit, err := r.commit(ctx)
	if err != nil {
		return err
	}
	if !r.dryRun() {
		// Results of an earlier run must not count for this one.
		old, _ := filepath.Glob(r.path("reports", "coverage-*.out"))
		for _, file := range append(old, r.path(testsPassed), r.path(qualityPassed)) {
			if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	if err := r.call(ctx, "make", "run-tests"); err != nil || r.dryRun() {
		return err
	}
	if err := r.clean(ctx); err != nil {
		r.logf("All tests pass. %v", err)
		return nil
	}
	return os.WriteFile(r.path(testsPassed), []byte(commit+"\n"), 0o644)
}

// quality checks the code: format, vet, lint, vulnerabilities, secrets, and how much of it the tests run.
func (r *Run) quality(ctx context.Context) error {
	commit, err := r.commit(ctx)
	if err != nil {
		return err
	}
	if err := r.clean(ctx); err != nil {
		return err
	}
	if err := os.Remove(r.path(qualityPassed)); !r.dryRun() && err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !r.passed(testsPassed, commit) && !r.dryRun() {
		return fmt.Errorf("the tests have not passed on commit %.12s: run make test first", commit)
	}
	// The coverage comes first, because it takes no time and none of the other checks makes up for it.
	if err := r.gate(); err != nil {
		return err
	}
	if err := r.scan(ctx); err != nil {
		return err
	}
	if token := r.get(SonarToken); token == "" || token == "none" {
		r.logf("SONAR_TOKEN is not given: nothing is reported to SonarCloud")
	} else if err := r.call(ctx, "npx", "--yes", "@sonar/scan@5.0.1"); err != nil {
		return err
	}
	if r.dryRun() {
		return nil
	}
	return os.WriteFile(r.path(qualityPassed), []byte(commit+"\n"), 0o644)
}

// scan runs the linters, and the scanners for secrets and vulnerabilities.
func (r *Run) scan(ctx context.Context) error {
	db := r.inputOr(VulnerabilityDB, defaultVulnerabilityDB)
	for _, command := range [][]string{
		{"make", "lint", "quality-tools"},
		{"bin/actionlint"},
		{"tools/groovy-lint.sh"},
		{"bin/gitleaks", "git", "--no-banner", "--redact", "--log-level", "warn", "."},
		{"bin/govulncheck", "-db", db, "./..."},
		{"bin/govulncheck", "-db", db, "-C", "webapp", "./..."},
	} {
		if err := r.call(ctx, command...); err != nil {
			return err
		}
	}
	return nil
}

// gate fails where the tests run too little of the infrastructure or of the application.
func (r *Run) gate() error {
	minimum, err := strconv.ParseFloat(r.inputOr(Minimum, "80"), 64)
	if err != nil {
		return err
	}
	var problems []error
	for _, part := range slices.Sorted(maps.Keys(Profiles)) {
		total, err := Coverage(r.path(Profiles[part]))
		if errors.Is(err, os.ErrNotExist) {
			if r.dryRun() {
				r.logf("the coverage of the %s would be read from %s", part, Profiles[part])
				continue
			}
			err = fmt.Errorf("the coverage of the %s is not known: %s is not there; run make test first",
				part, Profiles[part])
		}
		switch {
		case err != nil:
			problems = append(problems, err)
		case total < minimum:
			problems = append(problems, fmt.Errorf("the tests run %.1f %% of the %s; "+
				"at least %.0f %% is required, and nothing is built with less", total, part, minimum))
		default:
			r.logf("the tests run %.1f %% of the %s (at least %.0f %% is required)", total, part, minimum)
		}
	}
	return errors.Join(problems...)
}
