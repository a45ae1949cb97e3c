package delivery

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// Values are the values of the chart that only infrastructure knows. The chart's values.schema.json must accept every
// key of Map.
type Values struct {
	// ImageRepository is the repository of the images. Their tag or digest is in the chart's own values, in Git.
	ImageRepository pulumi.StringOutput
	// Region is the region of the secrets.
	Region string
	// URL is the URL of the application.
	URL pulumi.StringOutput
	// Port is the TCP port of the pods.
	Port int
	// TargetGroupARN and VPCID bind the pods to the load balancer.
	TargetGroupARN, VPCID pulumi.StringOutput
	// PrivateCIDRs are the ranges of nodes, pods and load balancer, DataCIDRs those of database and cache.
	PrivateCIDRs, DataCIDRs []string
	// DatabasePort and CachePort are the TCP ports of database and cache.
	DatabasePort, CachePort int
}

// Map returns the values in the form that the chart needs. secretsAccount is the service account that reads the
// secrets, and roleARN the role that it assumes.
func (v Values) Map(
	secretARNs map[string]pulumi.StringOutput,
	secretsAccount string,
	roleARN pulumi.StringInput,
) pulumi.Map {
	arns := pulumi.Map{}
	for kind, arn := range secretARNs {
		arns[kind] = arn
	}
	return pulumi.Map{
		"image":       pulumi.Map{"repository": v.ImageRepository},
		"url":         v.URL,
		"port":        pulumi.Int(v.Port),
		"targetGroup": pulumi.Map{"arn": v.TargetGroupARN, "vpcId": v.VPCID},
		"secrets": pulumi.Map{
			"region": pulumi.String(v.Region), "arns": arns,
			"serviceAccount": pulumi.Map{"name": pulumi.String(secretsAccount), "roleArn": roleARN},
		},
		"network": pulumi.Map{
			"privateCidrs": pulumi.ToStringArray(v.PrivateCIDRs), "dataCidrs": pulumi.ToStringArray(v.DataCIDRs),
			"databasePort": pulumi.Int(v.DatabasePort), "cachePort": pulumi.Int(v.CachePort),
		},
	}
}
