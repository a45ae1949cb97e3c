package rules

import (
	"encoding/json"
	"slices"
	"strings"

	"groundwork/components/helm"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

const kubernetesProvider = "pulumi:providers:kubernetes"

// roleUse is a service account that assumes a role.
type roleUse struct {
	namespace, account string
	// role is the ARN of the role.
	role string
}

// assumedRoles lists every service account in Helm values that names a role.
func assumedRoles(g *graph.Graph) []roleUse {
	var all []roleUse
	var walk func(namespace string, values map[string]any)
	walk = func(namespace string, values map[string]any) {
		if account, ok := values["serviceAccount"].(map[string]any); ok {
			name, _ := account["name"].(string)
			if annotations, ok := account["annotations"].(map[string]any); ok {
				if role, ok := annotations["eks.amazonaws.com/role-arn"].(string); ok {
					all = append(all, roleUse{namespace, name, role})
				}
			}
		}
		for _, value := range values {
			if inner, ok := value.(map[string]any); ok {
				walk(namespace, inner)
			}
		}
	}
	for _, r := range g.OfType(awstype.HelmRelease) {
		walk(r.Inputs.Str("namespace"), r.Inputs.Object("values"))
	}
	return all
}

// subjectOf returns the service account that a role trusts, or "" where the role trusts anything else.
func subjectOf(r *graph.Resource) string {
	all := Statements(r.Inputs.Str("assumeRolePolicy"))
	if len(all) != 1 || len(all[0].Principal["Federated"]) != 1 {
		return ""
	}
	for key, values := range all[0].Condition["StringEquals"] {
		if strings.HasSuffix(key, ":sub") && len(values) == 1 {
			return values[0]
		}
	}
	return ""
}

// release returns the release of a chart, or an empty resource.
func release(g *graph.Graph, chart string) *graph.Resource {
	for _, r := range g.OfType(awstype.HelmRelease) {
		if r.Inputs.Str("chart") == chart {
			return r
		}
	}
	return &graph.Resource{Inputs: graph.Props{}}
}

// Application returns the release that holds Argo CD's Application, or an empty resource.
func Application(g *graph.Graph) *graph.Resource {
	for _, r := range g.OfType(awstype.HelmRelease) {
		if r.Inputs.Get("values.applications") != nil {
			return r
		}
	}
	return &graph.Resource{Inputs: graph.Props{}}
}

// projectOf returns the Argo CD project of the application, or nil.
func projectOf(g *graph.Graph) graph.Props {
	for _, r := range g.OfType(awstype.HelmRelease) {
		if project := r.Inputs.Object("values.projects.webapp"); project != nil {
			return project
		}
	}
	return nil
}

var workloadRules = []Rule{{
	ID: "EKS best practices: each role in Helm values trusts exactly the account it is given to",
	Check: func(g *graph.Graph) (int, []string) {
		var wrong []string
		all := assumedRoles(g)
		for _, use := range all {
			trusted := ""
			for _, role := range g.OfType(awstype.Role) {
				if role.Outputs.Str("arn") == use.role {
					trusted = subjectOf(role)
				}
			}
			if want := "system:serviceaccount:" + use.namespace + ":" + use.account; trusted != want {
				wrong = append(wrong, want+" wears a role that trusts "+trusted)
			}
		}
		return len(all), wrong
	},
	Plant: func(g *graph.Graph) {
		release(g, "aws-load-balancer-controller").Inputs.Object("values").Object("serviceAccount")["name"] = "default"
	},
}, {
	ID: "design: operators have a role each, and only where they talk to AWS", UpOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		var names []string
		for _, use := range assumedRoles(g) {
			names = append(names, use.namespace+"/"+use.account)
		}
		slices.Sort(names)
		want := []string{"kube-system/aws-load-balancer-controller", "kube-system/cluster-autoscaler"}
		return len(names), nonEmpty(must(slices.Equal(names, want), "%v", names))
	},
	Plant: func(g *graph.Graph) {
		delete(release(g, "cluster-autoscaler").Inputs.Object("values.rbac.serviceAccount"), "annotations")
	},
}, {
	ID: "design: releases are atomic, pinned, bounded in time, and in namespaces of their own",
	Check: each(awstype.HelmRelease, func(r *graph.Resource) string {
		seconds, _ := r.Inputs.Num("timeout")
		version := r.Inputs.Str("version")
		exact := strings.Count(version, ".") == 2 && !strings.ContainsAny(version, "*^~>< ")
		return must(r.Inputs.Flag("atomic") && r.Inputs.Flag("cleanupOnFail") && exact &&
			seconds >= 300 && seconds <= 900 && r.Inputs.Str("namespace") != "default" &&
			strings.HasPrefix(r.Inputs.Str("repositoryOpts.repo"), "https://"), "loose")
	}),
	Plant: Set(awstype.HelmRelease, "atomic", false),
}, {
	ID:     "AWS Load Balancer Controller: its webhook cannot stop other releases, and it makes no load balancers",
	UpOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		values := release(g, "aws-load-balancer-controller").Inputs.Object("values")
		ok := values["enableServiceMutatorWebhook"] == false && values["createIngressClassResource"] == false &&
			values.Get("controllerConfig.featureGates.EnableServiceController") == false
		return len(values), nonEmpty(must(ok, "more than bindings"))
	},
	Plant: func(g *graph.Graph) {
		delete(release(g, "aws-load-balancer-controller").Inputs.Object("values"), "enableServiceMutatorWebhook")
	},
}, {
	ID:     "External Secrets: nothing works across namespaces, each switched-off resource is switched off twice",
	UpOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		values := release(g, "external-secrets").Inputs.Object("values")
		var wrong []string
		for create, process := range map[string]string{
			"createClusterSecretStore":    "processClusterStore",
			"createClusterExternalSecret": "processClusterExternalSecret",
			"createClusterPushSecret":     "processClusterPushSecret",
			"createPushSecret":            "processPushSecret",
			"createClusterGenerator":      "processClusterGenerator",
		} {
			if values.Get("crds."+create) != false || values[process] != false {
				wrong = append(wrong, create)
			}
		}
		return len(values), wrong
	},
	Plant: func(g *graph.Graph) {
		release(g, "external-secrets").Inputs.Object("values")["processClusterStore"] = true
	},
}, {
	ID: "CIS EKS 5.4 / exposed-services: no release opens a door to the outside",
	Check: each(awstype.HelmRelease, func(r *graph.Resource) string {
		var open []string
		for _, path := range helm.Paths(r.Inputs.Object("values")) {
			value := r.Inputs.Get("values." + path)
			if strings.HasSuffix(path, "ingress.enabled") && value != false || value == "LoadBalancer" || value == "NodePort" {
				open = append(open, path)
			}
		}
		return must(len(open) == 0, "%v", open)
	}),
	Plant: func(g *graph.Graph) {
		values := first(g, awstype.HelmRelease).Inputs.Object("values")
		values["server"] = map[string]any{"service": map[string]any{"type": "LoadBalancer"}}
	},
}, {
	ID: "hardeneks ensure_namespace_psa_exist / CIS EKS 4.2: every namespace of the program takes restricted pods only",
	Check: each(awstype.Namespace, func(r *graph.Resource) string {
		labels := r.Inputs.Object("metadata.labels")
		for _, mode := range []string{"enforce", "audit", "warn"} {
			if labels["pod-security.kubernetes.io/"+mode] != "restricted" {
				return mode
			}
		}
		return ""
	}),
	Plant: func(g *graph.Graph) {
		delete(first(g, awstype.Namespace).Inputs.Object("metadata.labels"), "pod-security.kubernetes.io/enforce")
	},
}, {
	ID: "EKS best practices: the application's pods are ready when the load balancer says so",
	Check: func(g *graph.Graph) (int, []string) {
		for _, r := range g.OfType(awstype.Namespace) {
			if r.Inputs.Object("metadata.labels")["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled" {
				return 1, nil
			}
		}
		if len(g.OfType(awstype.Namespace)) == 0 {
			return 0, nil
		}
		return 1, []string{"no namespace gets readiness gates"}
	},
	Plant: func(g *graph.Graph) {
		for _, r := range g.OfType(awstype.Namespace) {
			delete(r.Inputs.Object("metadata.labels"), "elbv2.k8s.aws/pod-readiness-gate-inject")
		}
	},
}, {
	ID: "SEC03-BP02: the application's reader reads its own secrets, with their keys, through Secrets Manager only",
	Check: func(g *graph.Graph) (int, []string) {
		var own []string
		for _, secret := range g.OfType(awstype.Secret) {
			own = append(own, secret.Outputs.Str("arn"))
		}
		used := map[string]bool{first(g, awstype.DBInstance).Inputs.Str("masterUserSecretKmsKeyId"): true}
		for _, secret := range g.OfType(awstype.Secret) {
			used[secret.Inputs.Str("kmsKeyId")] = true
		}
		own = append(own, first(g, awstype.DBInstance).Outputs.Str("masterUserSecrets[0].secretArn"))
		seen, wrong := 0, []string{}
		for _, r := range g.OfType(awstype.RolePolicy) {
			if r.Name != "webapp-secrets-role-policy" {
				continue
			}
			seen++
			all := Statements(r.Inputs.Str("policy"))
			read := slices.Sorted(slices.Values(all[0].Resource))
			keys := all[len(all)-1]
			via := []string{"secretsmanager." + homeRegion(g) + ".amazonaws.com"}
			if !slices.Equal(read, slices.Sorted(slices.Values(own))) || len(keys.Resource) != len(used) ||
				!slices.ContainsFunc(keys.Resource, func(arn string) bool { return ownKey(g, arn) }) ||
				!slices.Equal(keys.Condition["StringEquals"]["kms:ViaService"], via) {
				wrong = append(wrong, r.Inputs.Str("policy"))
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) {
		for _, r := range g.OfType(awstype.RolePolicy) {
			if r.Name == "webapp-secrets-role-policy" {
				r.Inputs["policy"] = strings.Replace(r.Inputs.Str("policy"),
					`"Resource":["arn:aws:secretsmanager`, `"Resource":["*","arn:aws:secretsmanager`, 1)
			}
		}
	},
}, {
	ID: "kubescape C-0012: the kubeconfig of the program holds no credential",
	Check: each(kubernetesProvider, func(r *graph.Resource) string {
		var config struct {
			Users []struct{ User map[string]any }
		}
		text := r.Inputs.Str("kubeconfig")
		err := json.Unmarshal([]byte(text), &config)
		// A user with a command that asks for a token, and nothing else.
		ok := err == nil && len(config.Users) == 1 && len(config.Users[0].User) == 1 && config.Users[0].User["exec"] != nil
		return must(ok && !strings.Contains(text, "AWS_PROFILE"), "%s", text)
	}),
	Plant: Set(kubernetesProvider, "kubeconfig", `{"users":[{"user":{"token":"abc"}}]}`),
}, {
	ID: "design: Argo CD may take one repository to one namespace", ProdOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		values := Application(g).Inputs.Object("values")
		project := projectOf(g)
		ok := slices.Equal(project.Strs("sourceRepos"), []string{values.Str("applications.webapp.source.repoURL")}) &&
			project.Str("destinations[0].namespace") == "webapp" && values.Str("applications.webapp.project") == "webapp" &&
			len(project.Strs("clusterResourceWhitelist")) == 0
		return len(values), nonEmpty(must(ok, "too much"))
	},
	Plant: func(g *graph.Graph) {
		projectOf(g)["sourceRepos"] = []any{"*"}
	},
}, {
	ID: "CIS Kubernetes 5.1.8: Git brings no permissions and no secrets to the cluster", ProdOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		project := projectOf(g)
		if len(project) == 0 {
			return 0, nil // The pipeline owns the release.
		}
		kinds, _ := project["namespaceResourceWhitelist"].([]any)
		if len(kinds) == 0 {
			return 1, []string{"every kind of the namespace is allowed"}
		}
		var wrong []string
		for _, element := range kinds {
			kind, _ := element.(map[string]any)["kind"].(string)
			if slices.Contains([]string{"*", "Role", "RoleBinding", "Secret", "Pod"}, kind) {
				wrong = append(wrong, kind)
			}
		}
		return len(kinds), wrong
	},
	Plant: func(g *graph.Graph) {
		projectOf(g)["namespaceResourceWhitelist"] = []any{map[string]any{"group": "*", "kind": "*"}}
	},
}}
