package awssim

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"groundwork/internal/awstype"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Change is one input that differs.
type Change struct {
	// Property is the path of the input, down to the innermost mapping. Lists are compared as a whole.
	Property string
	// Before and After are nil where the input was not given.
	Before, After any
	// Replace is true where AWS cannot change the input of an existing resource.
	Replace bool
}

// kind returns the kind of change in Pulumi's provider protocol.
func (c Change) kind() pulumirpc.PropertyDiff_Kind {
	kinds := []pulumirpc.PropertyDiff_Kind{
		pulumirpc.PropertyDiff_ADD, pulumirpc.PropertyDiff_DELETE, pulumirpc.PropertyDiff_UPDATE,
	}
	i := 2
	if c.Before == nil {
		i = 0
	} else if c.After == nil {
		i = 1
	}
	if c.Replace {
		return kinds[i] + 1
	}
	return kinds[i]
}

// Diff compares two sets of inputs of one type.
func Diff(token string, before, after Props) []Change {
	var changes []Change
	var compare func(prefix string, a, b map[string]any)
	compare = func(prefix string, a, b map[string]any) {
		keys := map[string]bool{}
		for key := range a {
			keys[key] = true
		}
		for key := range b {
			keys[key] = true
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			property := prefix + key
			before, after := a[key], b[key]
			beforeMap, ok1 := before.(map[string]any)
			afterMap, ok2 := after.(map[string]any)
			if ok1 && ok2 {
				compare(property+".", beforeMap, afterMap)
				continue
			}
			if !reflect.DeepEqual(before, after) {
				changes = append(changes, Change{property, before, after, replaces(token, property)})
			}
		}
	}
	compare("", before, after)
	return changes
}

// replaces reports whether a change at property replaces the resource. It does when AWS cannot change that property,
// one that contains it, or one inside it.
func replaces(token, property string) bool {
	for _, i := range awstype.Of(token).Replaces {
		if property == i || strings.HasPrefix(property, i+".") || strings.HasPrefix(i, property+".") {
			return true
		}
	}
	return false
}
