package awssim

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Check generates a name where the program gives none, and refuses what AWS refuses about the inputs.
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
	// The program names everything in Kubernetes by itself.
	if name := awstype.Of(token).AutoName; name != "" && in.Get(name) == nil && p.pkg != "kubernetes" {
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

// Diff compares the inputs, and the tags that the provider adds to them.
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
	if awstype.Properties(token) != nil {
		before = state // The AWS provider compares the new inputs with the state, as a refresh left it.
	}
	response := &pulumirpc.DiffResponse{
		Changes:         pulumirpc.DiffResponse_DIFF_NONE,
		HasDetailedDiff: true,
		DetailedDiff:    map[string]*pulumirpc.PropertyDiff{},
		// The old resource has the physical name until it is deleted.
		DeleteBeforeReplace: awstype.NameTaken(token, awstype.Inputs(before), awstype.Inputs(after)),
	}
	for _, change := range Diff(token, before, after) {
		if ignored(r.GetIgnoreChanges(), change.Property) {
			continue
		}
		addDiff(response, change.Property, change.kind())
		if change.Replace {
			response.Replaces = append(response.Replaces, change.Property)
		}
	}
	tags := p.tagsAll(ctx, t, after)
	if tags != nil && !reflect.DeepEqual(map[string]any(state.Object("tagsAll")), tags) {
		addDiff(response, "tagsAll", pulumirpc.PropertyDiff_UPDATE)
	}
	return response, nil
}

// ignored reports whether a property, or one that contains it, is among the paths of ignoreChanges.
func ignored(paths []string, property string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		return path == property || strings.HasPrefix(property, path+".")
	})
}

func addDiff(response *pulumirpc.DiffResponse, property string, kind pulumirpc.PropertyDiff_Kind) {
	response.Changes = pulumirpc.DiffResponse_DIFF_SOME
	response.DetailedDiff[property] = &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
	response.Diffs = append(response.Diffs, strings.SplitN(property, ".", 2)[0])
}

// tagsAll returns the default tags and the resource's own, or nil for a type without tags.
func (p *provider) tagsAll(ctx context.Context, t Type, in Props) map[string]any {
	if p.pkg != "aws" || !t.takes("tags") {
		return nil
	}
	i := instanceOf(ctx)
	i.mu.RLock()
	defer i.mu.RUnlock()
	tags := map[string]any{}
	maps.Copy(tags, i.defaultTags)
	maps.Copy(tags, in.Object("tags"))
	return tags
}

// withTags adds tagsAll to the state of a resource that takes tags.
func (p *provider) withTags(ctx context.Context, token string, in, state Props) Props {
	if t, err := lookUp(token); err == nil {
		if tags := p.tagsAll(ctx, t, in); tags != nil {
			state["tagsAll"] = tags
		}
	}
	return state
}

// Create creates a resource. A preview returns the inputs only.
func (p *provider) Create(ctx context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	token := typeOf(r.GetUrn())
	in, err := fromRPC(r.GetProperties())
	if err != nil {
		return nil, err
	}
	if r.GetPreview() {
		// The outputs are unknown until the resource exists.
		out, err := toRPC(p.withTags(ctx, token, in, cloneWithUnknowns(in)))
		return &pulumirpc.CreateResponse{Properties: out}, err
	}
	if err := cloudOf(ctx).reach(ctx); err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	id, state, err := cloudOf(ctx).Create(ctx, r.GetUrn(), token, in)
	var half *notReadyError
	if errors.As(err, &half) {
		return nil, initFailed(id, p.withTags(ctx, token, in, state), in, half)
	}
	if err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	out, err := toRPC(p.withTags(ctx, token, in, state))
	return &pulumirpc.CreateResponse{Id: id, Properties: out}, err
}

// initFailed is the error of a resource that was created and is not ready: the engine records it with the reason.
func initFailed(id string, state, in Props, reason error) error {
	properties, err1 := toRPC(state)
	inputs, err2 := toRPC(in)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	failed, err := status.New(codes.Unknown, reason.Error()).WithDetails(&pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: properties, Inputs: inputs, Reasons: []string{reason.Error()},
	})
	if err != nil {
		return err
	}
	return failed.Err()
}

// Update changes a resource. A preview returns the new inputs, and the outputs that an update does not compute again.
func (p *provider) Update(ctx context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	token := typeOf(r.GetUrn())
	t, err := lookUp(token)
	if err != nil {
		return nil, status.Error(codes.Unimplemented, err.Error())
	}
	in, err := fromRPC(r.GetNews())
	if err != nil {
		return nil, err
	}
	if r.GetPreview() {
		old, err := fromRPC(r.GetOlds())
		if err != nil {
			return nil, err
		}
		state := updated(token, t, old, sent(token, old, in))
		for _, key := range awstype.Of(token).Recomputed {
			delete(state, key)
		}
		out, err := toRPC(p.withTags(ctx, token, in, state))
		return &pulumirpc.UpdateResponse{Properties: out}, err
	}
	if err := cloudOf(ctx).reach(ctx); err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	state, err := cloudOf(ctx).Update(ctx, token, r.GetId(), in)
	if err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	out, err := toRPC(p.withTags(ctx, token, in, state))
	return &pulumirpc.UpdateResponse{Properties: out}, err
}

// cloneWithUnknowns copies the top level only, because Props.Clone does not keep unknown values.
func cloneWithUnknowns(in Props) Props {
	out := Props{}
	for key, value := range in {
		out[key] = value
	}
	return out
}

// Read returns the state of a resource. As the real provider does, it reads the inputs back from the cloud too, so that
// drift shows as a difference.
func (p *provider) Read(ctx context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	token := typeOf(r.GetUrn())
	t, err := lookUp(token)
	if err != nil {
		return nil, status.Error(codes.Unimplemented, err.Error())
	}
	if err := cloudOf(ctx).reach(ctx); err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	state := cloudOf(ctx).Read(token, r.GetId())
	if state == nil {
		return &pulumirpc.ReadResponse{}, nil
	}
	old, err := fromRPC(r.GetInputs())
	if err != nil {
		return nil, err
	}
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

// restrict removes the keys of a mapping that the program did not give as input: AWS adds keys of its own to some.
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

// Delete deletes a resource.
func (p *provider) Delete(ctx context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	if err := cloudOf(ctx).reach(ctx); err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	if err := cloudOf(ctx).Delete(ctx, typeOf(r.GetUrn()), r.GetId()); err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	return &emptypb.Empty{}, nil
}
