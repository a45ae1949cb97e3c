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
}

// needs are the custom resources that the program's charts use, by the chart that has to serve them.
var needs = map[string]string{
	LoadBalancerController: "elbv2.k8s.aws/v1beta1",
	ExternalSecrets:        "external-secrets.io/v1",
	ArgoCD:                 "argoproj.io/v1alpha1",
}

// Catalogue lists the versions of each chart, newest first; the first that fits is what a stack gets.
// Sources: the charts' own documentation and release notes.
var Catalogue = []Version{
	version(LoadBalancerController, "3.5.0", eksCharts, "kube-system", "1.30", "1.36", needs[LoadBalancerController]),
	version(ExternalSecrets, "2.9.0", "https://charts.external-secrets.io", ExternalSecrets, "1.30", "1.36", needs[ExternalSecrets]),
	// What many clusters still run: it serves the old API only, and nobody has tried it on a current Kubernetes.
	old(version(ExternalSecrets, "0.9.20", "https://charts.external-secrets.io", ExternalSecrets, "1.25", "1.30", "external-secrets.io/v1beta1"), day(2024, 7, 1)),
	version(MetricsServer, "3.13.1", "https://kubernetes-sigs.github.io/metrics-server/", "kube-system", "1.31", "1.36"),
	version(ClusterAutoscaler, "9.59.0", "https://kubernetes.github.io/autoscaler", "kube-system", "1.31", "1.36"),
	version(ArgoCD, "10.1.1", argoHelm, "argocd", "1.33", "1.36", needs[ArgoCD]),
	version(ArgoCDApps, "2.0.5", argoHelm, "argocd", "1.33", "1.36"),
}

const (
	eksCharts = "https://aws.github.io/eks-charts"
	argoHelm  = "https://argoproj.github.io/argo-helm"
)

func version(name, number, repository, namespace, min, max string, serves ...string) Version {
	return Version{
		Chart:         helm.Chart{Name: name, Version: number, Repository: repository, Namespace: namespace},
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
	if need := needs[v.Name]; need != "" && !slices.Contains(v.Serves, need) {
		wrong = append(wrong, "serves "+strings.Join(v.Serves, ", ")+"; the program's charts use "+need)
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
