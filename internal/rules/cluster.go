package rules

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"groundwork/components/cluster"
	"groundwork/components/hardware"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

var (
	// narrowRange matches an address range of a /8 or smaller.
	narrowRange = regexp.MustCompile(`/([89]|[12][0-9]|3[0-2])$`)
	// secretPattern matches what a secret in plain text looks like.
	secretPattern = regexp.MustCompile(
		`AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|PRIVATE KEY|(?i)(password|secret|token)\s*[=:]`)
)

// coreAddons are the add-ons that every running cluster needs.
var coreAddons = []string{
	"vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "amazon-cloudwatch-observability",
}

// instances holds what EC2 starts: instances, and the templates of nodes.
func instances(check func(r *graph.Resource) string) func(*graph.Graph) (int, []string) {
	return func(g *graph.Graph) (int, []string) {
		seen, wrong := each(awstype.LaunchTemplate, check)(g)
		alone, more := each(awstype.Instance, check)(g)
		return seen + alone, append(wrong, more...)
	}
}

var clusterRules = []Rule{{
	ID: "FSBP EKS.1 / CKV_AWS_39 CKV_AWS_38: the endpoint is private, and never open to everyone",
	Check: each(awstype.EKSComponent, func(r *graph.Resource) string {
		public := r.Inputs.Flag("endpointPublicAccess")
		cidrs := r.Inputs.Strs("publicAccessCidrs")
		open := slices.ContainsFunc(cidrs, func(c string) bool { return !narrowRange.MatchString(c) })
		return must(r.Inputs.Flag("endpointPrivateAccess") && (!public || len(cidrs) > 0 && !open) &&
			len(r.Inputs.Strs("privateSubnetIds")) > 1, "open")
	}),
	Plant: Set(awstype.EKSComponent, "endpointPrivateAccess", false),
}, {
	ID: "FSBP EKS.1: no public endpoint in production", ProdOnly: true,
	Check: each(awstype.EKSCluster, func(r *graph.Resource) string {
		return must(r.Inputs.Object("vpcConfig")["endpointPublicAccess"] == false &&
			r.Inputs.Flag("vpcConfig.endpointPrivateAccess"), "public")
	}),
	Plant: setIn(awstype.EKSCluster, "vpcConfig", "endpointPublicAccess", true),
}, {
	ID: "FSBP EKS.3 / CKV_AWS_58: Kubernetes secrets are encrypted with a key of this program",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.EKSCluster, func(r *graph.Resource) string {
			return must(ownKey(g, r.Inputs.Str("encryptionConfig.provider.keyArn")) &&
				slices.Contains(r.Inputs.Strs("encryptionConfig.resources"), "secrets"), "not encrypted")
		})(g)
	},
	Plant: func(g *graph.Graph) { delete(first(g, awstype.EKSCluster).Inputs, "encryptionConfig") },
}, {
	ID: "FSBP EKS.2 / CKV_AWS_339: the Kubernetes version is in standard support",
	Check: each(awstype.EKSCluster, func(r *graph.Resource) string {
		release, known := cluster.Releases[r.Inputs.Str("version")]
		return must(known && Today().Before(release.StandardSupportEnd), "version %q", r.Inputs.Str("version"))
	}),
	Plant: Set(awstype.EKSCluster, "version", "1.31"),
}, {
	ID: "EKS extended support: the upgrade policy is STANDARD", EngineOnly: true,
	Check: each(awstype.EKSCluster, func(r *graph.Resource) string {
		return must(r.Inputs.Str("upgradePolicy.supportType") == "STANDARD",
			"old versions would be billed as extended support")
	}),
	Plant: func(g *graph.Graph) { delete(first(g, awstype.EKSCluster).Inputs, "upgradePolicy") },
}, {
	ID: "FSBP EKS.8: all five control plane logs",
	Check: each(awstype.EKSCluster, func(r *graph.Resource) string {
		logs := r.Inputs.Strs("enabledClusterLogTypes")
		return must(len(logs) == 5, "%v", logs)
	}),
	Plant: Set(awstype.EKSCluster, "enabledClusterLogTypes", []any{"api"}),
}, {
	ID: "CIS EKS 4.1.7: access entries, no aws-auth map",
	Check: each(awstype.EKSComponent, func(r *graph.Resource) string {
		return must(r.Inputs.Str("authenticationMode") == "API" && r.Inputs["roleMappings"] == nil &&
			r.Inputs["userMappings"] == nil, "maps")
	}),
	Plant: Set(awstype.EKSComponent, "authenticationMode", "API_AND_CONFIG_MAP"),
}, {
	ID: "CIS EKS 4.1.1 / kubescape C-0185: one break-glass administrator, everyone else limited", UpOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		admins, wrong := 0, []string{}
		for _, r := range g.OfType(awstype.AccessPolicyAssociation) {
			principal := r.Inputs.Str("principalArn")
			if strings.Contains(principal, "*") || strings.HasSuffix(principal, ":root") {
				wrong = append(wrong, r.Name+" is for "+principal)
			}
			switch policy := r.Inputs.Str("policyArn"); {
			case strings.HasSuffix(policy, "AmazonEKSClusterAdminPolicy"):
				admins++
			case strings.HasSuffix(policy, "ViewPolicy"):
			case r.Inputs.Str("accessScope.type") != "namespace":
				wrong = append(wrong, r.Name+" may write everywhere")
			}
		}
		if admins != 1 {
			wrong = append(wrong, fmt.Sprintf("%d administrators", admins))
		}
		for _, r := range g.OfType(awstype.AccessEntry) {
			if slices.Contains(r.Inputs.Strs("kubernetesGroups"), "system:masters") {
				wrong = append(wrong, r.Name+" is in system:masters")
			}
		}
		return len(g.OfType(awstype.AccessPolicyAssociation)), wrong
	},
	Plant: Set(awstype.AccessPolicyAssociation, "principalArn", "arn:aws:iam::111122223333:root"),
}, {
	ID: "CIS EKS 5.4.3 / kubescape C-0229: nodes are in private subnets of two zones or more",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.NodeGroup, func(r *graph.Resource) string {
			zones := map[string]bool{}
			for _, id := range r.Inputs.Strs("subnetIds") {
				s := byID(g, awstype.Subnet, id)
				if s == nil || subnetTier(s) != "private" {
					return "in subnet " + id
				}
				zones[s.Inputs.Str("availabilityZone")] = true
			}
			return must(len(zones) >= 2, "in %d zone(s)", len(zones))
		})(g)
	},
	Plant: func(g *graph.Graph) {
		for _, s := range g.OfType(awstype.Subnet) {
			if subnetTier(s) == "public" {
				first(g, awstype.NodeGroup).Inputs["subnetIds"] = []any{s.ID}
			}
		}
	},
}, {
	ID: "EKS best practices: core add-ons with pinned versions", UpOnly: true,
	Check: func(g *graph.Graph) (int, []string) {
		want := map[string]bool{}
		for _, name := range coreAddons {
			want[name] = true
		}
		seen, wrong := each(awstype.Addon, func(r *graph.Resource) string {
			delete(want, r.Inputs.Str("addonName"))
			version := r.Inputs.Str("addonVersion")
			return must(version != "" && version != "latest" && r.Inputs.Str("resolveConflictsOnUpdate") != "",
				"not pinned")
		})(g)
		if len(want) > 0 {
			wrong = append(wrong, fmt.Sprintf("missing: %v", want))
		}
		return seen, wrong
	},
	Plant: Set(awstype.Addon, "addonVersion", "latest"),
}, {
	ID: "EKS best practices: NetworkPolicy is enforced",
	Check: func(g *graph.Graph) (int, []string) {
		for _, r := range g.OfType(awstype.Addon) {
			if r.Inputs.Str("addonName") == "vpc-cni" {
				enforced := strings.Contains(r.Inputs.Str("configurationValues"), `"enableNetworkPolicy":"true"`)
				return 1, nonEmpty(must(enforced, "vpc-cni ignores NetworkPolicy"))
			}
		}
		return 0, nil
	},
	Plant: func(g *graph.Graph) {
		for _, r := range g.OfType(awstype.Addon) {
			r.Inputs["configurationValues"] = "{}"
		}
	},
}, {
	ID: "prowler eks_cluster_deletion_protection_enabled: the cluster is protected", ProdOnly: true,
	Check: each(awstype.EKSCluster, func(r *graph.Resource) string { return must(r.Protect, "not protected") }),
	Plant: func(g *graph.Graph) { first(g, awstype.EKSCluster).Protect = false },
}, {
	ID: "CKV_AWS_341 CKV_AWS_79 / FSBP AutoScaling.4 EC2.8: IMDSv2 with one hop",
	Check: instances(func(r *graph.Resource) string {
		hops, _ := r.Inputs.Num("metadataOptions.httpPutResponseHopLimit")
		return must(r.Inputs.Str("metadataOptions.httpTokens") == "required" && hops == 1,
			"tokens optional or hop limit %v", hops)
	}),
	Plant: setIn(awstype.LaunchTemplate, "metadataOptions", "httpPutResponseHopLimit", 2.0),
}, {
	ID: "FSBP EC2.9 EC2.25 / CKV_AWS_88: no instance has a public address",
	Check: instances(func(r *graph.Resource) string {
		interfaces, _ := r.Inputs["networkInterfaces"].([]any)
		asked := slices.ContainsFunc(interfaces, func(i any) bool {
			one, _ := i.(map[string]any)
			return one["associatePublicIpAddress"] != nil && one["associatePublicIpAddress"] != "false"
		})
		return must(!asked && !r.Inputs.Flag("associatePublicIpAddress"), "asks for one")
	}),
	Plant: Set(awstype.LaunchTemplate, "networkInterfaces",
		[]any{map[string]any{"associatePublicIpAddress": "true"}}),
}, {
	ID: "FSBP EC2.3 / CKV_AWS_8: volumes are encrypted gp3, those of nodes with a key of this program",
	Check: func(g *graph.Graph) (int, []string) {
		seen, wrong := each(awstype.LaunchTemplate, func(r *graph.Resource) string {
			mappings, _ := r.Inputs["blockDeviceMappings"].([]any)
			for i := range mappings {
				ebs := fmt.Sprintf("blockDeviceMappings[%d].ebs.", i)
				if r.Inputs.Str(ebs+"encrypted") != "true" || r.Inputs.Str(ebs+"volumeType") != "gp3" ||
					!ownKey(g, r.Inputs.Str(ebs+"kmsKeyId")) {
					return "volume not encrypted as it should be"
				}
			}
			return must(len(mappings) > 0, "no volume")
		})(g)
		alone, more := each(awstype.Instance, func(r *graph.Resource) string {
			return must(r.Inputs.Flag("rootBlockDevice.encrypted") && r.Inputs.Str("rootBlockDevice.volumeType") == "gp3",
				"volume not encrypted as it should be")
		})(g)
		return seen + alone, append(wrong, more...)
	},
	Plant: func(g *graph.Graph) {
		mappings := first(g, awstype.LaunchTemplate).Inputs["blockDeviceMappings"].([]any)
		mappings[0].(map[string]any)["ebs"].(map[string]any)["encrypted"] = "false"
	},
}, {
	ID: "CKV_AWS_100: no SSH to nodes and instances",
	Check: func(g *graph.Graph) (int, []string) {
		seen, wrong := each(awstype.NodeGroup, func(r *graph.Resource) string {
			return must(r.Inputs["remoteAccess"] == nil, "remote access")
		})(g)
		_, keys := instances(func(r *graph.Resource) string {
			return must(r.Inputs["keyName"] == nil, "a key pair")
		})(g)
		return seen, append(wrong, keys...)
	},
	Plant: Set(awstype.LaunchTemplate, "keyName", "laptop"),
}, {
	ID: "CKV_AWS_46 / AWS-0029: no secret in user data",
	Check: instances(func(r *graph.Resource) string {
		text := []byte(r.Inputs.Str("userData"))
		// A template has it in base64, an instance as it is.
		if r.Type == awstype.LaunchTemplate {
			decoded, err := base64.StdEncoding.DecodeString(string(text))
			if err != nil {
				return "user data that is not base64"
			}
			text = decoded
		}
		return must(!secretPattern.Match(text), "a secret")
	}),
	Plant: Set(awstype.LaunchTemplate, "userData", base64.StdEncoding.EncodeToString([]byte("export DB_PASSWORD=x"))),
}, {
	ID: "EKS: Amazon Linux 2023 of the right architecture",
	Check: func(g *graph.Graph) (int, []string) {
		return each(awstype.NodeGroup, func(r *graph.Resource) string {
			ami := r.Inputs.Str("amiType")
			template := byID(g, awstype.LaunchTemplate, r.Inputs.Str("launchTemplate.id"))
			instance, known := hardware.Find(hardware.EC2, template.Inputs.Str("instanceType"))
			return must(known && strings.HasPrefix(ami, "AL2023_") && instance.Arm == strings.Contains(ami, "ARM"),
				"image %q", ami)
		})(g)
	},
	Plant: Set(awstype.NodeGroup, "amiType", "AL2_x86_64"),
}}
