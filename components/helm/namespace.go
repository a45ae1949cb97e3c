package helm

import (
	"fmt"
	"maps"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// KubeSystem is a namespace of every cluster.
const KubeSystem = "kube-system"

// NewNamespace creates a namespace whose pods must meet the strictest Pod Security Standard. labels are further ones.
func NewNamespace(
	ctx *pulumi.Context,
	name, namespace string,
	labels pulumi.StringMap,
	opts ...pulumi.ResourceOption,
) (*corev1.Namespace, error) {
	all := maps.Clone(labels)
	if all == nil {
		all = pulumi.StringMap{}
	}
	for _, mode := range []string{"enforce", "audit", "warn"} {
		all["pod-security.kubernetes.io/"+mode] = pulumi.String("restricted")
		all["pod-security.kubernetes.io/"+mode+"-version"] = pulumi.String("latest")
	}
	created, err := corev1.NewNamespace(ctx, name, &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(namespace), Labels: all},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("creating namespace %s: %w", namespace, err)
	}
	return created, nil
}
