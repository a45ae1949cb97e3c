package addons

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/cluster"
	"groundwork/components/environment"
	"groundwork/components/field"
	"groundwork/components/helm"
)

// Spec is what a stack chooses about its operators.
type Spec struct {
	// Replicas is the number of replicas of each operator, 1 to 3; default 2. With one, an operator is down for about a
	// minute when its node is deleted.
	Replicas int `json:"replicas"`
	// Versions override the versions of the catalog, by chart name; default none. A version must be in the catalog and
	// support the cluster's Kubernetes version.
	Versions map[string]string `json:"versions"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *Spec) SetDefaults() { s.Replicas = 2 }

// Validate returns everything wrong with s for a cluster of a Kubernetes version.
func (s Spec) Validate(kubernetes string) field.Errors {
	var errs field.Errors
	errs.Range("replicas", s.Replicas, 1, 3)
	names := Names()
	for _, name := range slices.Sorted(maps.Keys(s.Versions)) {
		if !slices.Contains(names, name) {
			errs.Add("versions", name, "is not one of %s", strings.Join(names, ", "))
		}
	}
	for _, c := range Charts() {
		c.choose(&errs, "versions."+c.Name, s.Versions[c.Name], kubernetes)
	}
	return errs
}

// Version returns the version of a chart that s and the catalog choose. s must be valid.
func (s Spec) Version(c Chart, kubernetes string) Version {
	var errs field.Errors
	return c.choose(&errs, "", s.Versions[c.Name], kubernetes)
}

// Chart returns a chart by name, in the version that s and the catalog choose. s must be valid.
func (s Spec) Chart(name, kubernetes string) helm.Chart {
	for _, c := range Charts() {
		if c.Name == name {
			return c.at(s.Version(c, kubernetes))
		}
	}
	return helm.Chart{}
}

// at returns the chart in one version, as a release needs it.
func (c Chart) at(v Version) helm.Chart {
	return helm.Chart{Name: c.Name, Repository: c.Repository, Version: v.Number, Namespace: c.Namespace}
}

// Args are the facts and choices of a cluster's operators.
type Args struct {
	environment.Facts
	Spec
	// KubernetesVersion is the Kubernetes version of the cluster, "1.NN".
	KubernetesVersion string
	// Cluster identifies the cluster.
	Cluster cluster.Identity
	// VPCID is the VPC of the cluster.
	VPCID pulumi.StringInput
	// TargetGroupARN is the only target group that pods may be bound to.
	TargetGroupARN pulumi.StringInput
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := append(a.Spec.Validate(a.KubernetesVersion), a.Facts.Validate()...)
	if a.VPCID == nil {
		errs.Required("vpcID", "the cluster's VPC")
	}
	if a.TargetGroupARN == nil {
		errs.Required("targetGroupARN", "the target group of the application")
	}
	return errs.Err("addons " + name + ": args: ")
}
