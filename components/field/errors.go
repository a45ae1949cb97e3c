// Package spec holds what the specification of every component shares: a way to collect all problems of a value, so
// that a user who made three mistakes reads three sentences.
package spec

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one thing wrong with one key of a specification.
type Problem struct {
	// Key is the path of the key below the specification, for example "nodeGroups.general.minSize".
	Key string
	// Value is what was given; strings are quoted when printed.
	Value any
	// Wrong says what is wrong and what would be right: "is outside 1 to 35".
	Wrong string
}

// Error prints the problem as "KEY VALUE WRONG".
func (p Problem) Error() string {
	if p.Value == nil {
		return p.Key + " " + p.Wrong
	}
	if s, ok := p.Value.(string); ok {
		return fmt.Sprintf("%s %q %s", p.Key, s, p.Wrong)
	}
	return fmt.Sprintf("%s %v %s", p.Key, p.Value, p.Wrong)
}

// Problems collects what is wrong. The zero value is ready to use.
type Problems []Problem

// Add records that value at key is wrong; format and a say how, and what would be right.
func (p *Problems) Add(key string, value any, format string, a ...any) {
	*p = append(*p, Problem{Key: key, Value: value, Wrong: fmt.Sprintf(format, a...)})
}

// Missing records that key has no value; want says what belongs there.
func (p *Problems) Missing(key, want string) {
	*p = append(*p, Problem{Key: key, Wrong: "is missing; give " + want})
}

// Range records value at key unless it lies in min..max, both included.
func (p *Problems) Range(key string, value, min, max int) {
	if value < min || value > max {
		p.Add(key, value, "is outside %d to %d", min, max)
	}
}

// OneOf records value at key unless it is one of allowed.
func OneOf[T ~string | ~int](p *Problems, key string, value T, allowed ...T) {
	if slices.Contains(allowed, value) {
		return
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = fmt.Sprint(a)
	}
	var shown any = value
	if s := fmt.Sprint(value); fmt.Sprintf("%T", value) != "int" {
		shown = s
	}
	p.Add(key, shown, "is not one of %s", strings.Join(names, ", "))
}

// Match records value at key unless it matches pattern; want describes the pattern in words.
func (p *Problems) Match(key, value string, pattern *regexp.Regexp, want string) {
	if !pattern.MatchString(value) {
		p.Add(key, value, "is not %s", want)
	}
}

// Include adds every problem of other, its keys moved below prefix.
func (p *Problems) Include(prefix string, other Problems) {
	for _, o := range other {
		o.Key = prefix + "." + o.Key
		*p = append(*p, o)
	}
}

// Err joins the problems into one error, each line starting with prefix, or returns nil where there are none.
func (p Problems) Err(prefix string) error {
	errs := make([]error, len(p))
	for i, problem := range p {
		errs[i] = fmt.Errorf("%s%w", prefix, problem)
	}
	return errors.Join(errs...)
}
