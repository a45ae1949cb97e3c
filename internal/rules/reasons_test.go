package rules_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/rules"
	"groundwork/tests/harness"
)

// TestMain removes the folder of the reference settings.
func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// violations make the reason of a waiver untrue.
var violations = map[string]func(g *graph.Graph){
	"FSBP CloudFront.10 CKV_AWS_174 (TLS 1.2 for viewers without a domain)": rules.Set(awstype.Distribution,
		"viewerCertificate", map[string]any{"acmCertificateArn": "arn", "minimumProtocolVersion": "TLSv1"}),
	"FSBP CloudFront.4 (origin failover)": rules.Set(awstype.Distribution, "origins", []any{"a", "b"}),
	"FSBP ELB.1 (HTTP listener without a domain)": rules.Set(awstype.Distribution, "aliases",
		[]any{"shop.example.com"}),
	"FSBP S3.14 CKV_AWS_21 (versions of log buckets)":   rules.Set(awstype.BucketPolicy, "policy", "{}"),
	"FSBP S3.9 CKV_AWS_18 (access logs of log buckets)": rules.Set(awstype.BucketPolicy, "policy", "{}"),
	"FSBP S3.17 CKV_AWS_145 (log bucket of the load balancer with KMS)": rules.Set(awstype.LoadBalancer,
		"accessLogs", map[string]any{"bucket": "another"}),
	"FSBP S3.17 CKV_AWS_145 (log bucket of CloudFront and AWS WAF with KMS)": func(g *graph.Graph) {
		for _, r := range g.OfType(awstype.Bucket) {
			r.Inputs["bucketPrefix"] = ""
		}
	},
}

// TestReasonsOfWaivers: each reason is true of every resource that its waiver covers, and can be seen not to be.
func TestReasonsOfWaivers(t *testing.T) {
	checked := 0
	for _, stack := range harness.Environments {
		g := harness.Graph(t, stack)
		for _, w := range rules.Waivers {
			if w.Holds == nil {
				continue
			}
			checked++
			seen, wrong := w.Holds(g)
			assert.Positive(t, seen, "%s: the waiver covers nothing in %s", w.Rule, stack)
			assert.Empty(t, wrong, w.Rule)
			plant := violations[w.Rule]
			if !assert.NotNil(t, plant, "%s needs a planted violation", w.Rule) {
				continue
			}
			broken := harness.Copy(t, g)
			plant(broken)
			_, wrong = w.Holds(broken)
			assert.NotEmpty(t, wrong, "%s: an untrue reason is not seen", w.Rule)
		}
	}
	assert.Equal(t, len(harness.Environments)*len(violations), checked)
}
