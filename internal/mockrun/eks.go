package mockrun

import (
	"fmt"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// eksComponent does what the pulumi-eks plugin would do: it registers the cluster and returns a reference to it. The
// component's other children appear in the sandbox only, where the real plugin runs.
func (m *Mocks) eksComponent(
	component *graph.Resource, args pulumi.MockResourceArgs,
) (string, resource.PropertyMap, error) {
	child, err := m.registerCluster(args.Name, m.clusterProps(component.Inputs, args))
	if err != nil {
		return "", nil, err
	}
	m.adoptCluster(component, args, child)
	id := resource.NewProperty("")
	if !m.preview {
		id = resource.NewProperty(component.Inputs.Str("name"))
	}
	return "", resource.PropertyMap{
		"eksCluster": resource.NewProperty(resource.ResourceReference{URN: resource.URN(child), ID: id}),
	}, nil
}

// clusterProps returns the inputs that the plugin derives from those of the component.
func (m *Mocks) clusterProps(in graph.Props, args pulumi.MockResourceArgs) pulumi.Map {
	props := pulumi.Map{
		"version": pulumi.String(in.Str("version")),
		"roleArn": pulumi.String(""),
		"vpcConfig": pulumi.Map{
			"subnetIds":             pulumi.ToStringArray(in.Strs("privateSubnetIds")),
			"endpointPrivateAccess": pulumi.Bool(in.Flag("endpointPrivateAccess")),
			"endpointPublicAccess":  pulumi.Bool(in.Flag("endpointPublicAccess")),
			"publicAccessCidrs":     pulumi.ToStringArray(in.Strs("publicAccessCidrs")),
		},
		"accessConfig":           pulumi.Map{"authenticationMode": pulumi.String(in.Str("authenticationMode"))},
		"enabledClusterLogTypes": pulumi.ToStringArray(in.Strs("enabledClusterLogTypes")),
		"encryptionConfig": pulumi.Map{
			"provider":  pulumi.Map{"keyArn": pulumi.String(in.Str("encryptionConfigKeyArn"))},
			"resources": pulumi.ToStringArray([]string{"secrets"}),
		},
	}
	if name := in.Str("name"); name != "" {
		props["name"] = pulumi.String(name)
	}
	if !m.preview {
		role := args.Inputs["serviceRole"].ResourceReferenceValue().ID.StringValue()
		props["roleArn"] = pulumi.String(m.cloud.Read(awstype.Role, role).Str("arn"))
	}
	return props
}

// registerCluster registers the cluster of the component with a name, and returns its URN.
func (m *Mocks) registerCluster(component string, props pulumi.Map) (string, error) {
	var cluster eks.Cluster
	if err := m.ctx.RegisterResource(awstype.EKSCluster, component+"-eksCluster", props, &cluster); err != nil {
		return "", err
	}
	urn := make(chan string, 1)
	cluster.URN().ApplyT(func(u pulumi.URN) string { urn <- string(u); return "" })
	select {
	case child := <-urn:
		return child, nil
	case <-time.After(10 * time.Second):
		return "", fmt.Errorf("the cluster of %s was not registered", component)
	}
}

// adoptCluster gives the recorded cluster what the plugin passes on to it: parent, protection and dependencies.
func (m *Mocks) adoptCluster(component *graph.Resource, args pulumi.MockResourceArgs, child string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.Resources {
		if r.URN != child {
			continue
		}
		r.Parent, r.Protect = component.URN, component.Protect
		r.Dependencies = component.Dependencies
		r.PropertyDependencies = map[string][]string{
			"name":             component.PropertyDependencies["name"],
			"roleArn":          {string(args.Inputs["serviceRole"].ResourceReferenceValue().URN)},
			"vpcConfig":        component.PropertyDependencies["privateSubnetIds"],
			"encryptionConfig": component.PropertyDependencies["encryptionConfigKeyArn"],
		}
	}
}
