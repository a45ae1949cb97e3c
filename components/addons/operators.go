package addons

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/helm"
	"groundwork/components/identity"
)

// operator is one row of the table of operators. Everything about an operator is in its row.
type operator struct {
	Chart
	// policy is what the operator may do in AWS; nil if it does not call AWS. Then it has no role.
	policy func(a *Args) pulumi.StringInput
	// values configure the chart in the given version. role is the ARN of the operator's role; nil if it has none.
	values func(a *Args, v Version, role pulumi.StringInput) pulumi.Map
}

// operators are the operators of every cluster. A new operator is one more row.
var operators = []operator{{
	Chart: Chart{
		Name: LoadBalancerController, Repository: "https://aws.github.io/eks-charts", Namespace: helm.KubeSystem,
		Needs: "elbv2.k8s.aws/v1beta1",
		Versions: []Version{{
			Number: "3.5.0", MinKubernetes: "1.30", MaxKubernetes: "1.36",
			Serves: []string{"elbv2.k8s.aws/v1beta1"}, Released: day(2026, 8, 3),
		}},
	},
	policy: func(a *Args) pulumi.StringInput {
		return a.TargetGroupARN.ToStringOutput().ApplyT(func(arn string) string {
			return LoadBalancerControllerPolicy(arn).JSON()
		}).(pulumi.StringOutput)
	},
	values: loadBalancerController,
}, {
	Chart: Chart{
		Name: ExternalSecrets, Repository: "https://charts.external-secrets.io", Namespace: ExternalSecrets,
		Needs: "external-secrets.io/v1",
		Versions: []Version{{
			Number: "2.9.0", MinKubernetes: "1.30", MaxKubernetes: "1.36",
			Serves: []string{"external-secrets.io/v1"}, Released: day(2026, 8, 8),
		}, {
			// Many clusters still run this version. It serves only the old API, and nobody has checked it with a current
			// Kubernetes version.
			Number: "0.9.20", MinKubernetes: "1.25", MaxKubernetes: "1.30",
			Serves: []string{"external-secrets.io/v1beta1"}, Released: day(2024, 7, 6),
		}},
	},
	values: externalSecrets,
}, {
	Chart: Chart{
		Name: MetricsServer, Repository: "https://kubernetes-sigs.github.io/metrics-server/", Namespace: helm.KubeSystem,
		Versions: []Version{{Number: "3.13.1", MinKubernetes: "1.31", MaxKubernetes: "1.36", Released: day(2026, 6, 11)}},
	},
	values: metricsServer,
}, {
	Chart: Chart{
		Name: ClusterAutoscaler, Repository: "https://kubernetes.github.io/autoscaler", Namespace: helm.KubeSystem,
		// Each image is built with the scheduler of one Kubernetes version. Source: cluster-autoscaler, "Releases".
		Versions: []Version{{
			Number: "9.59.0", MinKubernetes: "1.31", MaxKubernetes: "1.36", Released: day(2026, 7, 21),
			Images: map[string]string{"1.34": "v1.34.0", "1.35": "v1.35.0", "1.36": "v1.36.1"},
		}},
	},
	policy: func(a *Args) pulumi.StringInput {
		return a.Cluster.Name.ApplyT(func(cluster string) string {
			return ClusterAutoscalerPolicy(cluster).JSON()
		}).(pulumi.StringOutput)
	},
	values: clusterAutoscaler,
}}

// LoadBalancerControllerPolicy lets the controller register pods with one target group. The policy that the project
// publishes also lets it create load balancers, rules and groups, which the program does itself.
// Source: aws-load-balancer-controller, pkg/targetgroupbinding. The Describe actions do not support resources.
func LoadBalancerControllerPolicy(targetGroupARN string) identity.Document {
	return identity.NewDocument(identity.Statement{
		Sid: "LookAround", Effect: identity.Allow,
		Action: identity.Strings{
			"ec2:DescribeSecurityGroups", "ec2:DescribeVpcs",
			"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
		},
		Resource: identity.Strings{"*"},
	}, identity.Statement{
		Sid: "BindPods", Effect: identity.Allow,
		Action:   identity.Strings{"elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"},
		Resource: identity.Strings{targetGroupARN},
	})
}

