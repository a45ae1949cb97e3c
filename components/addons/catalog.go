package addons

import (
	"slices"
	"strings"
	"time"

	"github.com/blang/semver"

	"groundwork/components/field"
)

// Names of the charts, which are also the names of their releases.
const (
	LoadBalancerController = "aws-load-balancer-controller"
	ExternalSecrets        = "external-secrets"
	MetricsServer          = "metrics-server"
	ClusterAutoscaler      = "cluster-autoscaler"
	ArgoCD                 = "argo-cd"
	ArgoCDApps             = "argocd-apps"
)

// Version is one version of a chart that somebody has checked.
type Version struct {
	// Number is the exact version of the chart.
	Number string
	// MinKubernetes and MaxKubernetes are the first and the last Kubernetes version that it was checked with, "1.NN".
	MinKubernetes, MaxKubernetes string
	// Serves are the API versions of the custom resources that it installs, "group/version".
	Serves []string
	// Images are the image tags by Kubernetes version, for software that is built for one version; nil if the chart's own
	// image works with all.
	Images map[string]string
	// Released is the day of the release. Source: the tags of the chart's repository.
	Released time.Time
}

// Charts lists all charts of the catalog, including those of other components.
// Sources: the charts' own documentation and release notes.
func Charts() []Chart {
	var all []Chart
	for _, o := range operators {
		all = append(all, o.Chart)
	}
	// The component delivery installs the charts of Argo CD.
	const argoHelm = "https://argoproj.github.io/argo-helm"
	return append(all, Chart{
		Name: ArgoCD, Repository: argoHelm, Namespace: "argocd", Needs: "argoproj.io/v1alpha1",
		Versions: []Version{{
			Number: "10.1.1", MinKubernetes: "1.33", MaxKubernetes: "1.36",
			Serves: []string{"argoproj.io/v1alpha1"}, Released: day(2026, 7, 2),
		}},
	}, Chart{
		Name: ArgoCDApps, Repository: argoHelm, Namespace: "argocd",
		Versions: []Version{{Number: "2.0.5", MinKubernetes: "1.33", MaxKubernetes: "1.36", Released: day(2026, 5, 15)}},
	})
}

// Chart is a chart with the versions that somebody has checked.
type Chart struct {
	// Name is the name of the chart in Repository, an HTTPS URL. Namespace is the namespace of its releases.
	Name, Repository, Namespace string
	// Needs is the API version of its custom resources that the program's charts use; empty for none.
	Needs string
	// Versions are the checked versions, newest first. A stack gets the first that supports its Kubernetes version.
	Versions []Version
}

// Names returns the names of all charts, sorted.
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

// Misfits returns the reasons why a version does not support a cluster; none if it does.
func (c Chart) Misfits(v Version, kubernetes string) []string {
	var wrong []string
	if minor(kubernetes) < minor(v.MinKubernetes) || minor(kubernetes) > minor(v.MaxKubernetes) {
		wrong = append(wrong,
			"was checked with Kubernetes "+v.MinKubernetes+" to "+v.MaxKubernetes+", the cluster has "+kubernetes)
	}
	if c.Needs != "" && !slices.Contains(v.Serves, c.Needs) {
		wrong = append(wrong, "serves "+strings.Join(v.Serves, ", ")+"; the program's charts use "+c.Needs)
	}
	if v.Images != nil && v.Images[kubernetes] == "" {
		wrong = append(wrong, "has no known image for Kubernetes "+kubernetes)
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

// choose returns the wanted version or, if none is wanted, the first version that supports the cluster. It records at
// key why that version does not support the cluster.
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
		errs.Add(key, wanted, "is not in the catalog of %s; known are %s (components/addons/operators.go)",
			c.Name, strings.Join(known, ", "))
	} else {
		newest := c.Versions[0]
		errs.Add(key, newest.Number, "%s", strings.Join(c.Misfits(newest, kubernetes), "; "))
	}
	return Version{}
}
