// Package mockrun runs the program without an engine: under Pulumi's mocks, which answer with the sandbox's knowledge of AWS. It takes
// a tenth of a second where the engine takes ten; a test holds that both make the same. What pulumi-eks makes besides the
// cluster, only the engine shows.
package mockrun

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
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
	// Preview registers as a preview does, where much is not known yet.
	Preview bool
	// Outputs are those of other stacks, by name, and of this one's last update.
	Outputs map[string]graph.Props
	// Today decides what AWS still supports.
	Today time.Time
}

// WasUp are the outputs of a stack that was up when it was last updated, as far as its program reads them.
var WasUp = graph.Props{"parking": map[string]any{"parked": false, "hadNodes": true, "cacheSnapshot": "", "restoredFrom": "", "schedule": ""}}

// Graph runs the program of a stack with the given configuration, in the form in which Pulumi hands it over, and returns what it
// registered.
func Graph(stack string, raw map[string]string, o Options) (*graph.Graph, error) {
	m, err := Run(stack, raw, o)
	if err != nil {
		return nil, err
	}
	return graph.New(m.Resources)
}

// Run is Graph with the mocks themselves. It sets PULUMI_CONFIG for as long as it takes, so only one runs at a time.
func Run(stack string, raw map[string]string, o Options) (*Mocks, error) {
	running.Lock()
	defer running.Unlock()
	m := &Mocks{
		outputs: o.Outputs, stack: stack, preview: o.Preview,
		cloud: awssim.NewCloud(awssim.Site{Region: raw["aws:region"], Account: raw["groundwork:accountId"]}),
	}
	if o.Outputs[stack] != nil {
		// It was up before, so there were nodes on which its add-ons could start.
		if err := m.cloud.Seed(awssim.Object{Type: awstype.NodeGroup, ID: "before", State: graph.Props{"clusterName": "groundwork-" + stack}}); err != nil {
			return nil, err
		}
	}
	config, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	if err := os.Setenv("PULUMI_CONFIG", string(config)); err != nil {
		return m, fmt.Errorf("handing the configuration over: %w", err)
	}
	defer os.Unsetenv("PULUMI_CONFIG")
	program := func(ctx *pulumi.Context) error {
		m.ctx = ctx
		return stacks.DeployAt(o.Today)(ctx)
	}
	return m, pulumi.RunErr(program, pulumi.WithMocks(stacks.Project, stack, m), func(info *pulumi.RunInfo) { info.DryRun = o.Preview })
}

var running sync.Mutex

// Mocks answer for the engine with the sandbox's knowledge of AWS and record what was registered.
type Mocks struct {
	cloud *awssim.Cloud
	// outputs are those of other stacks, by the last part of their name.
	outputs map[string]graph.Props
	preview bool
	stack   string
	ctx     *pulumi.Context

	mu sync.Mutex
	// Resources are what was registered, also before an error.
	Resources []*graph.Resource
}

var _ pulumi.MockResourceMonitor = (*Mocks)(nil)

func (m *Mocks) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if args.Token == "pulumi:pulumi:readStackOutputs" {
		name := args.Args["name"].StringValue()
		_, stack, _ := strings.Cut(name, "/"+stacks.Project+"/")
		return graph.Props{"name": name, "outputs": map[string]any(m.outputs[stack])}.PropertyMap(), nil
	}
	result, err := awssim.Invoke(m.cloud.Site, args.Token, graph.FromPulumi(args.Args))
	if err != nil {
		return nil, err
	}
	return result.PropertyMap(), nil
}

// feedSecrets are the types whose outputs become part of a secret. The SDK's mock engine cannot read a secret that is not
// known yet, so these are known in previews too.
var feedSecrets = []string{awstype.DBInstance, awstype.ReplicationGroup, awstype.RandomPassword}

func (m *Mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	in := graph.FromPulumi(args.Inputs)
	if args.TypeToken == "pulumi:pulumi:StackReference" {
		_, stack, _ := strings.Cut(in.Str("name"), "/"+stacks.Project+"/")
		return args.Name, graph.Props{"name": in.Str("name"), "outputs": map[string]any(m.outputs[stack])}.PropertyMap(), nil
	}
	r := m.record(args.RegisterRPC, in)
	switch {
	case args.TypeToken == awstype.EKSComponent:
		return m.eksComponent(r, args)
	case !args.Custom || strings.HasPrefix(args.TypeToken, "pulumi:"):
		return args.Name, args.Inputs, nil
	}
	if m.preview {
		// Inputs that are not known yet are left out in a preview, so only what is there can be checked.
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

// region returns the region of the provider that a resource goes through.
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

// record notes a registration with everything it depends on.
func (m *Mocks) record(rpc *pulumirpc.RegisterResourceRequest, in graph.Props) *graph.Resource {
	r := &graph.Resource{
		Type: rpc.GetType(), Name: rpc.GetName(), Parent: rpc.GetParent(), Provider: rpc.GetProvider(),
		Custom: rpc.GetCustom(), Protect: rpc.GetProtect(), Retain: rpc.GetRetainOnDelete(), Inputs: in, Outputs: graph.Props{},
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
	// As the engine does: a resource waits for the provider that it goes through.
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

// eksComponent does what the pulumi-eks plugin would: it registers the cluster and answers with a reference to it. The
// component's other children are seen in the sandbox, where the real plugin runs.
func (m *Mocks) eksComponent(component *graph.Resource, args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	in := component.Inputs
	var cluster eks.Cluster
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
	if err := m.ctx.RegisterResource(awstype.EKSCluster, args.Name+"-eksCluster", props, &cluster); err != nil {
		return "", nil, err
	}
	urn := make(chan string, 1)
	cluster.URN().ApplyT(func(u pulumi.URN) string { urn <- string(u); return "" })
	var child string
	select {
	case child = <-urn:
	case <-time.After(10 * time.Second):
		return "", nil, fmt.Errorf("the cluster of %s was not registered", args.Name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.Resources {
		if r.URN == child {
			// What the plugin passes on: parent, protection, and where the inputs came from.
			r.Parent, r.Protect = component.URN, component.Protect
			r.Dependencies = component.Dependencies
			r.PropertyDependencies = map[string][]string{
				"name": component.PropertyDependencies["name"], "roleArn": {string(args.Inputs["serviceRole"].ResourceReferenceValue().URN)},
				"vpcConfig":        component.PropertyDependencies["privateSubnetIds"],
				"encryptionConfig": component.PropertyDependencies["encryptionConfigKeyArn"],
			}
		}
	}
	id := resource.NewProperty("")
	if !m.preview {
		id = resource.NewProperty(in.Str("name"))
	}
	return "", resource.PropertyMap{
		"eksCluster": resource.NewProperty(resource.ResourceReference{URN: resource.URN(child), ID: id}),
	}, nil
}
