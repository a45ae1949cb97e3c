package mockrun

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// register records a resource, and does or, in a preview, predicts what the engine would do for it. It returns the
// resource with its ID and outputs.
func (m *monitor) register(
	ctx context.Context, r *graph.Resource, request *pulumirpc.RegisterResourceRequest,
) (*graph.Resource, error) {
	m.mu.Lock()
	if m.byURN[r.URN] != nil {
		m.mu.Unlock()
		return nil, fmt.Errorf("two resources have the URN %s", r.URN)
	}
	m.byURN[r.URN] = r
	if r.Parent != "" || !strings.HasPrefix(r.Type, "pulumi:pulumi:") {
		m.Resources = append(m.Resources, r)
	}
	m.mu.Unlock()
	switch {
	case r.Type == awstype.EKSComponent:
		return r, m.registerCluster(ctx, r, request)
	case !r.Custom:
		return r, nil
	case strings.HasPrefix(r.Type, "pulumi:providers:"):
		r.ID = "provider"
		return r, m.connect(r)
	}
	s := step{monitor: m, resource: r, old: m.before.Get(r.URN), ignored: request.GetIgnoreChanges()}
	return r, s.do()
}

// connect opens the connection of a provider resource.
func (m *monitor) connect(r *graph.Resource) error {
	connection := awssim.Connect(providerPackage(resource.URN(r.URN)), m.Cloud)
	if err := connection.Configure(r.Inputs); err != nil {
		return fmt.Errorf("configuring %s: %w", r.Name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.connections[r.URN] = connection
	return nil
}

// connected is Result.connection while the program runs.
func (m *monitor) connected(reference string) *awssim.Connection {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.connection(reference)
}

// step is what the engine does for the registration of one resource.
type step struct {
	*monitor
	resource *graph.Resource
	// old is the resource of the last update, or nil.
	old     *graph.Resource
	ignored []string
}

// note records an operation, and what it means.
func (m *monitor) note(operation string, r *graph.Resource, properties []string) {
	means := awstype.ConsequencesOf(r.Type, operation, properties, awstype.Inputs(r.Inputs))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Steps, m.Means = append(m.Steps, said(operation, r)), append(m.Means, means...)
}

// do brings the resource to its inputs.
func (s *step) do() error {
	r, connection := s.resource, s.connected(s.resource.Provider)
	var before graph.Props
	if s.old != nil {
		before = s.old.Inputs
		if err := s.keepIgnored(); err != nil {
			return err
		}
	}
	checked, err := connection.Check(r.URN, before, r.Inputs)
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Type, r.Name, err)
	}
	r.Inputs = checked
	if s.old == nil {
		s.note("create", r, nil)
		return s.create(connection)
	}
	s.mu.Lock()
	deleted := s.gone[r.URN]
	s.mu.Unlock()
	diff, err := connection.Diff(r.URN, s.old, r.Inputs, s.ignored)
	switch {
	case err != nil:
		return err
	case deleted || diff.Replaces:
		return s.replace(connection, diff.Properties, deleted, diff.DeleteFirst || r.DeleteFirst)
	case !diff.Changes:
		r.ID, r.Outputs = s.old.ID, s.old.Outputs
		return nil
	}
	s.note("update", r, diff.Properties)
	r.ID = s.old.ID
	r.Outputs, err = connection.Update(r.URN, s.old, r.Inputs, s.options.Preview)
	return err
}

// keepIgnored gives the inputs in ignoreChanges their old values, as the engine does.
func (s *step) keepIgnored() error {
	in := s.resource.Inputs.PropertyMap()
	for _, text := range s.ignored {
		path, err := resource.ParsePropertyPath(text)
		if err != nil {
			return fmt.Errorf("ignoring %s of %s: %w", text, s.resource.Name, err)
		}
		path.Reset(s.old.Inputs.PropertyMap(), in)
	}
	s.resource.Inputs = graph.FromPulumi(in)
	return nil
}

func (s *step) create(connection *awssim.Connection) error {
	var err error
	s.resource.ID, s.resource.Outputs, err = connection.Create(s.resource.URN, s.resource.Inputs, s.options.Preview)
	return err
}

