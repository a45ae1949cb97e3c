package awssim

import (
	"regexp"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
)

var deviceName = regexp.MustCompile(`^/dev/(xvd[a-z]{1,2}|sd[a-z][0-9]*)$`)

var launchTemplateTypes = map[string]Type{
	awstype.LaunchTemplate: {
		Args: ec2.LaunchTemplateArgs{},
		Refs: []Ref{
			{Path: "vpcSecurityGroupIds", Type: awstype.SecurityGroup, Blocks: true, Code: "InvalidGroup.NotFound"},
		},
		Taken:   "InvalidLaunchTemplateName.AlreadyExistsException",
		ID:      withPrefix("lt-"),
		Check:   checkLaunchTemplate,
		Outputs: launchTemplateOutputs,
	},
}

func checkLaunchTemplate(in Props) []Failure {
	var f []Failure
	failIf(&f, len(in.Str("name")) > 128 || (in.Has("name") && len(in.Str("name")) < 3),
		"name", "must have 3 to 128 characters")
	device := in.Str("blockDeviceMappings[0].deviceName")
	failIf(&f, device != "" && !deviceName.MatchString(device),
		"blockDeviceMappings[0].deviceName", "%q is not a device name", device)
	const volumeType = "blockDeviceMappings[0].ebs.volumeType"
	failIf(&f, !oneOf(in, volumeType, "gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"),
		volumeType, "is not an EBS volume type")
	failIf(&f, outOfRange(in, "blockDeviceMappings[0].ebs.volumeSize", 1, 65536),
		"blockDeviceMappings[0].ebs.volumeSize", "is outside 1 to 65536 GiB")
	return f
}

func launchTemplateOutputs(s Site, id string, in Props) Props {
	return Props{
		"arn":            s.arn("ec2", "launch-template/"+id),
		"latestVersion":  templateVersion(in),
		"defaultVersion": templateVersion(in),
	}
}

// templateVersion stands for the version number that EC2 increments with every change: it differs whenever the template
// does.
func templateVersion(in Props) float64 {
	changed := in.Clone()
	delete(changed, "tags")
	delete(changed, "tagsAll")
	for _, output := range []string{"arn", "latestVersion", "defaultVersion"} {
		delete(changed, output)
	}
	return 1 + float64(checksum(changed)%997)
}
