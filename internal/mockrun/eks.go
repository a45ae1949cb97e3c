package mockrun

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// registerCluster does what the pulumi-eks plugin would do: it registers the cluster of the component. The component's
// other children appear in the sandbox only, where the real plugin runs.
func (m *monitor) registerCluster(
	ctx context.Context, component *graph.Resource, request *pulumirpc.RegisterResourceRequest,
) error {
	given, err := plugin.UnmarshalProperties(request.GetObject(), wire)
	if err != nil {
		return err
	}
	reference := given["serviceRole"]
	if reference.IsOutput() {
		reference = reference.OutputValue().Element
	}
	urn := string(reference.ResourceReferenceValue().URN)
	m.mu.Lock()
	provider := m.providers[component.URN]["aws"]
	role, known := m.byURN[urn].Outputs["arn"]
	m.mu.Unlock()
	if !known {
		role = graph.Unknown{}
	}
	inputs, err := toWire(clusterInputs(component.Inputs, role))
	if err != nil {
		return err
	}
	depends := map[string]*pulumirpc.RegisterResourceRequest_PropertyDependencies{
		"roleArn": {Urns: []string{urn}},
	}
	for property, from := range map[string]string{
		"name": "name", "vpcConfig": "privateSubnetIds", "encryptionConfig": "encryptionConfigKeyArn",
	} {
		depends[property] = request.GetPropertyDependencies()[from]
	}
	_, err = m.RegisterResource(ctx, &pulumirpc.RegisterResourceRequest{
		Type: awstype.EKSCluster, Name: component.Name + "-eksCluster", Parent: component.URN, Custom: true,
		Provider: provider, Protect: request.Protect, Object: inputs,
		Dependencies: component.Dependencies, PropertyDependencies: depends,
	})
	component.Outputs = graph.Props{}
	return err
}

// clusterInputs returns the inputs of the cluster that the plugin derives from those of the component.
func clusterInputs(in graph.Props, role any) graph.Props {
	inputs := graph.Props{
		"version": in["version"],
		"roleArn": role,
		"vpcConfig": map[string]any{
			"subnetIds":             in["privateSubnetIds"],
			"endpointPrivateAccess": in["endpointPrivateAccess"],
			"endpointPublicAccess":  in["endpointPublicAccess"],
			"publicAccessCidrs":     in["publicAccessCidrs"],
		},
		"accessConfig":           map[string]any{"authenticationMode": in["authenticationMode"]},
		"enabledClusterLogTypes": in["enabledClusterLogTypes"],
		"encryptionConfig": map[string]any{
			"provider": map[string]any{"keyArn": in["encryptionConfigKeyArn"]}, "resources": []any{"secrets"},
		},
	}
	if services := in["kubernetesServiceIpAddressRange"]; services != nil {
		inputs["kubernetesNetworkConfig"] = map[string]any{"serviceIpv4Cidr": services}
	}
	if name := in["name"]; name != nil {
		inputs["name"] = name
	}
	return inputs
}

// componentOutputs are the outputs of the component: a reference to its cluster.
func (m *monitor) componentOutputs(component *graph.Resource) (*structpb.Struct, error) {
	urn := m.urn(component.URN, awstype.EKSCluster, component.Name+"-eksCluster")
	m.mu.Lock()
	id := m.byURN[urn].ID
	m.mu.Unlock()
	value := resource.NewProperty(resource.Computed{Element: resource.NewProperty("")})
	if id != "" {
		value = resource.NewProperty(id)
	}
	return plugin.MarshalProperties(resource.PropertyMap{
		"eksCluster": resource.NewProperty(resource.ResourceReference{URN: resource.URN(urn), ID: value}),
	}, wire)
}
