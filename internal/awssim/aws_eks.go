package awssim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
)

var (
	eksName         = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)
	nodeGroupName   = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,62}$`)
	eksVersion      = regexp.MustCompile(`^1\.[0-9]{2}$`)
	addonVersion    = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$`)
	clusterPolicy   = regexp.MustCompile(`^arn:aws:eks::aws:cluster-access-policy/AmazonEKS[A-Za-z]+Policy$`)
	principal       = regexp.MustCompile(`^arn:aws:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+$`)
	clusterLogTypes = []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}
	// eksVersions are the versions a cluster can be created with today, extended support included.
	eksVersions = []string{"1.31", "1.32", "1.33", "1.34", "1.35", "1.36"}
)

var clusterRef = Ref{Path: "clusterName", Type: awstype.EKSCluster, Blocks: true, Code: "ResourceNotFoundException"}

var eksTypes = map[string]Type{
	awstype.EKSCluster: {
		Args:     eks.ClusterArgs{},
		Required: []string{"vpcConfig.subnetIds"},
		Refs: []Ref{
			{Path: "roleArn", Type: awstype.Role, By: "arn"},
			{Path: "vpcConfig.subnetIds", Type: awstype.Subnet, Blocks: true, Code: "InvalidParameterException"},
			{Path: "vpcConfig.securityGroupIds", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidParameterException"},
			{Path: "encryptionConfig.provider.keyArn", Type: awstype.Key, By: "arn", Code: "InvalidParameterException"},
		},
		Unique: unique("name", "ResourceInUseException"),
		ID:     fromName("name"),
		Check:  checkCluster,
		Outputs: func(s Site, id string, in Props) Props {
			hash := strings.ToUpper(strings.Repeat(hex8(checksum(Props{"cluster": s.Account + id})), 4))
			vpcConfig := map[string]any{}
			for key, value := range in.Object("vpcConfig") {
				vpcConfig[key] = value
			}
			vpcConfig["clusterSecurityGroupId"] = clusterGroupID(id)
			return Props{
				"arn": s.arn("eks", "cluster/"+id), "endpoint": "https://" + hash + ".gr7." + s.Region + ".eks.amazonaws.com", "status": "ACTIVE", "platformVersion": "eks.1",
				"certificateAuthority":   map[string]any{"data": "c2FuZGJveA=="},
				"certificateAuthorities": []any{map[string]any{"data": "c2FuZGJveA=="}},
				"identities": []any{map[string]any{"oidcs": []any{map[string]any{
					"issuer": "https://oidc.eks." + s.Region + ".amazonaws.com/id/" + hash,
				}}}},
				"vpcConfig": vpcConfig,
			}
		},
		Updated: clusterUpdated,
		Created: clusterCreated,
		Deleted: clusterDeleted,
	},
	awstype.NodeGroup: {
		Args:     eks.NodeGroupArgs{},
		Required: []string{"subnetIds"},
		Refs: []Ref{
			clusterRef,
			{Path: "nodeRoleArn", Type: awstype.Role, By: "arn"},
			{Path: "subnetIds", Type: awstype.Subnet, Blocks: true, Code: "InvalidParameterException"},
			{Path: "launchTemplate.id", Type: awstype.LaunchTemplate, Code: "InvalidParameterException"},
		},
		Unique: func(in Props) (string, string) {
			if !in.Has("nodeGroupName") {
				return "", ""
			}
			return in.Str("clusterName") + ":" + in.Str("nodeGroupName"), "ResourceInUseException"
		},
		ID: func(in Props, digest string) string {
			name := in.Str("nodeGroupName")
			if name == "" {
				name = in.Str("nodeGroupNamePrefix") + digest[:26]
			}
			return in.Str("clusterName") + ":" + name
		},
		Check:   checkNodeGroup,
		Created: nodesCanJoin,
		Outputs: func(s Site, id string, in Props) Props {
			_, name, _ := strings.Cut(id, ":")
			group := "eks-" + name + "-" + hex8(checksum(Props{"id": id}))
			return Props{
				"arn": s.arn("eks", "nodegroup/"+strings.ReplaceAll(id, ":", "/")), "status": "ACTIVE", "nodeGroupName": name,
				"resources": []any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": group}}}},
			}
		},
	},
	awstype.Addon: {
		Args:   eks.AddonArgs{},
		Refs:   []Ref{clusterRef, {Path: "serviceAccountRoleArn", Type: awstype.Role, By: "arn"}},
		Unique: func(in Props) (string, string) { return addonID(in, ""), "ResourceInUseException" },
		ID:     addonID,
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("addonVersion") && !addonVersion.MatchString(in.Str("addonVersion")), "addonVersion", "%q is not an add-on version", in.Str("addonVersion"))
			for _, property := range []string{"resolveConflictsOnCreate", "resolveConflictsOnUpdate"} {
				failIf(&f, !oneOf(in, property, "NONE", "OVERWRITE", "PRESERVE"), property, "is not NONE, OVERWRITE or PRESERVE")
			}
			failIf(&f, in.Str("resolveConflictsOnCreate") == "PRESERVE", "resolveConflictsOnCreate", "PRESERVE is for updates only")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("eks", "addon/"+strings.ReplaceAll(id, ":", "/")), "createdAt": "2026-11-22T00:00:00Z"}
		},
		Created: func(c *Cloud, o *Object) error {
			// These need a node to run on; the others wait as daemon sets.
			if !slices.Contains([]string{"coredns", "amazon-cloudwatch-observability"}, o.State.Str("addonName")) {
				return nil
			}
			for _, other := range c.objects {
				if other.Type == awstype.NodeGroup && other.State.Str("clusterName") == o.State.Str("clusterName") {
					return nil
				}
			}
			return apiError("InsufficientNumberOfReplicas: the add-on is unhealthy because it has no node to run on")
		},
	},
	awstype.AccessEntry: {
		Args:   eks.AccessEntryArgs{},
		Refs:   []Ref{clusterRef},
		Unique: func(in Props) (string, string) { return accessID(in, ""), "ResourceInUseException" },
		ID:     accessID,
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("principalArn") && !principal.MatchString(in.Str("principalArn")), "principalArn", "%q is not a role or user", in.Str("principalArn"))
			failIf(&f, !oneOf(in, "type", "STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX"), "type", "is not an access entry type")
			failIf(&f, in.Has("type") && in.Str("type") != "STANDARD" && len(in.Strs("kubernetesGroups")) > 0, "kubernetesGroups", "goes with STANDARD entries only")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"accessEntryArn": s.arn("eks", "access-entry/"+id), "createdAt": "2026-11-22T00:00:00Z"}
		},
	},
	awstype.AccessPolicyAssociation: {
		Args: eks.AccessPolicyAssociationArgs{},
		Refs: []Ref{
			{Path: "clusterName", Type: awstype.EKSCluster, Code: "ResourceNotFoundException"},
			{Path: "principalArn", Type: awstype.AccessEntry, By: "principalArn", Code: "ResourceNotFoundException"},
		},
		ID: func(in Props, _ string) string { return accessID(in, "") + "#" + in.Str("policyArn") },
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("policyArn") && !clusterPolicy.MatchString(in.Str("policyArn")), "policyArn", "%q is not an EKS access policy", in.Str("policyArn"))
			failIf(&f, !oneOf(in, "accessScope.type", "cluster", "namespace"), "accessScope.type", "is not cluster or namespace")
			failIf(&f, in.Str("accessScope.type") == "namespace" && len(in.Strs("accessScope.namespaces")) == 0, "accessScope.namespaces", "is needed by the scope namespace")
			return f
		},
	},
}

