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

// decodeJSON fills target, a pointer to a struct, from a JSON object. Unlike encoding/json, it refuses unknown keys,
// converts no types, matches keys exactly, and reports all errors instead of the first.
func decodeJSON(errs *field.Errors, key, text string, target any) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		errs.Add(key, text, "is not a YAML mapping of settings")
		return
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		errs.Add(key, text, "is more than one value")
		return
	}
	decode(errs, key, value, reflect.ValueOf(target).Elem())
}

// setDefaults sets the defaults of a value and its fields. It runs before anything is decoded into the value, so that
// an explicit value of the stack, even zero, overrides the default.
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

// decode sets target from a decoded JSON value. It records at key what does not have the type of target.
func decode(errs *field.Errors, key string, value any, target reflect.Value) {
	switch target.Kind() {
	case reflect.Struct:
		decodeStruct(errs, key, value, target)
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			wrongKind(errs, key, value, "a mapping")
			return
		}
		target.Set(reflect.MakeMapWithSize(target.Type(), len(object)))
		for _, name := range slices.Sorted(maps.Keys(object)) {
			element := reflect.New(target.Type().Elem()).Elem()
			setDefaults(element)
			decode(errs, key+"."+name, object[name], element)
			target.SetMapIndex(reflect.ValueOf(name), element)
		}
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			wrongKind(errs, key, value, "a list")
			return
		}
		target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
		for i, element := range list {
			decode(errs, key, element, target.Index(i))
		}
	case reflect.String:
		text, ok := value.(string)
		if !ok {
			wrongKind(errs, key, value, "text; put it in quotes")
			return
		}
		target.SetString(text)
	case reflect.Int:
		number, ok := value.(json.Number)
		if !ok {
			wrongKind(errs, key, value, "a whole number")
			return
		}
		whole, err := number.Int64()
		if err != nil || whole > math.MaxInt32 || whole < math.MinInt32 {
			wrongKind(errs, key, value, "a whole number")
			return
		}
		target.SetInt(whole)
	case reflect.Bool:
		flag, ok := value.(bool)
		if !ok {
			wrongKind(errs, key, value, "true or false")
			return
		}
		target.SetBool(flag)
	default:
		// A setting of another kind is a mistake in the program. TestEverySettingHasAKindTheDecoderKnows finds it.
		panic("decoding configuration: no way to decode " + target.Type().String())
	}
}

func decodeStruct(errs *field.Errors, key string, value any, target reflect.Value) {
	object, ok := value.(map[string]any)
	if !ok {
		wrongKind(errs, key, value, "a mapping")
		return
	}
	fields := map[string]reflect.Value{}
	for i := range target.NumField() {
		fields[target.Type().Field(i).Tag.Get("json")] = target.Field(i)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if field, ok := fields[name]; ok {
			decode(errs, key+"."+name, object[name], field)
			continue
		}
		unknownKey(errs, key+"."+name, name, slices.Collect(maps.Keys(fields)))
	}
}

// unknownKey records an unknown key, with the most similar known key if there is one.
func unknownKey(errs *field.Errors, key, name string, known []string) {
	slices.Sort(known)
	best, distance := "", 4
	for _, candidate := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	if best != "" {
		errs.Add(key, nil, "is not a known key; did you mean %q?", best)
		return
	}
	errs.Add(key, nil, "is not a known key; known are %s", strings.Join(known, ", "))
}

// literal is a value that an error shows as it is in the file, without quotes.
type literal string

// wrongKind records that value has another type than the one wanted.
func wrongKind(errs *field.Errors, key string, value any, want string) {
	switch v := value.(type) {
	case nil:
		errs.Add(key, nil, "has no value; want %s", want)
	case string:
		errs.Add(key, v, "is text; want %s", want)
	case json.Number:
		errs.Add(key, literal(v), "is a number; want %s", want)
	case bool:
		errs.Add(key, v, "is a truth value; want %s", want)
	case []any:
		errs.Add(key, nil, "is a list; want %s", want)
	default:
		errs.Add(key, nil, "is a mapping; want %s", want)
	}
}