// ClusterAutoscalerPolicy lets cluster-autoscaler change the size of the groups that belong to one cluster.
// Source: cluster-autoscaler, cloudprovider/aws/README.md.
func ClusterAutoscalerPolicy(clusterName string) identity.Document {
	return identity.NewDocument(identity.Statement{
		Sid: "LookAround", Effect: identity.Allow,
		Action: identity.Strings{
			"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
			"autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags",
			"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions",
			"ec2:GetInstanceTypesFromInstanceRequirements",
		},
		Resource: identity.Strings{"*"},
	}, identity.Statement{
		Sid: "SeeNodeGroups", Effect: identity.Allow,
		Action:   identity.Strings{"eks:DescribeNodegroup"},
		Resource: identity.Strings{"arn:aws:eks:*:*:nodegroup/" + clusterName + "/*"},
	}, identity.Statement{
		Sid: "ChangeSizes", Effect: identity.Allow,
		Action:   identity.Strings{"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"},
		Resource: identity.Strings{"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/eks-*"},
		Condition: identity.Condition{"StringEquals": {
			"aws:ResourceTag/k8s.io/cluster-autoscaler/" + clusterName: {"owned"},
		}},
	})
}

// resources are the requests and the memory limit of an operator. A CPU limit would only slow it down.
func resources(cpu, memory string) pulumi.Map {
	return pulumi.Map{
		"requests": pulumi.Map{"cpu": pulumi.String(cpu), "memory": pulumi.String(memory)},
		"limits":   pulumi.Map{"memory": pulumi.String(memory)},
	}
}

// spread keeps the replicas of a release in different zones if possible.
func spread(name string) pulumi.Array {
	return pulumi.Array{pulumi.Map{
		"maxSkew": pulumi.Int(1), "topologyKey": pulumi.String("topology.kubernetes.io/zone"),
		"whenUnsatisfiable": pulumi.String("ScheduleAnyway"),
		"labelSelector":     pulumi.Map{"matchLabels": pulumi.Map{"app.kubernetes.io/name": pulumi.String(name)}},
	}}
}

// serviceAccount are the values of a service account that assumes role; nil for no role.
func serviceAccount(name string, role pulumi.StringInput) pulumi.Map {
	account := pulumi.Map{"create": pulumi.Bool(true), "name": pulumi.String(name)}
	if role != nil {
		account["annotations"] = pulumi.Map{"eks.amazonaws.com/role-arn": role}
	}
	return account
}

var off = pulumi.Bool(false)

// loadBalancerController only binds pods to a target group: the program creates the load balancer. The webhook for
// Services is off. It would refuse every Service while the controller is not ready, and all other releases would have
// to wait for this one.
func loadBalancerController(a *Args, _ Version, role pulumi.StringInput) pulumi.Map {
	return pulumi.Map{
		"clusterName":                 a.Cluster.Name,
		"region":                      pulumi.String(a.Region),
		"vpcId":                       a.VPCID,
		"replicaCount":                pulumi.Int(a.Replicas),
		"serviceAccount":              serviceAccount(LoadBalancerController, role),
		"enableServiceMutatorWebhook": off,
		"createIngressClassResource":  off,
		"ingressClassParams":          pulumi.Map{"create": off},
		"enableShield":                off,
		"enableWaf":                   off,
		"enableWafv2":                 off,
		"enableBackendSecurityGroup":  off,
		// A new certificate on every upgrade would break webhook calls until all replicas have it.
		"keepTLSSecret": pulumi.Bool(true),
		"controllerConfig": pulumi.Map{"featureGates": pulumi.Map{
			"EnableServiceController": off, "ALBGatewayAPI": off, "NLBGatewayAPI": off,
		}},
		"podDisruptionBudget":       pulumi.Map{"maxUnavailable": pulumi.Int(1)},
		"topologySpreadConstraints": spread(LoadBalancerController),
		"resources":                 resources("50m", "128Mi"),
	}
}

