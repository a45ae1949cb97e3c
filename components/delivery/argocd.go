package delivery

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/helm"
	"groundwork/components/identity"
)

// argoCD installs Argo CD and then the Application, in a release of its own: the definition of Applications comes with
// the first release. The Application depends on the operators whose custom resources the chart uses. Destroy deletes it
// before them, while they can still clean up.
func (d *Delivery) argoCD(
	ctx *pulumi.Context,
	namespace *corev1.Namespace,
	roles map[string]*identity.Role,
	values pulumi.Map,
) error {
	chart, apps, name := d.args.ArgoCD, d.args.Apps, d.args.Application
	own, err := helm.NewNamespace(ctx, d.name+"-argo-cd", chart.Namespace, nil, d.childOpts()...)
	if err != nil {
		return err
	}
	argo, err := helm.NewRelease(ctx, d.name+"-argo-cd", chart.Name, chart, d.argoCDValues(),
		d.childOpts(pulumi.DependsOn([]pulumi.Resource{own}))...)
	if err != nil {
		return err
	}
	afterArgo := pulumi.DependsOn([]pulumi.Resource{argo})
	if d.args.DeployerGroup != "" {
		// Its role is in the namespace of Argo CD.
		if err := d.deployer(ctx, afterArgo); err != nil {
			return err
		}
	}
	// The project has a release of its own, so that destroy deletes it after the Application. In one release, Helm would
	// delete the project first, and Argo CD cannot delete an Application without its project.
	project, err := helm.NewRelease(
		ctx, d.name+"-project", name+"-project", apps, d.project(), d.childOpts(afterArgo)...)
	if err != nil {
		return err
	}
	after := append([]pulumi.Resource{project, namespace}, d.args.Serving...)
	for _, role := range roles {
		after = append(after, role.Permissions...)
	}
	_, err = helm.NewRelease(
		ctx, d.name+"-application", name, apps, d.application(values), d.childOpts(pulumi.DependsOn(after))...)
	return err
}

// argoCDValues configure Argo CD without access from outside the cluster. People reach its user interface with kubectl
// port-forward.
func (d *Delivery) argoCDValues() pulumi.Map {
	part := func(replicas int, cpu, memory string) pulumi.Map {
		return pulumi.Map{
			"replicas": pulumi.Int(replicas),
			"pdb":      pulumi.Map{"enabled": pulumi.Bool(replicas > 1), "maxUnavailable": pulumi.Int(1)},
			"resources": pulumi.Map{
				"requests": pulumi.Map{"cpu": pulumi.String(cpu), "memory": pulumi.String(memory)},
				"limits":   pulumi.Map{"memory": pulumi.String(memory)},
			},
		}
	}
	server := part(d.args.Replicas, "50m", "256Mi")
	server["service"] = pulumi.Map{"type": pulumi.String("ClusterIP")}
	server["ingress"] = pulumi.Map{"enabled": pulumi.Bool(false)}
	return pulumi.Map{
		"global": pulumi.Map{
			// The log alarms parse these lines.
			"logging":       pulumi.Map{"format": pulumi.String("json")},
			"networkPolicy": pulumi.Map{"create": pulumi.Bool(true)},
		},
		"configs": pulumi.Map{
			"cm":     pulumi.Map{"exec.enabled": pulumi.Bool(false), "timeout.reconciliation": pulumi.String("60s")},
			"params": pulumi.Map{"controller.log.format": pulumi.String("json")},
			"rbac":   pulumi.Map{"policy.default": pulumi.String("")},
		},
		"controller": part(1, "100m", "1Gi"),
		"server":     server,
		"repoServer": part(d.args.Replicas, "50m", "512Mi"),
		"redis": pulumi.Map{
			"resources": pulumi.Map{"requests": pulumi.Map{"cpu": pulumi.String("25m"), "memory": pulumi.String("64Mi")}},
		},
		"applicationSet": pulumi.Map{"replicas": pulumi.Int(0)},
		"dex":            pulumi.Map{"enabled": pulumi.Bool(false)},
		"notifications":  pulumi.Map{"enabled": pulumi.Bool(false)},
	}
}

// inCluster is the URL at which Argo CD reaches the API of the cluster that it runs in.
const inCluster = "https://kubernetes.default.svc"

// destination is the only destination that the application may have.
func (d *Delivery) destination() pulumi.Map {
	return pulumi.Map{"server": pulumi.String(inCluster), "namespace": pulumi.String(d.args.Application)}
}

// project lets Argo CD deploy only this repository, only to this namespace, and only the kinds that a release has.
func (d *Delivery) project() pulumi.Map {
	var allowed pulumi.Array
	for _, kind := range Kinds() {
		allowed = append(allowed, pulumi.StringMap{"group": pulumi.String(kind.Group), "kind": pulumi.String(kind.Kind)})
	}
	return pulumi.Map{"projects": pulumi.Map{d.args.Application: pulumi.Map{
		"namespace":                pulumi.String(d.args.Apps.Namespace),
		"description":              pulumi.String("The application " + d.args.Application),
		"sourceRepos":              pulumi.StringArray{pulumi.String(d.args.Repository)},
		"destinations":             pulumi.Array{d.destination()},
		"clusterResourceWhitelist": pulumi.Array{},
		// Without this list every kind of a namespace is allowed: Git could give itself rights by a RoleBinding.
		"namespaceResourceWhitelist": allowed,
	}}}
}

// application is the Application: the chart in Git, with the values that only infrastructure knows.
func (d *Delivery) application(values pulumi.Map) pulumi.Map {
	name := d.args.Application
	return pulumi.Map{
		"applications": pulumi.Map{name: pulumi.Map{
			"namespace": pulumi.String(d.args.Apps.Namespace),
			// Argo CD deletes the application's objects before the Application, while the operators that must help still run.
			"finalizers": pulumi.StringArray{pulumi.String("resources-finalizer.argocd.argoproj.io")},
			"project":    pulumi.String(name),
			"source": pulumi.Map{
				"repoURL":        pulumi.String(d.args.Repository),
				"targetRevision": pulumi.String(d.args.Revision),
				"path":           pulumi.String(d.args.Path),
				"helm": pulumi.Map{
					"releaseName":  pulumi.String(name),
					"valueFiles":   pulumi.StringArray{pulumi.String("values-" + d.args.Environment + ".yaml")},
					"valuesObject": values,
				},
			},
			"destination": d.destination(),
			"syncPolicy": pulumi.Map{
				"automated": pulumi.Map{"prune": pulumi.Bool(true), "selfHeal": pulumi.Bool(true)},
				"syncOptions": pulumi.ToStringArray([]string{
					"CreateNamespace=false", "ServerSideApply=true", "PruneLast=true",
				}),
				// A retry takes the newest commit. Otherwise a bad one is tried for half an hour, and a good one waits.
				"retry": pulumi.Map{"limit": pulumi.Int(5), "refresh": pulumi.Bool(true), "backoff": pulumi.Map{
					"duration": pulumi.String("5s"), "factor": pulumi.Int(2), "maxDuration": pulumi.String("3m"),
				}},
			},
			"revisionHistoryLimit": pulumi.Int(10),
		}},
	}
}
