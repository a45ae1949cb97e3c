package awssim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"

	"groundwork/internal/awstype"
)

// Create creates a resource and returns its ID and state. Without faults, the resource exists if and only if the error
// is nil. With a notReadyError, ID and state are those of the resource.
func (c *Cloud) Create(ctx context.Context, urn, token string, in Props) (string, Props, error) {
	t, err := lookUp(token)
	if err != nil {
		return "", nil, err
	}
	c.mu.Lock()
	fault := c.strike("create", token)
	err = errors.Join(c.missingRef(t, in), c.conflict(token, t, in, ""))
	c.creating[urn] = in
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.creating, urn)
	}()
	seconds, failed := c.begin(ctx, fault, awstype.CreateSeconds(token, in, awstype.Median))
	if err := errors.Join(failed, err); err != nil {
		return "", nil, fmt.Errorf("creating %s: %w", token, err)
	}
	if err := c.wait(ctx, seconds); err != nil {
		return "", nil, fmt.Errorf("creating %s: %w", token, err)
	}
	id, state, err := c.make(urn, token, t, in)
	if err == nil {
		err = c.end(ctx, fault)
	}
	if err != nil {
		return "", nil, fmt.Errorf("creating %s: %w", token, err)
	}
	if fault.effect == NotReady {
		return id, state, &notReadyError{fault.err}
	}
	return id, state, nil
}

// make puts a new resource into the account.
func (c *Cloud) make(urn, token string, t Type, in Props) (string, Props, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Other operations may have run during the wait.
	if err := errors.Join(c.missingRef(t, in), c.conflict(token, t, in, "")); err != nil {
		return "", nil, err
	}
	c.created[urn]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d", c.Site.Account, urn, c.created[urn]))
	digest := hex.EncodeToString(sum[:])
	id := t.ID(in, digest)
	o := &Object{
		Type: token, ID: id, Region: c.regionOf(token), URN: urn, State: withOutputs(c.Site, t, id, in), digest: digest,
	}
	if t.Created != nil {
		if err := t.Created(c, o); err != nil {
			return "", nil, err
		}
	}
	o.digest = ""
	c.add(o)
	return id, o.State.Clone(), c.save()
}

func withOutputs(s Site, t Type, id string, in Props) Props {
	state := in.Clone()
	if t.Outputs != nil {
		maps.Copy(state, t.Outputs(s, id, in))
	}
	return state
}

// Read returns the state of a resource, or nil where it does not exist.
func (c *Cloud) Read(token, id string) Props {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.get(token, id); o != nil {
		return o.State.Clone()
	}
	return nil
}

// Update changes a resource to new inputs and returns its new state.
func (c *Cloud) Update(ctx context.Context, token, id string, in Props) (Props, error) {
	t, err := lookUp(token)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	o := c.get(token, id)
	if o != nil {
		in = sent(token, o.State, in)
	}
	fault := c.strike("update", token)
	err = c.refuseUpdate(token, id, t, o, in)
	c.mu.Unlock()
	seconds, failed := c.begin(ctx, fault, awstype.UpdateSeconds(token, awstype.Median))
	if err := errors.Join(failed, err); err != nil {
		return nil, fmt.Errorf("updating %s %s: %w", token, id, err)
	}
	if err := c.wait(ctx, seconds); err != nil {
		return nil, fmt.Errorf("updating %s %s: %w", token, id, err)
	}
	state, err := c.change(o, t, in)
	if err == nil {
		err = c.end(ctx, fault)
	}
	if err != nil {
		return nil, fmt.Errorf("updating %s %s: %w", token, id, err)
	}
	return state, nil
}

// change gives a resource new inputs.
func (c *Cloud) change(o *Object, t Type, in Props) (Props, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	token, id := o.Type, o.ID
	if c.get(token, id) != o {
		return nil, apiError("ResourceNotFoundException: %s was deleted meanwhile", id)
	}
	in, pending := o.deferred(in)
	// An update keeps what AWS computed, and what others did to the resource, such as validating a certificate.
	state := updated(token, t, o.State, withOutputs(c.Site, t, id, in))
	before, waited := o.State, o.Pending
	o.State, o.Pending = state, pending
	if t.Changed != nil {
		if err := t.Changed(c, o); err != nil {
			o.State, o.Pending = before, waited
			return nil, err
		}
	}
	return o.State.Clone(), c.save()
}

// refuseUpdate returns AWS's error for an update that it refuses. o is nil where the resource does not exist. The
// caller holds mu.
func (c *Cloud) refuseUpdate(token, id string, t Type, o *Object, in Props) error {
	if o == nil {
		return apiError("ResourceNotFoundException: %s does not exist", id)
	}
	err := errors.Join(c.missingRef(t, in), c.conflict(token, t, in, id))
	if err == nil && t.Updated != nil {
		err = t.Updated(c, o, in)
	}
	return err
}

// Delete removes a resource. As with the real provider, deleting a resource that does not exist succeeds.
func (c *Cloud) Delete(ctx context.Context, token, id string) error {
	t, err := lookUp(token)
	if err != nil {
		return err
	}
	c.mu.Lock()
	o := c.get(token, id)
	var fault strike
	if o != nil {
		fault = c.strike("delete", token)
		err = c.inUse(o)
	}
	c.mu.Unlock()
	if o == nil {
		return nil
	}
	seconds, failed := c.begin(ctx, fault, awstype.DeleteSeconds(token, o.State, awstype.Median))
	if err := errors.Join(failed, err); err != nil {
		return fmt.Errorf("deleting %s %s: %w", token, id, err)
	}
	if err := c.wait(ctx, seconds); err != nil {
		return fmt.Errorf("deleting %s %s: %w", token, id, err)
	}
	if err := c.remove(o, t); err != nil {
		return fmt.Errorf("deleting %s %s: %w", token, id, err)
	}
	if err := c.end(ctx, fault); err != nil {
		return fmt.Errorf("deleting %s %s: %w", token, id, err)
	}
	return nil
}

// remove takes a resource out of the account.
func (c *Cloud) remove(o *Object, t Type) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.inUse(o); err != nil {
		return err
	}
	if t.Deleted != nil {
		if err := t.Deleted(c, o); err != nil {
			return err
		}
	}
	delete(c.objects, o.key())
	return c.save()
}
