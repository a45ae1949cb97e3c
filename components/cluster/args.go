package cluster

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"groundwork/components/environment"
	"groundwork/components/field"
	"groundwork/components/identity"
	"groundwork/components/network"
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
	// MinSize and MaxSize bound the number of nodes. The autoscaler owns the number itself once the group exists: to move
	// a bound past it, change it first with aws eks update-nodegroup-config, then pulumi refresh.
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
	principalARN  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+$`)
	namespaceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	addonVersion  = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$`)
)

// Validate returns everything wrong with s on the given day.
func (s Spec) Validate(today time.Time) field.Errors {
	var errs field.Errors
	s.checkVersion(&errs, today)
	field.OneOf(&errs, "supportType", s.SupportType, SupportStandard, SupportExtended)
	for _, cidr := range s.PublicAccessCIDRs {
		prefix, err := netip.ParsePrefix(cidr)
		switch {
		case err != nil || !prefix.Addr().Is4():
			errs.Add("publicAccessCidrs", cidr, "is not an IPv4 range; give one such as 203.0.113.0/24")
		case prefix.Bits() < 8:
			errs.Add("publicAccessCidrs", cidr, "opens the Kubernetes API to much of the internet; give ranges of /8 or longer")
		case prefix != prefix.Masked():
			errs.Add("publicAccessCidrs", cidr, "has host bits set; the range is %s", prefix.Masked())
		}
	}
	network.CheckCIDR(&errs, "serviceCidr", s.ServiceCIDR, 12, 24)
	if len(s.NodeGroups) == 0 {
		errs.Required("nodeGroups", "at least one node group")
	}
	for _, name := range slices.Sorted(maps.Keys(s.NodeGroups)) {
		s.NodeGroups[name].check(&errs, "nodeGroups."+name, name)
	}
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Access)) {
		access := s.Access[name]
		access.check(&errs, "access."+name, name)
		if other, taken := owner[access.PrincipalARN]; taken {
			errs.Add(
				"access."+name+".principalArn",
				access.PrincipalARN,
				"has an entry already: %s; EKS takes one for each principal",
				other,
			)
		}
		owner[access.PrincipalARN] = name
	}
	for _, name := range slices.Sorted(maps.Keys(s.AddonVersions)) {
		key := "addonVersions." + name
		known := []string{AddonObservability, AddonCoreDNS, AddonPodIdentityAgent, AddonKubeProxy, AddonVPCCNI}
		if !slices.Contains(known, name) {
			errs.Add(key, name, "is not one of %s", strings.Join(known, ", "))
		}
		errs.Match(key, s.AddonVersions[name], addonVersion, "an add-on version such as v1.22.4-eksbuild.3")
	}
	return errs
}

func (s Spec) checkVersion(errs *field.Errors, today time.Time) {
	const key = "kubernetesVersion"
	known := strings.Join(KnownVersions(), ", ")
	if !versionForm.MatchString(s.KubernetesVersion) {
		errs.Add(key, s.KubernetesVersion, "is not of the form \"1.NN\" (a quoted string); known are %s", known)
		return
	}
	release, ok := Releases[s.KubernetesVersion]
	if !ok {
		errs.Add(key, s.KubernetesVersion, "is not in the support calendar; known are %s", known)
		return
	}
	if s.SupportType != SupportExtended && !today.Before(release.StandardSupportEnd) {
		errs.Add(
			key,
			s.KubernetesVersion,
			"left standard support on %s; choose %s, or set supportType to EXTENDED at six times the price",
			release.StandardSupportEnd.Format(time.DateOnly),
			DefaultVersion,
		)
	}
}

