package rules

import (
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// The reasons of waivers, checked against the resources that each covers.

// oldTLS: only a distribution with CloudFront's own certificate accepts less than TLS 1.2.
func oldTLS(g *graph.Graph) (seen int, wrong []string) {
	return each(awstype.Distribution, func(r *graph.Resource) string {
		own := r.Inputs.Flag("viewerCertificate.cloudfrontDefaultCertificate")
		version := r.Inputs.Str("viewerCertificate.minimumProtocolVersion")
		return must(own || strings.HasPrefix(version, "TLSv1.2"), "%q with a certificate of its own", version)
	})(g)
}

// oneOrigin: the distribution has one origin, and the load balancer subnets in several zones.
func oneOrigin(g *graph.Graph) (seen int, wrong []string) {
	seen, wrong = each(awstype.Distribution, func(r *graph.Resource) string {
		origins, _ := r.Inputs["origins"].([]any)
		return must(len(origins) == 1, "%d origins", len(origins))
	})(g)
	_, single := each(awstype.LoadBalancer, func(r *graph.Resource) string {
		return must(len(r.Inputs.Strs("subnets")) > 1, "in one zone")
	})(g)
	return seen, append(wrong, single...)
}

// plainListeners: a load balancer with a plain listener is internal, and its distribution has no domain.
func plainListeners(g *graph.Graph) (seen int, wrong []string) {
	domain := slices.ContainsFunc(g.OfType(awstype.Distribution), func(r *graph.Resource) bool {
		return len(r.Inputs.Strs("aliases")) > 0
	})
	return each(awstype.Listener, func(r *graph.Resource) string {
		if r.Inputs.Str("protocol") == "HTTPS" {
			return ""
		}
		internal := !slices.ContainsFunc(g.OfType(awstype.LoadBalancer), func(b *graph.Resource) bool {
			return !b.Inputs.Flag("internal")
		})
		return must(internal && !domain, "a plain listener with a domain, or from the internet")
	})(g)
}

// writers returns the services that may write to a bucket.
func writers(g *graph.Graph, bucket *graph.Resource) []string {
	var all []string
	for _, policy := range g.OfType(awstype.BucketPolicy) {
		if policy.Inputs.Str("bucket") != bucket.Outputs.Str("bucket") {
			continue
		}
		for _, s := range Statements(policy.Inputs.Str("policy")) {
			if s.Effect == "Allow" && slices.Contains(s.Action, "s3:PutObject") {
				all = append(all, s.Principal["Service"]...)
			}
		}
	}
	return all
}

// Services that write logs to buckets.
const (
	balancerLogs = "logdelivery.elasticloadbalancing.amazonaws.com"
	deliveryLogs = "delivery.logs.amazonaws.com"
)

// unversioned: a bucket without versions and without an access log of its own is one that only log services write to.
func unversioned(g *graph.Graph) (seen int, wrong []string) {
	return each(awstype.Bucket, func(r *graph.Resource) string {
		by := writers(g, r)
		logs := len(by) > 0 && !slices.ContainsFunc(by, func(service string) bool {
			return service != balancerLogs && service != deliveryLogs
		})
		return must(logs, "written by %q", by)
	})(g)
}

// writtenBy checks the buckets that a service may write to.
func writtenBy(g *graph.Graph, service string, good func(r *graph.Resource) string) (seen int, wrong []string) {
	for _, r := range g.OfType(awstype.Bucket) {
		if !slices.Contains(writers(g, r), service) {
			continue
		}
		seen++
		if problem := good(r); problem != "" {
			wrong = append(wrong, r.Name+": "+problem)
		}
	}
	return seen, wrong
}

// balancerBuckets: a load balancer logs to each bucket that load balancers may write to.
func balancerBuckets(g *graph.Graph) (seen int, wrong []string) {
	return writtenBy(g, balancerLogs, func(r *graph.Resource) string {
		used := slices.ContainsFunc(g.OfType(awstype.LoadBalancer), func(b *graph.Resource) bool {
			return b.Inputs.Str("accessLogs.bucket") == r.Outputs.Str("bucket")
		})
		return must(used || len(g.OfType(awstype.LoadBalancer)) == 0, "no load balancer logs to it")
	})
}

// deliveryBuckets: the bucket of CloudFront's and the firewall's logs is one that may be kept, so that its name has a
// random end.
func deliveryBuckets(g *graph.Graph) (seen int, wrong []string) {
	return writtenBy(g, deliveryLogs, func(r *graph.Resource) string {
		return must(r.Inputs.Str("bucketPrefix") != "" && r.Retain != r.Inputs.Flag("forceDestroy"),
			"it cannot outlive the environment")
	})
}
