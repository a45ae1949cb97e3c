package awssim

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"groundwork/internal/graph"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Connection is one provider resource of a program, for callers in this process: the engine attaches to Serve instead.
type Connection struct {
	provider *provider
	ctx      context.Context
}

// Connect opens a connection to the provider of a package.
func Connect(pkg string, c *Cloud) *Connection {
	ctx := context.WithValue(context.Background(), instanceKey{}, &instance{cloud: c})
	return &Connection{&provider{pkg: pkg, cloud: c}, ctx}
}

// Configure gives the provider the inputs of its resource.
func (c *Connection) Configure(args Props) error {
	in, err := toRPC(args)
	if err == nil {
		_, err = c.provider.Configure(c.ctx, &pulumirpc.ConfigureRequest{Args: in})
	}
	return err
}

// Invoke answers a data source.
func (c *Connection) Invoke(token string, args Props) (Props, error) {
	return cloudOf(c.ctx).Invoke(token, args)
}

// Check returns the inputs of a resource with the name that the provider generates. Inputs that AWS or its provider
// refuses are an error. before are the inputs of the last update, or nil.
func (c *Connection) Check(urn string, before, in Props) (Props, error) {
	olds, err1 := toRPC(before)
	news, err2 := toRPC(in)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	response, err := c.provider.Check(c.ctx, &pulumirpc.CheckRequest{Urn: urn, Olds: olds, News: news})
	if err != nil {
		return nil, err
	}
	var refused []string
	for _, failure := range response.GetFailures() {
		refused = append(refused, failure.GetProperty()+" "+failure.GetReason())
	}
	if refused != nil {
		return nil, errors.New(strings.Join(refused, "; "))
	}
	return fromRPC(response.GetInputs())
}

// Difference is what the provider says of new inputs for a resource that exists.
type Difference struct {
	// Changes is true where the resource has to be changed, Replaces where a new one has to take its place, DeleteFirst
	// where the old one then has to be deleted before.
	Changes, Replaces, DeleteFirst bool
	// Properties are the paths of the inputs that differ, sorted.
	Properties []string
}

// Diff compares new inputs with a resource of the last update.
func (c *Connection) Diff(urn string, old *graph.Resource, in Props, ignored []string) (Difference, error) {
	oldInputs, err1 := toRPC(old.Inputs)
	state, err2 := toRPC(old.Outputs)
	news, err3 := toRPC(in)
	if err := errors.Join(err1, err2, err3); err != nil {
		return Difference{}, err
	}
	response, err := c.provider.Diff(c.ctx, &pulumirpc.DiffRequest{
		Id: old.ID, Urn: urn, OldInputs: oldInputs, Olds: state, News: news, IgnoreChanges: ignored,
	})
	return Difference{
		Changes:     response.GetChanges() == pulumirpc.DiffResponse_DIFF_SOME,
		Replaces:    len(response.GetReplaces()) > 0,
		DeleteFirst: response.GetDeleteBeforeReplace(),
		Properties:  slices.Sorted(maps.Keys(response.GetDetailedDiff())),
	}, err
}

// Create creates a resource, or in a preview predicts its state, and returns its ID, "" in a preview, and its state.
func (c *Connection) Create(urn string, in Props, preview bool) (string, Props, error) {
	properties, err := toRPC(in)
	if err != nil {
		return "", nil, err
	}
	response, err := c.provider.Create(c.ctx, &pulumirpc.CreateRequest{Urn: urn, Properties: properties, Preview: preview})
	if err != nil {
		return "", nil, err
	}
	state, err := fromRPC(response.GetProperties())
	return response.GetId(), state, err
}

// Update changes a resource of the last update, or in a preview predicts its state, and returns its state.
func (c *Connection) Update(urn string, old *graph.Resource, in Props, preview bool) (Props, error) {
	state, err1 := toRPC(old.Outputs)
	news, err2 := toRPC(in)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	response, err := c.provider.Update(c.ctx, &pulumirpc.UpdateRequest{
		Id: old.ID, Urn: urn, Olds: state, News: news, Preview: preview,
	})
	if err != nil {
		return nil, err
	}
	return fromRPC(response.GetProperties())
}

// Read returns the state of a resource in the cloud, or nil where it does not exist.
func (c *Connection) Read(r *graph.Resource) (Props, error) {
	in, err1 := toRPC(r.Inputs)
	state, err2 := toRPC(r.Outputs)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	response, err := c.provider.Read(c.ctx, &pulumirpc.ReadRequest{Id: r.ID, Urn: r.URN, Inputs: in, Properties: state})
	if err != nil || response.GetId() == "" {
		return nil, err
	}
	return fromRPC(response.GetProperties())
}

// Delete deletes a resource.
func (c *Connection) Delete(urn, id string) error {
	_, err := c.provider.Delete(c.ctx, &pulumirpc.DeleteRequest{Id: id, Urn: urn})
	return err
}
