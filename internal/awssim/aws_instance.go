package awssim

import (
	"fmt"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
)

// running is the state of an instance that runs.
const running = "running"

var instanceTypes = map[string]Type{
	awstype.Instance: {
		Args: ec2.InstanceArgs{},
		Refs: []Ref{
			{Path: "subnetId", Type: awstype.Subnet, Blocks: true, Code: "InvalidSubnetID.NotFound"},
			{Path: "vpcSecurityGroupIds", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidGroup.NotFound"},
			{Path: "iamInstanceProfile", Type: awstype.InstanceProfile, By: "name"},
		},
		ID:    withPrefix("i-"),
		Check: checkVirtualMachine,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("ec2", "instance/"+id), "instanceState": running}
		},
		Created: func(_ *Cloud, o *Object) error {
			o.State["primaryNetworkInterfaceId"] = "eni-" + o.digest[:17]
			return nil
		},
	},
	awstype.InstanceProfile: {
		Args:  iam.InstanceProfileArgs{},
		Refs:  []Ref{{Path: "role", Type: awstype.Role, By: "name", Blocks: true, Code: "NoSuchEntity"}},
		Taken: "EntityAlreadyExists",
		ID:    fromName("name"),
		Outputs: func(s Site, id string, in Props) Props {
			return Props{"arn": s.iamARN("instance-profile" + in.Str("path") + id), "uniqueId": "AIPASANDBOX"}
		},
	},
}

func checkVirtualMachine(in Props) []Failure {
	var f []Failure
	failIf(&f, !in.Has("ami") && in.Get("launchTemplate") == nil, "ami", "is needed without a launch template")
	failIf(&f, !in.Has("instanceType") && in.Get("launchTemplate") == nil,
		"instanceType", "is needed without a launch template")
	return f
}

// latestImage answers the data source of an image: the newest one of a name that AWS publishes. The sandbox knows one
// image of each name.
func latestImage(s Site, in Props) (Props, error) {
	filters, _ := in["filters"].([]any)
	for _, filter := range filters {
		f, _ := filter.(map[string]any)
		if names := Props(f).Strs("values"); f["name"] == "name" && len(names) == 1 && len(in.Strs("owners")) > 0 {
			id := fmt.Sprintf("ami-%017x", checksum(Props{"name": names[0], "region": s.Region}))
			return Props{"id": id, "imageId": id, "name": names[0], "architecture": "arm64"}, nil
		}
	}
	return nil, fmt.Errorf("your query returned no results: the sandbox finds an image by one owner and one name")
}
