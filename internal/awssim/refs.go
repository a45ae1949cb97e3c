package awssim

import (
	"cmp"
	"maps"
	"slices"

	"groundwork/internal/awstype"
)

// missingRef returns AWS's error for the first named resource that does not exist. The caller holds mu.
func (c *Cloud) missingRef(t Type, in Props) error {
	for _, ref := range t.Refs {
		for _, value := range in.Strs(ref.Path) {
			if c.find(ref, value) == nil {
				code := ref.Code
				if code == "" {
					code = "InvalidParameterValue"
				}
				return apiError("%s: %s names %s %q, which does not exist", code, ref.Path, ref.Type, value)
			}
		}
	}
	return nil
}

// find returns the resource that a reference names, or nil. The resource is in this region or global, or in any region
// where the reference may cross regions. The caller holds mu.
func (c *Cloud) find(ref Ref, value string) *Object {
	byID := ref.By == "" || ref.By == "id"
	for _, o := range c.objects {
		if o.Type != ref.Type || o.Region != "" && o.Region != c.Site.Region && !ref.AnyRegion {
			continue
		}
		if byID && o.ID == value || !byID && o.State.Str(ref.By) == value {
			return o
		}
	}
	return nil
}

// conflict returns AWS's error when another resource already has the identity. The caller holds mu.
func (c *Cloud) conflict(token string, t Type, in Props, id string) error {
	identity := awstype.Identity(token, awstype.Inputs(in))
	if t.Taken == "" || identity == "" {
		return nil
	}
	for _, o := range c.objects {
		if o.Type != token || o.ID == id || o.Region != c.regionOf(token) {
			continue
		}
		if awstype.Identity(token, awstype.Inputs(o.State)) == identity {
			return apiError("%s: %s already exists", t.Taken, identity)
		}
	}
	return nil
}

// inUse returns AWS's error when another resource still needs this one. The caller holds mu.
func (c *Cloud) inUse(o *Object) error {
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		other := c.objects[key]
		for _, ref := range catalog[other.Type].Refs {
			if !ref.Blocks || ref.Type != o.Type || other == o {
				continue
			}
			for _, value := range other.State.Strs(ref.Path) {
				if c.In(cmp.Or(other.Region, c.Site.Region)).find(ref, value) == o {
					return apiError("DependencyViolation: %s is in use by %s %s", o.ID, other.Type, other.ID)
				}
			}
		}
	}
	return nil
}
