package rules

import (
	"encoding/json"

	"groundwork/internal/graph"
)

// Statement is one statement of an IAM document. A single value is a list of one.
type Statement struct {
	Sid, Effect           string
	Action, NotAction     []string
	Resource, NotResource []string
	Principal             map[string][]string
	Condition             map[string]map[string][]string
}

// Statements parses an IAM document. A document that cannot be parsed becomes one statement that breaks every rule.
func Statements(document string) []Statement {
	var raw struct {
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(document), &raw); err != nil || len(raw.Statement) == 0 {
		return []Statement{{
			Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}, NotAction: []string{"unparsable"},
		}}
	}
	var out []Statement
	for _, s := range raw.Statement {
		out = append(out, Statement{
			Effect: s["Effect"].(string),
			Action: stringList(s["Action"]), NotAction: stringList(s["NotAction"]),
			Resource: stringList(s["Resource"]), NotResource: stringList(s["NotResource"]),
			Principal: principals(s["Principal"]), Condition: conditions(s["Condition"]),
		})
	}
	return out
}

// principals returns the names of each kind of principal. The text "*" means every AWS principal.
func principals(v any) map[string][]string {
	all := map[string][]string{}
	switch v := v.(type) {
	case string:
		all["AWS"] = []string{v}
	case map[string]any:
		for kind, names := range v {
			all[kind] = stringList(names)
		}
	}
	return all
}

// conditions returns the values of each key of each operator.
func conditions(v any) map[string]map[string][]string {
	all := map[string]map[string][]string{}
	operators, _ := v.(map[string]any)
	for operator, keys := range operators {
		all[operator] = map[string][]string{}
		for key, values := range keys.(map[string]any) {
			all[operator][key] = stringList(values)
		}
	}
	return all
}

// stringList returns a value of an IAM document as a list.
func stringList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, e.(string))
		}
		return out
	}
	return nil
}

// allows makes a Check that applies check to each Allow statement of a document, which is a property of a type.
func allows(token, property string, check func(s Statement) string) func(*graph.Graph) (int, []string) {
	return each(token, func(r *graph.Resource) string {
		for _, s := range Statements(r.Inputs.Str(property)) {
			if s.Effect != "Allow" {
				continue
			}
			if problem := check(s); problem != "" {
				return problem
			}
		}
		return ""
	})
}
