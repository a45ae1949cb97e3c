package awssim

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// Packages are the Pulumi packages that the sandbox simulates.
var Packages = []string{"aws", "kubernetes", "random"}

// provider serves one package of a cloud by Pulumi's provider protocol.
type provider struct {
	pulumirpc.UnimplementedResourceProviderServer

	pkg   string
	cloud *Cloud
}

// Servers are the running providers of a cloud.
type Servers struct {
	servers []*grpc.Server
	// DebugProviders is the value of PULUMI_DEBUG_PROVIDERS that points an engine at them.
	DebugProviders string
}

// Serve starts a provider for each package on a free port of the loopback interface.
func Serve(cloud *Cloud) (*Servers, error) {
	s := &Servers{}
	var ports []string
	for _, pkg := range Packages {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.Stop()
			return nil, fmt.Errorf("serving the simulated %s provider: %w", pkg, err)
		}
		server := grpc.NewServer(grpc.MaxRecvMsgSize(400<<20), grpc.StatsHandler(instances{cloud}))
		pulumirpc.RegisterResourceProviderServer(server, &provider{pkg: pkg, cloud: cloud})
		go func() {
			// Serve returns when Stop is called; a lost listener shows as an error of the engine.
			_ = server.Serve(listener)
		}()
		s.servers = append(s.servers, server)
		ports = append(ports, fmt.Sprintf("%s:%d", pkg, listener.Addr().(*net.TCPAddr).Port))
	}
	s.DebugProviders = strings.Join(ports, ",")
	return s, nil
}

// Stop ends the providers.
func (s *Servers) Stop() {
	for _, server := range s.servers {
		server.Stop()
	}
}

var unmarshalOptions = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true}

func fromRPC(s *structpb.Struct) (Props, error) {
	m, err := plugin.UnmarshalProperties(s, unmarshalOptions)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return graph.FromPulumi(m), nil
}

func toRPC(p Props) (*structpb.Struct, error) {
	return plugin.MarshalProperties(p.PropertyMap(), plugin.MarshalOptions{KeepUnknowns: true})
}

func typeOf(urn string) string { return string(resource.URN(urn).Type()) }

func (p *provider) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{}, nil
}

func (p *provider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// GetPluginInfo claims a version above any that a program may ask for: the catalogue, not a version, says what is known.
func (p *provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "999.0.0"}, nil
}

func (p *provider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: `{"name":"` + p.pkg + `"}`}, nil
}

func (p *provider) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.GetNews()}, nil
}

// DiffConfig replaces the AWS provider, and with it everything, when it moves to another region.
func (p *provider) DiffConfig(_ context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	before, err := fromRPC(r.GetOldInputs())
	if err != nil {
		return nil, err
	}
	after, err := fromRPC(r.GetNews())
	if err != nil {
		return nil, err
	}
	changes := pulumirpc.DiffResponse_DIFF_NONE
	if !reflect.DeepEqual(before, after) {
		changes = pulumirpc.DiffResponse_DIFF_SOME
	}
	var replaces []string
	if before.Str("region") != after.Str("region") {
		replaces = []string{"region"}
	}
	return &pulumirpc.DiffResponse{Changes: changes, Replaces: replaces}, nil
}

// Configure puts the cloud into the region and account of the program's provider.
func (p *provider) Configure(ctx context.Context, r *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	if p.pkg == "aws" {
		args, err := fromRPC(r.GetArgs())
		if err != nil {
			return nil, err
		}
		if err := ctx.Value(instanceKey{}).(*instance).configure(unnest(args)); err != nil {
			return nil, status.Error(codes.FailedPrecondition, err.Error())
		}
	}
	p.cloud.Resume()
	return &pulumirpc.ConfigureResponse{SupportsPreview: true, AcceptResources: false}, nil
}