func addonID(in Props, _ string) string  { return in.Str("clusterName") + ":" + in.Str("addonName") }
func accessID(in Props, _ string) string { return in.Str("clusterName") + ":" + in.Str("principalArn") }

func checkCluster(in Props) []Failure {
	var f []Failure
	failIf(&f, in.Has("name") && !eksName.MatchString(in.Str("name")), "name", "%q is not a cluster name", in.Str("name"))
	failIf(&f, in.Has("version") && (!eksVersion.MatchString(in.Str("version")) || !slices.Contains(eksVersions, in.Str("version"))),
		"version", "unsupported Kubernetes version %q", in.Str("version"))
	failIf(&f, !oneOf(in, "accessConfig.authenticationMode", "API", "API_AND_CONFIG_MAP", "CONFIG_MAP"), "accessConfig.authenticationMode", "is not an authentication mode")
	failIf(&f, !oneOf(in, "upgradePolicy.supportType", "STANDARD", "EXTENDED"), "upgradePolicy.supportType", "is not STANDARD or EXTENDED")
	for _, log := range in.Strs("enabledClusterLogTypes") {
		failIf(&f, !slices.Contains(clusterLogTypes, log), "enabledClusterLogTypes", "%q is not a log type", log)
	}
	private, public := in.Get("vpcConfig.endpointPrivateAccess"), in.Get("vpcConfig.endpointPublicAccess")
	failIf(&f, private == false && public == false, "vpcConfig", "at least one of private and public endpoint access must be on")
	if in.Has("kubernetesNetworkConfig.serviceIpv4Cidr") {
		checkPrefix(&f, Props{"serviceIpv4Cidr": in.Str("kubernetesNetworkConfig.serviceIpv4Cidr")}, "serviceIpv4Cidr", 12, 24)
	}
	return f
}

