package mockrun

import (
	"context"
	"fmt"
	"maps"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// transform passes a registration through the transforms of the resource and of everything above it, as the engine
// does: the program serves them.
func (m *monitor) transform(ctx context.Context, r *pulumirpc.RegisterResourceRequest) error {
	urn := m.urn(r.GetParent(), r.GetType(), r.GetName())
	m.mu.Lock()
	m.parents[urn] = r.GetParent()
	m.providers[urn] = providersOf(r, m.providers[r.GetParent()])
	m.transforms[urn] = r.GetTransforms()
	var callbacks []*pulumirpc.Callback
	for at := urn; at != ""; at = m.parents[at] {
		callbacks = append(callbacks, m.transforms[at]...)
	}
	m.mu.Unlock()
	for _, callback := range callbacks {
		if err := m.call(ctx, callback, r); err != nil {
			return fmt.Errorf("transforming %s %s: %w", r.GetType(), r.GetName(), err)
		}
	}
	return nil
}

// call passes a registration through one transform.
func (m *monitor) call(
	ctx context.Context, callback *pulumirpc.Callback, r *pulumirpc.RegisterResourceRequest,
) error {
	request, err := proto.Marshal(&pulumirpc.TransformRequest{
		Type: r.GetType(), Name: r.GetName(), Custom: r.GetCustom(), Parent: r.GetParent(), Properties: r.GetObject(),
		Options: &pulumirpc.TransformResourceOptions{
			IgnoreChanges: r.GetIgnoreChanges(), DeletedWith: r.GetDeletedWith(), DependsOn: r.GetDependencies(),
		},
	})
	if err != nil {
		return err
	}
	connection, err := grpc.NewClient(callback.GetTarget(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	answer, err := pulumirpc.NewCallbacksClient(connection).Invoke(ctx, &pulumirpc.CallbackInvokeRequest{
		Token: callback.GetToken(), Request: request,
	})
	if err != nil {
		return err
	}
	var response pulumirpc.TransformResponse
	if err := proto.Unmarshal(answer.GetResponse(), &response); err != nil {
		return err
	}
	// A transform that has nothing to say answers with nothing.
	if properties := response.GetProperties(); properties != nil {
		r.Object = properties
	}
	if options := response.GetOptions(); options != nil {
		r.IgnoreChanges, r.DeletedWith = options.GetIgnoreChanges(), options.GetDeletedWith()
		r.Dependencies = options.GetDependsOn()
	}
	return nil
}

// providersOf returns the references to the providers of the resources below a component, by package. What the
// registration does not say comes from the parent.
func providersOf(r *pulumirpc.RegisterResourceRequest, inherited map[string]string) map[string]string {
	all := maps.Clone(inherited)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, r.GetProviders())
	if urn := providerURN(r.GetProvider()); urn != "" && !r.GetCustom() {
		all[providerPackage(urn)] = r.GetProvider()
	}
	return all
}
