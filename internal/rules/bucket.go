package rules

import (
	"fmt"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// perBucket makes a Check that each bucket has exactly one resource of a type that belongs to it and is good.
func perBucket(token string, good func(r *graph.Resource) bool) func(*graph.Graph) (int, []string) {
	return func(g *graph.Graph) (int, []string) {
		var wrong []string
		buckets := g.OfType(awstype.Bucket)
		for _, bucket := range buckets {
			found := 0
			for _, r := range g.OfType(token) {
				if r.Inputs.Str("bucket") == bucket.Outputs.Str("bucket") && good(r) {
					found++
				}
			}
			if found != 1 {
				wrong = append(wrong, fmt.Sprintf("%s has %d", bucket.Name, found))
			}
		}
		return len(buckets), wrong
	}
}

var bucketRules = []Rule{{
	ID: "FSBP S3.1 S3.8 / CKV_AWS_53..56: no bucket is public",
	Check: perBucket(awstype.BucketPublicAccessBlock, func(r *graph.Resource) bool {
		return r.Inputs.Flag("blockPublicAcls") && r.Inputs.Flag("blockPublicPolicy") &&
			r.Inputs.Flag("ignorePublicAcls") && r.Inputs.Flag("restrictPublicBuckets")
	}),
	Plant: Set(awstype.BucketPublicAccessBlock, "blockPublicPolicy", false),
}, {
	ID: "FSBP S3.5 / CKV_AWS_379: buckets speak TLS only",
	Check: perBucket(awstype.BucketPolicy, func(r *graph.Resource) bool {
		for _, s := range Statements(r.Inputs.Str("policy")) {
			if s.Effect == "Deny" && slices.Equal(s.Principal["AWS"], []string{"*"}) &&
				slices.Equal(s.Action, []string{"s3:*"}) && len(s.Resource) == 2 &&
				slices.Equal(s.Condition["Bool"]["aws:SecureTransport"], []string{"false"}) {
				return true
			}
		}
		return false
	}),
	Plant: Set(awstype.BucketPolicy, "policy", `{"Version":"2012-10-17","Statement":[`+
		`{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":["s3:*"],"Resource":["a"]}]}`),
}, {
	ID: "CKV_AWS_70 / CIS 2.21: only log services of this account write to buckets",
	Check: allows(awstype.BucketPolicy, "policy", func(s Statement) string {
		from := len(s.Condition["ArnLike"]["aws:SourceArn"]) == 1
		return must(len(s.Principal) == 1 && len(s.Principal["Service"]) == 1 &&
			strings.Contains(s.Principal["Service"][0], "delivery.") && from, "%v", s.Principal)
	}),
	Plant: Set(awstype.BucketPolicy, "policy", `{"Version":"2012-10-17","Statement":[`+
		`{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["a"]}]}`),
}, {
	ID: "AWS-0088 / ELB access logs: log buckets are encrypted by S3 itself, the only kind load balancers write to",
	Check: perBucket(awstype.BucketEncryption, func(r *graph.Resource) bool {
		return r.Inputs.Str("rules[0].applyServerSideEncryptionByDefault.sseAlgorithm") == "AES256"
	}),
	Plant: Set(awstype.BucketEncryption, "rules", []any{}),
}, {
	ID: "FSBP S3.13 / CKV2_AWS_61: logs expire",
	Check: perBucket(awstype.BucketLifecycle, func(r *graph.Resource) bool {
		days, _ := r.Inputs.Num("rules[0].expiration.days")
		return days >= 1 && r.Inputs.Str("rules[0].status") == "Enabled"
	}),
	Plant: Set(awstype.BucketLifecycle, "rules", []any{}),
}, {
	ID: "FSBP S3.12 / CKV2_AWS_65: no access control lists",
	Check: perBucket(awstype.BucketOwnershipControls, func(r *graph.Resource) bool {
		return r.Inputs.Str("rule.objectOwnership") == "BucketOwnerEnforced"
	}),
	Plant: setIn(awstype.BucketOwnershipControls, "rule", "objectOwnership", "ObjectWriter"),
}, {
	ID: "design: kept logs are kept with everything that closes and expires them", ProdOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		var wrong []string
		seen := 0
		for _, r := range g.Resources {
			if strings.HasPrefix(r.Type, "aws:s3/") {
				seen++
				if !r.Retain || r.Inputs.Flag("forceDestroy") {
					wrong = append(wrong, r.Type+" "+r.Name)
				}
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) { first(g, awstype.BucketPublicAccessBlock).Retain = false },
}}
