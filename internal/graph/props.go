package graph

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Props are the properties of a resource as plain values: string, float64, bool, []any, map[string]any, nil, and
// Unknown{} for what a preview does not know yet.
type Props map[string]any

// Unknown stands for a value that only an update will know.
type Unknown struct{}

// FromPulumi converts properties as Pulumi sends them. Secrets lose their mark: the engine puts it back.
func FromPulumi(m resource.PropertyMap) Props {
	p := Props{}
	for key, value := range m {
		if strings.HasPrefix(string(key), "__") {
			continue
		}
		p[string(key)] = plain(value)
	}
	return p
}

func plain(v resource.PropertyValue) any {
	switch {
	case v.IsNull():
		return nil
	case v.IsComputed():
		return Unknown{}
	case v.IsOutput():
		if !v.OutputValue().Known {
			return Unknown{}
		}
		return plain(v.OutputValue().Element)
	case v.IsSecret():
		return plain(v.SecretValue().Element)
	case v.IsArray():
		list := make([]any, len(v.ArrayValue()))
		for i, element := range v.ArrayValue() {
			list[i] = plain(element)
		}
		return list
	case v.IsObject():
		return map[string]any(FromPulumi(v.ObjectValue()))
	case v.IsResourceReference():
		return plain(v.ResourceReferenceValue().ID)
	default:
		return v.V
	}
}

// PropertyMap converts back.
func (p Props) PropertyMap() resource.PropertyMap {
	return resource.NewPropertyMapFromMap(pulumiValues(map[string]any(p)).(map[string]any))
}

func pulumiValues(v any) any {
	switch v := v.(type) {
	case Unknown:
		return resource.Computed{Element: resource.NewStringProperty("")}
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, element := range v {
			m[key] = pulumiValues(element)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = pulumiValues(element)
		}
		return list
	}
	return v
}

// Get returns the value at a property path in Pulumi's notation, such as "vpcConfig.subnetIds[0]" or
// `tags["kubernetes.io/role/elb"]`, or nil where there is none. A path that does not parse is a mistake in the program.
func (p Props) Get(path string) any {
	if !strings.ContainsAny(path, `.["`) {
		return p[path]
	}
	var value any = map[string]any(p)
	for _, step := range parsePath(path) {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[step]
		case int:
			list, _ := value.([]any)
			if step < 0 || step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// paths are the property paths that were parsed already: the simulated cloud asks for the same few again and again.
var paths sync.Map

func parsePath(path string) resource.PropertyPath {
	if parsed, ok := paths.Load(path); ok {
		return parsed.(resource.PropertyPath)
	}
	parsed, err := resource.ParsePropertyPath(path)
	if err != nil {
		panic(fmt.Sprintf("parsing the property path %q: %v", path, err))
	}
	paths.Store(path, parsed)
	return parsed
}

// Has reports whether there is a known, non-empty text at path.
func (p Props) Has(path string) bool { return p.Str(path) != "" }

// Str returns the text at path, or "" where there is none or it is unknown.
func (p Props) Str(path string) string {
	s, _ := p.Get(path).(string)
	return s
}

// Num returns the number at path and whether there is one.
func (p Props) Num(path string) (float64, bool) {
	switch n := p.Get(path).(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	}
	return 0, false
}

// Flag returns the boolean at path, or false.
func (p Props) Flag(path string) bool {
	b, _ := p.Get(path).(bool)
	return b
}

// Strs returns the known texts of the list at path; a single text counts as a list of one.
func (p Props) Strs(path string) []string {
	switch v := p.Get(path).(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, element := range v {
			if s, ok := element.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

// Object returns the mapping at path, or nil.
func (p Props) Object(path string) Props {
	m, _ := p.Get(path).(map[string]any)
	return m
}

// Clone returns a deep copy.
func (p Props) Clone() Props {
	text, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("copying properties: %v", err))
	}
	var out Props
	if err := json.Unmarshal(text, &out); err != nil {
		panic(fmt.Sprintf("copying properties: %v", err))
	}
	return out
}
