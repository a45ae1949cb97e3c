package awssim

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
)

var (
	eksName         = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)
	eksVersion      = regexp.MustCompile(`^1\.[0-9]{2}$`)
	clusterLogTypes = []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}
	// eksVersions are the versions that EKS creates clusters with today, those in extended support included.
	eksVersions = []string{"1.31", "1.32", "1.33", "1.34", "1.35", "1.36"}
)

var clusterRef = Ref{
	Path:   "clusterName",
	Type:   awstype.EKSCluster,
	Blocks: true,
	Code:   "ResourceNotFoundException",
}

var clusterTypes = map[string]Type{
	awstype.EKSCluster: {
		Args:     eks.ClusterArgs{},
		Required: []string{"vpcConfig.subnetIds"},
		Refs: []Ref{
			{Path: "roleArn", Type: awstype.Role, By: "arn"},
			{Path: "vpcConfig.subnetIds", Type: awstype.Subnet, Blocks: true, Code: "InvalidParameterException"},
			{
				Path: "vpcConfig.securityGroupIds", Type: awstype.SecurityGroup,
				Blocks: true, Code: "InvalidParameterException",
			},
			{
				Path: "encryptionConfig.provider.keyArn", Type: awstype.Key, By: "arn",
				Code: "InvalidParameterException",
			},
		},
		Taken:   "ResourceInUseException",
		ID:      fromName("name"),
		Check:   checkCluster,
		Outputs: clusterOutputs,
		Updated: clusterUpdated,
		Created: clusterCreated,
		Deleted: clusterDeleted,
	},
	awstype.Addon: {
		Args:  eks.AddonArgs{},
		Refs:  []Ref{clusterRef, {Path: "serviceAccountRoleArn", Type: awstype.Role, By: "arn"}},
		Taken: "ResourceInUseException",
		ID:    addonID,
		Check: checkAddon,
		Outputs: func(s Site, id string, _ Props) Props {
			arn := s.arn("eks", "addon/"+strings.ReplaceAll(id, ":", "/"))
			return Props{"arn": arn, "createdAt": "2026-11-22T00:00:00Z"}
		},
		Created: addonCreated,
	},
}

func checkCluster(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "name", eksName), "name", "%q is not a cluster name", in.Str("name"))
	failIf(&f, mismatch(in, "version", eksVersion) || !oneOf(in, "version", eksVersions...),
		"version", "unsupported Kubernetes version %q", in.Str("version"))
	for _, log := range in.Strs("enabledClusterLogTypes") {
		failIf(&f, !slices.Contains(clusterLogTypes, log), "enabledClusterLogTypes", "%q is not a log type", log)
	}
	private, public := in.Get("vpcConfig.endpointPrivateAccess"), in.Get("vpcConfig.endpointPublicAccess")
	failIf(&f, private == false && public == false,
		"vpcConfig", "at least one of private and public endpoint access must be on")
	if cidr := in.Str("kubernetesNetworkConfig.serviceIpv4Cidr"); cidr != "" {
		checkPrefix(&f, Props{"serviceIpv4Cidr": cidr}, "serviceIpv4Cidr", 12, 24)
	}
	return f
}

func clusterOutputs(s Site, id string, _ Props) Props {
	return Props{"arn": s.arn("eks", "cluster/"+id), "status": "ACTIVE", "platformVersion": "eks.1"}
}

func hex8(n uint32) string { return fmt.Sprintf("%08x", n) }

// clusterIdentity gives a new cluster what no other one ever gets, not even one of the same name: its addresses, its
// certificate authority, and the security group that EKS attaches to managed nodes.
func clusterIdentity(s Site, o *Object) {
	host := strings.ToUpper(o.digest[:32])
	authority := map[string]any{"data": base64.StdEncoding.EncodeToString([]byte("sandbox " + o.digest[:16]))}
	vpcConfig := maps.Clone(o.State.Object("vpcConfig"))
	vpcConfig["clusterSecurityGroupId"] = "sg-" + o.digest[:17]
	maps.Copy(o.State, Props{
		"endpoint":               "https://" + host + ".gr7." + s.Region + ".eks.amazonaws.com",
		"certificateAuthority":   authority,
		"certificateAuthorities": []any{authority},
		"identities": []any{map[string]any{"oidcs": []any{map[string]any{
			"issuer": "https://oidc.eks." + s.Region + ".amazonaws.com/id/" + host,
		}}}},
		"vpcConfig": map[string]any(vpcConfig),
	})
}

