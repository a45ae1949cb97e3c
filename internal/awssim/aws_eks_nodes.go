package awssim

import (
	"regexp"
	"strings"

	"groundwork/components/hardware"
	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
)

var nodeGroupName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,62}$`)

var nodeGroupTypes = map[string]Type{
	awstype.NodeGroup: {
		Args:     eks.NodeGroupArgs{},
		Required: []string{"subnetIds"},
		Refs: []Ref{
			clusterRef,
			{Path: "nodeRoleArn", Type: awstype.Role, By: "arn"},
			{Path: "subnetIds", Type: awstype.Subnet, Blocks: true, Code: "InvalidParameterException"},
			{Path: "launchTemplate.id", Type: awstype.LaunchTemplate, Code: "InvalidParameterException"},
		},
		Taken:   "ResourceInUseException",
		ID:      nodeGroupID,
		Check:   checkNodeGroup,
		Created: nodeGroupCreated,
		Outputs: nodeGroupOutputs,
	},
}

func nodeGroupID(in Props, digest string) string {
	name := in.Str("nodeGroupName")
	if name == "" {
		name = in.Str("nodeGroupNamePrefix") + digest[:26]
	}
	return in.Str("clusterName") + ":" + name
}

func checkNodeGroup(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "nodeGroupName", nodeGroupName),
		"nodeGroupName", "%q is not a node group name", in.Str("nodeGroupName"))
	desired, haveDesired := in.Num("scalingConfig.desiredSize")
	min, haveMin := in.Num("scalingConfig.minSize")
	max, haveMax := in.Num("scalingConfig.maxSize")
	failIf(&f, haveMax && max < 1, "scalingConfig.maxSize", "is below 1")
	failIf(&f, haveMin && haveMax && min > max, "scalingConfig.minSize", "is above maxSize")
	failIf(&f, haveDesired && ((haveMin && desired < min) || (haveMax && desired > max)), "scalingConfig.desiredSize",
		"%v is outside minSize %v to maxSize %v; the number of nodes is not the program's: "+
			"change it with aws eks update-nodegroup-config, then pulumi refresh", desired, min, max)
	ami := in.Str("amiType")
	failIf(&f, strings.HasPrefix(ami, "AL2_"),
		"amiType", "%s: Amazon Linux 2 has no image for this Kubernetes version", ami)
	failIf(&f, len(in.Str("nodeGroupNamePrefix")) > 37, "nodeGroupNamePrefix", "has more than 37 characters")
	for _, instance := range in.Strs("instanceTypes") {
		kind, known := hardware.Find(hardware.EC2, instance)
		failIf(&f, !known, "instanceTypes", "%s is not an instance type of EC2", instance)
		failIf(&f, ami != "" && kind.Arm != strings.Contains(ami, "ARM"),
			"amiType", "%s does not run on %s", ami, instance)
	}
	failIf(&f, in.Get("launchTemplate") != nil && in.Get("diskSize") != nil,
		"diskSize", "belongs in the launch template")
	return f
}

// lookUpNodeGroup answers the data source of a node group.
func (c *Cloud) lookUpNodeGroup(in Props) (Props, error) {
	id := nodeGroupID(in, "")
	state, err := c.readFor("EKS Node Group", awstype.NodeGroup, id)
	if err != nil {
		return nil, err
	}
	scaling := map[string]any(state.Object("scalingConfig"))
	return Props{
		"id": id, "clusterName": in.Str("clusterName"), "nodeGroupName": in.Str("nodeGroupName"),
		"arn": state.Str("arn"), "status": state.Str("status"), "scalingConfigs": []any{scaling},
	}, nil
}

// nodeGroupCreated gives the nodes a new Auto Scaling group, unless they cannot join the cluster.
func nodeGroupCreated(c *Cloud, o *Object) error {
	group := "eks-" + o.State.Str("nodeGroupName") + "-" + uuid(nil, o.digest)
	o.State["resources"] = []any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": group}}}}
	return nodesCanJoin(c, o)
}

// nodesCanJoin fails as EKS does, after waiting, when nodes start but never join the cluster.
func nodesCanJoin(c *Cloud, o *Object) error {
	ami := o.State.Str("amiType")
	if template := c.get(awstype.LaunchTemplate, o.State.Str("launchTemplate.id")); template != nil {
		instance := template.State.Str("instanceType")
		kind, _ := hardware.Find(hardware.EC2, instance)
		if _, offered := kind.Price(c.Site.Region); instance != "" && !offered {
			return apiError("AsgInstanceLaunchFailures: your requested instance type (%s) is not supported in %s",
				instance, c.Site.Region)
		}
		if instance != "" && kind.Arm != strings.Contains(ami, "ARM") {
			return apiError("AsgInstanceLaunchFailures: %s does not run on %s", ami, instance)
		}
	}
	role := c.find(Ref{Type: awstype.Role, By: "arn"}, o.State.Str("nodeRoleArn"))
	for _, other := range c.objects {
		if other.Type != awstype.RolePolicyAttachment || role == nil {
			continue
		}
		if other.State.Str("role") == role.State.Str("name") &&
			strings.HasSuffix(other.State.Str("policyArn"), "/AmazonEKSWorkerNodePolicy") {
			return nil
		}
	}
	return apiError("NodeCreationFailure: instances failed to join the cluster: " +
		"the node role may not describe instances (AmazonEKSWorkerNodePolicy)")
}

func nodeGroupOutputs(s Site, id string, _ Props) Props {
	_, name, _ := strings.Cut(id, ":")
	return Props{
		"arn":           s.arn("eks", "nodegroup/"+strings.ReplaceAll(id, ":", "/")),
		"status":        "ACTIVE",
		"nodeGroupName": name,
	}
}
