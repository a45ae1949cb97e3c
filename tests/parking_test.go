package tests

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/edge"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
)

// TestParkedGraph: nothing that costs by the hour is left, what would fire is silent, and the URL says so.
func TestParkedGraph(t *testing.T) {
	for _, mode := range [][]string{{"parked=true"}, {"parked=true", "hibernated=true"}, {"parked=true",
		`network.interfaceEndpoints=["ecr.api","sts"]`}} {
		g := harness.Updated(t, "dev", mode...)
		for _, token := range properties.Hourly {
			assert.Empty(t, g.OfType(token), "%s in %v", token, mode)
		}
		for _, endpoint := range g.OfType(awstype.VPCEndpoint) {
			assert.Equal(t, "Gateway", endpoint.Inputs.Str("vpcEndpointType"))
		}
		assert.Equal(t, "AWS-StopRdsInstance", g.First(awstype.Association).Inputs.Str("name"))
		assert.Len(t, g.OfType(awstype.DBInstance), 1)
		assert.Len(t, g.OfType(awstype.TargetGroup), 1, "its ARN is what the application is bound to")
		for _, alarm := range g.OfType(awstype.MetricAlarm) {
			standing := strings.HasSuffix(alarm.Name, "api-errors") || strings.HasSuffix(alarm.Name, "failed-call")
			assert.Equal(t, standing, alarm.Inputs["alarmActions"] != nil, alarm.Name)
		}
		page := g.First(awstype.CloudFrontFunction).Outputs.Str("arn")
		distribution := g.First(awstype.Distribution).Inputs
		assert.Equal(t, page, distribution.Str("defaultCacheBehavior.functionAssociations[0].functionArn"))
		ordered := distribution["orderedCacheBehaviors"].([]any)
		assert.Len(t, ordered, 2)
		for _, behavior := range ordered {
			assert.Equal(t, page, graph.Props(behavior.(map[string]any)).Str("functionAssociations[0].functionArn"))
		}
		clusters := 1
		if len(mode) > 1 && strings.HasPrefix(mode[1], "hibernated") {
			clusters = 0
			assert.Empty(t, g.OfType(awstype.HelmRelease))
		}
		assert.Len(t, g.OfType(awstype.EKSCluster), clusters)
	}
	running := harness.Updated(t, "dev")
	for _, token := range properties.Hourly {
		assert.NotEmpty(t, running.OfType(token), "the test looks for what is there when the environment runs: "+token)
	}
	assert.Empty(t, running.OfType(awstype.Schedule))
}

// TestParkedPage runs the function that answers for a parked environment, as CloudFront would.
func TestParkedPage(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs Node.js")
	}
	for uri, want := range map[string]string{"/": "groundwork-dev is parked",
		"/api/products": `{"error":"groundwork-dev is parked"}`} {
		script := edge.ParkedPage(
			"groundwork-dev",
		) + `;process.stdout.write(JSON.stringify(handler({request:{uri:"` + uri + `"}})))`
		out, err := exec.CommandContext(context.Background(), node, "-e", script).Output()
		require.NoError(t, err)
		var response struct {
			StatusCode int
			Headers    map[string]struct{ Value string }
			Body       struct{ Encoding, Data string }
		}
		require.NoError(t, json.Unmarshal(out, &response))
		assert.Equal(t, 503, response.StatusCode, "so that nobody takes it for the application")
		assert.Equal(t, "no-store", response.Headers["cache-control"].Value)
		assert.Contains(t, response.Body.Data, want)
	}
}
