package pipeline

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
)

func TestComment(t *testing.T) {
	long := EnvironmentPreview{Name: "dev"}
	for i := range 3000 {
		long.Changes = append(long.Changes, Change{
			Op: "create", Type: awstype.VPC, Name: fmt.Sprintf("network-%04d", i), Layer: "platform",
		})
	}
	text := Comment("aaaa", "bbbb", []EnvironmentPreview{
		{Name: "dev", Changes: []Change{
			{
				Op: "update", Type: awstype.NodeGroup, Name: "cluster-nodes-general", Layer: "platform",
				Properties: []string{"launchTemplate.version"}, Consequences: []string{"rolls every node of the group"},
			},
			{Op: "create", Type: awstype.MetricAlarm, Name: "observability-new", Layer: "observability"},
			{Op: "update", Type: "pulumi:providers:aws", Name: "aws"},
		}, Cost: "+12.41 USD"},
		{Name: "prod", Changes: []Change{{
			Op: "replace", Type: awstype.DBInstance, Name: "data`base", Layer: "services", Stateful: true,
			Properties: []string{"engine"},
		}}},
		{Name: "refused", Err: "configuration of stack refused has 1 problem(s):\n  network.cidr"},
		{Name: "same"},
	})
	want, err := os.ReadFile("testdata/comment.md")
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile("testdata/comment.md", []byte(text), 0o644))
	} else {
		require.NoError(t, err)
		assert.Equal(t, string(want), text, "UPDATE=1 go test ./internal/pipeline where the change is meant")
	}
	shortened := Comment("a", "b", []EnvironmentPreview{long})
	assert.Less(t, len(shortened), 65536)
	assert.Contains(t, shortened, "Cut here")
}

// FuzzComment looks for names and properties that break out of a code block.
func FuzzComment(f *testing.F) {
	f.Add("database", "engine", "replace")
	f.Fuzz(func(t *testing.T, name, property, op string) {
		change := Change{Op: op, Type: "aws:a/b:C", Name: name, Layer: "platform", Properties: []string{property}}
		text := Comment("a", "b", []EnvironmentPreview{{Name: "dev", Changes: []Change{change}}})
		if strings.Count(text, "```")%2 != 0 && !strings.Contains(name+property, "`") {
			t.Fatalf("a fence is left open: %s", text)
		}
	})
}