// unnest decodes objects and lists that provider configuration may carry as JSON texts.
func unnest(args Props) Props {
	out := Props{}
	for key, value := range args {
		out[key] = value
		if text, ok := value.(string); ok && strings.ContainsAny(text, "[{") {
			var decoded any
			if json.Unmarshal([]byte(text), &decoded) == nil {
				out[key] = decoded
			}
		}
	}
	return out
}

func (p *provider) Invoke(ctx context.Context, r *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	args, err := fromRPC(r.GetArgs())
	if err != nil {
		return nil, err
	}
	result, err := Invoke(cloudOf(ctx).Site, r.GetTok(), args)
	if err != nil {
		return nil, status.Error(codes.Unimplemented, err.Error())
	}
	out, err := toRPC(result)
	return &pulumirpc.InvokeResponse{Return: out}, err
}

func (p *provider) Check(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	token := typeOf(r.GetUrn())
	in, err := fromRPC(r.GetNews())
	if err != nil {
		return nil, err
	}
	old, err := fromRPC(r.GetOlds())
	if err != nil {
		return nil, err
	}
	if name := awstype.Of(token).AutoName; name != "" && in[name] == nil {
		in[name] = autoName(resource.URN(r.GetUrn()).Name(), old.Str(name), r.GetRandomSeed())
	}
	failures, err := Check(token, in)
	if err != nil {
		return nil, status.Error(codes.Unimplemented, err.Error())
	}
	response := &pulumirpc.CheckResponse{}
	for _, f := range failures {
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{Property: f.Property, Reason: f.Reason})
	}
	response.Inputs, err = toRPC(in)
	return response, err
}

// autoName keeps an old name, or makes one as Pulumi does: the logical name, a hyphen and seven hexadecimal digits.
func autoName(logical, old string, seed []byte) string {
	if strings.HasPrefix(old, logical+"-") {
		return old
	}
	return logical + "-" + (hex.EncodeToString(seed) + "0000000")[:7]
}

func (p *provider) Diff(ctx context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	token := typeOf(r.GetUrn())
	t, err := lookUp(token)
	if err != nil {
		return nil, status.Error(codes.Unimplemented, err.Error())
	}
	before, err := fromRPC(r.GetOldInputs())
	if err != nil {
		return nil, err
	}
	after, err := fromRPC(r.GetNews())
	if err != nil {
		return nil, err
	}
	state, err := fromRPC(r.GetOlds())
	if err != nil {
		return nil, err
	}
	ignored := func(property string) bool {
		return slices.ContainsFunc(r.GetIgnoreChanges(), func(p string) bool { return p == property || strings.HasPrefix(property, p+".") })
	}
	name := awstype.Of(token).AutoName
	response := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_NONE, HasDetailedDiff: true, DetailedDiff: map[string]*pulumirpc.PropertyDiff{},
		// A physical name is taken until the old resource is gone.
		DeleteBeforeReplace: name != "" && before.Str(name) == after.Str(name),
	}
	note := func(property string, kind pulumirpc.PropertyDiff_Kind) {
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
		response.DetailedDiff[property] = &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
		response.Diffs = append(response.Diffs, strings.SplitN(property, ".", 2)[0])
	}
	for _, change := range Diff(token, before, after) {
		if ignored(change.Property) {
			continue
		}
		note(change.Property, change.kind())
		if change.Replace {
			response.Replaces = append(response.Replaces, change.Property)
		}
	}
	if tags := p.tagsAll(ctx, t, after); tags != nil && !reflect.DeepEqual(map[string]any(state.Object("tagsAll")), tags) {
		note("tagsAll", pulumirpc.PropertyDiff_UPDATE)
	}
	return response, nil
}

// tagsAll returns the default tags and the resource's own, or nil for a type without tags.
func (p *provider) tagsAll(ctx context.Context, t Type, in Props) map[string]any {
	if p.pkg != "aws" || !t.takes("tags") {
		return nil
	}
	i := ctx.Value(instanceKey{}).(*instance)
	i.mu.RLock()
	defer i.mu.RUnlock()
	tags := map[string]any{}
	maps.Copy(tags, i.defaultTags)
	maps.Copy(tags, in.Object("tags"))
	return tags
}