// clusterCritical is the priority of pods without which others cannot start: the webhook of External Secrets fails
// closed, and no new pod gets its secrets without the operator. The other operators' charts set it themselves.
var clusterCritical = pulumi.String("system-cluster-critical")

// externalSecrets serves SecretStores and ExternalSecrets of a namespace. Everything that works across namespaces is
// off. The operator has no AWS role: each store names the service account whose role it uses to read.
func externalSecrets(a *Args, _ Version, _ pulumi.StringInput) pulumi.Map {
	part := func(name string) pulumi.Map {
		return pulumi.Map{
			"replicaCount": pulumi.Int(a.Replicas), "resources": resources("25m", "128Mi"),
			"podDisruptionBudget":       pulumi.Map{"enabled": pulumi.Bool(a.Replicas > 1), "minAvailable": pulumi.Int(1)},
			"topologySpreadConstraints": spread(name),
			"priorityClassName":         clusterCritical,
		}
	}
	values := part(ExternalSecrets)
	values["leaderElect"] = pulumi.Bool(a.Replicas > 1)
	values["serviceAccount"] = serviceAccount(ExternalSecrets, nil)
	values["webhook"] = part(ExternalSecrets + "-webhook")
	values["certController"] = pulumi.Map{"resources": resources("25m", "128Mi"), "priorityClassName": clusterCritical}
	values["installCRDs"] = pulumi.Bool(true)
	values["crds"] = pulumi.Map{
		"createClusterExternalSecret": off, "createClusterSecretStore": off, "createClusterGenerator": off,
		"createClusterPushSecret": off, "createPushSecret": off,
	}
	for _, kind := range []string{
		"ClusterExternalSecret", "ClusterStore", "ClusterGenerator", "ClusterPushSecret", "PushSecret",
	} {
		values["process"+kind] = off
	}
	values["rbac"] = pulumi.Map{
		"servicebindings": pulumi.Map{"create": off},
		"aggregateToView": off,
		"aggregateToEdit": off,
	}
	values["log"] = pulumi.Map{"level": pulumi.String("info"), "timeEncoding": pulumi.String("iso8601")}
	return values
}

func metricsServer(a *Args, _ Version, _ pulumi.StringInput) pulumi.Map {
	return pulumi.Map{
		"replicas":                  pulumi.Int(a.Replicas),
		"podDisruptionBudget":       pulumi.Map{"enabled": pulumi.Bool(a.Replicas > 1), "minAvailable": pulumi.Int(1)},
		"topologySpreadConstraints": spread(MetricsServer),
		"resources":                 resources("100m", "200Mi"),
	}
}

// clusterAutoscaler changes the sizes of the cluster's node groups. It finds them by the tags that EKS puts on them.
func clusterAutoscaler(a *Args, v Version, role pulumi.StringInput) pulumi.Map {
	return pulumi.Map{
		"cloudProvider":    pulumi.String("aws"),
		"awsRegion":        pulumi.String(a.Region),
		"autoDiscovery":    pulumi.Map{"clusterName": a.Cluster.Name},
		"fullnameOverride": pulumi.String(ClusterAutoscaler),
		"image":            pulumi.Map{"tag": pulumi.String(v.Images[a.KubernetesVersion])},
		"rbac":             pulumi.Map{"serviceAccount": serviceAccount(ClusterAutoscaler, role)},
		"extraArgs": pulumi.Map{
			// If several groups could grow, choose the one that leaves the least capacity unused.
			"expander": pulumi.String("least-waste"),
			// System pods have disruption budgets of their own. With the default, a node with system pods is never removed.
			"skip-nodes-with-system-pods": off,
			// An emptyDir goes with its pod anyway. With the default, a node with one, such as that of metrics-server, is never
			// removed.
			"skip-nodes-with-local-storage": off,
		},
		// A second replica would only wait: the leader works alone.
		"replicaCount": pulumi.Int(1),
		"resources":    resources("50m", "256Mi"),
	}
}
