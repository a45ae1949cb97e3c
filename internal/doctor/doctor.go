// Package doctor says what is wrong, or soon will be, before it costs anything: support that ends, charts that nobody has looked at for long,
// certificates that expire, tools that are missing, credentials for another account, quotas that an environment would exceed.
package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Severity of a finding.
type Severity string

const (
	// Good is what was looked at and is right.
	Good Severity = "ok"
	// Warning will become a problem, on a day that is given.
	Warning Severity = "warning"
	// Broken stops a deployment, or already costs something.
	Broken Severity = "broken"
	// Unknown could not be looked at; the text says why.
	Unknown Severity = "unknown"
)

// Finding is one thing that was looked at.
type Finding struct {
	Severity Severity `json:"severity"`
	// About is the area: calendar, tools, account or quotas.
	About string `json:"about"`
	Text  string `json:"text"`
	// Do says what to do; empty where there is nothing to do.
	Do string `json:"do,omitempty"`
}

// Report is everything that was looked at.
type Report []Finding

func (r *Report) add(s Severity, about, do, format string, a ...any) {
	*r = append(*r, Finding{s, about, fmt.Sprintf(format, a...), do})
}

// Broken reports whether something is broken.
func (r Report) Broken() bool {
	return slices.ContainsFunc(r, func(f Finding) bool { return f.Severity == Broken })
}

// String renders the report for people, the worst first.
func (r Report) String() string {
	var out strings.Builder
	marks := map[Severity]string{Broken: "✗", Warning: "!", Unknown: "?", Good: "✓"}
	for _, severity := range []Severity{Broken, Warning, Unknown, Good} {
		for _, f := range r {
			if f.Severity != severity {
				continue
			}
			fmt.Fprintf(&out, "%s %-9s %s\n", marks[severity], f.About, f.Text)
			if f.Do != "" {
				fmt.Fprintf(&out, "            %s\n", f.Do)
			}
		}
	}
	return out.String()
}

// Deadline is a day after which something is over.
type Deadline struct {
	// What is over, in words that "ends on" can follow.
	What string
	Day  time.Time
	// Notice is how many days before it is worth a warning; Over what it means when the day has come, and Do what to do.
	Notice   int
	Over, Do string
}

// Calendar checks deadlines on a day.
func Calendar(deadlines []Deadline, today time.Time) Report {
	var r Report
	for _, d := range deadlines {
		left := int(d.Day.Sub(today).Hours() / 24)
		switch {
		case left <= 0:
			r.add(Broken, "calendar", d.Do, "%s ended on %s: %s", d.What, d.Day.Format(time.DateOnly), d.Over)
		case left <= d.Notice:
			r.add(Warning, "calendar", d.Do, "%s ends on %s, in %d days: %s", d.What, d.Day.Format(time.DateOnly), left, d.Over)
		default:
			r.add(Good, "calendar", "", "%s ends on %s", d.What, d.Day.Format(time.DateOnly))
		}
	}
	return r
}

// Checked is something that somebody compared with the world on a day.
type Checked struct {
	What string
	Day  time.Time
	// Fresh is how many days that is good for.
	Fresh int
	Do    string
}

// Ages warns of what was checked too long ago.
func Ages(all []Checked, today time.Time) Report {
	var r Report
	for _, c := range all {
		age := int(today.Sub(c.Day).Hours() / 24)
		if age > c.Fresh {
			r.add(Warning, "calendar", c.Do, "%s: last checked on %s, %d days ago", c.What, c.Day.Format(time.DateOnly), age)
			continue
		}
		r.add(Good, "calendar", "", "%s: checked on %s", c.What, c.Day.Format(time.DateOnly))
	}
	return r
}