func (p *provider) withTags(ctx context.Context, token string, in, state Props) Props {
	if t, err := lookUp(token); err == nil {
		if tags := p.tagsAll(ctx, t, in); tags != nil {
			state["tagsAll"] = tags
		}
	}
	return state
}

func (p *provider) Create(ctx context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	token := typeOf(r.GetUrn())
	in, err := fromRPC(r.GetProperties())
	if err != nil {
		return nil, err
	}
	if r.GetPreview() {
		// What AWS would add is not known before it exists.
		out, err := toRPC(p.withTags(ctx, token, in, cloneWithUnknowns(in)))
		return &pulumirpc.CreateResponse{Properties: out}, err
	}
	id, state, err := cloudOf(ctx).Create(ctx, r.GetUrn(), token, in)
	if err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	out, err := toRPC(p.withTags(ctx, token, in, state))
	return &pulumirpc.CreateResponse{Id: id, Properties: out}, err
}

func (p *provider) Update(ctx context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	token := typeOf(r.GetUrn())
	in, err := fromRPC(r.GetNews())
	if err != nil {
		return nil, err
	}
	if r.GetPreview() {
		old, err := fromRPC(r.GetOlds())
		if err != nil {
			return nil, err
		}
		state := cloneWithUnknowns(in)
		for key, value := range old {
			if _, isInput := state[key]; !isInput && !slices.Contains(awstype.Of(token).Recomputed, key) {
				state[key] = value
			}
		}
		out, err := toRPC(p.withTags(ctx, token, in, state))
		return &pulumirpc.UpdateResponse{Properties: out}, err
	}
	state, err := cloudOf(ctx).Update(ctx, token, r.GetId(), in)
	if err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	out, err := toRPC(p.withTags(ctx, token, in, state))
	return &pulumirpc.UpdateResponse{Properties: out}, err
}

func cloneWithUnknowns(in Props) Props {
	out := Props{}
	for key, value := range in {
		out[key] = value
	}
	return out
}

func (p *provider) Read(ctx context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	token := typeOf(r.GetUrn())
	t, err := lookUp(token)
	if err != nil {
		return nil, status.Error(codes.Unimplemented, err.Error())
	}
	state := cloudOf(ctx).Read(token, r.GetId())
	if state == nil {
		return &pulumirpc.ReadResponse{}, nil
	}
	old, err := fromRPC(r.GetInputs())
	if err != nil {
		return nil, err
	}
	// Inputs are read back from the cloud as the real provider does, so that drift shows as a difference.
	in := Props{}
	for i := range t.Args.ElementType().NumField() {
		name := t.Args.ElementType().Field(i).Tag.Get("pulumi")
		if _, wasInput := old[name]; wasInput {
			in[name] = restrict(state[name], old[name])
		}
	}
	inputs, err := toRPC(in)
	if err != nil {
		return nil, err
	}
	out, err := toRPC(p.withTags(ctx, token, in, state))
	return &pulumirpc.ReadResponse{Id: r.GetId(), Inputs: inputs, Properties: out}, err
}

// restrict keeps of a mapping what the program gave as input: AWS adds keys of its own to some.
func restrict(state, input any) any {
	full, ok1 := state.(map[string]any)
	given, ok2 := input.(map[string]any)
	if !ok1 || !ok2 {
		return state
	}
	out := map[string]any{}
	for key := range given {
		if value, ok := full[key]; ok {
			out[key] = restrict(value, given[key])
		}
	}
	return out
}

func (p *provider) Delete(ctx context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	if err := cloudOf(ctx).Delete(ctx, typeOf(r.GetUrn()), r.GetId()); err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	return &emptypb.Empty{}, nil
}

func (p *provider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	p.cloud.SkipLatency()
	return &emptypb.Empty{}, nil
}
