package awstype

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/tests/golden"
)

// TestRenderedEffects shows what a change of each input does that is not an update in place: what the provider's schema
// says, and what its code decides, each with its reason.
func TestRenderedEffects(t *testing.T) {
	var out strings.Builder
	for _, token := range Tokens() {
		paths := Replacing(token)
		if len(paths) == 0 && len(Of(token).Decisions) == 0 {
			continue
		}
		fmt.Fprintf(&out, "%s\n", token)
		for _, path := range paths {
			fmt.Fprintf(&out, "  %s replaces\n", path)
		}
		for _, d := range Of(token).Decisions {
			effect := []string{"does nothing", "updates", "replaces"}[d.Effect]
			fmt.Fprintf(&out, "  %s %s at times: %s\n", d.Property, effect, d.Why)
		}
	}
	golden.Text(t, "effects.txt", out.String())
}

// TestProviderKnowsEachType: the provider's facts are there for every AWS type, and a row adds only what they cannot
// say.
func TestProviderKnowsEachType(t *testing.T) {
	for _, token := range Tokens() {
		row := Of(token)
		if !strings.HasPrefix(token, "aws:") {
			assert.Empty(t, Properties(token), token)
			continue
		}
		properties := Properties(token)
		require.NotEmpty(t, properties, token)
		assert.Empty(t, row.Replaces, "%s: the provider's schema says what replaces", token)
		for _, d := range row.Decisions {
			assert.Contains(t, properties, d.Property, token)
			assert.NotEmpty(t, d.Why, token)
		}
		for _, c := range row.Consequences {
			assert.Contains(t, properties, c.Property, token)
		}
		for _, path := range row.Identity {
			assert.True(t, properties[path].Input(), "%s: identity %s is not an input", token, path)
		}
		for _, path := range row.Recomputed {
			assert.True(t, properties[path].Computed, "%s: %s is not computed", token, path)
		}
		if row.AutoName != "" {
			assert.Contains(t, properties, row.AutoName, token)
		}
	}
	for token := range provided {
		assert.NotEmpty(t, Of(token).Token, "%s: facts of a type without a row", token)
	}
}

// TestConsequences: a change is said with what it means, and whether it waits for the maintenance window.
func TestConsequences(t *testing.T) {
	assert.Equal(t, []string{"is replaced by an empty one, without the database"},
		ConsequencesOf(DBInstance, "replace", []string{"username"}, nil))
	assert.Equal(t, []string{"is deleted, and with it an address that nobody gets again"},
		ConsequencesOf(ElasticIP, "delete", nil, nil))
	restarts := ConsequencesOf(DBInstance, "update", []string{"instanceClass"}, Inputs{"applyImmediately": true})
	require.Len(t, restarts, 1)
	assert.NotContains(t, restarts[0], "maintenance window")
	waits := ConsequencesOf(DBInstance, "update", []string{"instanceClass"}, Inputs{"applyImmediately": false})
	assert.Equal(t, []string{restarts[0] + "; waits for the maintenance window"}, waits)
	assert.Empty(t, ConsequencesOf(DBInstance, "create", []string{"instanceClass"}, nil))
	assert.Empty(t, ConsequencesOf(DBInstance, "update", []string{"tags.Owner"}, nil))
	assert.Empty(t, ConsequencesOf(VPCEndpoint, "delete", nil, nil))
}

