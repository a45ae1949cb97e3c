package mockrun

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/stacks"
)

// organization is what the engine calls the owner of a state in a folder or a bucket.
const organization = "organization"

// wire is the form of properties between program and monitor.
var wire = plugin.MarshalOptions{
	KeepUnknowns: true, KeepSecrets: true, KeepResources: true, KeepOutputValues: true,
}

// monitor answers a program in place of the engine.
type monitor struct {
	pulumirpc.UnimplementedResourceMonitorServer
	pulumirpc.UnimplementedEngineServer

	*Result
	stack   string
	options Options
	// before are the resources of the stack's last update.
	before *graph.Graph

	// mu guards what follows, and the result.
	mu    sync.Mutex
	byURN map[string]*graph.Resource
	// gone are the old resources that a replacement has deleted already.
	gone map[string]bool
	// replaced are the old resources whose new ones exist.
	replaced []*graph.Resource
	// parents, transforms and providers are those of each resource, by URN; providers are by package too.
	parents    map[string]string
	transforms map[string][]*pulumirpc.Callback
	providers  map[string]map[string]string
}

func newMonitor(stack string, o Options) (*monitor, error) {
	cloud, err := o.cloudOf()
	if err != nil {
		return nil, err
	}
	m := &monitor{
		Result: &Result{Outputs: graph.Props{}, Cloud: cloud, connections: map[string]*awssim.Connection{}},
		stack:  stack, options: o,
		byURN: map[string]*graph.Resource{}, gone: map[string]bool{},
		parents: map[string]string{}, transforms: map[string][]*pulumirpc.Callback{},
		providers: map[string]map[string]string{},
	}
	var before []*graph.Resource
	if o.Before != nil {
		before = o.Before.Resources
	}
	m.before, err = graph.New(before)
	return m, err
}

// server is a running monitor.
type server struct {
	*grpc.Server
	address string
}

func (m *monitor) serve() (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving the program: %w", err)
	}
	s := &server{grpc.NewServer(grpc.MaxRecvMsgSize(400 << 20)), listener.Addr().String()}
	pulumirpc.RegisterResourceMonitorServer(s.Server, m)
	pulumirpc.RegisterEngineServer(s.Server, m)
	go func() {
		// Serve returns when Stop is called; the program reports an error when the listener fails.
		_ = s.Serve(listener)
	}()
	return s, nil
}

// SupportsFeature reports what the monitor can do of what the SDK asks.
func (m *monitor) SupportsFeature(
	_ context.Context, r *pulumirpc.SupportsFeatureRequest,
) (*pulumirpc.SupportsFeatureResponse, error) {
	known := []string{"secrets", "resourceReferences", "outputValues", "aliasSpecs", "deletedWith", "transforms"}
	return &pulumirpc.SupportsFeatureResponse{HasSupport: slices.Contains(known, r.GetId())}, nil
}

// Invoke answers a data source, or the read of a stack's outputs or of a resource.
func (m *monitor) Invoke(
	_ context.Context, r *pulumirpc.ResourceInvokeRequest,
) (*pulumirpc.ResourceInvokeResponse, error) {
	args, err := fromWire(r.GetArgs())
	if err != nil {
		return nil, err
	}
	var result graph.Props
	switch r.GetTok() {
	case "pulumi:pulumi:readStackOutputs":
		result = m.stackOutputs(args.Str("name"))
	case "pulumi:pulumi:getResource":
		m.mu.Lock()
		found := m.byURN[args.Str("urn")]
		m.mu.Unlock()
		if found == nil {
			return nil, fmt.Errorf("there is no resource %s", args.Str("urn"))
		}
		result = graph.Props{"urn": found.URN, "id": found.ID, "state": map[string]any(found.Outputs)}
	default:
		if result, err = m.connected(r.GetProvider()).Invoke(r.GetTok(), args); err != nil {
			return nil, err
		}
	}
	out, err := toWire(result)
	return &pulumirpc.ResourceInvokeResponse{Return: out}, err
}

// stackOutputs returns the outputs of the stack with a qualified name.
func (m *monitor) stackOutputs(name string) graph.Props {
	_, stack, _ := strings.Cut(name, "/"+stacks.Project+"/")
	return graph.Props{"name": name, "outputs": map[string]any(m.options.outputsOf(stack, m.stack))}
}

