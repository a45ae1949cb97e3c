package awssim

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Failure is one input that a provider refuses.
type Failure struct {
	// Property is the path of the input.
	Property string
	// Reason says what is wrong with it.
	Reason string
}

// checkSchema compares inputs with the argument struct of the SDK that the program is compiled with: names, kinds and
// required values, at every depth. args is that struct, for example ec2.VpcArgs{}.
func checkSchema(args pulumi.Input, in Props) []Failure {
	var failures []Failure
	checkObject(&failures, "", map[string]any(in), args.ElementType())
	return failures
}

func checkObject(failures *[]Failure, path string, in map[string]any, t reflect.Type) {
	known := map[string]bool{}
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("pulumi")
		known[name] = true
		value, given := in[name]
		if !given || value == nil {
			if required(field.Type) {
				*failures = append(*failures, Failure{path + name, "is required but was not given"})
			}
			continue
		}
		checkValue(failures, path+name, value, field.Type)
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if !known[name] {
			*failures = append(*failures, Failure{path + name, "is not an input of this type"})
		}
	}
}

// required reports whether an input of type t is required. The SDK's plain argument types hold required scalars and
// structs by value and optional ones by pointer. The type of a list or map does not tell: Type.Required names the
// required lists.
func required(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return false
	}
	return true
}

func checkValue(failures *[]Failure, path string, value any, t reflect.Type) {
	if _, ok := value.(graph.Unknown); ok {
		return
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	wrong := func(want string) {
		*failures = append(*failures, Failure{path, fmt.Sprintf("must be %s, not %v", want, value)})
	}
	switch t.Kind() {
	case reflect.String:
		if _, ok := value.(string); !ok {
			wrong("text")
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			wrong("a boolean")
		}
	case reflect.Int, reflect.Float64:
		if _, ok := value.(float64); !ok {
			wrong("a number")
		}
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			wrong("a list")
			return
		}
		for i, element := range list {
			checkValue(failures, fmt.Sprintf("%s[%d]", path, i), element, t.Elem())
		}
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			wrong("a mapping")
			return
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			checkValue(failures, path+"."+key, object[key], t.Elem())
		}
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			wrong("a mapping")
			return
		}
		checkObject(failures, strings.TrimSuffix(path, ".")+".", object, t)
	}
}

// checkLimits returns what the validators of the AWS provider refuse, before it asks AWS. Unknown values pass.
func checkLimits(token string, in Props) []Failure {
	var failures []Failure
	limitObject(&failures, awstype.Properties(token), "", "", in)
	return failures
}

// limitObject checks a mapping. path is where it is; known is the same path as the provider writes it.
func limitObject(
	failures *[]Failure, properties map[string]awstype.Property, path, known string, object map[string]any,
) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		limitValue(failures, properties, path+key, known+key, object[key])
	}
}

func limitValue(failures *[]Failure, properties map[string]awstype.Property, path, known string, value any) {
	for _, limit := range properties[known].Limits {
		if !limit.Allows(value) {
			*failures = append(*failures, Failure{path, fmt.Sprintf("%v is not allowed: %s", value, limit.Text)})
		}
	}
	switch v := value.(type) {
	case map[string]any:
		limitObject(failures, properties, path+".", known+".", v)
	case []any:
		for i, element := range v {
			at := fmt.Sprintf("%s[%d]", path, i)
			if object, ok := element.(map[string]any); ok {
				limitObject(failures, properties, at+".", known+"[].", object)
			} else {
				limitValue(failures, properties, at, known, element)
			}
		}
	}
}
