package environment

// State is how much of an environment exists.
type State int

// The states. Each has less than the one before.
const (
	// Running has everything.
	Running State = iota
	// Parked has only what cannot be deleted without losing something: the cluster without nodes, a stopped database, a
	// snapshot of the cache, and the URL, which shows a page that says so. It has no NAT gateways, interface endpoints,
	// load balancer or dashboard.
	Parked
	// Hibernated is Parked without the cluster. Data, images, secrets, logs and names remain.
	Hibernated
)

// Power says how much of an environment runs, and when. Components call its methods; they never compare states.
type Power struct {
	State State
	// Schedule is when the nodes and the database of a running environment run; without days, they always run.
	Schedule Schedule
	// HadNodes is true if the cluster has had nodes since it was created. Only then can there be anything in the cluster.
	HadNodes bool
}

// HasCluster reports whether there is a control plane.
func (p Power) HasCluster() bool { return p.State != Hibernated }

// HasNodes reports whether there are node groups. With a schedule, they have no nodes outside working hours.
func (p Power) HasNodes() bool { return p.State == Running }

// HadNodesEver reports whether the cluster has or had nodes, so that pods in it could start.
func (p Power) HadNodesEver() bool { return p.HasNodes() || p.HadNodes && p.HasCluster() }

// HasEgress reports whether the private subnets have NAT gateways and interface endpoints.
func (p Power) HasEgress() bool { return p.State == Running }

// HasCache reports whether the cache has nodes. If not, its contents are in a snapshot.
func (p Power) HasCache() bool { return p.State == Running }

// HasLoadBalancer reports whether requests reach the application. If not, CloudFront answers them itself.
func (p Power) HasLoadBalancer() bool { return p.State == Running }

// RunsDatabase reports whether the database runs. With a schedule, it is stopped outside working hours.
func (p Power) RunsDatabase() bool { return p.State == Running }

// AlarmsOn reports whether alarms notify people. Alarms about resources that run in every state always do.
func (p Power) AlarmsOn() bool { return p.State == Running }

// HasDashboard reports whether there is a dashboard.
func (p Power) HasDashboard() bool { return p.State == Running }

// Scheduled reports whether a schedule stops and starts nodes and database.
func (p Power) Scheduled() bool { return p.State == Running && p.Schedule.On() }

// HasScheduler reports whether there are scheduled calls of AWS: those of the schedule, or the weekly run of a parked
// database.
func (p Power) HasScheduler() bool { return !p.RunsDatabase() || p.Schedule.On() }
