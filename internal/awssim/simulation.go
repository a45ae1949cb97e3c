package awssim

// Simulation is a cloud with what the engine needs to run against it: simulated providers, and an HTTPS proxy that
// answers for the endpoints of its clusters.
type Simulation struct {
	*Cloud
	servers  *Servers
	endpoint *endpointProxy
}

// Simulate returns the simulation of a cloud. Serve starts it.
func Simulate(c *Cloud) *Simulation { return &Simulation{Cloud: c} }

// Serve starts the providers and returns the environment variables that point a CLI at them.
func (s *Simulation) Serve() (map[string]string, error) {
	var err error
	if s.servers, err = Serve(s.Cloud); err != nil {
		return nil, err
	}
	if s.endpoint, err = startEndpointProxy(); err != nil {
		return nil, err
	}
	return map[string]string{
		"PULUMI_DEBUG_PROVIDERS":    s.servers.DebugProviders,
		"GROUNDWORK_ENDPOINT_PROXY": s.endpoint.URL(),
	}, nil
}

// Stop stops the providers and the proxy.
func (s *Simulation) Stop() {
	if s.servers != nil {
		s.servers.Stop()
	}
	if s.endpoint != nil {
		s.endpoint.Stop()
	}
}

// Release removes the objects for which released returns true: the program gave them up without deleting them.
func (s *Simulation) Release(released func(urn string) bool) error {
	return s.Cloud.Release(func(o Object) bool { return released(o.URN) })
}
