package awssim

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"groundwork/internal/awstype"
)

// Object is one resource that exists in the simulated cloud.
type Object struct {
	// Type is the Pulumi type token.
	Type string `json:"type"`
	// ID is the physical ID.
	ID string `json:"id"`
	// Region of the resource; empty for a global resource.
	Region string `json:"region,omitempty"`
	// URN of the Pulumi resource that created it; empty for what AWS created by itself.
	URN string `json:"urn,omitempty"`
	// State holds inputs and outputs.
	State Props `json:"state"`
	// Contents describes the data in the resource, such as the objects in a bucket; empty where there is none.
	Contents string `json:"holds,omitempty"`
	// Upgraded is when a cluster was upgraded in place; zero for never.
	Upgraded time.Time `json:"upgraded,omitzero"`
	// Pending are the inputs whose change waits for the maintenance window, with their new values.
	Pending Props `json:"pending,omitempty"`
	// Zones are those in which a database or a cache has instances.
	Zones []string `json:"zones,omitempty"`
	// digest is, during the creation, 64 hexadecimal digits from which a Created hook makes what AWS never gives twice.
	digest string
}

// Cloud is a simulated AWS account, seen from one of its regions. It keeps the resources that were created, refuses
// what AWS refuses with AWS's error codes, and takes as long as AWS would, divided by Speed. It is safe for concurrent
// use.
type Cloud struct {
	// Site is the account and the region from which it is seen.
	Site Site
	*account

	// client is how a Kubernetes provider reaches its cluster; nil for other providers.
	client *apiClient
}

// account is what all regions of a cloud share.
type account struct {
	// Speed divides AWS's latencies: 100 turns a ten-minute cluster into six seconds; 0 disables waiting.
	Speed float64

	mu sync.Mutex
	// inside is true where the engine runs in the VPC, or in a network that is connected with it.
	inside bool
	// id is the account ID of the first provider; Connect refuses any other.
	id string
	// path is the file that save writes; empty for a cloud in memory.
	path string
	// objects holds what exists, by key.
	objects map[string]*Object
	// left holds what deletions left behind, with the reason for each.
	left map[string]string
	// snapshots holds the contents of each cache snapshot, by name.
	snapshots map[string]string
	// engines holds the engine of each cache snapshot, by name; a snapshot of an older store has none.
	engines map[string]string
	// finals are the names of the final snapshots of databases, the newest last.
	finals []string
	// clock is the simulated time.
	clock time.Time
	// created counts how often each URN was created, so that a new resource never gets the ID of an old one.
	created map[string]int
	// creating holds the inputs of the creations in progress, by URN.
	creating map[string]Props
	// skip is closed while waits end at once.
	skip   chan struct{}
	faults []Fault
	// kill kills the engine; nil where nothing can.
	kill func()
}

// NewCloud returns an empty cloud in memory.
func NewCloud(site Site) *Cloud {
	return &Cloud{Site: site, account: &account{
		objects:   map[string]*Object{},
		left:      map[string]string{},
		snapshots: map[string]string{},
		engines:   map[string]string{},
		created:   map[string]int{},
		creating:  map[string]Props{},
		skip:      make(chan struct{}),
	}}
}

// SetInside says whether the engine runs in the VPC, or in a network that is connected with it.
func (c *Cloud) SetInside(inside bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inside = inside
}

// In returns the same account as seen from another region.
func (c *Cloud) In(region string) *Cloud {
	return &Cloud{Site: Site{Region: region, Account: c.Site.Account}, account: c.account}
}

// Connect returns the cloud as a provider with the given region and account sees it. A simulated cloud has one account:
// Connect refuses a provider that asks for another one.
func (c *Cloud) Connect(site Site) (*Cloud, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id != "" && c.id != site.Account {
		return nil, fmt.Errorf("the environment is in the account %s, and an aws provider asks for %s: "+
			"an environment does not move to another account", c.id, site.Account)
	}
	c.id = site.Account
	return &Cloud{Site: site, account: c.account}, nil
}

// regionOf returns the region that new resources of a type get: the cloud's, or none for global types.
func (c *Cloud) regionOf(token string) string {
	if awstype.Of(token).Global {
		return ""
	}
	return c.Site.Region
}

// key identifies an object within its account.
func (o *Object) key() string { return o.Type + "|" + o.Region + "|" + o.ID }

// get returns a resource of this region or a global one, or nil. The caller holds mu.
func (c *Cloud) get(token, id string) *Object {
	return c.objects[(&Object{Type: token, ID: id, Region: c.regionOf(token)}).key()]
}

// has reports whether the account has a resource of a type. The caller holds mu.
func (c *Cloud) has(token string) bool {
	for _, o := range c.objects {
		if o.Type == token {
			return true
		}
	}
	return false
}

// add puts an object into the cloud. The caller holds mu.
func (c *Cloud) add(o *Object) { c.objects[o.key()] = o }

// Objects returns what exists, sorted by type, region and ID.
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

// leave records what stays behind after a deletion, and until when or why. The caller holds mu.
func (c *Cloud) leave(what, why string) { c.left[what] = why }

// Left returns what deletions left behind, with the reason for each: snapshots, keys in their recovery windows, and
// whatever AWS created by itself.
func (c *Cloud) Left() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.left)
}
