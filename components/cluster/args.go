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
	"groundwork/components/hardware"
	"groundwork/components/identity"
	"groundwork/components/network"
)

// SupportType is what EKS does when the standard support of a version ends.
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
	// CapacitySpot instances are cheaper. EC2 can reclaim them with two minutes' notice.
	CapacitySpot CapacityType = "SPOT"
)

// AccessLevel is what an access entry allows inside Kubernetes.
type AccessLevel string

const (
	// AccessView reads most objects, but not secrets.
	AccessView AccessLevel = "view"
	// AccessEdit reads and writes most objects, but not roles.
	AccessEdit AccessLevel = "edit"
	// AccessAdmin reads and writes most objects, roles included, in the namespaces of the entry.
	AccessAdmin AccessLevel = "admin"
	// AccessClusterAdmin may do everything in the cluster. A role that runs the workloads layer needs it, unless the role
	// created the cluster.
	AccessClusterAdmin AccessLevel = "clusterAdmin"
)

var accessPolicies = map[AccessLevel]string{
	AccessView:         "AmazonEKSViewPolicy",
	AccessEdit:         "AmazonEKSEditPolicy",
	AccessAdmin:        "AmazonEKSAdminPolicy",
	AccessClusterAdmin: "AmazonEKSClusterAdminPolicy",
}

// NodeGroup is a group of worker nodes of one instance type.
type NodeGroup struct {
	// InstanceType is one of Instances. A change replaces the nodes in place, a third of them at a time. Required.
	InstanceType string `json:"instanceType"`
	// DesiredSize is how many nodes the group starts with, MinSize to MaxSize. The autoscaler owns the number once the
	// group exists: later changes have no effect.
	DesiredSize int `json:"desiredSize"`
	// MinSize and MaxSize bound the number of nodes, 0 to 450 and 1 to 450. To move a bound past the current number, first
	// change the number with aws eks update-nodegroup-config, then run pulumi refresh.
	MinSize int `json:"minSize"`
	MaxSize int `json:"maxSize"`
	// DiskGiB is the size of the encrypted gp3 root volume in GiB, 20 to 1000; default 50.
	DiskGiB int `json:"diskGiB"`
	// CapacityType is ON_DEMAND or SPOT; default ON_DEMAND.
	CapacityType CapacityType `json:"capacityType"`
}

// Access gives one IAM principal access to Kubernetes.
type Access struct {
	// PrincipalARN is a role or user, without wildcards; not the account root. Required.
	PrincipalARN string `json:"principalArn"`
	// Level is view, edit, admin or clusterAdmin. Required.
	Level AccessLevel `json:"level"`
	// Namespaces limit the entry; empty, the default, means all namespaces. The levels edit and admin need namespaces,
	// clusterAdmin must not have any.
	Namespaces []string `json:"namespaces"`
}

// Spec is what a stack chooses about its cluster. The zero value is not valid: a cluster needs a node group.
type Spec struct {
	// KubernetesVersion is "1.NN", a string; default DefaultVersion.
	KubernetesVersion string `json:"kubernetesVersion"`
	// SupportType is STANDARD or EXTENDED; default STANDARD.
	SupportType SupportType `json:"supportType"`
	// PublicAccessCIDRs are the IPv4 ranges that may reach the Kubernetes API from the internet, /8 or longer. If empty,
	// the default, the endpoint is private.
	PublicAccessCIDRs []string `json:"publicAccessCidrs"`
	// Tunnel says how a private endpoint is reached: through a Session Manager tunnel, from anywhere with credentials
	// (true, the default), or directly (false), where everybody who runs Pulumi or kubectl is in the VPC or connected with
	// it. A public endpoint has no tunnel.
	Tunnel bool `json:"tunnel"`
	// ServiceCIDR is the range of the addresses of Kubernetes Services: private, /12 to /24, outside the VPC; default
	// 172.20.0.0/16. It cannot be changed.
	ServiceCIDR string `json:"serviceCidr"`
	// NodeGroups are the node groups by name, at least one. The name is part of resource names: renaming a group replaces
	// it.
	NodeGroups map[string]NodeGroup `json:"nodeGroups"`
	// Access are the access entries by name; default none.
	Access map[string]Access `json:"access"`
	// AddonVersions override the versions of the catalog, by add-on name; default none.
	AddonVersions map[string]string `json:"addonVersions"`
}

// SetDefaults sets the values that a stack may omit. It runs before the stack's own values are read.
func (s *Spec) SetDefaults() {
	s.KubernetesVersion, s.SupportType, s.ServiceCIDR = DefaultVersion, SupportStandard, "172.20.0.0/16"
	s.Tunnel = true
}

// Tunneled reports whether the endpoint is reached through a tunnel.
func (s Spec) Tunneled() bool { return s.Tunnel && len(s.PublicAccessCIDRs) == 0 }

