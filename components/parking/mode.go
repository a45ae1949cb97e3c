package parking

// Mode is how much of an environment is there.
type Mode int

// The modes, each with less than the one before.
const (
	// Running is everything.
	Running Mode = iota
	// Parked keeps what cannot stop without losing something: the cluster without nodes, the database stopped, the cache as a
	// snapshot, the URL with a page that says so. No NAT gateways, endpoints, load balancer, dashboard.
	Parked
	// Hibernated is parked without the cluster: data, images, secrets, logs and names stay.
	Hibernated
)

// Down is true where the application does not answer.
func (m Mode) Down() bool { return m != Running }
