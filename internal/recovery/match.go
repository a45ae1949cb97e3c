package recovery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// match returns the one of candidates that the operation created; nil where there is none. A candidate that a state
// records is none. Of several that are alike, such as two addresses without a name, any will do.
func (op Operation) match(candidates []Resource, recorded map[string]bool) (*Resource, error) {
	identity := awstype.Identity(op.Type, awstype.Inputs(op.Inputs))
	var fits []Resource
	for _, r := range candidates {
		if recorded[op.Type+"|"+r.ID] {
			continue
		}
		if identity != "" && awstype.Identity(op.Type, awstype.Inputs(r.Properties)) == identity {
			return &r, nil
		}
		if describes(op.Inputs, r.Properties) {
			fits = append(fits, r)
		}
	}
	if len(fits) == 0 {
		return nil, nil
	}
	for _, r := range fits[1:] {
		if !describes(fits[0].Properties, r.Properties, "arn", "id", "name", "tagsAll", "region") {
			return nil, fmt.Errorf("an interrupted run had begun creating %s %s, and several resources may be it: %s and %s; "+
				"delete the one that is not", op.Type, op.Name, fits[0].ID, r.ID)
		}
	}
	return &fits[0], nil
}

// describes reports whether inputs may be those of a resource with properties: nothing that both tell differs. A prefix
// of a name is the beginning of the name. Properties in except do not count.
func describes(inputs, properties graph.Props, except ...string) bool {
	for key, want := range inputs {
		if slices.Contains(except, key) {
			continue
		}
		if name, ok := prefixed(key); ok {
			text, isText := properties[name].(string)
			prefix, _ := want.(string)
			if isText && !strings.HasPrefix(text, prefix) {
				return false
			}
			continue
		}
		if have, ok := properties[key]; ok && !alike(want, have) {
			return false
		}
	}
	return true
}

// prefixed returns the property whose value begins with that of an input: "bucket" for "bucketPrefix".
func prefixed(input string) (name string, ok bool) {
	if input == "namePrefix" {
		return "name", true
	}
	return strings.CutSuffix(input, "Prefix")
}

// alike compares two values. A secret is like everything, a list has no order, and a mapping may have more.
func alike(want, have any) bool {
	switch w := want.(type) {
	case nil:
		return true
	case map[string]any:
		h, ok := have.(map[string]any)
		if _, secret := w[resource.SigKey]; secret || !ok {
			return secret
		}
		for key, value := range w {
			if other, ok := h[key]; ok && !alike(value, other) || !ok && key != "__defaults" {
				return false
			}
		}
		return true
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return false
		}
		return !slices.ContainsFunc(w, func(value any) bool {
			return !slices.ContainsFunc(h, func(other any) bool { return alike(value, other) })
		})
	}
	return want == have
}
