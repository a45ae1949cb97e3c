package awssim

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"groundwork/internal/awstype"
)

// Object is one resource that exists in the simulated cloud.
type Object struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	// Region it is in; empty for what belongs to the account as a whole.
	Region string `json:"region,omitempty"`
	// URN of the Pulumi resource that made it; empty for what AWS made by itself.
	URN string `json:"urn,omitempty"`
	// State holds inputs and outputs.
	State Props `json:"state"`
	// Contents says what others have put into it; what holds something is not deleted unless forced.
	Contents string `json:"holds,omitempty"`
}

// Cloud is a simulated AWS account, seen from one of its regions. It keeps what was created, refuses what AWS refuses
// with AWS's error codes, and takes as long as its clock says. It is safe for concurrent use.
type Cloud struct {
	// Site is the region it is seen from, and the account.
	Site Site
	*account
}

// account is what all regions of a cloud share.
type account struct {
	// Speed divides AWS's latencies: 100 makes a ten-minute cluster take six seconds; 0 takes no time at all.
	Speed float64

	mu sync.Mutex
	// id is the first account ID that a provider asked for; others are refused.
	id      string
	path    string
	objects map[string]*Object
	left    map[string]string
	// snapshots are what is in them, by name; clock is what time it is.
	snapshots map[string]string
	clock     time.Time
	made      map[string]int
	// begun are the inputs of what is being created, by URN.
	begun  map[string]Props
	skip   chan struct{}
	faults []Fault
}

// Fault makes one operation fail as AWS would.
type Fault struct {
	// Type and Operation ("create", "update", "delete") say where; an empty one matches all.
	Type, Operation string
	// Error is what AWS says, code first: "Throttling: Rate exceeded".
	Error string
	// Times is how often it happens; 0 means always.
	Times int
}

// NewCloud returns an empty cloud in memory.
func NewCloud(site Site) *Cloud {
	return &Cloud{Site: site, account: &account{
		objects: map[string]*Object{}, left: map[string]string{}, snapshots: map[string]string{}, made: map[string]int{}, begun: map[string]Props{}, skip: make(chan struct{}),
	}}
}

// In returns the same account as seen from another region.
func (c *Cloud) In(region string) *Cloud {
	return &Cloud{Site: Site{Region: region, Account: c.Site.Account}, account: c.account}
}

// SkipLatency ends every wait until Resume: what is under way completes at once, so that an interrupted run ends soon and with
// all that was begun in its state.
func (c *Cloud) SkipLatency() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.skip:
	default:
		close(c.skip)
	}
}

// Resume lets operations take their time again.
func (c *Cloud) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.skip:
		c.skip = make(chan struct{})
	default:
	}
}

// Connect returns the cloud as a provider with the given region and account sees it. A simulated cloud is one account: a
// provider that wants another is refused.
func (c *Cloud) Connect(site Site) (*Cloud, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id != "" && c.id != site.Account {
		return nil, fmt.Errorf("the sandbox has one account, %s; a second aws provider asks for %s", c.id, site.Account)
	}
	c.id = site.Account
	return &Cloud{Site: site, account: c.account}, nil
}

// Inject adds a fault.
func (c *Cloud) Inject(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
}

// fault returns the error of the first fault that matches, and counts it. The caller holds mu.
func (c *Cloud) fault(operation, token string) error {
	for i := range c.faults {
		f := &c.faults[i]
		if (f.Type != "" && f.Type != token) || (f.Operation != "" && f.Operation != operation) || f.Times < 0 {
			continue
		}
		if f.Times > 0 {
			f.Times--
			if f.Times == 0 {
				f.Times = -1
			}
		}
		return apiError(f.Error)
	}
	return nil
}

// apiError puts an AWS error into the words in which the provider reports it.
func apiError(format string, a ...any) error {
	return fmt.Errorf("api error "+format, a...)
}

