package awssim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/internal/awstype"
)

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// builtIn are the namespaces of every cluster.
var builtIn = []string{"default", "kube-node-lease", "kube-public", "kube-system"}

var kubernetesTypes = map[string]Type{
	awstype.Namespace: {
		Args:    corev1.NamespaceArgs{},
		Taken:   "AlreadyExists",
		ID:      fromName("metadata.name"),
		Check:   checkNamespace,
		Created: func(c *Cloud, _ *Object) error { return c.clusterReachable() },
	},
	awstype.ConfigMap:             namespaced(corev1.ConfigMapArgs{}),
	awstype.KubernetesRole:        namespaced(rbacv1.RoleArgs{}),
	awstype.KubernetesRoleBinding: namespaced(rbacv1.RoleBindingArgs{}),
}

func checkNamespace(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "metadata.name", dnsLabel),
		"metadata.name", "Invalid value: %q: must be a lower-case RFC 1123 label", in.Str("metadata.name"))
	return f
}

// clusterReachable refuses an operation on Kubernetes when there is no cluster. The caller holds mu.
func (c *Cloud) clusterReachable() error {
	if c.has(awstype.EKSCluster) {
		return nil
	}
	return errors.New("configured Kubernetes cluster is unreachable: there is no cluster")
}

// namespaced returns a type whose objects are in a namespace, which must exist.
func namespaced(args pulumi.Input) Type {
	return Type{
		Args: args,
		ID: func(in Props, _ string) string {
			return in.Str("metadata.namespace") + "/" + in.Str("metadata.name")
		},
		Taken:   "AlreadyExists",
		Created: namespacedCreated,
	}
}

func namespacedCreated(c *Cloud, o *Object) error {
	if err := c.clusterReachable(); err != nil {
		return err
	}
	name := o.State.Str("metadata.namespace")
	for _, other := range c.objects {
		// A release with createNamespace creates its namespace.
		if other.Type == awstype.HelmRelease && other.State.Str("namespace") == name &&
			other.State.Flag("createNamespace") {
			return nil
		}
	}
	if !slices.Contains(builtIn, name) && c.get(awstype.Namespace, name) == nil {
		return fmt.Errorf("namespaces %q not found", name)
	}
	return nil
}
