package awssim

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
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

// Diff compares the inputs of a resource before and after a change as its provider does. A default equals a value that
// is not given. Sets have no order. An input that AWS computes where it is not given keeps its value when the program
// stops giving it. before may hold outputs too, which do not count.
func Diff(token string, before, after Props) []Change {
	d := differ{token: token, properties: awstype.Properties(token), before: before, after: after}
	return d.objects("", "", before, after)
}

// differ compares the inputs of one resource.
type differ struct {
	token         string
	properties    map[string]awstype.Property
	before, after Props
}

// objects compares two mappings. path is where they are, with a dot at the end; known is the same path as the provider
// writes it, with [] for any element of a list.
func (d differ) objects(path, known string, before, after map[string]any) []Change {
	var changes []Change
	keys := maps.Clone(before)
	if keys == nil {
		keys = map[string]any{}
	}
	maps.Copy(keys, after)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		changes = append(changes, d.values(path+key, known+key, before[key], after[key])...)
	}
	return changes
}

// values compares the values at a path.
func (d differ) values(path, known string, before, after any) []Change {
	p, ok := d.properties[known]
	if ok && (!p.Input() || after == nil && p.Computed) {
		return nil
	}
	if !ok && d.properties != nil && !strings.Contains(known, ".") && after == nil {
		return nil // An output that is newer than what is known of the type.
	}
	a, b := d.normal(known, before), d.normal(known, after)
	if reflect.DeepEqual(a, b) {
		return nil
	}
	beforeMap, ok1 := before.(map[string]any)
	afterMap, ok2 := after.(map[string]any)
	var inside []Change
	if ok1 && ok2 || p.Kind == "object" {
		inside = d.objects(path+".", known+".", beforeMap, afterMap)
	}
	if ok1 && ok2 || p.Kind == "object" && len(inside) == 0 {
		return inside
	}
	// A block appears or disappears, or a value differs.
	effect := awstype.EffectOf(d.token, known, awstype.Inputs(d.before), awstype.Inputs(d.after))
	if effect == awstype.Nothing {
		return nil
	}
	replaces := effect == awstype.Replaces || d.replacesInside(known, a, b) ||
		slices.ContainsFunc(inside, func(c Change) bool { return c.Replace })
	return []Change{{path, before, after, replaces}}
}

// replacesInside reports whether two lists differ in a property of their elements that replaces the resource.
func (d differ) replacesInside(known string, before, after any) bool {
	return slices.ContainsFunc(awstype.Replacing(d.token), func(p string) bool {
		inner, inside := strings.CutPrefix(p, known+"[].")
		return inside && !reflect.DeepEqual(elements(before, inner), elements(after, inner))
	})
}

// elements collects the values of a property of the elements of a list.
func elements(list any, inner string) []any {
	var all []any
	each, _ := list.([]any)
	for _, element := range each {
		object, _ := element.(map[string]any)
		key, rest, nested := strings.Cut(inner, ".")
		key, isList := strings.CutSuffix(key, "[]")
		switch {
		case nested && isList:
			all = append(all, elements(object[key], rest)...)
		case nested:
			all = append(all, elements([]any{object[key]}, rest)...)
		default:
			all = append(all, object[key])
		}
	}
	return all
}

// normal returns a value in the form in which equal ones are the same: with defaults, without what only AWS sets, JSON
// documents without spaces, and sets in one order.
func (d differ) normal(known string, value any) any {
	p := d.properties[known]
	switch v := value.(type) {
	case nil:
		if p.Default != nil {
			return defaultValue(p)
		}
		return nil
	case string:
		var document any
		if isDocument(p) && json.Unmarshal([]byte(v), &document) == nil {
			return document
		}
		return v
	case map[string]any:
		return d.normalObject(known+".", v)
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = element
			if object, ok := element.(map[string]any); ok {
				list[i] = d.normalObject(known+"[].", object)
			}
		}
		if strings.HasPrefix(p.Kind, "set of ") {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		return list
	}
	return value
}

func (d differ) normalObject(prefix string, object map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range object {
		if p, ok := d.properties[prefix+key]; ok && !p.Input() {
			continue
		}
		if normal := d.normal(prefix+key, value); normal != nil {
			out[key] = normal
		}
	}
	for path, p := range d.properties {
		key, inside := strings.CutPrefix(path, prefix)
		if inside && p.Default != nil && !strings.ContainsAny(key, ".[") && out[key] == nil {
			out[key] = defaultValue(p)
		}
	}
	return out
}

// isDocument reports whether a property holds a JSON document.
func isDocument(p awstype.Property) bool {
	return slices.ContainsFunc(p.Limits, func(l awstype.Limit) bool { return strings.HasSuffix(l.Text, "JSON") })
}

// defaultValue returns the default of a property as a value of its kind.
func defaultValue(p awstype.Property) any {
	switch p.Kind {
	case "boolean":
		return *p.Default == "true"
	case "integer", "number":
		if n, err := strconv.ParseFloat(*p.Default, 64); err == nil {
			return n
		}
	}
	return *p.Default
}

// sent returns the inputs of an update with the old value of each property whose change the provider does not send.
func sent(token string, old, in Props) Props {
	out := maps.Clone(in)
	for _, d := range awstype.Of(token).Decisions {
		top, _, _ := strings.Cut(d.Property, ".")
		before, after := awstype.Inputs(old), awstype.Inputs(in)
		if old[top] != nil && awstype.EffectOf(token, d.Property, before, after) == awstype.Nothing {
			out[top] = old[top]
		}
	}
	return out
}

// updated returns the state of a resource after an update to new inputs: the inputs, and of the old state what AWS
// computes, also inside blocks that are inputs.
func updated(token string, t Type, old, in Props) Props {
	properties := awstype.Properties(token)
	if properties == nil {
		out := maps.Clone(in)
		for key, value := range old {
			if _, given := in[key]; !given && !t.takes(key) {
				out[key] = value
			}
		}
		return out
	}
	return mergeObjects(properties, "", old, in)
}

func mergeObjects(properties map[string]awstype.Property, prefix string, old, in map[string]any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, in)
	for key, value := range old {
		p, known := properties[prefix+key]
		was, ok1 := value.(map[string]any)
		is, ok2 := in[key].(map[string]any)
		if ok1 && ok2 && p.Kind == "object" {
			out[key] = mergeObjects(properties, prefix+key+".", was, is)
		} else if _, given := in[key]; !given && (p.Computed || !known) {
			out[key] = value
		}
	}
	return out
}
