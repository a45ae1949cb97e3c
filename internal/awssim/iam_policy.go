package awssim

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"groundwork/internal/awstype"
)

// statements returns the statements of a policy document, or none where the text is not one.
func statements(document string) []map[string]any {
	var d struct{ Statement []map[string]any }
	_ = json.Unmarshal([]byte(document), &d)
	return d.Statement
}

// allows reports whether the inline policies of a role allow an action on a resource. It ignores conditions, because
// the roles of schedules have none. The caller holds mu.
func (c *Cloud) allows(role *Object, action, resource string) bool {
	for _, o := range c.objects {
		if o.Type != awstype.RolePolicy || o.State.Str("role") != role.State.Str("name") {
			continue
		}
		for _, s := range statements(o.State.Str("policy")) {
			if s["Effect"] == "Allow" && matchesAny(Props(s).Strs("Action"), action) &&
				matchesAny(Props(s).Strs("Resource"), resource) {
				return true
			}
		}
	}
	return false
}

// matchesAny reports whether a text matches one of IAM's patterns.
func matchesAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		// In IAM a star matches slashes too.
		ok, _ := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(text, "/", "\x00"))
		return ok
	})
}
