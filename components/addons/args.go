package addons

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/cluster"
	"groundwork/components/helm"
	"groundwork/components/field"
)

// Spec is what a stack chooses about its operators.
type Spec struct {
	// Replicas is how many of each operator run, 1 to 3; with one, each waits a minute for a new one when its node goes.
	// Default 2.
	Replicas int `json:"replicas"`
	// Versions override the catalogue's choice, by chart; a version must be in the catalogue and fit the cluster.
	Versions map[string]string `json:"versions"`
}

// SetDefaults sets what a stack may leave out; it comes before the stack's own values.
func (s *Spec) SetDefaults() { s.Replicas = 2 }

// Problems returns everything wrong with s for a cluster of a Kubernetes version.
func (s Spec) Problems(kubernetes string) spec.Problems {
	var p spec.Problems
	p.Range("replicas", s.Replicas, 1, 3)
	names := Names()
	for _, name := range slices.Sorted(maps.Keys(s.Versions)) {
		if !slices.Contains(names, name) {
			p.Add("versions", name, "is not one of %s", strings.Join(names, ", "))
		}
	}
	for _, c := range Charts() {
		c.choose(&p, "versions."+c.Name, s.Versions[c.Name], kubernetes)
	}
	return p
}

// Version returns the version of a chart that s and the catalogue choose; s must have no problems.
func (s Spec) Version(c Chart, kubernetes string) Version {
	var p spec.Problems
	return c.choose(&p, "", s.Versions[c.Name], kubernetes)
}

// Chart returns a chart by name, in the version that s and the catalogue choose; s must have no problems.
func (s Spec) Chart(name, kubernetes string) helm.Chart {
	for _, c := range Charts() {
		if c.Name == name {
			return c.at(s.Version(c, kubernetes))
		}
	}
	return helm.Chart{}
}

// at is the chart in one version, as a release takes it.
func (c Chart) at(v Version) helm.Chart {
	return helm.Chart{Name: c.Name, Repository: c.Repository, Version: v.Number, Namespace: c.Namespace}
}

// Args are the facts and choices of a cluster's operators.
type Args struct {
	Spec
	// Name is the physical base name, of roles for example.
	Name string
	// Region is where the cluster is.
	Region string
	// KubernetesVersion is the cluster's, "1.NN".
	KubernetesVersion string
	// Cluster is the cluster.
	Cluster cluster.Identity
	// VPCID is the cluster's VPC.
	VPCID pulumi.StringInput
	// TargetGroupARN is the one target group that pods may be bound to.
	TargetGroupARN pulumi.StringInput
	// RolePath and RoleBoundary are set on the roles.
	RolePath, RoleBoundary string
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	p := a.Problems(a.KubernetesVersion)
	if a.Name == "" {
		p.Missing("name", "the physical base name")
	}
	if a.VPCID == nil {
		p.Missing("vpcID", "the cluster's VPC")
	}
	if a.TargetGroupARN == nil {
		p.Missing("targetGroupARN", "the target group of the application")
	}
	return p.Err("addons " + name + ": args: ")
}
