package awssim

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"reflect"
	"strings"

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
	// DebugProviders is the value of PULUMI_DEBUG_PROVIDERS that attaches an engine to them.
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
			// Serve returns when Stop is called; the engine reports an error when the listener fails.
			_ = server.Serve(listener)
		}()
		s.servers = append(s.servers, server)
		ports = append(ports, fmt.Sprintf("%s:%d", pkg, listener.Addr().(*net.TCPAddr).Port))
	}
	s.DebugProviders = strings.Join(ports, ",")
	return s, nil
}

// Stop stops the providers.
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

// Handshake accepts every engine.
func (p *provider) Handshake(
	context.Context, *pulumirpc.ProviderHandshakeRequest,
) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{}, nil
}

// Attach accepts every engine.
func (p *provider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// GetPluginInfo reports a version above any that a program may require: the catalog, not a version, limits what the
// provider supports.
func (p *provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "999.0.0"}, nil
}

// GetSchema returns a schema without types; Check compares inputs with the SDK instead.
func (p *provider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: `{"name":"` + p.pkg + `"}`}, nil
}

// CheckConfig accepts every configuration; Configure refuses one without an account.
func (p *provider) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.GetNews()}, nil
}

// DiffConfig replaces the AWS provider, and with it every resource, when the provider moves to another region, and the
// Kubernetes provider when it has another clusterIdentifier or, without one, a kubeconfig of another cluster.
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
	const identifier = "clusterIdentifier"
	switch {
	case before.Str(identifier) != "" && after.Str(identifier) != "":
		if before.Str(identifier) != after.Str(identifier) {
			replaces = []string{identifier}
		}
	case clusterOf(before) != clusterOf(after):
		replaces = []string{"kubeconfig"}
	}
	return &pulumirpc.DiffResponse{Changes: changes, Replaces: replaces}, nil
}

// clusterOf returns address and certificate authority of the cluster in a kubeconfig, or "" for none.
func clusterOf(args Props) string {
	var config struct {
		Clusters []struct{ Cluster map[string]string }
	}
	if json.Unmarshal([]byte(args.Str("kubeconfig")), &config) != nil || len(config.Clusters) == 0 {
		return ""
	}
	return fmt.Sprint(config.Clusters[0].Cluster)
}

// Configure sets the region and account, or the cluster, of the provider resource that the connection serves.
func (p *provider) Configure(
	ctx context.Context, r *pulumirpc.ConfigureRequest,
) (*pulumirpc.ConfigureResponse, error) {
	args, err := fromRPC(r.GetArgs())
	if err != nil {
		return nil, err
	}
	switch p.pkg {
	case "aws":
		if err := instanceOf(ctx).configure(unnest(args)); err != nil {
			return nil, status.Error(codes.FailedPrecondition, err.Error())
		}
	case "kubernetes":
		instanceOf(ctx).connect(args.Str("kubeconfig"))
	}
	p.cloud.Resume()
	return &pulumirpc.ConfigureResponse{SupportsPreview: true, AcceptResources: false}, nil
}

// unnest decodes the objects and lists that provider configuration may carry as JSON strings.
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

// Invoke answers a data source.
func (p *provider) Invoke(ctx context.Context, r *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	args, err := fromRPC(r.GetArgs())
	if err != nil {
		return nil, err
	}
	result, err := cloudOf(ctx).Invoke(r.GetTok(), args)
	if err != nil {
		return nil, status.Error(codes.Unimplemented, err.Error())
	}
	out, err := toRPC(result)
	return &pulumirpc.InvokeResponse{Return: out}, err
}

// Cancel ends the waits of the operations in progress, so that they complete and the state records them.
func (p *provider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	p.cloud.SkipLatency()
	return &emptypb.Empty{}, nil
}
