package stacks

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"groundwork/components/field"
)

// decodeJSON fills target, a pointer to a struct, from a JSON object. Unlike encoding/json it takes nothing it does not
// know, changes no type, matches keys exactly, and reports every problem instead of the first.
func decodeJSON(p *spec.Problems, key, text string, target any) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		p.Add(key, text, "is not a YAML mapping of settings")
		return
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		p.Add(key, text, "is more than one value")
		return
	}
	decode(p, key, value, reflect.ValueOf(target).Elem())
}

// setDefaults lets a value that has defaults set them, before anything is decoded into it: what a stack says explicitly,
// zero included, is then what counts.
func setDefaults(target reflect.Value) {
	if d, ok := target.Addr().Interface().(interface{ SetDefaults() }); ok {
		d.SetDefaults()
	}
	if target.Kind() == reflect.Struct {
		for i := range target.NumField() {
			setDefaults(target.Field(i))
		}
	}
}

func decode(p *spec.Problems, key string, value any, target reflect.Value) {
	switch target.Kind() {
	case reflect.Struct:
		decodeStruct(p, key, value, target)
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			wrongKind(p, key, value, "a mapping")
			return
		}
		target.Set(reflect.MakeMapWithSize(target.Type(), len(object)))
		for _, name := range slices.Sorted(maps.Keys(object)) {
			element := reflect.New(target.Type().Elem()).Elem()
			setDefaults(element)
			decode(p, key+"."+name, object[name], element)
			target.SetMapIndex(reflect.ValueOf(name), element)
		}
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			wrongKind(p, key, value, "a list")
			return
		}
		target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
		for i, element := range list {
			decode(p, key, element, target.Index(i))
		}
	case reflect.String:
		text, ok := value.(string)
		if !ok {
			wrongKind(p, key, value, "text; put it in quotes")
			return
		}
		target.SetString(text)
	case reflect.Int:
		number, ok := value.(json.Number)
		if !ok {
			wrongKind(p, key, value, "a whole number")
			return
		}
		whole, err := number.Int64()
		if err != nil || whole > math.MaxInt32 || whole < math.MinInt32 {
			wrongKind(p, key, value, "a whole number")
			return
		}
		target.SetInt(whole)
	case reflect.Bool:
		flag, ok := value.(bool)
		if !ok {
			wrongKind(p, key, value, "true or false")
			return
		}
		target.SetBool(flag)
	default:
		// A setting of another kind would be a mistake in the program; TestEverySettingHasAKindTheDecoderKnows finds it.
		panic("decoding configuration: no way to decode " + target.Type().String())
	}
}

func decodeStruct(p *spec.Problems, key string, value any, target reflect.Value) {
	object, ok := value.(map[string]any)
	if !ok {
		wrongKind(p, key, value, "a mapping")
		return
	}
	fields := map[string]reflect.Value{}
	for i := range target.NumField() {
		fields[target.Type().Field(i).Tag.Get("json")] = target.Field(i)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if field, ok := fields[name]; ok {
			decode(p, key+"."+name, object[name], field)
			continue
		}
		unknownKey(p, key+"."+name, name, slices.Collect(maps.Keys(fields)))
	}
}

// unknownKey records a key nobody knows and the known one that is nearest to it, if any is near.
func unknownKey(p *spec.Problems, key, name string, known []string) {
	slices.Sort(known)
	best, distance := "", 4
	for _, candidate := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	if best != "" {
		p.Add(key, nil, "is not a known key; did you mean %q?", best)
		return
	}
	p.Add(key, nil, "is not a known key; known are %s", strings.Join(known, ", "))
}

// literal is a value that a problem shows as it stands in the file, without quotes.
type literal string

func wrongKind(p *spec.Problems, key string, value any, want string) {
	switch v := value.(type) {
	case nil:
		p.Add(key, nil, "has no value; want %s", want)
	case string:
		p.Add(key, v, "is text; want %s", want)
	case json.Number:
		p.Add(key, literal(v), "is a number; want %s", want)
	case bool:
		p.Add(key, v, "is a truth value; want %s", want)
	case []any:
		p.Add(key, nil, "is a list; want %s", want)
	default:
		p.Add(key, nil, "is a mapping; want %s", want)
	}
}
