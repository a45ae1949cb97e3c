package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"

	"groundwork/sandbox"
	"groundwork/stacks"
)

// today is the day the tests happen on, so that the support calendar does not fail them one day.
var today = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

var environments = []string{"dev", "prod"}

// repository is the folder that holds Pulumi.yaml.
func repository(t testing.TB) *sandbox.Workspace {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	w, err := sandbox.FindWorkspace(dir)
	require.NoError(t, err)
	return w
}

// stackConfig is the real stack file, as the program sees it.
func stackConfig(t testing.TB, stack string) map[string]string {
	t.Helper()
	raw, err := repository(t).ReadConfig(stack)
	require.NoError(t, err)
	return raw
}

// mocks answer for the engine with the sandbox's knowledge of AWS and record what was registered.
type mocks struct {
	cloud *sandbox.Cloud
	// outputs are those of other stacks, by the last part of their name.
	outputs map[string]sandbox.Props
	preview bool
	stack   string
	ctx     *pulumi.Context

	mu        sync.Mutex
	resources []*sandbox.Resource
}

var _ pulumi.MockResourceMonitor = (*mocks)(nil)

func (m *mocks) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	result, err := sandbox.Invoke(m.cloud.Site, args.Token, sandbox.PlainProps(args.Args))
	if err != nil {
		return nil, err
	}
	return result.PropertyMap(), nil
}

// feedSecrets are the types whose outputs become part of a secret. The SDK's mock engine cannot read a secret that is not
// known yet, so these are known in previews too.
var feedSecrets = []string{rdsT, cacheT, "random:index/randomPassword:RandomPassword"}

func (m *mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	in := sandbox.PlainProps(args.Inputs)
	if args.TypeToken == "pulumi:pulumi:StackReference" {
		_, stack, _ := strings.Cut(in.Str("name"), "/"+stacks.Project+"/")
		return args.Name, sandbox.Props{"name": in.Str("name"), "outputs": map[string]any(m.outputs[stack])}.PropertyMap(), nil
	}
	r := m.record(args.RegisterRPC, in)
	switch {
	case args.TypeToken == "eks:index:Cluster":
		return m.eksComponent(r, args)
	case !args.Custom || strings.HasPrefix(args.TypeToken, "pulumi:"):
		return args.Name, args.Inputs, nil
	}
	if m.preview {
		// Inputs that are not known yet are left out in a preview, so only what is there can be checked.
		if !slices.Contains(feedSecrets, args.TypeToken) {
			return "", args.Inputs, nil
		}
		t, digest := sandbox.Lookup(args.TypeToken), strings.Repeat("0", 64)
		state := in.Clone()
		maps.Copy(state, t.Outputs(m.cloud.Site, t.ID(in, digest), in))
		return "", state.PropertyMap(), nil
	}
	failures, err := sandbox.Check(args.TypeToken, in)
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
func (m *mocks) region(r *sandbox.Resource) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, provider := range m.resources {
		if provider.Type == "pulumi:providers:aws" && strings.HasPrefix(r.Provider, provider.URN+"::") {
			return provider.Inputs.Str("region")
		}
	}
	return m.cloud.Site.Region
}

// record notes a registration with everything it depends on.
func (m *mocks) record(rpc *pulumirpc.RegisterResourceRequest, in sandbox.Props) *sandbox.Resource {
	r := &sandbox.Resource{
		Type: rpc.GetType(), Name: rpc.GetName(), Parent: rpc.GetParent(), Provider: rpc.GetProvider(),
		Custom: rpc.GetCustom(), Protect: rpc.GetProtect(), Retain: rpc.GetRetainOnDelete(), Inputs: in, Outputs: sandbox.Props{},
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
	m.resources = append(m.resources, r)
	return r
}

// eksComponent does what the pulumi-eks plugin would: it registers the cluster and answers with a reference to it. The
// component's other children are seen in the sandbox, where the real plugin runs.
func (m *mocks) eksComponent(component *sandbox.Resource, args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
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
		props["roleArn"] = pulumi.String(m.cloud.Read("aws:iam/role:Role", role).Str("arn"))
	}
	if err := m.ctx.RegisterResource("aws:eks/cluster:Cluster", args.Name+"-eksCluster", props, &cluster); err != nil {
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
	for _, r := range m.resources {
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

// deploy runs the real program under Pulumi mocks and returns what it registered.
func deploy(stack string, raw map[string]string, preview bool) (*sandbox.Graph, error) {
	m, err := register(stack, raw, preview)
	if err != nil {
		return nil, err
	}
	return sandbox.NewGraph(m.resources)
}

// register is deploy with the mocks themselves, which know what was registered before an error too.
func register(stack string, raw map[string]string, preview bool) (*mocks, error) {
	return registerWith(stack, raw, preview, nil)
}

// registerWith is register beside other stacks with the given outputs.
func registerWith(stack string, raw map[string]string, preview bool, outputs map[string]sandbox.Props) (*mocks, error) {
	m := &mocks{
		outputs: outputs,
		stack:   stack, preview: preview,
		cloud: sandbox.NewCloud(sandbox.Site{Region: raw["aws:region"], Account: raw["groundwork:accountId"]}),
	}
	if outputs[stack] != nil {
		// It was up before, so there were nodes on which its add-ons could start.
		if err := m.cloud.Plant(sandbox.Object{Type: nodesT, ID: "before", State: sandbox.Props{"clusterName": "groundwork-" + stack}}); err != nil {
			return nil, err
		}
	}
	config, err := json.Marshal(raw)
	if err != nil {
		return nil, err
	}
	if err := os.Setenv("PULUMI_CONFIG", string(config)); err != nil {
		return m, err
	}
	defer os.Unsetenv("PULUMI_CONFIG")
	program := func(ctx *pulumi.Context) error {
		m.ctx = ctx
		return stacks.DeployAt(today)(ctx)
	}
	return m, pulumi.RunErr(program, pulumi.WithMocks(stacks.Project, stack, m), func(info *pulumi.RunInfo) { info.DryRun = preview })
}

// graphOf is deploy for the real stack file.
func graphOf(t testing.TB, stack string, preview bool) *sandbox.Graph {
	t.Helper()
	g, err := deploy(stack, stackConfig(t, stack), preview)
	require.NoError(t, err)
	require.Greater(t, len(g.Resources), 80, "the program registered hardly anything")
	return g
}
