package environment

// State is how much of an environment is there.
type State int

// The states, each with less than the one before.
const (
	// Running is everything.
	Running State = iota
	// Parked keeps what cannot stop without losing something: the cluster without nodes, the database stopped, the cache
	// as a snapshot, the URL with a page that says so. It has no NAT gateways, endpoints, load balancer or dashboard.
	Parked
	// Hibernated is parked without the cluster: data, images, secrets, logs and names stay.
	Hibernated
)

// Power says how much of an environment runs, and when. Components ask it; none of them compares states.
type Power struct {
	State State
	// Schedule is when a running environment has its nodes and its database up; always where it has no days.
	Schedule Schedule
	// HadNodes is true where the cluster has had nodes since it exists: only then is there something in it.
	HadNodes bool
}

// HasCluster reports whether there is a control plane.
func (p Power) HasCluster() bool { return p.State != Hibernated }

// HasNodes reports whether there are node groups; a schedule may keep them at no nodes for a night.
func (p Power) HasNodes() bool { return p.State == Running }

// HadNodesEver reports whether there is or was a node on which something in the cluster could start.
func (p Power) HadNodesEver() bool { return p.HasNodes() || p.HadNodes && p.HasCluster() }

// HasEgress reports whether the private subnets have NAT gateways and interface endpoints.
func (p Power) HasEgress() bool { return p.State == Running }

// HasCache reports whether the cache has nodes. Otherwise its contents are in a snapshot.
func (p Power) HasCache() bool { return p.State == Running }

// HasLoadBalancer reports whether requests reach the application. Otherwise CloudFront answers by itself.
func (p Power) HasLoadBalancer() bool { return p.State == Running }

// RunsDatabase reports whether the database runs, but for the nights of a schedule.
func (p Power) RunsDatabase() bool { return p.State == Running }

// AlarmsOn reports whether alarms notify people. Alarms about what runs in every state always do.
func (p Power) AlarmsOn() bool { return p.State == Running }

// HasDashboard reports whether there is something to watch.
func (p Power) HasDashboard() bool { return p.State == Running }

// Scheduled reports whether a schedule stops and starts nodes and database.
func (p Power) Scheduled() bool { return p.State == Running && p.Schedule.On() }

// HasScheduler reports whether something calls AWS at given times: the schedule, or the weekly run of a database that
// is stopped.
func (p Power) HasScheduler() bool { return !p.RunsDatabase() || p.Schedule.On() }
