package addons

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/blang/semver"

	"groundwork/components/cluster"
	"groundwork/components/helm"
	"groundwork/components/spec"
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
	helm.Chart
	// MinKubernetes and MaxKubernetes are the first and last Kubernetes minor it was checked with.
	MinKubernetes, MaxKubernetes string
	// Serves are the API versions of custom resources that it brings, "group/version".
	Serves []string
	// Checked is the day on which somebody compared it with its documentation and the program's values.
	Checked time.Time

	// need is the API that it has to serve; empty for none.
	need string
}

// argoHelm is where Argo CD's charts come from. They are the delivery's, which installs them where they are wanted.
const argoHelm = "https://argoproj.github.io/argo-helm"

// elsewhere are the charts of other components.
var elsewhere = []operator{
	{name: ArgoCD, serves: "argoproj.io/v1alpha1", versions: []Version{version("10.1.1", argoHelm, "argocd", "1.33", "1.36", "argoproj.io/v1alpha1")}},
	{name: ArgoCDApps, versions: []Version{version("2.0.5", argoHelm, "argocd", "1.33", "1.36")}},
}

// Catalogue lists the versions of each chart, newest first; the first that fits is what a stack gets.
// Sources: the charts' own documentation and release notes.
var Catalogue = catalogue()

func catalogue() []Version {
	var all []Version
	for _, o := range slices.Concat(operators, elsewhere) {
		for _, v := range o.versions {
			v.Name, v.need = o.name, o.serves
			all = append(all, v)
		}
	}
	return all
}

// Charts are the names of all charts.
var Charts = charts()

func charts() []string {
	var names []string
	for _, v := range Catalogue {
		if !slices.Contains(names, v.Name) {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	return names
}

func version(number, repository, namespace, min, max string, serves ...string) Version {
	return Version{
		Chart:         helm.Chart{Version: number, Repository: repository, Namespace: namespace},
		MinKubernetes: min, MaxKubernetes: max, Serves: serves, Checked: day(2026, 11, 22),
	}
}

func old(v Version, checked time.Time) Version {
	v.Checked = checked
	return v
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// autoscalerImages are the images of cluster-autoscaler by Kubernetes minor: each is built against the scheduler of one.
// Source: cluster-autoscaler, "Releases".
var autoscalerImages = map[string]string{"1.34": "v1.34.0", "1.35": "v1.35.0", "1.36": "v1.36.1"}

// Misfits returns what speaks against a version on a cluster, or nothing.
func (v Version) Misfits(kubernetes string) []string {
	var wrong []string
	if minor(kubernetes) < minor(v.MinKubernetes) || minor(kubernetes) > minor(v.MaxKubernetes) {
		wrong = append(wrong, "was checked with Kubernetes "+v.MinKubernetes+" to "+v.MaxKubernetes+", the cluster has "+kubernetes)
	}
	if v.need != "" && !slices.Contains(v.Serves, v.need) {
		wrong = append(wrong, "serves "+strings.Join(v.Serves, ", ")+"; the program's charts use "+v.need)
	}
	if release, known := cluster.Releases[kubernetes]; known && v.Checked.Before(release.Released()) {
		wrong = append(wrong, "was last checked on "+v.Checked.Format(time.DateOnly)+", before EKS had Kubernetes "+kubernetes)
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

// Choose returns the chart for a cluster: the wanted version, or the first that fits where none is wanted. Everything
// that speaks against it is added to p under key.
func Choose(p *spec.Problems, key, name, wanted, kubernetes string) helm.Chart {
	var known, misfits []string
	for _, v := range Catalogue {
		if v.Name != name {
			continue
		}
		known = append(known, v.Version)
		if wanted != "" && v.Version != wanted {
			continue
		}
		misfits = v.Misfits(kubernetes)
		if wanted != "" || len(misfits) == 0 {
			for _, misfit := range misfits {
				p.Add(key, v.Version, "%s", misfit)
			}
			return v.Chart
		}
	}
	if wanted != "" {
		p.Add(key, wanted, "is not in the catalogue of %s; known are %s (components/addons/catalogue.go)", name, strings.Join(known, ", "))
	} else if len(misfits) > 0 {
		p.Add(key, cmp.Or(wanted, known[0]), "%s", strings.Join(misfits, "; "))
	}
	return helm.Chart{}
}
