package tests

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/internal/mockrun"
	"groundwork/internal/report"
	"groundwork/internal/rules"
	"groundwork/stacks"
	"groundwork/tests/harness"
	"groundwork/tests/properties"
)

func TestMain(m *testing.M) {
	rules.Today = func() time.Time { return harness.Today }
	os.Exit(harness.Main(m))
}

// updated is what the program declares for a reference environment that is up, with changes. Where an update refuses
// them, the environment was up with them already.
func updated(t *testing.T, stack string, changes ...string) *graph.Graph {
	t.Helper()
	r, err := changed(t, stack, changes...)
	if err != nil {
		return harness.Updated(t, stack, changes...)
	}
	g, err := graph.New(r.Resources)
	require.NoError(t, err)
	return g
}

// subject is an environment with reference settings and changes, as the program declares it for a stack that was up.
func subject(t *testing.T, stack string, changes ...string) properties.Subject {
	t.Helper()
	return properties.Subject{
		Name: strings.Join(append([]string{stack}, changes...), " "), Config: harness.Config(t, stack, changes...),
		Graph: updated(t, stack, changes...),
	}
}

// TestProperties holds the reference environments to every property, and proves that each property can fail.
func TestProperties(t *testing.T) {
	for _, stack := range harness.Environments {
		s := subject(t, stack)
		for _, p := range properties.All {
			if !s.Holds(p) {
				continue
			}
			t.Run(stack+"/"+p.Name, func(t *testing.T) {
				seen, wrong := p.Check(s)
				assert.Positive(t, seen, "the property looked at nothing")
				assert.Empty(t, wrong)
				broken := s
				broken.Graph = harness.Copy(t, s.Graph)
				p.Plant(broken.Graph)
				_, wrong = p.Check(broken)
				assert.NotEmpty(t, wrong, "the property does not see a planted violation")
			})
		}
	}
}

// TestSecurityRules is TestProperties for the security rules.
func TestSecurityRules(t *testing.T) {
	for _, stack := range harness.Environments {
		s := subject(t, stack)
		for _, r := range rules.All {
			if r.ProdOnly && !s.Config.Protect || r.EngineOnly {
				continue
			}
			t.Run(stack+"/"+r.ID, func(t *testing.T) {
				seen, wrong := r.Check(s.Graph)
				assert.Positive(t, seen, "the rule looked at nothing")
				assert.Empty(t, wrong)
				broken := harness.Copy(t, s.Graph)
				r.Plant(broken)
				_, wrong = r.Check(broken)
				assert.NotEmpty(t, wrong, "the rule does not see a planted violation")
			})
		}
	}
}

// TestOwnSettings holds the environments of this repository, whatever their settings say, to the properties.
func TestOwnSettings(t *testing.T) {
	own := harness.Own(t)
	require.NotEmpty(t, own.Environments())
	for _, environment := range own.Environments() {
		t.Run(environment, func(t *testing.T) {
			raw, err := own.Config(environment)
			require.NoError(t, err)
			config, err := stacks.Load(raw, environment, time.Now())
			require.NoError(t, err)
			outputs := map[string]graph.Props{environment: mockrun.WasUp}
			g, err := mockrun.Graph(environment, raw, mockrun.Options{Outputs: outputs, Today: time.Now()})
			require.NoError(t, err)
			seen, wrong := properties.Wrong(properties.Subject{Name: environment, Config: config, Graph: g}, time.Now())
			assert.Greater(t, seen, 60)
			assert.Empty(t, wrong)
		})
	}
}

// TestMutations holds both reference environments to the properties with every legal setting changed.
func TestMutations(t *testing.T) {
	changes := map[string][]string{}
	for name, several := range properties.Combined {
		changes[name] = several
	}
	for key, values := range properties.Mutations {
		for _, value := range values {
			changes[key+"="+value] = []string{key + "=" + value}
		}
	}
	held := 0
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		for _, stack := range harness.Environments {
			if raw := harness.Settings(t, stack, changes[name]...); legal(raw, stack) != nil {
				continue // A protected environment has narrower limits.
			}
			held++
			seen, wrong := properties.Wrong(subject(t, stack, changes[name]...), harness.Today)
			assert.Greater(t, seen, 45, "%s: %s", stack, name)
			assert.Empty(t, wrong, "%s: %s", stack, name)
		}
	}
	assert.Greater(t, held, 110)
	_, err := stacks.Load(harness.Settings(t, "dev", "cache.nodes=7"), "dev", harness.Today)
	require.Error(t, err, "an illegal value is no mutation")
}

