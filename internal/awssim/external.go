package awssim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// The methods of this file change the account without a provider: they set up tests and simulate users, controllers and
// killed runs.

// Forget removes every object for which lost returns true, and returns the removed objects. It simulates what somebody
// deletes by hand. AWS's refusals do not apply.
func (c *Cloud) Forget(lost func(Object) bool) ([]Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var forgotten []Object
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		// The hook of an earlier object may have removed this one.
		o, still := c.objects[key]
		if !still || !lost(*o) {
			continue
		}
		forgotten = append(forgotten, *o)
		delete(c.objects, key)
		if hook := catalog[o.Type].Deleted; hook != nil {
			// The hook removes what AWS created along with the object. Its error, such as one about deletion protection,
			// does not matter for an object that no state records.
			_ = hook(c.In(cmp.Or(o.Region, c.Site.Region)), o)
		}
	}
	if len(forgotten) == 0 {
		return nil, nil
	}
	return forgotten, c.save()
}

// Release removes every object for which released returns true: the program gave it up without deleting it, so it stays
// in the account, outside of any program. Release records objects with contents as left behind.
func (c *Cloud) Release(released func(Object) bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		o := c.objects[key]
		if !released(*o) {
			continue
		}
		if o.Contents != "" {
			c.leave("bucket "+o.ID, "kept with the "+o.Contents+" in it, until they expire")
		}
		delete(c.objects, key)
	}
	return c.save()
}

// Seed puts a resource into the cloud as if it had always been there, such as one that a controller created. Its region
// is the cloud's.
func (c *Cloud) Seed(o Object) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.Region = c.regionOf(o.Type)
	c.add(&o)
	return c.save()
}

// SetContents records that a resource contains data, such as the objects in a bucket.
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

// InjectDrift changes a property of a resource without Pulumi.
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
