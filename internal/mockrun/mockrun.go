// Package mockrun runs the program without an engine: under Pulumi's mocks, which answer from the sandbox's simulation
// of AWS. A run takes a tenth of a second where the engine takes ten; a test compares the resources of both. Only the
// engine shows the resources that pulumi-eks creates besides the cluster.
package mockrun

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/stacks"
)

// Options of a run.
type Options struct {
	// Preview runs the program as a preview does, where many outputs are unknown.
	Preview bool
	// Outputs are the outputs of other stacks, by name, and of this stack's last update.
	Outputs map[string]graph.Props
	// Today decides which versions AWS still supports.
	Today time.Time
}

// WasUp are the outputs of a stack that was up when it was last updated, as far as its program reads them.
var WasUp = graph.Props{"parking": map[string]any{
	"parked": false, "hadNodes": true, "cacheSnapshot": "", "restoredFrom": "", "schedule": "",
}}

// Graph runs the program of a stack and returns the resources that it registered. raw is the configuration in the form
// in which Pulumi passes it to a program.
func Graph(stack string, raw map[string]string, o Options) (*graph.Graph, error) {
	m, err := Run(stack, raw, o)
	if err != nil {
		return nil, err
	}
	return graph.New(m.Resources)
}

// Run is like Graph and returns the mocks themselves.
func Run(stack string, raw map[string]string, o Options) (*Mocks, error) {
	m := &Mocks{
		outputs: o.Outputs, stack: stack, preview: o.Preview,
		cloud: awssim.NewCloud(awssim.Site{Region: raw["aws:region"], Account: raw["groundwork:accountId"]}),
	}
	if o.Outputs[stack] != nil {
		// The stack was up before, so it had nodes on which its add-ons could start: nine, in a group called "before".
		cluster := "groundwork-" + stack
		err := m.cloud.Seed(awssim.Object{Type: awstype.NodeGroup, ID: cluster + ":before", State: graph.Props{
			"clusterName": cluster, "scalingConfig": map[string]any{"desiredSize": 9.0},
		}})
		if err != nil {
			return nil, err
		}
	}
	p := &stacks.Program{Today: o.Today}
	program := func(ctx *pulumi.Context) error {
		m.ctx = ctx
		return p.Deploy(ctx)
	}
	configured := func(info *pulumi.RunInfo) { info.Config, info.DryRun = raw, o.Preview }
	return m, pulumi.RunErr(program, pulumi.WithMocks(stacks.Project, stack, m), configured, p.Configure)
}

// Mocks answer in place of the engine from the sandbox's simulation of AWS, and record what the program registers.
type Mocks struct {
	cloud *awssim.Cloud
	// outputs are those of other stacks, by the last part of their name.
	outputs map[string]graph.Props
	preview bool
	stack   string
	ctx     *pulumi.Context

	mu sync.Mutex
	// Resources are what the program registered, also before an error.
	Resources []*graph.Resource
}

var _ pulumi.MockResourceMonitor = (*Mocks)(nil)

// Call answers a data source, or the read of a stack's outputs.
func (m *Mocks) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if args.Token == "pulumi:pulumi:readStackOutputs" {
		return m.stackOutputs(args.Args["name"].StringValue()), nil
	}
	result, err := m.cloud.Invoke(args.Token, graph.FromPulumi(args.Args))
	if err != nil {
		return nil, err
	}
	return result.PropertyMap(), nil
}

// stackOutputs returns the outputs of the stack with a qualified name.
func (m *Mocks) stackOutputs(name string) resource.PropertyMap {
	_, stack, _ := strings.Cut(name, "/"+stacks.Project+"/")
	return graph.Props{"name": name, "outputs": map[string]any(m.outputs[stack])}.PropertyMap()
}

// feedSecrets are the types whose outputs become part of a secret. The SDK's mock engine cannot read an unknown secret,
// so these outputs are known in previews too.
var feedSecrets = []string{awstype.DBInstance, awstype.ReplicationGroup, awstype.RandomPassword}

// NewResource records a registration, and creates the resource in the simulated cloud unless the run is a preview.
func (m *Mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	in := graph.FromPulumi(args.Inputs)
	if args.TypeToken == "pulumi:pulumi:StackReference" {
		return args.Name, m.stackOutputs(in.Str("name")), nil
	}
	r := m.record(args.RegisterRPC, in)
	switch {
	case args.TypeToken == awstype.EKSComponent:
		return m.eksComponent(r, args)
	case !args.Custom || strings.HasPrefix(args.TypeToken, "pulumi:"):
		return args.Name, args.Inputs, nil
	}
	if m.preview {
		// A preview leaves unknown inputs out, so the checks would refuse them as missing.
		if !slices.Contains(feedSecrets, args.TypeToken) {
			return "", args.Inputs, nil
		}
		t, digest := awssim.Lookup(args.TypeToken), strings.Repeat("0", 64)
		state := in.Clone()
		maps.Copy(state, t.Outputs(m.cloud.Site, t.ID(in, digest), in))
		return "", state.PropertyMap(), nil
	}
	failures, err := awssim.Check(args.TypeToken, in)
	if err != nil {
		return "", nil, err
	}
	if len(failures) > 0 {
		return "", nil, fmt.Errorf("%s %s: %v", args.TypeToken, args.Name, failures)
	}
	id, state, err := m.cloud.In(m.region(r)).Create(context.Background(), r.URN, args.TypeToken, in)
	if err != nil {
		return "", nil, err
	}
	r.ID, r.Outputs = id, state
	return id, state.PropertyMap(), nil
}

// region returns the region of a resource's provider.
func (m *Mocks) region(r *graph.Resource) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, provider := range m.Resources {
		if provider.Type == "pulumi:providers:aws" && strings.HasPrefix(r.Provider, provider.URN+"::") {
			return provider.Inputs.Str("region")
		}
	}
	return m.cloud.Site.Region
}

// record adds a registration to Resources, with everything that it depends on.
func (m *Mocks) record(rpc *pulumirpc.RegisterResourceRequest, in graph.Props) *graph.Resource {
	r := &graph.Resource{
		Type: rpc.GetType(), Name: rpc.GetName(), Parent: rpc.GetParent(), Provider: rpc.GetProvider(),
		Custom: rpc.GetCustom(), Protect: rpc.GetProtect(), Retain: rpc.GetRetainOnDelete(),
		DeleteFirst: rpc.GetDeleteBeforeReplace(),
		Inputs:      in, Outputs: graph.Props{},
		PropertyDependencies: map[string][]string{},
	}
	parentType := ""
	if parent := resource.URN(r.Parent); parent != "" && parent.Type() != resource.RootStackType {
		parentType = string(parent.QualifiedType()) + "$"
	}
	r.URN = fmt.Sprintf("urn:pulumi:%s::%s::%s%s::%s", m.stack, stacks.Project, parentType, r.Type, r.Name)
	set := map[string]bool{}
	for _, urn := range rpc.GetDependencies() {
		set[urn] = true
	}
	for key, urns := range rpc.GetPropertyDependencies() {
		r.PropertyDependencies[key] = urns.GetUrns()
		for _, urn := range urns.GetUrns() {
			set[urn] = true
		}
	}
	// As in the engine, a resource depends on its provider.
	if i := strings.LastIndex(r.Provider, "::"); i >= 0 {
		set[r.Provider[:i]] = true
	}
	for urn := range set {
		r.Dependencies = append(r.Dependencies, urn)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Resources = append(m.Resources, r)
	return r
}