// TestChoices: each choice is about a rule that there is, and the reference settings choose none of them in production.
func TestChoices(t *testing.T) {
	prod := harness.Config(t, "prod")
	for id, chosen := range properties.Choices {
		assert.True(t, slices.ContainsFunc(rules.All, func(r rules.Rule) bool { return r.ID == id }), id)
		assert.False(t, chosen(prod), id)
	}
}

func legal(raw map[string]string, stack string) error {
	_, err := stacks.Load(raw, stack, harness.Today)
	return err
}

// TestMutationsNameEverySetting: a new setting is changed by TestMutations too.
func TestMutationsNameEverySetting(t *testing.T) {
	missing := map[string]bool{}
	for key := range report.Settings(harness.Settings(t, "prod")) {
		known := slices.ContainsFunc(slices.Collect(maps.Keys(properties.Mutations)), func(m string) bool {
			return key == m || strings.HasPrefix(key, m+".")
		})
		if !known && !strings.Contains(key, ":") && !strings.HasPrefix(key, "observability.thresholds.") {
			missing[key] = true
		}
	}
	assert.Empty(t, slices.Sorted(maps.Keys(missing)))
}

// TestThresholds: each threshold moves exactly its alarms.
func TestThresholds(t *testing.T) {
	alarms := func(changes ...string) map[string]string {
		all := map[string]string{}
		for _, r := range harness.Updated(t, "prod", changes...).OfType(awstype.MetricAlarm) {
			all[r.Name] = fmt.Sprint(r.Inputs["threshold"])
		}
		return all
	}
	before, seen := alarms(), 0
	for key := range report.Settings(harness.Settings(t, "prod")) {
		if !strings.HasPrefix(key, "observability.thresholds.") {
			continue
		}
		seen++
		moved := 0
		for name, threshold := range alarms(key + "=33") {
			if threshold != before[name] {
				moved++
			}
		}
		assert.Positive(t, moved, key)
	}
	assert.Greater(t, seen, 8)
}

// TestPreviewRegistersWhatUpdateRegisters finds resources that depend on values only an update knows.
func TestPreviewRegistersWhatUpdateRegisters(t *testing.T) {
	for _, stack := range harness.Environments {
		urns := func(preview bool) []string {
			g, err := mockrun.Graph(stack, harness.Settings(t, stack), mockrun.Options{Preview: preview, Today: harness.Today})
			require.NoError(t, err)
			var all []string
			for _, r := range g.Resources {
				all = append(all, r.URN)
			}
			slices.Sort(all)
			return all
		}
		assert.Equal(t, urns(false), urns(true), stack)
	}
}

// TestEdgeWithADomain: with a domain every step of a request is encrypted, under certificates for that domain.
func TestEdgeWithADomain(t *testing.T) {
	for _, stack := range harness.Environments {
		g := harness.Graph(t, stack, "edge.domain=shop.example.com", "edge.hostedZoneId=Z0123456789")
		d := g.First(awstype.Distribution)
		assert.Equal(t, []string{"shop.example.com"}, d.Inputs.Strs("aliases"))
		assert.Contains(t, d.Inputs.Str("viewerCertificate.acmCertificateArn"), ":us-east-1:")
		assert.Equal(t, "TLSv1.2_2021", d.Inputs.Str("viewerCertificate.minimumProtocolVersion"))
		assert.Contains(t, g.First(awstype.Listener).Inputs.Str("certificateArn"), ":eu-west-1:")
		var records []string
		for _, r := range g.OfType(awstype.DNSRecord) {
			records = append(records, r.Inputs.Str("type"))
		}
		assert.Equal(t, []string{"A", "AAAA", "CNAME"}, records)
	}
}