// SetDefaults sets the values that a stack may omit in a node group. It runs before the stack's own values are read.
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
	s.validateVersion(&errs, today)
	field.OneOf(&errs, "supportType", s.SupportType, SupportStandard, SupportExtended)
	s.validatePublicAccess(&errs)
	network.ValidateCIDR(&errs, "serviceCidr", s.ServiceCIDR, 12, 24)
	if len(s.NodeGroups) == 0 {
		errs.Required("nodeGroups", "at least one node group")
	}
	for _, name := range slices.Sorted(maps.Keys(s.NodeGroups)) {
		s.NodeGroups[name].validate(&errs, "nodeGroups."+name, name)
	}
	s.validateAccess(&errs)
	s.validateAddonVersions(&errs)
	return errs
}

func (s Spec) validateVersion(errs *field.Errors, today time.Time) {
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
		errs.Add(key, s.KubernetesVersion,
			"left standard support on %s; choose %s, or set supportType to EXTENDED at six times the price",
			release.StandardSupportEnd.Format(time.DateOnly), DefaultVersion)
	}
}

func (s Spec) validatePublicAccess(errs *field.Errors) {
	const key = "publicAccessCidrs"
	for _, cidr := range s.PublicAccessCIDRs {
		prefix, err := netip.ParsePrefix(cidr)
		switch {
		case err != nil || !prefix.Addr().Is4():
			errs.Add(key, cidr, "is not an IPv4 range; give one such as 203.0.113.0/24")
		case prefix.Bits() < 8:
			errs.Add(key, cidr, "opens the Kubernetes API to much of the internet; give ranges of /8 or longer")
		case prefix != prefix.Masked():
			errs.Add(key, cidr, "has host bits set; the range is %s", prefix.Masked())
		}
	}
}

func (s Spec) validateAccess(errs *field.Errors) {
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Access)) {
		access, key := s.Access[name], "access."+name
		access.validate(errs, key, name)
		if other, taken := owner[access.PrincipalARN]; taken {
			errs.Add(key+".principalArn", access.PrincipalARN,
				"has an entry already: %s; EKS takes one for each principal", other)
		}
		owner[access.PrincipalARN] = name
	}
}

func (s Spec) validateAddonVersions(errs *field.Errors) {
	known := []string{AddonObservability, AddonCoreDNS, AddonPodIdentityAgent, AddonKubeProxy, AddonVPCCNI}
	for _, name := range slices.Sorted(maps.Keys(s.AddonVersions)) {
		key := "addonVersions." + name
		if !slices.Contains(known, name) {
			errs.Add(key, name, "is not one of %s", strings.Join(known, ", "))
		}
		errs.Match(key, s.AddonVersions[name], addonVersion, "an add-on version such as v1.22.4-eksbuild.3")
	}
}

func (g NodeGroup) validate(errs *field.Errors, key, name string) {
	if !groupName.MatchString(name) {
		errs.Add(key, name, "is not a node group name: 1 to 15 lower-case letters, digits or hyphens, a letter first")
	}
	if _, known := hardware.Find(hardware.EC2, g.InstanceType); !known {
		errs.Add(key+".instanceType", g.InstanceType, "%s", hardware.Unknown(hardware.EC2, g.InstanceType))
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

func (a Access) validate(errs *field.Errors, key, name string) {
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

// Fit returns which parts of s do not fit the network: a service range that overlaps the VPC, and more nodes than the
// private subnets have addresses for. addresses is how many addresses nodes and pods may use; less than 0 if that is
// not known.
func (s Spec) Fit(vpc netip.Prefix, addresses int) field.Errors {
	var errs field.Errors
	if services, err := netip.ParsePrefix(s.ServiceCIDR); err == nil && services.Overlaps(vpc) {
		errs.Add("serviceCidr", s.ServiceCIDR, "overlaps the VPC %s; choose a private range outside it", vpc)
	}
	needed := 0
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(s.NodeGroups)) {
		group := s.NodeGroups[name]
		instance, _ := hardware.Find(hardware.EC2, group.InstanceType)
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

// Deployer is an IAM principal that belongs to a Kubernetes group and has no other permission in the cluster.
type Deployer struct {
	PrincipalARN, Group string
}

// Args are the facts and choices of one cluster.
type Args struct {
	// Facts are the environment's; their Name is the name of the cluster. Keys, log groups and launch templates exist in
	// every state of Power.
	environment.Facts
	Spec
	// Tags are put on instances and volumes, which the default tags of the provider do not reach.
	Tags map[string]string
	// Placement is the VPC and the subnets of control-plane interfaces and nodes.
	Placement network.Placement
	// Roles are the roles of control plane, nodes and the break-glass entry.
	Roles *identity.Identity
	// Deployer is the pipeline that deploys the application; nil for none.
	Deployer *Deployer
	// PreviewerARN is a role that may read everything in the cluster, as pulumi refresh does; empty for none.
	PreviewerARN string
	// LiveNodes are how many nodes the autoscaler wants, for each node group whose settings change; none for the others.
	LiveNodes map[string]int
	// Today decides which Kubernetes versions EKS supports.
	Today time.Time
}

// Validate returns everything wrong with the arguments in one error.
func (a *Args) Validate(name string) error {
	errs := slices.Concat(a.Spec.Validate(a.Today), a.Facts.Validate(), a.ValidateLogs())
	if a.Roles == nil {
		errs.Required("roles", "the roles of control plane and nodes")
	}
	return errs.Err("cluster " + name + ": args: ")
}
