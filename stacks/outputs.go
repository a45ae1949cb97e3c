package stacks

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/field"
)

// versionKey is the key of the version in the outputs of a layer.
const versionKey = "contractVersion"

// encodeOutputs returns the outputs of a layer as a stack output, under the names of their pulumi tags.
func encodeOutputs(version int, outputs any) pulumi.Map {
	encoded := encodeStruct(reflect.ValueOf(outputs).Elem())
	encoded[versionKey] = pulumi.Int(version)
	return encoded
}

func encodeStruct(v reflect.Value) pulumi.Map {
	out := pulumi.Map{}
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("pulumi"); tag != "-" {
			out[tag] = encodeValue(v.Field(i))
		}
	}
	return out
}

func encodeValue(v reflect.Value) pulumi.Input {
	switch value := v.Interface().(type) {
	case pulumi.StringOutput:
		return value
	case pulumi.StringArrayOutput:
		return value
	case map[string]pulumi.StringOutput:
		out := pulumi.Map{}
		for key, output := range value {
			out[key] = output
		}
		return out
	case string:
		return pulumi.String(value)
	case int:
		return pulumi.Int(value)
	}
	if v.Kind() != reflect.Struct {
		// A field of another type is a mistake in the program. Every test of a layered stack finds it.
		panic("encoding the outputs of a layer: no way to encode " + v.Type().String())
	}
	return encodeStruct(v)
}

// readOutputs reads the outputs of a layer from the stack that runs it. The error names the stack and every field that
// is missing or wrong.
func (d *deployment) readOutputs(l layer) error {
	stack := d.config.Environment + "-" + l.name
	name := fmt.Sprintf("%s/%s/%s", d.ctx.Organization(), d.ctx.Project(), stack)
	reference, err := pulumi.NewStackReference(d.ctx, name, nil)
	if err != nil {
		return fmt.Errorf("reading stack %s: %w", stack, err)
	}
	details, err := reference.GetOutputDetails(l.name)
	if err != nil {
		return fmt.Errorf("reading stack %s: %w", stack, err)
	}
	err = decodeOutputs(l, details.Value, l.outputs(d))
	if err == nil {
		err = d.config.validateLower(l.name, details.Value)
	}
	if err != nil {
		return fmt.Errorf("reading stack %s:\n%w\nbring it up to date first: pulumi up -s %s --config-file Pulumi.%s.yaml",
			stack, err, stack, d.config.Environment)
	}
	return nil
}

// validateLower returns an error if a lower layer does not have the settings that upper layers depend on.
func (c *Config) validateLower(layer string, value any) error {
	if layer != LayerPlatform {
		return nil
	}
	running, _ := value.(map[string]any)["cluster"].(map[string]any)["version"].(string)
	if running != c.Cluster.KubernetesVersion {
		return fmt.Errorf("  output platform.cluster.version %q is not groundwork:cluster.kubernetesVersion %q",
			running, c.Cluster.KubernetesVersion)
	}
	return nil
}

// decodeOutputs fills target, a pointer to the outputs of a layer, from a stack output.
func decodeOutputs(l layer, value, target any) error {
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("  output %s is missing", l.name)
	}
	if version := object[versionKey]; version != float64(l.version) {
		return fmt.Errorf("  output %s has contract version %v; this program reads version %d", l.name, version, l.version)
	}
	var errs field.Errors
	decodeOutputStruct(&errs, l.name, object, reflect.ValueOf(target).Elem())
	return errs.Err("  output ")
}

// decodeOutputStruct sets the fields of target from values, by their pulumi tags.
func decodeOutputStruct(errs *field.Errors, key string, values map[string]any, target reflect.Value) {
	for i := range target.NumField() {
		tag := target.Type().Field(i).Tag.Get("pulumi")
		if tag == "-" {
			continue
		}
		value, given := values[tag]
		if !given || value == nil {
			errs.Add(key+"."+tag, nil, "is missing")
			continue
		}
		decodeOutput(errs, key+"."+tag, value, target.Field(i))
	}
}

// decodeOutput sets target from the value of a stack output. It records at key what does not have the type of target.
func decodeOutput(errs *field.Errors, key string, value any, target reflect.Value) {
	text := func(key string, value any) pulumi.StringOutput {
		s, ok := value.(string)
		if !ok {
			errs.Add(key, value, "is not text")
		}
		return pulumi.String(s).ToStringOutput()
	}
	switch target.Interface().(type) {
	case pulumi.StringOutput:
		target.Set(reflect.ValueOf(text(key, value)))
	case string:
		s, ok := value.(string)
		if !ok {
			errs.Add(key, value, "is not text")
		}
		target.SetString(s)
	case int:
		n, ok := value.(float64)
		if !ok || n != math.Trunc(n) {
			errs.Add(key, value, "is not a whole number")
		}
		target.SetInt(int64(n))
	case pulumi.StringArrayOutput:
		list, ok := value.([]any)
		if !ok {
			errs.Add(key, value, "is not a list")
		}
		texts := pulumi.StringArray{}
		for _, element := range list {
			texts = append(texts, text(key, element))
		}
		target.Set(reflect.ValueOf(texts.ToStringArrayOutput()))
	default:
		object, ok := value.(map[string]any)
		if !ok {
			errs.Add(key, value, "is not a mapping")
			return
		}
		if target.Kind() == reflect.Struct {
			decodeOutputStruct(errs, key, object, target)
			return
		}
		outputs := map[string]pulumi.StringOutput{}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			outputs[name] = text(key+"."+name, object[name])
		}
		target.Set(reflect.ValueOf(outputs))
	}
}
