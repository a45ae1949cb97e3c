package pipeline

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/tools/cover"
)

// Profiles are the coverage profiles that make test writes, by the part that they cover.
var Profiles = map[string]string{
	"application":    "reports/coverage-application.out",
	"infrastructure": "reports/coverage-infrastructure.out",
}

// Coverage returns the percentage of statements that a profile of go test says were run. A block that several test
// binaries report counts once, as run if any of them ran it.
func Coverage(path string) (float64, error) {
	profiles, err := readProfiles(path)
	if err != nil {
		return 0, err
	}
	var total statements
	for _, p := range profiles {
		total.add(p)
	}
	if total.all == 0 {
		return 0, fmt.Errorf("reading %s: it has no statements", filepath.Base(path))
	}
	return total.percent(), nil
}

// readProfiles reads a coverage profile. The result has one entry for each source file.
func readProfiles(path string) ([]*cover.Profile, error) {
	profiles, err := cover.ParseProfiles(path)
	if err != nil {
		return nil, fmt.Errorf("reading the coverage profile %s: %w", filepath.Base(path), err)
	}
	return profiles, nil
}

// statements counts statements, and those that were run.
type statements struct{ all, run int }

// add counts the statements of one source file.
func (s *statements) add(p *cover.Profile) {
	for _, b := range p.Blocks {
		s.all += b.NumStmt
		if b.Count > 0 {
			s.run += b.NumStmt
		}
	}
}

// percent returns the share of statements that were run.
func (s *statements) percent() float64 { return 100 * float64(s.run) / float64(s.all) }

// CoverageByPart renders the coverage of each part as a whole, and of the first folders of its packages.
func CoverageByPart(dir string) (string, error) {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, part := range slices.Sorted(maps.Keys(Profiles)) {
		profiles, err := readProfiles(filepath.Join(dir, Profiles[part]))
		if err != nil {
			return "", fmt.Errorf("%w; run make test first", err)
		}
		counts := map[string]*statements{}
		for _, p := range profiles {
			_, rest, _ := strings.Cut(p.FileName, "/")
			folder, _, _ := strings.Cut(rest, "/")
			for _, key := range []string{"together", folder} {
				if counts[key] == nil {
					counts[key] = &statements{}
				}
				counts[key].add(p)
			}
		}
		for _, folder := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(table, "%s\t%s\t%5.1f %%\n", part, folder, counts[folder].percent())
		}
	}
	_ = table.Flush()
	return out.String(), nil
}