func (g NodeGroup) check(errs *field.Errors, key, name string) {
	if !groupName.MatchString(name) {
		errs.Add(key, name, "is not a node group name: 1 to 15 lower-case letters, digits or hyphens, a letter first")
	}
	if _, ok := Instances[g.InstanceType]; !ok {
		errs.Add(key+".instanceType", g.InstanceType, "is not one of %s", strings.Join(KnownInstances(), ", "))
	}
	errs.Range(key+".maxSize", g.MaxSize, 1, 450)
	errs.Range(key+".minSize", g.MinSize, 0, 450)
	if g.MinSize > g.MaxSize {
		errs.Add(key+".minSize", g.MinSize, "is above maxSize %d", g.MaxSize).On(key + ".maxSize")
	} else if g.DesiredSize < g.MinSize || g.DesiredSize > g.MaxSize {
		errs.Add(key+".desiredSize", g.DesiredSize, "is outside minSize %d to maxSize %d", g.MinSize, g.MaxSize).
			On(key+".minSize", key+".maxSize")
	}
	errs.Range(key+".diskGiB", g.DiskGiB, 20, 1000)
	field.OneOf(errs, key+".capacityType", g.CapacityType, CapacityOnDemand, CapacitySpot)
}

func (a Access) check(errs *field.Errors, key, name string) {
	if name == breakGlass || name == deployer || name == previewer {
		errs.Add(key, name, "is the program's own entry; choose another name")
	}
	if !groupName.MatchString(name) {
		errs.Add(key, name, "is not an access entry name: 1 to 15 lower-case letters, digits or hyphens, a letter first")
	}
	errs.Match(key+".principalArn", a.PrincipalARN, principalARN,
		"the ARN of one IAM role or user, such as arn:aws:iam::111122223333:role/deploy")
	field.OneOf(errs, key+".level", a.Level, AccessView, AccessEdit, AccessAdmin, AccessClusterAdmin)
	if (a.Level == AccessEdit || a.Level == AccessAdmin) && len(a.Namespaces) == 0 {
		errs.Required(key+".namespaces", "the namespaces that "+string(a.Level)+" is limited to")
	}
	if a.Level == AccessClusterAdmin && len(a.Namespaces) > 0 {
		errs.Add(key+".namespaces", a.Namespaces, "does not go with %s, which has no limits", a.Level)
	}
	for _, namespace := range a.Namespaces {
		errs.Match(key+".namespaces", namespace, namespaceName, "a Kubernetes namespace")
	}
}

// Fit records which parts of s do not fit the network: overlapping addresses and more nodes than there are addresses
// for. addresses is how many nodes and pods may take; below 0 where it is not known.
func (s Spec) Fit(vpc netip.Prefix, addresses int) field.Errors {
	var errs field.Errors
	if services, err := netip.ParsePrefix(s.ServiceCIDR); err == nil && services.Overlaps(vpc) {
		errs.Add("serviceCidr", s.ServiceCIDR, "overlaps the VPC %s; choose a private range outside it", vpc)
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
		errs.Add("nodeGroups", strings.Join(parts, ", "),
			"need %d addresses at maxSize but the private subnets have %d; lower maxSize or give the VPC a shorter prefix",
			needed, addresses)
	}
	return errs
}

// Deployer is a role that is in a Kubernetes group and has no other right in the cluster.
type Deployer struct {
	PrincipalARN, Group string
}

// Args are the facts and choices of one cluster.
type Args struct {
	// Facts are the environment's; the cluster has its physical base name. Keys, log groups and launch templates are there
	// in every state of Power.
	environment.Facts
	Spec
	// Tags go on instances and volumes, which the provider's default tags do not reach.
	Tags map[string]string
	// Placement is where control plane interfaces and nodes go.
	Placement network.Placement
	// Roles are the roles that control plane, nodes and the break-glass entry use.
	Roles *identity.Identity
	// Deployer is the pipeline that deploys the application; nil for none.
	Deployer *Deployer
	// PreviewerARN is a role that may see everything in the cluster, as a refresh does; empty for none.
	PreviewerARN string
	// Today decides which Kubernetes versions are supported.
	Today time.Time
}

// Validate returns all problems of the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := slices.Concat(a.Spec.Validate(a.Today), a.Facts.Validate(), a.ValidateLogs())
	if a.Roles == nil {
		errs.Required("roles", "the roles of control plane and nodes")
	}
	return errs.Err("cluster " + name + ": args: ")
}
