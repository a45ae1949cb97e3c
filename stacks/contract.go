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

// contractVersions count, for each layer that others read, the changes of its outputs that a program of before could not
// read. Adding a field is no such change.
var contractVersions = map[string]int{LayerPlatform: 1, LayerServices: 1}

// contractVersionKey is where a contract says its version.
const contractVersionKey = "contractVersion"

// contractOf returns the outputs of a layer as a stack output, under the names of their pulumi tags.
func contractOf(layer string, outputs any) pulumi.Map {
	contract := encodeStruct(reflect.ValueOf(outputs).Elem())
	contract[contractVersionKey] = pulumi.Int(contractVersions[layer])
	return contract
}

func encodeStruct(v reflect.Value) pulumi.Map {
	out := pulumi.Map{}
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("pulumi"); tag != "-" {
			out[tag] = encodeContract(v.Field(i))
		}
	}
	return out
}

func encodeContract(v reflect.Value) pulumi.Input {
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
		// A field of another type would be a mistake in the program; every layered test finds it.
		panic("writing a contract: no way to write " + v.Type().String())
	}
	return encodeStruct(v)
}

// readContract fills target, a pointer to the outputs of a layer of this environment, from the stack that runs that
// layer. The error names the stack and every field that is missing or wrong.
func readContract(ctx *pulumi.Context, c *Config, layer string, target any) error {
	stack := c.Environment + "-" + layer
	reference, err := pulumi.NewStackReference(ctx, fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), stack), nil)
	if err != nil {
		return fmt.Errorf("reading stack %s: %w", stack, err)
	}
	details, err := reference.GetOutputDetails(layer)
	if err != nil {
		return fmt.Errorf("reading stack %s: %w", stack, err)
	}
	err = decodeContract(layer, details.Value, target)
	if err == nil {
		err = c.agrees(layer, details.Value)
	}
	if err != nil {
		return fmt.Errorf("reading stack %s:\n%w\nbring it up to date first: pulumi up -s %s --config-file Pulumi.%s.yaml", stack, err, stack, c.Environment)
	}
	return nil
}

// agrees refuses a lower layer that is not what the settings say it is, where an upper one depends on that.
func (c *Config) agrees(layer string, value any) error {
	if layer != LayerPlatform {
		return nil
	}
	running, _ := value.(map[string]any)["cluster"].(map[string]any)["version"].(string)
	if running != c.Cluster.KubernetesVersion {
		return fmt.Errorf("  output platform.cluster.version %q is not groundwork:cluster.kubernetesVersion %q", running, c.Cluster.KubernetesVersion)
	}
	return nil
}

// decodeContract fills target from the output of a layer.
func decodeContract(layer string, value any, target any) error {
	contract, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("  output %s is missing", layer)
	}
	if version := contract[contractVersionKey]; version != float64(contractVersions[layer]) {
		return fmt.Errorf("  output %s has contract version %v; this program reads version %d", layer, version, contractVersions[layer])
	}
	var p spec.Problems
	decodeStructContract(&p, layer, contract, reflect.ValueOf(target).Elem())
	return p.Err("  output ")
}

func decodeStructContract(p *spec.Problems, key string, values map[string]any, target reflect.Value) {
	for i := range target.NumField() {
		tag := target.Type().Field(i).Tag.Get("pulumi")
		if tag == "-" {
			continue
		}
		value, given := values[tag]
		if !given || value == nil {
			p.Add(key+"."+tag, nil, "is missing")
			continue
		}
		decodeField(p, key+"."+tag, value, target.Field(i))
	}
}

func decodeField(p *spec.Problems, key string, value any, target reflect.Value) {
	text := func(key string, value any) pulumi.StringOutput {
		s, ok := value.(string)
		if !ok {
			p.Add(key, value, "is not text")
		}
		return pulumi.String(s).ToStringOutput()
	}
	switch target.Interface().(type) {
	case pulumi.StringOutput:
		target.Set(reflect.ValueOf(text(key, value)))
	case string:
		s, ok := value.(string)
		if !ok {
			p.Add(key, value, "is not text")
		}
		target.SetString(s)
	case int:
		n, ok := value.(float64)
		if !ok || n != math.Trunc(n) {
			p.Add(key, value, "is not a whole number")
		}
		target.SetInt(int64(n))
	case pulumi.StringArrayOutput:
		list, ok := value.([]any)
		if !ok {
			p.Add(key, value, "is not a list")
		}
		texts := pulumi.StringArray{}
		for _, element := range list {
			texts = append(texts, text(key, element))
		}
		target.Set(reflect.ValueOf(texts.ToStringArrayOutput()))
	default:
		object, ok := value.(map[string]any)
		if !ok {
			p.Add(key, value, "is not a mapping")
			return
		}
		if target.Kind() == reflect.Struct {
			decodeStructContract(p, key, object, target)
			return
		}
		outputs := map[string]pulumi.StringOutput{}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			outputs[name] = text(key+"."+name, object[name])
		}
		target.Set(reflect.ValueOf(outputs))
	}
}
