package pipeline

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Profiles are the coverage profiles that make test writes, by what they are about.
var Profiles = map[string]string{
	"application":    "reports/coverage-application.out",
	"infrastructure": "reports/coverage-infrastructure.out",
}

// Notes of the commit that passed a stage, which the next one asks for.
const (
	testsPassed   = "reports/tests-passed"
	qualityPassed = "reports/quality-passed"
)

// test runs every test; it writes coverage and reports for quality, and which commit passed where there is nothing but that commit.
func (r *Run) test(ctx context.Context) error {
	commit, err := r.commit(ctx)
	if err != nil {
		return err
	}
	if !r.dry() {
		// What an earlier run left must not count for this one.
		old, _ := filepath.Glob(r.path("reports", "coverage-*.out"))
		for _, file := range append(old, r.path(testsPassed), r.path(qualityPassed)) {
			if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	if err := r.call(ctx, "make", "run-tests"); err != nil || r.dry() {
		return err
	}
	if err := r.clean(ctx); err != nil {
		r.say("All tests pass. %v", err)
		return nil
	}
	return os.WriteFile(r.path(testsPassed), []byte(commit+"\n"), 0o644)
}

// quality looks at the code: format, vet, lint, vulnerabilities, secrets, and how much of it the tests run.
func (r *Run) quality(ctx context.Context) error {
	commit, err := r.commit(ctx)
	if err != nil {
		return err
	}
	if err := r.clean(ctx); err != nil {
		return err
	}
	if err := os.Remove(r.path(qualityPassed)); !r.dry() && err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !r.passed(testsPassed, commit) && !r.dry() {
		return fmt.Errorf("the tests have not passed on commit %.12s: run make test first", commit)
	}
	// The gate first: it takes no time, and says at once what all the rest could not make good.
	if err := r.gate(); err != nil {
		return err
	}
	for _, command := range [][]string{
		{"make", "lint", "quality-tools"},
		{"bin/actionlint"},
		{"tools/groovy-lint.sh"},
		{"bin/gitleaks", "git", "--no-banner", "--redact", "--log-level", "warn", "."},
		{"bin/govulncheck", "-db", r.or(VulnerabilityDB, "https://vuln.go.dev"), "./..."},
		{"bin/govulncheck", "-db", r.or(VulnerabilityDB, "https://vuln.go.dev"), "-C", "webapp", "./..."},
	} {
		if err := r.call(ctx, command...); err != nil {
			return err
		}
	}
	if token := r.get(SonarToken); token == "" || token == "none" {
		r.say("SONAR_TOKEN is not given: nothing is reported to SonarCloud")
	} else if err := r.call(ctx, "npx", "--yes", "@sonar/scan@5.0.1"); err != nil {
		return err
	}
	if r.dry() {
		return nil
	}
	return os.WriteFile(r.path(qualityPassed), []byte(commit+"\n"), 0o644)
}

// gate fails when the tests run too little of the infrastructure or of the application.
func (r *Run) gate() error {
	minimum, err := strconv.ParseFloat(r.or(Minimum, "80"), 64)
	if err != nil {
		return err
	}
	var problems []error
	for _, part := range slices.Sorted(maps.Keys(Profiles)) {
		total, err := Coverage(r.path(Profiles[part]))
		if errors.Is(err, os.ErrNotExist) {
			if r.dry() {
				r.say("the coverage of the %s would be read from %s", part, Profiles[part])
				continue
			}
			err = fmt.Errorf("the coverage of the %s is not known: %s is not there; run make test first", part, Profiles[part])
		}
		switch {
		case err != nil:
			problems = append(problems, err)
		case total < minimum:
			problems = append(problems, fmt.Errorf("the tests run %.1f %% of the %s; at least %.0f %% is asked, and nothing is built with less", total, part, minimum))
		default:
			r.say("the tests run %.1f %% of the %s (at least %.0f %% is asked)", total, part, minimum)
		}
	}
	return errors.Join(problems...)
}

// Coverage is the percentage of statements that a profile of go test says were run. A block that several test binaries report counts
// once, as run if any of them ran it.
func Coverage(path string) (float64, error) {
	blocks, err := readProfile(path)
	if err != nil {
		return 0, err
	}
	all, run := 0, 0
	for _, b := range blocks {
		all += b.statements
		if b.run {
			run += b.statements
		}
	}
	if all == 0 {
		return 0, fmt.Errorf("reading %s: it has no statements", filepath.Base(path))
	}
	return 100 * float64(run) / float64(all), nil
}

type block struct {
	statements int
	run        bool
}

func readProfile(path string) (map[string]block, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a coverage profile: %w", err)
	}
	defer file.Close()
	blocks := map[string]block{}
	scanner := bufio.NewScanner(file)
	for line := 1; scanner.Scan(); line++ {
		text := scanner.Text()
		if strings.HasPrefix(text, "mode:") {
			continue
		}
		fields := strings.Fields(text)
		if len(fields) != 3 {
			return nil, fmt.Errorf("reading %s: line %d %q is not of a coverage profile", filepath.Base(path), line, text)
		}
		statements, err1 := strconv.Atoi(fields[1])
		count, err2 := strconv.Atoi(fields[2])
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("reading %s: line %d: %w", filepath.Base(path), line, err)
		}
		b := blocks[fields[0]]
		blocks[fields[0]] = block{statements, b.run || count > 0}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Base(path), err)
	}
	return blocks, nil
}

// CoverageByPart prints the totals and, for each profile, its packages' first folders.
func CoverageByPart(dir string) (string, error) {
	var out strings.Builder
	for _, part := range slices.Sorted(maps.Keys(Profiles)) {
		blocks, err := readProfile(filepath.Join(dir, Profiles[part]))
		if err != nil {
			return "", fmt.Errorf("%w; run make test first", err)
		}
		all, run := map[string]int{}, map[string]int{}
		for at, b := range blocks {
			_, rest, _ := strings.Cut(at, "/")
			folder, _, _ := strings.Cut(rest, "/")
			for _, key := range []string{"together", folder} {
				all[key] += b.statements
				if b.run {
					run[key] += b.statements
				}
			}
		}
		for _, folder := range slices.Sorted(maps.Keys(all)) {
			fmt.Fprintf(&out, "%-15s %-11s %5.1f %%\n", part, folder, 100*float64(run[folder])/float64(all[folder]))
		}
	}
	return out.String(), nil
}
