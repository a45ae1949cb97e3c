package tests

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"groundwork/components/cluster"
	"groundwork/sandbox"
)

var clusterRules = []rule{{
	id: "FSBP EKS.1 / CKV_AWS_39 CKV_AWS_38: the endpoint is private, and never open to everyone",
	check: each(componentT, func(r *sandbox.Resource) string {
		public := r.Inputs.Flag("endpointPublicAccess")
		cidrs := r.Inputs.Strs("publicAccessCidrs")
		open := slices.ContainsFunc(cidrs, func(c string) bool { return !regexp.MustCompile(`/([89]|[12][0-9]|3[0-2])$`).MatchString(c) })
		return must(r.Inputs.Flag("endpointPrivateAccess") && (!public || len(cidrs) > 0 && !open) && len(r.Inputs.Strs("privateSubnetIds")) > 1, "open")
	}),
	plant: set(componentT, "endpointPrivateAccess", false),
}, {
	id: "FSBP EKS.1: no public endpoint in production", prodOnly: true,
	check: each(clusterT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Object("vpcConfig")["endpointPublicAccess"] == false && r.Inputs.Flag("vpcConfig.endpointPrivateAccess"), "public")
	}),
	plant: setIn(clusterT, "vpcConfig", "endpointPublicAccess", true),
}, {
	id: "FSBP EKS.3 / CKV_AWS_58: Kubernetes secrets are encrypted with a key of this program",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(clusterT, func(r *sandbox.Resource) string {
			return must(ownKey(g, r.Inputs.Str("encryptionConfig.provider.keyArn")) && slices.Contains(r.Inputs.Strs("encryptionConfig.resources"), "secrets"), "not encrypted")
		})(g)
	},
	plant: func(g *sandbox.Graph) { delete(first(g, clusterT).Inputs, "encryptionConfig") },
}, {
	id: "FSBP EKS.2 / CKV_AWS_339: the Kubernetes version is in standard support",
	check: each(clusterT, func(r *sandbox.Resource) string {
		release, known := cluster.Releases[r.Inputs.Str("version")]
		return must(known && today.Before(release.StandardSupportEnd), "version %q", r.Inputs.Str("version"))
	}),
	plant: set(clusterT, "version", "1.31"),
}, {
	id: "EKS extended support: the upgrade policy is STANDARD", engineOnly: true,
	check: each(clusterT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Str("upgradePolicy.supportType") == "STANDARD", "old versions would be billed as extended support")
	}),
	plant: func(g *sandbox.Graph) { delete(first(g, clusterT).Inputs, "upgradePolicy") },
}, {
	id: "FSBP EKS.8: all five control plane logs",
	check: each(clusterT, func(r *sandbox.Resource) string {
		return must(len(r.Inputs.Strs("enabledClusterLogTypes")) == 5, "%v", r.Inputs.Strs("enabledClusterLogTypes"))
	}),
	plant: set(clusterT, "enabledClusterLogTypes", []any{"api"}),
}, {
	id: "CIS EKS 4.1.7: access entries, no aws-auth map",
	check: each(componentT, func(r *sandbox.Resource) string {
		return must(r.Inputs.Str("authenticationMode") == "API" && r.Inputs["roleMappings"] == nil && r.Inputs["userMappings"] == nil, "maps")
	}),
	plant: set(componentT, "authenticationMode", "API_AND_CONFIG_MAP"),
}, {
	id: "CIS EKS 4.1.1 / kubescape C-0185: one break-glass administrator, everyone else limited",
	check: func(g *sandbox.Graph) (int, []string) {
		admins, wrong := 0, []string{}
		for _, r := range g.OfType(policyT) {
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
		for _, r := range g.OfType(accessT) {
			if slices.Contains(r.Inputs.Strs("kubernetesGroups"), "system:masters") {
				wrong = append(wrong, r.Name+" is in system:masters")
			}
		}
		return len(g.OfType(policyT)), wrong
	},
	plant: set(policyT, "principalArn", "arn:aws:iam::111122223333:root"),
}, {
	id: "CIS EKS 5.4.3 / kubescape C-0229: nodes are in private subnets of two zones or more",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(nodesT, func(r *sandbox.Resource) string {
			zones := map[string]bool{}
			for _, id := range r.Inputs.Strs("subnetIds") {
				s := byID(g, subnetT, id)
				if s == nil || subnetTier(s) != "private" {
					return "in subnet " + id
				}
				zones[s.Inputs.Str("availabilityZone")] = true
			}
			return must(len(zones) >= 2, "in %d zone(s)", len(zones))
		})(g)
	},
	plant: func(g *sandbox.Graph) {
		for _, s := range g.OfType(subnetT) {
			if subnetTier(s) == "public" {
				first(g, nodesT).Inputs["subnetIds"] = []any{s.ID}
			}
		}
	},
}, {
	id: "EKS best practices: core add-ons with pinned versions",
	check: func(g *sandbox.Graph) (int, []string) {
		want := map[string]bool{"vpc-cni": true, "coredns": true, "kube-proxy": true, "eks-pod-identity-agent": true, "amazon-cloudwatch-observability": true}
		seen, wrong := each(addonT, func(r *sandbox.Resource) string {
			delete(want, r.Inputs.Str("addonName"))
			version := r.Inputs.Str("addonVersion")
			return must(version != "" && version != "latest" && r.Inputs.Str("resolveConflictsOnUpdate") != "", "not pinned")
		})(g)
		if len(want) > 0 {
			wrong = append(wrong, fmt.Sprintf("missing: %v", want))
		}
		return seen, wrong
	},
	plant: set(addonT, "addonVersion", "latest"),
}, {
	id: "EKS best practices: NetworkPolicy is enforced",
	check: func(g *sandbox.Graph) (int, []string) {
		for _, r := range g.OfType(addonT) {
			if r.Inputs.Str("addonName") == "vpc-cni" {
				return 1, nonEmpty(must(strings.Contains(r.Inputs.Str("configurationValues"), `"enableNetworkPolicy":"true"`), "vpc-cni ignores NetworkPolicy"))
			}
		}
		return 0, nil
	},
	plant: func(g *sandbox.Graph) {
		for _, r := range g.OfType(addonT) {
			r.Inputs["configurationValues"] = "{}"
		}
	},
}, {
	id: "prowler eks_cluster_deletion_protection_enabled: the cluster is protected", prodOnly: true,
	check: each(clusterT, func(r *sandbox.Resource) string { return must(r.Protect, "not protected") }),
	plant: func(g *sandbox.Graph) { first(g, clusterT).Protect = false },
}, {
	id: "CKV_AWS_341 / FSBP AutoScaling.4: IMDSv2 with one hop",
	check: each(templateT, func(r *sandbox.Resource) string {
		hops, _ := r.Inputs.Num("metadataOptions.httpPutResponseHopLimit")
		return must(r.Inputs.Str("metadataOptions.httpTokens") == "required" && hops == 1, "tokens optional or hop limit %v", hops)
	}),
	plant: setIn(templateT, "metadataOptions", "httpPutResponseHopLimit", 2.0),
}, {
	id: "FSBP EC2.3 / CKV_AWS_8: node volumes are encrypted gp3 with a key of this program",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(templateT, func(r *sandbox.Resource) string {
			mappings, _ := r.Inputs["blockDeviceMappings"].([]any)
			for i := range mappings {
				ebs := fmt.Sprintf("blockDeviceMappings.%d.ebs.", i)
				if r.Inputs.Str(ebs+"encrypted") != "true" || r.Inputs.Str(ebs+"volumeType") != "gp3" || !ownKey(g, r.Inputs.Str(ebs+"kmsKeyId")) {
					return "volume not encrypted as it should be"
				}
			}
			return must(len(mappings) > 0, "no volume")
		})(g)
	},
	plant: func(g *sandbox.Graph) {
		first(g, templateT).Inputs["blockDeviceMappings"].([]any)[0].(map[string]any)["ebs"].(map[string]any)["encrypted"] = "false"
	},
}, {
	id: "CKV_AWS_100: no SSH to nodes",
	check: func(g *sandbox.Graph) (int, []string) {
		seen, wrong := each(nodesT, func(r *sandbox.Resource) string { return must(r.Inputs["remoteAccess"] == nil, "remote access") })(g)
		_, keys := each(templateT, func(r *sandbox.Resource) string { return must(r.Inputs["keyName"] == nil, "a key pair") })(g)
		return seen, append(wrong, keys...)
	},
	plant: set(templateT, "keyName", "laptop"),
}, {
	id: "CKV_AWS_46 / AWS-0029: no secret in user data",
	check: each(templateT, func(r *sandbox.Resource) string {
		data, err := base64.StdEncoding.DecodeString(r.Inputs.Str("userData"))
		return must(err == nil && !secretPattern.Match(data), "a secret")
	}),
	plant: set(templateT, "userData", base64.StdEncoding.EncodeToString([]byte("export DB_PASSWORD=x"))),
}, {
	id: "EKS: Amazon Linux 2023 of the right architecture",
	check: func(g *sandbox.Graph) (int, []string) {
		return each(nodesT, func(r *sandbox.Resource) string {
			ami := r.Inputs.Str("amiType")
			template := byID(g, templateT, r.Inputs.Str("launchTemplate.id"))
			instance, known := cluster.Instances[template.Inputs.Str("instanceType")]
			return must(known && strings.HasPrefix(ami, "AL2023_") && instance.Arm == strings.Contains(ami, "ARM"), "image %q", ami)
		})(g)
	},
	plant: set(nodesT, "amiType", "AL2_x86_64"),
}}
