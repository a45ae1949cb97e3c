package delivery

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// Values are what the chart cannot know by itself; its values.schema.json has to accept every key of Map.
type Values struct {
	// ImageRepository is where images come from; the tag or digest is in the chart's own values, in Git.
	ImageRepository pulumi.StringOutput
	// Region is where secrets are read.
	Region string
	// URL is where the application answers, Host the host name in it.
	URL pulumi.StringOutput
	// Port is what pods listen on.
	Port int
	// TargetGroupARN and VPCID tie the pods to the load balancer.
	TargetGroupARN, VPCID pulumi.StringOutput
	// PrivateCIDRs hold nodes, pods and load balancer; DataCIDRs database and cache.
	PrivateCIDRs, DataCIDRs []string
	// DatabasePort and CachePort are where these listen.
	DatabasePort, CachePort int
}

// Map returns the values in the chart's form. roleARN is worn by the account that secrets are read with.
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
		"image": pulumi.Map{"repository": v.ImageRepository},
		"url":   v.URL,
		"port":  pulumi.Int(v.Port),
		"targetGroup": pulumi.Map{
			"arn": v.TargetGroupARN, "vpcId": v.VPCID,
		},
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