func checkNodeGroup(in Props) []Failure {
	var f []Failure
	failIf(&f, in.Has("nodeGroupName") && !nodeGroupName.MatchString(in.Str("nodeGroupName")), "nodeGroupName", "%q is not a node group name", in.Str("nodeGroupName"))
	desired, haveDesired := in.Num("scalingConfig.desiredSize")
	min, haveMin := in.Num("scalingConfig.minSize")
	max, haveMax := in.Num("scalingConfig.maxSize")
	failIf(&f, haveMax && max < 1, "scalingConfig.maxSize", "is below 1")
	failIf(&f, haveMin && haveMax && min > max, "scalingConfig.minSize", "is above maxSize")
	failIf(&f, haveDesired && ((haveMin && desired < min) || (haveMax && desired > max)), "scalingConfig.desiredSize",
		"%v is outside minSize %v to maxSize %v; the number of nodes is not the program's: change it with aws eks update-nodegroup-config, then pulumi refresh", desired, min, max)
	ami := in.Str("amiType")
	failIf(&f, strings.HasPrefix(ami, "AL2_"), "amiType", "%s: Amazon Linux 2 has no image for this Kubernetes version", ami)
	failIf(&f, len(in.Str("nodeGroupNamePrefix")) > 37, "nodeGroupNamePrefix", "has more than 37 characters")
	for _, instance := range in.Strs("instanceTypes") {
		failIf(&f, ami != "" && isArm(instance) != strings.Contains(ami, "ARM"), "amiType", "%s does not run on %s", ami, instance)
	}
	failIf(&f, in.Get("launchTemplate") != nil && in.Get("diskSize") != nil, "diskSize", "belongs in the launch template")
	return f
}

// nodesCanJoin fails as EKS does, after waiting, when nodes start but never become part of the cluster.
func nodesCanJoin(c *Cloud, o *Object) error {
	template := c.get(awstype.LaunchTemplate, o.State.Str("launchTemplate.id"))
	if template != nil && template.State.Has("instanceType") && isArm(template.State.Str("instanceType")) != strings.Contains(o.State.Str("amiType"), "ARM") {
		return apiError("AsgInstanceLaunchFailures: %s does not run on %s", o.State.Str("amiType"), template.State.Str("instanceType"))
	}
	role := c.find(Ref{Type: awstype.Role, By: "arn"}, o.State.Str("nodeRoleArn"))
	for _, other := range c.objects {
		if other.Type == awstype.RolePolicyAttachment && role != nil && other.State.Str("role") == role.State.Str("name") &&
			strings.HasSuffix(other.State.Str("policyArn"), "/AmazonEKSWorkerNodePolicy") {
			return nil
		}
	}
	return apiError("NodeCreationFailure: instances failed to join the cluster: the node role may not describe instances (AmazonEKSWorkerNodePolicy)")
}

