package cluster

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
	"groundwork/components/network"
	"groundwork/components/parking"
	"groundwork/components/field"
)

// SupportType is what EKS does when standard support of a version ends.
type SupportType string

const (
	// SupportStandard upgrades the control plane when standard support ends.
	SupportStandard SupportType = "STANDARD"
	// SupportExtended keeps the version, at six times the price.
	SupportExtended SupportType = "EXTENDED"
)

// CapacityType says how instances are bought.
type CapacityType string

const (
	// CapacityOnDemand instances stay until they are terminated.
	CapacityOnDemand CapacityType = "ON_DEMAND"
	// CapacitySpot instances are cheaper and can be taken away on two minutes' notice.
	CapacitySpot CapacityType = "SPOT"
)

// AccessLevel is what an access entry allows inside Kubernetes.
type AccessLevel string

const (
	// AccessView reads most objects, no secrets.
	AccessView AccessLevel = "view"
	// AccessEdit reads and writes most objects, no roles.
	AccessEdit AccessLevel = "edit"
	// AccessAdmin adds roles inside the namespaces it is limited to.
	AccessAdmin AccessLevel = "admin"
	// AccessClusterAdmin may do everything everywhere: what a role needs that runs the workloads layer and did not create
	// the cluster.
	AccessClusterAdmin AccessLevel = "clusterAdmin"
)

var accessPolicies = map[AccessLevel]string{
	AccessView:  "AmazonEKSViewPolicy",
	AccessEdit:  "AmazonEKSEditPolicy",
	AccessAdmin: "AmazonEKSAdminPolicy",

	AccessClusterAdmin: "AmazonEKSClusterAdminPolicy",
}

// NodeGroup is one group of equal worker nodes.
type NodeGroup struct {
	// InstanceType is one of Instances. Changing it rolls the nodes in place, a third at a time.
	InstanceType string `json:"instanceType"`
	// DesiredSize is how many nodes the group starts with; later changes of it have no effect.
	DesiredSize int `json:"desiredSize"`
	// MinSize and MaxSize bound the number of nodes. The number itself is nobody's but the autoscaler's once the group
	// exists: to move a bound past it, change it first with aws eks update-nodegroup-config, then pulumi refresh.
	MinSize int `json:"minSize"`
	MaxSize int `json:"maxSize"`
	// DiskGiB is the size of the encrypted gp3 root volume, 20 to 1000; default 50.
	DiskGiB int `json:"diskGiB"`
	// CapacityType is ON_DEMAND or SPOT; default ON_DEMAND.
	CapacityType CapacityType `json:"capacityType"`
}

// Access lets one IAM principal into Kubernetes.
type Access struct {
	// PrincipalARN is a role or user; no wildcard, not the account root.
	PrincipalARN string `json:"principalArn"`
	// Level is view, edit, admin or clusterAdmin.
	Level AccessLevel `json:"level"`
	// Namespaces limit the entry; empty means all, which view may and clusterAdmin must have.
	Namespaces []string `json:"namespaces"`
}

// Spec is what a stack chooses about its cluster. The zero value has a private endpoint and no nodes.
type Spec struct {
	// KubernetesVersion is "1.NN", a string; default DefaultVersion.
	KubernetesVersion string `json:"kubernetesVersion"`
	// SupportType is STANDARD or EXTENDED; default STANDARD.
	SupportType SupportType `json:"supportType"`
	// PublicAccessCIDRs may reach the Kubernetes API from the internet; empty, the default, keeps the endpoint private.
	PublicAccessCIDRs []string `json:"publicAccessCidrs"`
	// ServiceCIDR holds the addresses of Kubernetes services, /12 to /24, outside the VPC; default 172.20.0.0/16. It can
	// never be changed.
	ServiceCIDR string `json:"serviceCidr"`
	// NodeGroups by name; the name is part of resource names, so renaming replaces the group.
	NodeGroups map[string]NodeGroup `json:"nodeGroups"`
	// Access by entry name.
	Access map[string]Access `json:"access"`
	// AddonVersions override the catalogue, by add-on name.
	AddonVersions map[string]string `json:"addonVersions"`
}

// SetDefaults sets what a stack may leave out; it comes before the stack's own values.
func (s *Spec) SetDefaults() {
	s.KubernetesVersion, s.SupportType, s.ServiceCIDR = DefaultVersion, SupportStandard, "172.20.0.0/16"
}

// SetDefaults sets what a stack may leave out of a node group; it comes before the stack's own values.
func (g *NodeGroup) SetDefaults() { g.DiskGiB, g.CapacityType = 50, CapacityOnDemand }