// wait takes as long as AWS would, divided by Speed.
func (c *Cloud) wait(ctx context.Context, seconds float64) error {
	if c.Speed == 0 {
		return nil
	}
	c.mu.Lock()
	skip := c.skip
	c.mu.Unlock()
	timer := time.NewTimer(time.Duration(seconds / c.Speed * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-skip:
	case <-ctx.Done():
		return fmt.Errorf("waiting for AWS: %w", ctx.Err())
	}
	return nil
}

// Create makes a resource and returns its ID and state. The resource exists when Create returns without error, and not
// otherwise.
func (c *Cloud) Create(ctx context.Context, urn, token string, in Props) (string, Props, error) {
	t, err := lookUp(token)
	if err != nil {
		return "", nil, err
	}
	c.mu.Lock()
	err = errors.Join(c.fault("create", token), c.missingRef(t, in), c.conflict(token, t, in, ""))
	c.begun[urn] = in
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.begun, urn)
	}()
	if err != nil {
		return "", nil, fmt.Errorf("creating %s: %w", token, err)
	}
	if err := c.wait(ctx, awstype.CreateSeconds(token, in, awstype.Median)); err != nil {
		return "", nil, fmt.Errorf("creating %s: %w", token, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Much may have happened meanwhile.
	if err := errors.Join(c.missingRef(t, in), c.conflict(token, t, in, "")); err != nil {
		return "", nil, fmt.Errorf("creating %s: %w", token, err)
	}
	c.made[urn]++
	digest := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d", c.Site.Account, urn, c.made[urn]))
	id := t.ID(in, hex.EncodeToString(digest[:]))
	o := &Object{Type: token, ID: id, Region: c.regionOf(token), URN: urn, State: withOutputs(c.Site, t, id, in)}
	if t.Created != nil {
		if err := t.Created(c, o); err != nil {
			return "", nil, fmt.Errorf("creating %s: %w", token, err)
		}
	}
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

// regionOf returns the region that new resources of a type get: the cloud's, or none for global types.
func (c *Cloud) regionOf(token string) string {
	if awstype.Of(token).Global {
		return ""
	}
	return c.Site.Region
}

// get returns a resource of this region or a global one, or nil. The caller holds mu.
func (c *Cloud) get(token, id string) *Object {
	return c.objects[(&Object{Type: token, ID: id, Region: c.regionOf(token)}).key()]
}

// key is what tells objects of an account apart.
func (o *Object) key() string { return o.Type + "|" + o.Region + "|" + o.ID }

// Update changes a resource to new inputs and returns its new state.
func (c *Cloud) Update(ctx context.Context, token, id string, in Props) (Props, error) {
	t, err := lookUp(token)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	o := c.get(token, id)
	if o == nil {
		err = apiError("ResourceNotFoundException: %s does not exist", id)
	} else {
		err = errors.Join(c.fault("update", token), c.missingRef(t, in), c.conflict(token, t, in, id))
		if err == nil && t.Updated != nil {
			err = t.Updated(o.State, in)
		}
	}
	c.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("updating %s %s: %w", token, id, err)
	}
	if err := c.wait(ctx, awstype.UpdateSeconds(token, awstype.Median)); err != nil {
		return nil, fmt.Errorf("updating %s %s: %w", token, id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.get(token, id) != o {
		return nil, fmt.Errorf("updating %s %s: %w", token, id, apiError("ResourceNotFoundException: %s was deleted meanwhile", id))
	}
	state := withOutputs(c.Site, t, id, in)
	for key, value := range o.State {
		// What others did to the resource, such as validating a certificate, an update does not undo.
		if _, set := state[key]; !set && !t.takes(key) {
			state[key] = value
		}
	}
	before := o.State
	o.State = state
	if t.Changed != nil {
		if err := t.Changed(c, o); err != nil {
			o.State = before
			return nil, fmt.Errorf("updating %s %s: %w", token, id, err)
		}
	}
	return o.State.Clone(), c.save()
}

// Delete removes a resource. Deleting what does not exist succeeds, as with the real provider.
func (c *Cloud) Delete(ctx context.Context, token, id string) error {
	t, err := lookUp(token)
	if err != nil {
		return err
	}
	c.mu.Lock()
	o := c.get(token, id)
	if o != nil {
		err = errors.Join(c.fault("delete", token), c.inUse(o))
	}
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("deleting %s %s: %w", token, id, err)
	}
	if o == nil {
		return nil
	}
	if err := c.wait(ctx, awstype.DeleteSeconds(token, o.State, awstype.Median)); err != nil {
		return fmt.Errorf("deleting %s %s: %w", token, id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.inUse(o); err != nil {
		return fmt.Errorf("deleting %s %s: %w", token, id, err)
	}
	if t.Deleted != nil {
		if err := t.Deleted(c, o); err != nil {
			return fmt.Errorf("deleting %s %s: %w", token, id, err)
		}
	}
	delete(c.objects, o.key())
	return c.save()
}

// add puts something into the cloud that AWS makes by itself. The caller holds mu.
func (c *Cloud) add(o *Object) { c.objects[o.key()] = o }

// leave notes what stays behind after a deletion, and until when or why. The caller holds mu.
func (c *Cloud) leave(what, why string) { c.left[what] = why }

// Left returns what deletions left behind, with the reason for each: snapshots, keys in their recovery windows, and
// whatever AWS made by itself.
func (c *Cloud) Left() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.left)
}

// Objects returns what exists, sorted by type and ID.
func (c *Cloud) Objects() []Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Object
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		o := *c.objects[key]
		o.State = o.State.Clone()
		list = append(list, o)
	}
	return list
}

// Forget removes every object for which lost is true, without asking AWS: what a killed run created and did not record.
func (c *Cloud) Forget(lost func(Object) bool) ([]Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var forgotten []Object
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		o, still := c.objects[key]
		if !still || !lost(*o) {
			continue
		}
		forgotten = append(forgotten, *o)
		delete(c.objects, key)
		if hook := catalogue[o.Type].Deleted; hook != nil {
			// What AWS made for it goes with it; that something is protected does not matter to what nobody recorded.
			_ = hook(c.In(cmp.Or(o.Region, c.Site.Region)), o)
		}
	}
	if len(forgotten) == 0 {
		return nil, nil
	}
	return forgotten, c.save()
}

// Release forgets what a program gave up without deleting it: it stays in the account, outside of any program. What holds
// something is noted as left behind.
func (c *Cloud) Release(given func(Object) bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		o := c.objects[key]
		if !given(*o) {
			continue
		}
		if o.Contents != "" {
			c.leave("bucket "+o.ID, "kept with the "+o.Contents+" in it, until they expire")
		}
		delete(c.objects, key)
	}
	return c.save()
}

// Seed puts a resource into the cloud as if it had always been there, such as what a controller made by itself. Its
// region is the cloud's.
func (c *Cloud) Seed(o Object) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.Region = c.regionOf(o.Type)
	c.add(&o)
	return c.save()
}

// SetContents puts something into a resource, such as objects into a bucket.
func (c *Cloud) SetContents(token, id, what string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.get(token, id)
	if o == nil {
		return fmt.Errorf("filling: %s %s does not exist", token, id)
	}
	o.Contents = what
	return c.save()
}

// InjectDrift changes a property of a resource behind Pulumi's back: drift.
func (c *Cloud) InjectDrift(token, id, property string, value any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.get(token, id)
	if o == nil {
		return fmt.Errorf("injecting drift: %s %s does not exist", token, id)
	}
	o.State[property] = value
	return c.save()
}
