package addons

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// resources asks for what an operator uses and bounds its memory; bounding CPU would only slow it down.
func resources(cpu, memory string) pulumi.Map {
	return pulumi.Map{
		"requests": pulumi.Map{"cpu": pulumi.String(cpu), "memory": pulumi.String(memory)},
		"limits":   pulumi.Map{"memory": pulumi.String(memory)},
	}
}

// spread keeps the replicas of a release in different zones where there are several.
func spread(name string) pulumi.Array {
	return pulumi.Array{pulumi.Map{
		"maxSkew": pulumi.Int(1), "topologyKey": pulumi.String("topology.kubernetes.io/zone"),
		"whenUnsatisfiable": pulumi.String("ScheduleAnyway"),
		"labelSelector":     pulumi.Map{"matchLabels": pulumi.Map{"app.kubernetes.io/name": pulumi.String(name)}},
	}}
}

// serviceAccount names an account and the role it wears.
func serviceAccount(name string, role pulumi.StringInput) pulumi.Map {
	account := pulumi.Map{"create": pulumi.Bool(true), "name": pulumi.String(name)}
	if role != nil {
		account["annotations"] = pulumi.Map{"eks.amazonaws.com/role-arn": role}
	}
	return account
}

var off = pulumi.Bool(false)

// loadBalancerController binds pods to a target group and does nothing else: the load balancer is the program's. Without
// its webhook for Services, which would refuse every Service while the controller is not ready, the other releases need
// not wait for this one.
func (a *Addons) loadBalancerController(role pulumi.StringInput) pulumi.Map {
	return pulumi.Map{
		"clusterName":                 a.args.Cluster.Name,
		"region":                      pulumi.String(a.args.Region),
		"vpcId":                       a.args.VPCID,
		"replicaCount":                pulumi.Int(a.args.Replicas),
		"serviceAccount":              serviceAccount(LoadBalancerController, role),
		"enableServiceMutatorWebhook": off,
		"createIngressClassResource":  off,
		"ingressClassParams":          pulumi.Map{"create": off},
		"enableShield":                off,
		"enableWaf":                   off,
		"enableWafv2":                 off,
		"enableBackendSecurityGroup":  off,
		// A new certificate on every upgrade would cut off webhook calls until all replicas have it.
		"keepTLSSecret": pulumi.Bool(true),
		"controllerConfig": pulumi.Map{"featureGates": pulumi.Map{
			"EnableServiceController": off, "ALBGatewayAPI": off, "NLBGatewayAPI": off,
		}},
		"podDisruptionBudget":       pulumi.Map{"maxUnavailable": pulumi.Int(1)},
		"topologySpreadConstraints": spread(LoadBalancerController),
		"resources":                 resources("50m", "128Mi"),
	}
}

// externalSecrets serves SecretStores and ExternalSecrets inside a namespace; what works across namespaces is off. The
// operator has no AWS role: each store names the service account, and with it the role, that it reads with.
func (a *Addons) externalSecrets() pulumi.Map {
	part := func(name string) pulumi.Map {
		return pulumi.Map{
			"replicaCount": pulumi.Int(a.args.Replicas), "resources": resources("25m", "128Mi"),
			"podDisruptionBudget":       pulumi.Map{"enabled": pulumi.Bool(a.args.Replicas > 1), "minAvailable": pulumi.Int(1)},
			"topologySpreadConstraints": spread(name),
		}
	}
	values := part(ExternalSecrets)
	values["leaderElect"] = pulumi.Bool(a.args.Replicas > 1)
	values["serviceAccount"] = serviceAccount(ExternalSecrets, nil)
	values["webhook"] = part(ExternalSecrets + "-webhook")
	values["certController"] = pulumi.Map{"resources": resources("25m", "128Mi")}
	values["installCRDs"] = pulumi.Bool(true)
	values["crds"] = pulumi.Map{
		"createClusterExternalSecret": off, "createClusterSecretStore": off, "createClusterGenerator": off,
		"createClusterPushSecret": off, "createPushSecret": off,
	}
	for _, kind := range []string{"ClusterExternalSecret", "ClusterStore", "ClusterGenerator", "ClusterPushSecret", "PushSecret"} {
		values["process"+kind] = off
	}
	values["rbac"] = pulumi.Map{"servicebindings": pulumi.Map{"create": off}, "aggregateToView": off, "aggregateToEdit": off}
	values["log"] = pulumi.Map{"level": pulumi.String("info"), "timeEncoding": pulumi.String("iso8601")}
	return values
}

func (a *Addons) metricsServer() pulumi.Map {
	return pulumi.Map{
		"replicas":                  pulumi.Int(a.args.Replicas),
		"podDisruptionBudget":       pulumi.Map{"enabled": pulumi.Bool(a.args.Replicas > 1), "minAvailable": pulumi.Int(1)},
		"topologySpreadConstraints": spread(MetricsServer),
		"resources":                 resources("100m", "200Mi"),
	}
}

// clusterAutoscaler changes the sizes of the cluster's node groups, which it finds by the tags that EKS puts on them.
func (a *Addons) clusterAutoscaler(role pulumi.StringInput) pulumi.Map {
	return pulumi.Map{
		"cloudProvider":    pulumi.String("aws"),
		"awsRegion":        pulumi.String(a.args.Region),
		"autoDiscovery":    pulumi.Map{"clusterName": a.args.Cluster.Name},
		"fullnameOverride": pulumi.String(ClusterAutoscaler),
		"image":            pulumi.Map{"tag": pulumi.String(autoscalerImages[a.args.KubernetesVersion])},
		"rbac":             pulumi.Map{"serviceAccount": serviceAccount(ClusterAutoscaler, role)},
		"extraArgs": pulumi.Map{
			// Zones stay balanced, and of several groups the one that wastes least grows.
			"balance-similar-node-groups": pulumi.Bool(true), "expander": pulumi.String("least-waste"),
			// System pods have budgets of their own; without this a node with one of them never goes.
			"skip-nodes-with-system-pods": off,
		},
		// A second one would only wait: the leader decides alone.
		"replicaCount": pulumi.Int(1),
		"resources":    resources("50m", "256Mi"),
	}
}
