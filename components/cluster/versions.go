package cluster

import (
	"maps"
	"slices"
	"time"
)

// Release describes one Kubernetes version on EKS.
type Release struct {
	// StandardSupportEnd is the first day without standard support. From then on the control plane costs six times as
	// much, or AWS upgrades it if the support type is STANDARD.
	StandardSupportEnd time.Time
	// Addons are the versions of the core add-ons that work with this version, by add-on name.
	Addons map[string]string
}

// Names of the core add-ons.
const (
	AddonVPCCNI           = "vpc-cni"
	AddonKubeProxy        = "kube-proxy"
	AddonPodIdentityAgent = "eks-pod-identity-agent"
	AddonCoreDNS          = "coredns"
	AddonObservability    = "amazon-cloudwatch-observability"
)

// DefaultVersion is the Kubernetes version of a cluster whose settings name none.
const DefaultVersion = "1.36"

// Releases is the support calendar and add-on catalog by Kubernetes version, checked on 2026-11-22.
// Sources: Amazon EKS User Guide, "Kubernetes release calendar" and "Available add-ons".
var Releases = map[string]Release{
	"1.34": {
		day(2026, 12, 2),
		addons("v1.20.4-eksbuild.1", "v1.34.0-eksbuild.2", "v1.12.3-eksbuild.1", "v1.3.10-eksbuild.3"),
	},
	"1.35": {
		day(2027, 3, 27),
		addons("v1.21.1-eksbuild.3", "v1.35.0-eksbuild.2", "v1.13.2-eksbuild.1", "v1.3.10-eksbuild.3"),
	},
	"1.36": {
		day(2027, 8, 2),
		addons("v1.22.4-eksbuild.3", "v1.36.0-eksbuild.21", "v1.14.3-eksbuild.16", "v1.3.10-eksbuild.3"),
	},
}

func addons(cni, proxy, dns, podIdentity string) map[string]string {
	return map[string]string{
		AddonVPCCNI: cni, AddonKubeProxy: proxy, AddonCoreDNS: dns, AddonPodIdentityAgent: podIdentity,
		AddonObservability: "v5.1.0-eksbuild.1",
	}
}

// KnownVersions lists the Kubernetes versions of the calendar, oldest first.
func KnownVersions() []string { return slices.Sorted(maps.Keys(Releases)) }

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