// clusterGroup is the ID of the security group that EKS created for a cluster.
func clusterGroup(cluster *Object) string {
	return cluster.State.Str("vpcConfig.clusterSecurityGroupId")
}

// clusterCreated creates what EKS creates by itself: the cluster's security group, and the log group unless it exists.
func clusterCreated(c *Cloud, o *Object) error {
	clusterIdentity(c.Site, o)
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
	c.add(&Object{Type: awstype.SecurityGroup, Region: c.Site.Region, ID: clusterGroup(o), State: Props{
		"name": "eks-cluster-sg-" + o.ID, "vpcId": vpc, "id": clusterGroup(o),
		"description": "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, " +
			"as well as any managed workloads.",
	}})
	c.ensureClusterLogGroup(o)
	return nil
}

// rollbackDays is how long after an upgrade EKS takes a control plane back by one minor version.
const rollbackDays = 7

// clusterUpdated refuses what EKS refuses: a Kubernetes version that skips a minor one, and an older one, other than
// that from which the cluster was upgraded in the last week.
func clusterUpdated(c *Cloud, o *Object, after Props) error {
	var from, to int
	if _, err := fmt.Sscanf(o.State.Str("version"), "1.%d", &from); err != nil {
		return nil
	}
	if _, err := fmt.Sscanf(after.Str("version"), "1.%d", &to); err != nil {
		return nil
	}
	back := to == from-1 && !o.Upgraded.IsZero() && !c.clock.After(o.Upgraded.AddDate(0, 0, rollbackDays))
	switch {
	case to == from || back:
	case to == from+1:
		o.Upgraded = c.clock
	default:
		return apiError("InvalidParameterException: unsupported Kubernetes minor version update from 1.%d to 1.%d", from, to)
	}
	return nil
}

// clusterDeleted deletes the cluster's security group, which EKS leaves behind while a rule elsewhere names it.
func clusterDeleted(c *Cloud, o *Object) error {
	group := c.get(awstype.SecurityGroup, clusterGroup(o))
	if group != nil {
		if err := c.inUse(group); err != nil {
			c.leave("security group "+group.ID, "EKS could not delete it: "+err.Error())
		}
		delete(c.objects, group.key())
	}
	// The objects in the cluster are stored in its control plane.
	for key, other := range c.objects {
		if strings.HasPrefix(other.Type, "kubernetes:") {
			delete(c.objects, key)
		}
	}
	c.ensureClusterLogGroup(o)
	return nil
}

func (c *Cloud) ensureClusterLogGroup(cluster *Object) {
	if len(cluster.State.Strs("enabledClusterLogTypes")) > 0 {
		c.ensureLogGroup("/aws/eks/"+cluster.ID+"/cluster", "EKS")
	}
}

func addonID(in Props, _ string) string { return in.Str("clusterName") + ":" + in.Str("addonName") }

var addonVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$`)

func checkAddon(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "addonVersion", addonVersion),
		"addonVersion", "%q is not an add-on version", in.Str("addonVersion"))
	for _, property := range []string{"resolveConflictsOnCreate", "resolveConflictsOnUpdate"} {
		failIf(&f, !oneOf(in, property, "NONE", "OVERWRITE", "PRESERVE"),
			property, "is not NONE, OVERWRITE or PRESERVE")
	}
	failIf(&f, in.Str("resolveConflictsOnCreate") == "PRESERVE",
		"resolveConflictsOnCreate", "PRESERVE is for updates only")
	return f
}

// addonCreated fails as EKS does when an add-on never becomes healthy for lack of a node.
func addonCreated(c *Cloud, o *Object) error {
	// These two need a node to become healthy. The others are daemon sets, which are healthy without nodes.
	if !slices.Contains([]string{"coredns", "amazon-cloudwatch-observability"}, o.State.Str("addonName")) {
		return nil
	}
	for _, other := range c.objects {
		if other.Type == awstype.NodeGroup && other.State.Str("clusterName") == o.State.Str("clusterName") {
			return nil
		}
	}
	return apiError("InsufficientNumberOfReplicas: the add-on is unhealthy because it has no node to run on")
}

// lookUpCluster answers the data source of a cluster.
func (c *Cloud) lookUpCluster(in Props) (Props, error) {
	name := in.Str("name")
	state, err := c.readFor("EKS Cluster", awstype.EKSCluster, name)
	if err != nil {
		return nil, err
	}
	return Props{
		"id": name, "name": name, "arn": state.Str("arn"), "endpoint": state.Str("endpoint"),
		"status": state.Str("status"), "version": state.Str("version"),
		"vpcConfig": map[string]any(state.Object("vpcConfig")),
	}, nil
}