// limitTests are values that a limit of the provider allows, and one that it does not.
var limitTests = []struct {
	limit   string
	allowed []any
	refused any
}{
	{"length 1..3", []any{"a", "äöü"}, "abcd"},
	{"length 2..", []any{"ab"}, "a"},
	{"length ..2", []any{"", "ab"}, "abc"},
	{"1..20", []any{1.0, 20.0}, 21.0},
	{"..35", []any{0.0}, 36.0},
	{"-1..5", []any{-1.0}, -2.0},
	{"items 1..2", []any{[]any{"a"}, "not a list"}, []any{}},
	{"one of 0,30", []any{0.0, 30.0}, 29.0},
	{"one of ON,OFF", []any{"ON"}, "on"},
	{"multiple of 60", []any{120.0}, 90.0},
	{"any of one of 10,30 | multiple of 60", []any{10.0, 180.0}, 90.0},
	{"matches ^[a-z]+$", []any{"abc"}, "Abc"},
	{"ARN", []any{"arn:aws:iam::111122223333:role/a", "arn:aws:s3:::bucket", "arn:aws:iam::aws:policy/a", ""}, "role/a"},
	{"AccountID", []any{"111122223333"}, "1111"},
	{"IPv4CIDRNetworkAddress", []any{"10.0.0.0/16", "0.0.0.0/0"}, "10.0.0.1/16"},
	{"IsIPv4Address", []any{"10.0.0.1"}, "10.0.0"},
	{"IsPortNumber", []any{1.0, 65535.0}, 0.0},
	{"StringIsJSON", []any{"{}", "[]"}, "{"},
	{"IAMPolicyJSON", []any{"{}"}, "[]"},
	{"OnceADayWindowFormat", []any{"01:00-02:00"}, "1-2"},
	{"OnceAWeekWindowFormat", []any{"sun:05:00-sun:06:00", "Mon:05:00-Mon:06:00"}, "05:00-06:00"},
	{"TypeStringNullableBool", []any{true, "false", ""}, "maybe"},
	{"TypeStringNullableFloat", []any{0.5, ""}, "half"},
	{"NoZeroValues", []any{"a"}, ""},
	{"StringIsNotWhiteSpace", []any{"a"}, " "},
	{"KMSKeyID", []any{"arn:aws:kms:eu-west-1:1:key/a", "alias/a"}, "a"},
	{"LaunchTemplateID", []any{"lt-0123abc"}, "template"},
	{"LaunchTemplateName", []any{"groundwork-dev"}, "a"},
	{"RegionName", []any{"eu-west-1", "us-gov-east-1"}, "Ireland"},
	{"IsURLWithHTTPS", []any{"https://a.example"}, "http://a.example"},
	{"IsRFC3339Time", []any{"2026-11-26T00:00:00Z"}, "today"},
	{"StringIsValidRegExp", []any{"a+"}, "("},
	{"Base64String", []any{"YQ=="}, "a"},
}

func TestLimits(t *testing.T) {
	for _, test := range limitTests {
		limit, err := parseLimit(test.limit)
		require.NoError(t, err, test.limit)
		for _, value := range test.allowed {
			assert.True(t, limit.Allows(value), "%s allows %v", test.limit, value)
		}
		assert.False(t, limit.Allows(test.refused), "%s refuses %v", test.limit, test.refused)
		assert.True(t, limit.Allows(struct{}{}), "an unknown value passes")
	}
}

// TestUnreadableFacts: a mistake in the file is an error that names its line.
func TestUnreadableFacts(t *testing.T) {
	for text, want := range map[string]string{
		"\ta\tstring\toptional":                     "line 1 has no type",
		"aws:a/b:C\n\ta\tstring":                    "line 2 has no type, or less than three columns",
		"aws:a/b:C\n\ta\tstring\tmaybe":             `"maybe" is not a flag`,
		"aws:a/b:C\n\ta\tstring\toptional\tsmall":   `"small" is not a limit`,
		"aws:a/b:C\n\ta\tstring\t\tmatches (":       "is not a pattern",
		"aws:a/b:C\n\ta\tstring\t\tmultiple of two": "is not a number",
	} {
		_, err := parseProvider(text)
		assert.ErrorContains(t, err, want, text)
	}
}

func FuzzProvider(f *testing.F) {
	f.Add("aws:a/b:C\tno update\n\ta[].b\tlist of object\toptional computed\tdefault 1\titems 1..2")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseProvider(text)
		if err != nil {
			return
		}
		for _, one := range all {
			for path, p := range one.properties {
				assert.Equal(t, path, p.Path)
			}
		}
	})
}