// isArm reports whether an instance type is of a Graviton family: "t4g", "m7g", "c7gn".
func isArm(instance string) bool {
	family, _, _ := strings.Cut(instance, ".")
	return strings.HasSuffix(strings.TrimRight(family, "dn"), "g")
}

// clusterGroupID is the security group that EKS makes for a cluster and that managed nodes wear.
func clusterGroupID(cluster string) string {
	return "sg-0eks" + hex8(checksum(Props{"cluster": cluster})) + "00000"
}

// clusterCreated makes what EKS makes by itself: the cluster's security group, and the log group where there is none.
func clusterCreated(c *Cloud, o *Object) error {
	zones := map[string]bool{}
	vpc := ""
	for _, id := range o.State.Strs("vpcConfig.subnetIds") {
		subnet := c.get(awstype.Subnet, id)
		zones[subnet.State.Str("availabilityZone")] = true
		vpc = subnet.State.Str("vpcId")
	}
	if len(zones) < 2 {
		return apiError("InvalidParameterException: subnets specified must be in at least two different availability zones")
	}
	c.add(&Object{Type: awstype.SecurityGroup, Region: c.Site.Region, ID: clusterGroupID(o.ID), State: Props{
		"name": "eks-cluster-sg-" + o.ID, "vpcId": vpc, "id": clusterGroupID(o.ID),
		"description": "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads.",
	}})
	if len(o.State.Strs("enabledClusterLogTypes")) > 0 {
		c.ensureLogGroup("/aws/eks/"+o.ID+"/cluster", "EKS")
	}
	return nil
}

// clusterUpdated refuses what EKS refuses: going back a Kubernetes version, or skipping one.
func clusterUpdated(before, after Props) error {
	var from, to int
	if _, err := fmt.Sscanf(before.Str("version"), "1.%d", &from); err != nil {
		return nil
	}
	if _, err := fmt.Sscanf(after.Str("version"), "1.%d", &to); err != nil {
		return nil
	}
	if to < from || to > from+1 {
		return apiError("InvalidParameterException: unsupported Kubernetes minor version update from 1.%d to 1.%d", from, to)
	}
	return nil
}

// clusterDeleted takes the cluster's security group away, which EKS cannot while a rule elsewhere names it.
func clusterDeleted(c *Cloud, o *Object) error {
	group := c.get(awstype.SecurityGroup, clusterGroupID(o.ID))
	if group != nil {
		if err := c.inUse(group); err != nil {
			c.leave("security group "+group.ID, "EKS could not delete it: "+err.Error())
		}
		delete(c.objects, group.key())
	}
	// With the control plane goes what it kept.
	for key, other := range c.objects {
		if strings.HasPrefix(other.Type, "kubernetes:") {
			delete(c.objects, key)
		}
	}
	if len(o.State.Strs("enabledClusterLogTypes")) > 0 {
		c.ensureLogGroup("/aws/eks/"+o.ID+"/cluster", "EKS")
	}
	return nil
}

// ensureLogGroup does what services that write logs do: where the group is missing they make it, without encryption,
// without an end to its retention, and outside of any program. The caller holds mu.
func (c *Cloud) ensureLogGroup(name, maker string) {
	if c.find(Ref{Type: awstype.LogGroup, By: "name"}, name) == nil {
		c.add(&Object{Type: awstype.LogGroup, Region: c.Site.Region, ID: name, State: Props{"name": name, "arn": c.Site.arn("logs", "log-group:"+name)}})
		c.leave("log group "+name, maker+" made it by itself, without key and retention")
	}
}
