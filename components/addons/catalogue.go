package addons

import (
	"slices"
	"strings"
	"time"

	"github.com/blang/semver"

	"groundwork/components/cluster"
	"groundwork/components/field"
)

// Names of the charts, which are the names of their releases too.
const (
	LoadBalancerController = "aws-load-balancer-controller"
	ExternalSecrets        = "external-secrets"
	MetricsServer          = "metrics-server"
	ClusterAutoscaler      = "cluster-autoscaler"
	ArgoCD                 = "argo-cd"
	ArgoCDApps             = "argocd-apps"
)

// Version is one version of a chart that somebody has looked at.
type Version struct {
	// Number of the chart's version, exact.
	Number string
	// MinKubernetes and MaxKubernetes are the first and last Kubernetes minor it was checked with.
	MinKubernetes, MaxKubernetes string
	// Serves are the API versions of custom resources that it brings, "group/version".
	Serves []string
	// Images are the image tags by Kubernetes minor, for software that is built against one; nil where the chart's own
	// fits all.
	Images map[string]string
	// Checked is the day on which somebody compared it with its documentation and the program's values.
	Checked time.Time
}

// Charts lists all charts of the catalogue, those of other components included.
// Sources: the charts' own documentation and release notes.
func Charts() []Chart {
	var all []Chart
	for _, o := range operators {
		all = append(all, o.Chart)
	}
	// Argo CD's are the delivery's, which installs them where they are wanted.
	const argoHelm = "https://argoproj.github.io/argo-helm"
	return append(all, Chart{
		Name: ArgoCD, Repository: argoHelm, Namespace: "argocd", Needs: "argoproj.io/v1alpha1",
		Versions: []Version{
			{
				Number:        "10.1.1",
				MinKubernetes: "1.33",
				MaxKubernetes: "1.36",
				Serves:        []string{"argoproj.io/v1alpha1"},
				Checked:       day(2026, 11, 22),
			},
		},
	}, Chart{
		Name: ArgoCDApps, Repository: argoHelm, Namespace: "argocd",
		Versions: []Version{{Number: "2.0.5", MinKubernetes: "1.33", MaxKubernetes: "1.36", Checked: day(2026, 11, 22)}},
	})
}

// Chart is a chart with what is known of its versions.
type Chart struct {
	// Name of the chart in Repository, an HTTPS URL, and the namespace that its releases go to.
	Name, Repository, Namespace string
	// Needs is the API of the custom resources that the program's charts use; empty for none.
	Needs string
	// Versions somebody has looked at, newest first; the first that fits is what a stack gets.
	Versions []Version
}

// Names are the names of all charts, sorted.
func Names() []string {
	var names []string
	for _, c := range Charts() {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// Misfits returns what speaks against a version on a cluster, or nothing.
func (c Chart) Misfits(v Version, kubernetes string) []string {
	var wrong []string
	if minor(kubernetes) < minor(v.MinKubernetes) || minor(kubernetes) > minor(v.MaxKubernetes) {
		wrong = append(
			wrong,
			"was checked with Kubernetes "+v.MinKubernetes+" to "+v.MaxKubernetes+", the cluster has "+kubernetes,
		)
	}
	if c.Needs != "" && !slices.Contains(v.Serves, c.Needs) {
		wrong = append(wrong, "serves "+strings.Join(v.Serves, ", ")+"; the program's charts use "+c.Needs)
	}
	if v.Images != nil && v.Images[kubernetes] == "" {
		wrong = append(wrong, "has no known image for Kubernetes "+kubernetes)
	}
	if release, known := cluster.Releases[kubernetes]; known && v.Checked.Before(release.Released()) {
		wrong = append(
			wrong,
			"was last checked on "+v.Checked.Format(time.DateOnly)+", before EKS had Kubernetes "+kubernetes,
		)
	}
	return wrong
}

func minor(kubernetes string) uint64 {
	v, err := semver.ParseTolerant(kubernetes)
	if err != nil {
		return 0
	}
	return v.Minor
}

// choose returns the version for a cluster: the wanted one, or the first that fits where none is wanted. Everything
// that speaks against it is added to p under key.
func (c Chart) choose(errs *field.Errors, key, wanted, kubernetes string) Version {
	var known []string
	for _, v := range c.Versions {
		known = append(known, v.Number)
		misfits := c.Misfits(v, kubernetes)
		if wanted == v.Number {
			for _, misfit := range misfits {
				errs.Add(key, v.Number, "%s", misfit)
			}
			return v
		}
		if wanted == "" && len(misfits) == 0 {
			return v
		}
	}
	if wanted != "" {
		errs.Add(
			key,
			wanted,
			"is not in the catalogue of %s; known are %s (components/addons/operators.go)",
			c.Name,
			strings.Join(known, ", "),
		)
	} else {
		newest := c.Versions[0]
		errs.Add(key, newest.Number, "%s", strings.Join(c.Misfits(newest, kubernetes), "; "))
	}
	return Version{}
}
