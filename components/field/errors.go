// Package field collects what is wrong with the fields of a value, so that a user who made three mistakes reads three
// sentences.
package field

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Error is one thing wrong with one field.
type Error struct {
	// Key is the path of the field, for example "nodeGroups.general.minSize".
	Key string
	// Value is what was given; text is quoted when printed.
	Value any
	// Wrong says what is wrong and what would be right: "is outside 1 to 35".
	Wrong string

	// on are the other fields that the error is about.
	on []string
}

// On notes which other fields an error is about. Where one of them could not be read, the error would not be true.
func (e *Error) On(keys ...string) { e.on = append(e.on, keys...) }

// Error prints the error as "KEY VALUE WRONG".
func (e Error) Error() string {
	if e.Value == nil {
		return e.Key + " " + e.Wrong
	}
	if s, ok := e.Value.(string); ok {
		return fmt.Sprintf("%s %q %s", e.Key, s, e.Wrong)
	}
	return fmt.Sprintf("%s %v %s", e.Key, e.Value, e.Wrong)
}

// In returns the error with a namespace before all of its keys, such as "groundwork:"; keys that have one keep it.
func (e Error) In(namespace string) Error {
	qualified := func(key string) string {
		if strings.Contains(key, ":") {
			return key
		}
		return namespace + key
	}
	moved := Error{Key: namespace + e.Key, Value: e.Value, Wrong: e.Wrong}
	for _, key := range e.on {
		moved.on = append(moved.on, qualified(key))
	}
	return moved
}

// Errors collects what is wrong. The zero value is ready to use.
type Errors []Error

// Add records that value at key is wrong; format and a say how, and what would be right.
func (e *Errors) Add(key string, value any, format string, a ...any) *Error {
	*e = append(*e, Error{Key: key, Value: value, Wrong: fmt.Sprintf(format, a...)})
	return &(*e)[len(*e)-1]
}

// Required records that key has no value; want says what belongs there.
func (e *Errors) Required(key, want string) {
	*e = append(*e, Error{Key: key, Wrong: "is missing; give " + want})
}

// Range records value at key unless it lies in min..max, both included.
func (e *Errors) Range(key string, value, min, max int) {
	if value < min || value > max {
		e.Add(key, value, "is outside %d to %d", min, max)
	}
}

// OneOf records value at key unless it is one of allowed.
func OneOf[T ~string | ~int](e *Errors, key string, value T, allowed ...T) {
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
	e.Add(key, shown, "is not one of %s", strings.Join(names, ", "))
}

// Match records value at key unless it matches pattern; want describes the pattern in words.
func (e *Errors) Match(key, value string, pattern *regexp.Regexp, want string) {
	if !pattern.MatchString(value) {
		e.Add(key, value, "is not %s", want)
	}
}

// Below adds every error of other, its keys moved below prefix. The errors are about the fields on too.
func (e *Errors) Below(prefix string, other Errors, on ...string) {
	for _, o := range other {
		moved := slices.Clone(on)
		for _, key := range o.on {
			moved = append(moved, prefix+"."+key)
		}
		*e = append(*e, Error{prefix + "." + o.Key, o.Value, o.Wrong, moved})
	}
}

// Without returns the errors that are about no field of unread: what could not be read has been reported, and checking
// it would only add something untrue.
func (e Errors) Without(unread Errors) Errors {
	about := func(err Error, field string) bool {
		return slices.ContainsFunc(append(err.on, err.Key), func(key string) bool {
			return key == field || strings.HasPrefix(key, field+".") || strings.HasPrefix(field, key+".")
		})
	}
	return slices.DeleteFunc(slices.Clone(e), func(err Error) bool {
		return slices.ContainsFunc(unread, func(u Error) bool { return about(err, u.Key) })
	})
}

// Err joins the errors into one, sorted by key, each line starting with prefix, or returns nil where there are none.
// Errors of one key keep the order in which they were added.
func (e Errors) Err(prefix string) error {
	sorted := slices.Clone(e)
	slices.SortStableFunc(sorted, func(a, b Error) int { return cmp.Compare(a.Key, b.Key) })
	errs := make([]error, len(sorted))
	for i, err := range sorted {
		errs[i] = fmt.Errorf("%s%w", prefix, err)
	}
	return errors.Join(errs...)
}
