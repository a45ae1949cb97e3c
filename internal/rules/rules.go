// Package rules holds the security rules that a resource graph is checked against. Each rule brings a violation that
// proves that the rule can fail.
package rules

import (
	"slices"
	"time"

	"groundwork/internal/graph"
)

// Rule is one security rule over a whole graph.
//
// IDs are those of the public rule sets: FSBP is AWS Foundational Security Best Practices, CKV Checkov, AWS-nnnn Trivy,
// CIS the CIS benchmarks.
type Rule struct {
	ID string
	// ProdOnly rules apply to production only.
	ProdOnly bool
	// UpOnly rules apply to a running environment, not to a parked or hibernated one.
	UpOnly bool
	// EngineOnly rules need a graph that the real engine made.
	EngineOnly bool
	// Check returns how many things it looked at and what is wrong.
	Check func(g *graph.Graph) (seen int, wrong []string)
	// Plant breaks the rule, to prove that Check can fail.
	Plant func(g *graph.Graph)
}

// All are the rules that every environment has to meet.
var All = slices.Concat(
	networkRules, clusterRules, Identity, dataRules, cacheRules, Edge, workloadRules, monitoringRules,
)

// Today returns the day on which the rules are checked. Tests replace it.
var Today = time.Now

// Finding is the result of one rule for a graph.
type Finding struct {
	ID string
	// Seen is how many things the rule looked at.
	Seen int
	// Wrong lists what violates the rule.
	Wrong []string
	// Engine is true for a rule that needs the real engine and was not checked here.
	Engine bool
}

// Held reports whether the rule looked at something and found nothing wrong.
func (f Finding) Held() bool { return f.Seen > 0 && len(f.Wrong) == 0 }

// Broken reports whether the rule found something wrong. Something that is missing counts too.
func (f Finding) Broken() bool { return len(f.Wrong) > 0 }

// Evaluate checks a graph against the rules. It leaves out rules for production where production is false, and rules
// for a running environment where up is false. Rules that need the engine's graph are listed, but not checked.
func Evaluate(g *graph.Graph, production, up bool) []Finding {
	var all []Finding
	for _, r := range All {
		if r.ProdOnly && !production || r.UpOnly && !up {
			continue
		}
		f := Finding{ID: r.ID, Engine: r.EngineOnly}
		if !r.EngineOnly {
			f.Seen, f.Wrong = r.Check(g)
		}
		all = append(all, f)
	}
	return all
}
