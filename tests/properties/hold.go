package properties

import (
	"fmt"
	"strings"
	"time"

	"groundwork/internal/cost"
	"groundwork/internal/rules"
)

// Wrong returns everything that does not hold for a subject on a day: properties, security rules, and resources that
// nothing is known about the cost of. seen is how many checks looked at something.
func Wrong(s Subject, today time.Time) (seen int, wrong []string) {
	note := func(name string, n int, problems []string) {
		seen += min(n, 1)
		for _, problem := range problems {
			wrong = append(wrong, name+": "+problem)
		}
	}
	for _, p := range All {
		if s.Holds(p) {
			n, problems := p.Check(s)
			note(p.Name, n, problems)
		}
	}
	for _, f := range rules.Evaluate(s.Graph, s.Config.Protect, !s.Config.Parked) {
		if chosen, ok := Choices[f.ID]; !ok || !chosen(s.Config) {
			note(f.ID, f.Seen, f.Wrong)
		}
	}
	assumed, err := cost.Assume(nil)
	if err != nil {
		return seen, append(wrong, err.Error())
	}
	for _, unpriced := range cost.New(s.Name, s.Graph, cost.Prices{Region: s.Config.Region}, assumed, today).Unpriced {
		// Not every region has a price for everything; every type has one somewhere, or is free.
		if !strings.Contains(unpriced, "there is no price for") {
			wrong = append(wrong, fmt.Sprintf("cost: %s", unpriced))
		}
	}
	return seen, wrong
}

// Holds reports whether a property has to hold for a subject.
func (s Subject) Holds(p Property) bool {
	return (!p.EngineOnly || s.Engine) && !(p.MockOnly && s.Engine) && (!s.Config.Parked || p.SuspendedToo)
}