// replace replaces the resource. The engine refuses that for a protected one.
func (s *step) replace(connection *awssim.Connection, properties []string, deleted, first bool) error {
	if s.old.Protect {
		return fmt.Errorf("%s %s is protected and would be replaced", s.old.Type, s.old.Name)
	}
	s.note("replace", s.resource, properties)
	switch {
	case deleted:
	case first:
		if err := s.deleteFirst(s.old); err != nil {
			return err
		}
	default:
		s.mu.Lock()
		s.replaced = append(s.replaced, s.old)
		s.mu.Unlock()
	}
	return s.create(connection)
}

// deleteFirst deletes a resource before its replacement exists, and before it everything that has to be replaced
// because the resource is.
func (m *monitor) deleteFirst(r *graph.Resource) error {
	doomed := map[string]bool{r.URN: true}
	list := []*graph.Resource{r}
	for _, other := range m.before.Resources {
		if replaces, err := m.fallsWith(other, doomed); err != nil {
			return err
		} else if replaces {
			doomed[other.URN] = true
			list = append(list, other)
		}
	}
	slices.Reverse(list)
	for _, other := range list {
		if err := m.delete(other); err != nil {
			return err
		}
		m.mu.Lock()
		m.gone[other.URN] = true
		m.mu.Unlock()
	}
	return nil
}

// fallsWith reports whether a resource has to be replaced because others are: with the inputs that depend on those
// unknown, its provider replaces it.
func (m *monitor) fallsWith(r *graph.Resource, doomed map[string]bool) (bool, error) {
	m.mu.Lock()
	registered := m.byURN[r.URN] != nil || m.gone[r.URN]
	m.mu.Unlock()
	if !r.Custom || registered || doomed[r.URN] || strings.HasPrefix(r.Type, "pulumi:") {
		return false, nil
	}
	in, depends := maps.Clone(r.Inputs), false
	for property, urns := range r.PropertyDependencies {
		if slices.ContainsFunc(urns, func(urn string) bool { return doomed[urn] }) {
			in[property], depends = graph.Unknown{}, true
		}
	}
	if !depends {
		return false, nil
	}
	diff, err := m.connected(r.Provider).Diff(r.URN, r, in, nil)
	return err == nil && diff.Replaces, err
}

// delete deletes a resource of the last update from the account, or lets go of it where it is to be retained.
func (m *monitor) delete(r *graph.Resource) error {
	if m.options.Preview {
		return nil
	}
	if r.Retain {
		return m.Cloud.Release(func(o awssim.Object) bool { return o.URN == r.URN && o.ID == r.ID })
	}
	return m.connected(r.Provider).Delete(r.URN, r.ID)
}

// deleteTheRest deletes the old ones of what was replaced, and what the program no longer registers, dependents first.
func (m *monitor) deleteTheRest() error {
	var doomed []*graph.Resource
	for _, old := range m.before.Resources {
		switch {
		case slices.Contains(m.replaced, old):
			doomed = append(doomed, old)
		case m.byURN[old.URN] != nil || !old.Custom || m.gone[old.URN]:
		case strings.HasPrefix(old.Type, "pulumi:"):
		case old.Protect:
			return fmt.Errorf("%s %s is protected and would be deleted", old.Type, old.Name)
		default:
			m.note("delete", old, nil)
			doomed = append(doomed, old)
		}
	}
	for _, old := range slices.Backward(inOrder(doomed)) {
		if slices.ContainsFunc(doomed, func(other *graph.Resource) bool { return other.URN == old.DeletedWith }) {
			continue
		}
		if err := m.delete(old); err != nil {
			return fmt.Errorf("deleting %s: %w", old.Name, err)
		}
	}
	return nil
}

// inOrder sorts resources so that each comes after what it depends on.
func inOrder(list []*graph.Resource) []*graph.Resource {
	var ordered []*graph.Resource
	byURN, seen := map[string]*graph.Resource{}, map[string]bool{}
	for _, r := range list {
		byURN[r.URN] = r
	}
	var visit func(r *graph.Resource)
	visit = func(r *graph.Resource) {
		if r == nil || seen[r.URN] {
			return
		}
		seen[r.URN] = true
		for _, urn := range slices.Sorted(slices.Values(r.Dependencies)) {
			visit(byURN[urn])
		}
		ordered = append(ordered, r)
	}
	for _, r := range list {
		visit(r)
	}
	return ordered
}
