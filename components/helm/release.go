// Package helm creates Helm releases. The SDK's own package for releases imports the SDK of the whole Kubernetes API,
// which takes minutes to compile. The program needs only one type of it. This package has that type, under the SDK's
// names. A test compares the two.
package helm

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ReleaseType is the type token of a release.
const ReleaseType = "kubernetes:helm.sh/v3:Release"

// Chart says which software a release installs.
type Chart struct {
	// Name is the name of the chart in Repository, an HTTPS URL.
	Name, Repository string
	// Version is the exact version of the chart.
	Version string
	// Namespace is the namespace of its releases.
	Namespace string
}

// timeoutSeconds is how long Helm waits until all objects of a release are ready. They may need new nodes.
const timeoutSeconds = 600

// Release is a registered release.
type Release struct {
	pulumi.CustomResourceState
}

// releaseArgs are the inputs of a release.
type releaseArgs struct {
	Name, Namespace, Chart, Version        pulumi.StringInput
	RepositoryOpts                         RepositoryOpts
	Values                                 pulumi.MapInput
	Atomic, CleanupOnFail, CreateNamespace pulumi.BoolInput
	Timeout, MaxHistory                    pulumi.IntInput
}

// Inputs are the inputs of a release with plain values.
type Inputs struct {
	Name            string         `pulumi:"name"`
	Namespace       string         `pulumi:"namespace"`
	Chart           string         `pulumi:"chart"`
	Version         string         `pulumi:"version"`
	RepositoryOpts  RepositoryOpts `pulumi:"repositoryOpts"`
	Values          map[string]any `pulumi:"values"`
	Atomic          *bool          `pulumi:"atomic"`
	CleanupOnFail   *bool          `pulumi:"cleanupOnFail"`
	CreateNamespace *bool          `pulumi:"createNamespace"`
	Timeout         *int           `pulumi:"timeout"`
	MaxHistory      *int           `pulumi:"maxHistory"`
}

// RepositoryOpts says which repository has the chart.
type RepositoryOpts struct {
	Repo string `pulumi:"repo"`
}

// ElementType makes the arguments an input.
func (releaseArgs) ElementType() reflect.Type { return reflect.TypeOf(Inputs{}) }

// InputType is the type of the inputs of a release.
func InputType() pulumi.Input { return releaseArgs{} }

// NewRelease installs a chart as a release of the given name. It waits until all objects of the release are ready, and
// rolls the release back if they are not ready in time.
func NewRelease(
	ctx *pulumi.Context,
	name, release string,
	chart Chart,
	values pulumi.Map,
	opts ...pulumi.ResourceOption,
) (*Release, error) {
	r := &Release{}
	// The namespace exists already. Helm may create it all the same, so that releases of earlier programs need no update.
	own := chart.Namespace != KubeSystem
	if err := ctx.RegisterResource(ReleaseType, name, releaseArgs{
		Name: pulumi.String(release), Namespace: pulumi.String(chart.Namespace),
		Chart: pulumi.String(chart.Name), Version: pulumi.String(chart.Version),
		RepositoryOpts: RepositoryOpts{Repo: chart.Repository},
		Values:         values,
		Atomic:         pulumi.Bool(true), CleanupOnFail: pulumi.Bool(true), CreateNamespace: pulumi.Bool(own),
		Timeout: pulumi.Int(timeoutSeconds), MaxHistory: pulumi.Int(10),
	}, r, opts...); err != nil {
		return nil, fmt.Errorf("registering Helm release %s: %w", name, err)
	}
	return r, nil
}

// Paths lists the keys of values. It joins nested keys with dots and does not descend into lists.
func Paths(values map[string]any) []string {
	var all []string
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for key, value := range m {
			// A dot inside a key is not a separator.
			path := prefix + strings.ReplaceAll(key, ".", `\.`)
			if inner, ok := value.(map[string]any); ok && len(inner) > 0 {
				walk(path+".", inner)
				continue
			}
			all = append(all, path)
		}
	}
	walk("", values)
	return all
}