var (
	versionForm   = regexp.MustCompile(`^1\.[0-9]{2}$`)
	groupName     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,14}$`)
	clusterName   = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)
	principalARN  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+$`)
	namespaceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	addonVersion  = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$`)
)

// Problems returns everything wrong with s on the given day.
func (s Spec) Problems(today time.Time) spec.Problems {
	var p spec.Problems
	s.checkVersion(&p, today)
	spec.OneOf(&p, "supportType", s.SupportType, SupportStandard, SupportExtended)
	for _, cidr := range s.PublicAccessCIDRs {
		prefix, err := netip.ParsePrefix(cidr)
		switch {
		case err != nil || !prefix.Addr().Is4():
			p.Add("publicAccessCidrs", cidr, "is not an IPv4 range; give one such as 203.0.113.0/24")
		case prefix.Bits() < 8:
			p.Add("publicAccessCidrs", cidr, "opens the Kubernetes API to much of the internet; give ranges of /8 or longer")
		case prefix != prefix.Masked():
			p.Add("publicAccessCidrs", cidr, "has host bits set; the range is %s", prefix.Masked())
		}
	}
	network.CheckCIDR(&p, "serviceCidr", s.ServiceCIDR, 12, 24)
	if len(s.NodeGroups) == 0 {
		p.Missing("nodeGroups", "at least one node group")
	}
	for _, name := range slices.Sorted(maps.Keys(s.NodeGroups)) {
		s.NodeGroups[name].check(&p, "nodeGroups."+name, name)
	}
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Access)) {
		access := s.Access[name]
		access.check(&p, "access."+name, name)
		if other, taken := owner[access.PrincipalARN]; taken {
			p.Add("access."+name+".principalArn", access.PrincipalARN, "has an entry already: %s; EKS takes one for each principal", other)
		}
		owner[access.PrincipalARN] = name
	}
	for _, name := range slices.Sorted(maps.Keys(s.AddonVersions)) {
		key := "addonVersions." + name
		known := []string{AddonObservability, AddonCoreDNS, AddonPodIdentityAgent, AddonKubeProxy, AddonVPCCNI}
		if !slices.Contains(known, name) {
			p.Add(key, name, "is not one of %s", strings.Join(known, ", "))
		}
		p.Match(key, s.AddonVersions[name], addonVersion, "an add-on version such as v1.22.4-eksbuild.3")
	}
	return p
}

func (s Spec) checkVersion(p *spec.Problems, today time.Time) {
	const key = "kubernetesVersion"
	known := strings.Join(KnownVersions(), ", ")
	if !versionForm.MatchString(s.KubernetesVersion) {
		p.Add(key, s.KubernetesVersion, "is not of the form \"1.NN\" (a quoted string); known are %s", known)
		return
	}
	release, ok := Releases[s.KubernetesVersion]
	if !ok {
		p.Add(key, s.KubernetesVersion, "is not in the support calendar; known are %s", known)
		return
	}
	if s.SupportType != SupportExtended && !today.Before(release.StandardSupportEnd) {
		p.Add(key, s.KubernetesVersion, "left standard support on %s; choose %s, or set supportType to EXTENDED at six times the price",
			release.StandardSupportEnd.Format(time.DateOnly), DefaultVersion)
	}
}

func (g NodeGroup) check(p *spec.Problems, key, name string) {
	if !groupName.MatchString(name) {
		p.Add(key, name, "is not a node group name: 1 to 15 lower-case letters, digits or hyphens, a letter first")
	}
	if _, ok := Instances[g.InstanceType]; !ok {
		p.Add(key+".instanceType", g.InstanceType, "is not one of %s", strings.Join(KnownInstances(), ", "))
	}
	p.Range(key+".maxSize", g.MaxSize, 1, 450)
	p.Range(key+".minSize", g.MinSize, 0, 450)
	if g.MinSize > g.MaxSize {
		p.Add(key+".minSize", g.MinSize, "is above maxSize %d", g.MaxSize)
	} else if g.DesiredSize < g.MinSize || g.DesiredSize > g.MaxSize {
		p.Add(key+".desiredSize", g.DesiredSize, "is outside minSize %d to maxSize %d", g.MinSize, g.MaxSize)
	}
	p.Range(key+".diskGiB", g.DiskGiB, 20, 1000)
	spec.OneOf(p, key+".capacityType", g.CapacityType, CapacityOnDemand, CapacitySpot)
}

func (a Access) check(p *spec.Problems, key, name string) {
	if name == breakGlass || name == deployer || name == previewer {
		p.Add(key, name, "is the program's own entry; choose another name")
	}
	if !groupName.MatchString(name) {
		p.Add(key, name, "is not an access entry name: 1 to 15 lower-case letters, digits or hyphens, a letter first")
	}
	p.Match(key+".principalArn", a.PrincipalARN, principalARN,
		"the ARN of one IAM role or user, such as arn:aws:iam::111122223333:role/deploy")
	spec.OneOf(p, key+".level", a.Level, AccessView, AccessEdit, AccessAdmin, AccessClusterAdmin)
	if (a.Level == AccessEdit || a.Level == AccessAdmin) && len(a.Namespaces) == 0 {
		p.Missing(key+".namespaces", "the namespaces that "+string(a.Level)+" is limited to")
	}
	if a.Level == AccessClusterAdmin && len(a.Namespaces) > 0 {
		p.Add(key+".namespaces", a.Namespaces, "does not go with %s, which has no limits", a.Level)
	}
	for _, namespace := range a.Namespaces {
		p.Match(key+".namespaces", namespace, namespaceName, "a Kubernetes namespace")
	}
}

// Fit records which parts of s do not fit the network: overlapping addresses and more nodes than there are addresses
// for. addresses is how many nodes and pods may take; below 0 where it is not known.
func (s Spec) Fit(vpc netip.Prefix, addresses int) spec.Problems {
	var p spec.Problems
	if services, err := netip.ParsePrefix(s.ServiceCIDR); err == nil && services.Overlaps(vpc) {
		p.Add("serviceCidr", s.ServiceCIDR, "overlaps the VPC %s; choose a private range outside it", vpc)
	}
	needed := 0
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(s.NodeGroups)) {
		group := s.NodeGroups[name]
		instance := Instances[group.InstanceType]
		needed += group.MaxSize * instance.Addresses()
		parts = append(parts, fmt.Sprintf("%s %d x %d", name, group.MaxSize, instance.Addresses()))
	}
	if addresses >= 0 && needed > addresses {
		p.Add("nodeGroups", strings.Join(parts, ", "),
			"need %d addresses at maxSize but the private subnets have %d; lower maxSize or give the VPC a shorter prefix",
			needed, addresses)
	}
	return p
}

// Deployer is a role that is in a Kubernetes group and has no other right in the cluster.
type Deployer struct {
	PrincipalARN, Group string
}

// Args are the facts and choices of one cluster.
type Args struct {
	Spec
	// Name is the cluster's physical name and the base of the names of what belongs to it.
	Name string
	// AccountID owns the keys.
	AccountID string
	// Tags go on instances and volumes, which the provider's default tags do not reach.
	Tags map[string]string
	// Placement is where control plane interfaces and nodes go.
	Placement network.Placement
	// Roles are the roles that control plane, nodes and the break-glass entry use.
	Roles *identity.Identity
	// RolePath and RoleBoundary are set on the add-on roles.
	RolePath, RoleBoundary string
	// LogsKeyARN encrypts the control plane's log group, LogRetentionDays is how long it keeps events.
	LogsKeyARN       pulumi.StringInput
	LogRetentionDays int
	// Deployer is the pipeline that deploys the application; nil for none.
	Deployer *Deployer
	// PreviewerARN is a role that may see everything in the cluster, as a refresh does; empty for none.
	PreviewerARN string
	// SharedKeyARN encrypts instead of a key of its own; nil makes one.
	SharedKeyARN pulumi.StringInput
	// Protect refuses deletion of control plane and keys through Pulumi.
	Protect bool
	// Today decides which Kubernetes versions are supported.
	Today time.Time
	// Mode says whether there are nodes, and whether there is a control plane. Keys, log groups and launch templates always are.
	Mode parking.Mode
	// Bare is true for a parked cluster that never had a node: add-ons that need one are then left out.
	Bare bool
	// Scheduled is true where a schedule takes the nodes down at night: how many there are at least is then its business too.
	Scheduled bool
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	p := a.Problems(a.Today)
	p.Match("name", a.Name, clusterName, "1 to 100 letters, digits, - or _, not beginning with - or _")
	if a.Roles == nil {
		p.Missing("roles", "the roles of control plane and nodes")
	}
	if a.LogsKeyARN == nil {
		p.Missing("logsKeyARN", "the key that encrypts the control plane's log group")
	}
	return p.Err("cluster " + name + ": args: ")
}