// ReadResource answers a stack reference.
func (m *monitor) ReadResource(
	_ context.Context, r *pulumirpc.ReadResourceRequest,
) (*pulumirpc.ReadResourceResponse, error) {
	if r.GetType() != "pulumi:pulumi:StackReference" {
		return nil, fmt.Errorf("the program reads %s %s, which no layer owns", r.GetType(), r.GetName())
	}
	out, err := toWire(m.stackOutputs(r.GetId()))
	return &pulumirpc.ReadResourceResponse{
		Urn: m.urn(r.GetParent(), r.GetType(), r.GetName()), Properties: out,
	}, err
}

// RegisterResource records a resource, and brings it to its inputs unless the run is a preview.
func (m *monitor) RegisterResource(
	ctx context.Context, r *pulumirpc.RegisterResourceRequest,
) (*pulumirpc.RegisterResourceResponse, error) {
	if err := m.transform(ctx, r); err != nil {
		return nil, err
	}
	in, err := fromWire(r.GetObject())
	if err != nil {
		return nil, err
	}
	done, err := m.register(ctx, m.resourceOf(r, in), r)
	if err != nil {
		return nil, err
	}
	out, err := toWire(done.Outputs)
	if err != nil {
		return nil, err
	}
	if done.Type == awstype.EKSComponent {
		out, err = m.componentOutputs(done)
	}
	return &pulumirpc.RegisterResourceResponse{Urn: done.URN, Id: done.ID, Object: out}, err
}

// RegisterResourceOutputs keeps the outputs of the stack.
func (m *monitor) RegisterResourceOutputs(
	_ context.Context, r *pulumirpc.RegisterResourceOutputsRequest,
) (*emptypb.Empty, error) {
	out, err := fromWire(r.GetOutputs())
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if resource.URN(r.GetUrn()).QualifiedType() == resource.RootStackType {
		m.Outputs = out
	}
	return &emptypb.Empty{}, nil
}

// SignalAndWaitForShutdown has nothing to wait for.
func (m *monitor) SignalAndWaitForShutdown(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Log keeps what the program says.
func (m *monitor) Log(_ context.Context, r *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Messages = append(m.Messages, r.GetMessage())
	return &emptypb.Empty{}, nil
}

func (m *monitor) urn(parent, token, name string) string {
	parentType := tokens.Type("")
	if p := resource.URN(parent); parent != "" && p.QualifiedType() != resource.RootStackType {
		parentType = p.QualifiedType()
	}
	return string(resource.NewURN(tokens.QName(m.stack), stacks.Project, parentType, tokens.Type(token), name))
}

// providerURN returns the URN in a reference to a provider, "URN::ID", or "" where there is none.
func providerURN(reference string) resource.URN {
	i := strings.LastIndex(reference, "::")
	return resource.URN(reference[:max(i, 0)])
}

// providerPackage returns the package of a provider by its URN.
func providerPackage(urn resource.URN) string {
	return strings.TrimPrefix(string(urn.Type()), "pulumi:providers:")
}

// resourceOf returns what a registration says of a resource.
func (m *monitor) resourceOf(r *pulumirpc.RegisterResourceRequest, in graph.Props) *graph.Resource {
	found := &graph.Resource{
		URN: m.urn(r.GetParent(), r.GetType(), r.GetName()), Type: r.GetType(), Name: r.GetName(),
		Parent: r.GetParent(), Provider: r.GetProvider(), Custom: r.GetCustom(), Protect: r.GetProtect(),
		Retain: r.GetRetainOnDelete(), DeleteFirst: r.GetDeleteBeforeReplace(), DeletedWith: r.GetDeletedWith(),
		Inputs: in, Outputs: in, PropertyDependencies: map[string][]string{},
	}
	set := map[string]bool{}
	for _, urn := range r.GetDependencies() {
		set[urn] = true
	}
	for key, urns := range r.GetPropertyDependencies() {
		found.PropertyDependencies[key] = urns.GetUrns()
		for _, urn := range urns.GetUrns() {
			set[urn] = true
		}
	}
	// As in the engine, a resource depends on its provider.
	if provider := providerURN(found.Provider); provider != "" {
		set[string(provider)] = true
	}
	for urn := range set {
		found.Dependencies = append(found.Dependencies, urn)
	}
	return found
}

func fromWire(s *structpb.Struct) (graph.Props, error) {
	m, err := plugin.UnmarshalProperties(s, wire)
	return graph.FromPulumi(m), err
}

func toWire(p graph.Props) (*structpb.Struct, error) {
	return plugin.MarshalProperties(p.PropertyMap(), wire)
}
