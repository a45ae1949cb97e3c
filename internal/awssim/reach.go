package awssim

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"groundwork/components/bastion"
	"groundwork/components/identity"
	"groundwork/internal/awstype"
)

// apiClient is how the Kubernetes provider reaches its cluster, as its kubeconfig says.
type apiClient struct {
	// server is the URL that it connects to. host is the name that it expects in the certificate there.
	server, host string
	// tunnel is true for a command that opens a tunnel before it returns a token.
	tunnel bool
}

// readKubeconfig returns the client of a kubeconfig, or nil for none.
func readKubeconfig(text string) *apiClient {
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string
				Name   string `json:"tls-server-name"`
			}
		}
		Users []struct {
			User struct{ Exec struct{ Args []string } }
		}
	}
	if json.Unmarshal([]byte(text), &config) != nil || len(config.Clusters) == 0 {
		return nil
	}
	c := &apiClient{server: config.Clusters[0].Cluster.Server, host: config.Clusters[0].Cluster.Name}
	if c.host == "" {
		c.host = strings.TrimPrefix(c.server, "https://")
	}
	for _, user := range config.Users {
		c.tunnel = slices.Contains(user.User.Exec.Args, "tunnel")
	}
	return c
}

// bastionStart is how many seconds a stopped bastion takes until Session Manager reaches it.
// An estimate: EC2 starts small instances in 10 to 20 seconds, and the agent registers when the system is up.
const bastionStart = 40

// reach returns an error if nothing leads from outside the VPC to the endpoint of the client. It starts a bastion that
// is stopped, as a tunnel does.
func (c *Cloud) reach(ctx context.Context) error {
	if c.client == nil {
		return nil
	}
	stopped, err := c.follow()
	if err != nil {
		return fmt.Errorf("configured Kubernetes cluster is unreachable: %w", err)
	}
	if !stopped {
		return nil
	}
	return c.wait(ctx, bastionStart)
}

// follow follows the client's way to its cluster. It reports whether the bastion was stopped.
func (c *Cloud) follow() (stopped bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var cluster *Object
	for _, o := range c.objects {
		if o.Type == awstype.EKSCluster && o.State.Str("endpoint") == "https://"+c.client.host {
			cluster = o
		}
	}
	switch {
	case cluster == nil:
		return false, nil // clusterReachable says so where it matters.
	case c.client.server == cluster.State.Str("endpoint"):
		if c.inside || cluster.State.Flag("vpcConfig.endpointPublicAccess") {
			return false, nil
		}
		return false, fmt.Errorf("dial tcp: i/o timeout: the endpoint of %s is private, and answers inside its VPC only",
			cluster.ID)
	case !c.client.tunnel:
		return false, fmt.Errorf("connection refused: nothing opens a tunnel at %s", c.client.server)
	}
	return c.In(cluster.Region).throughBastion(cluster)
}

// throughBastion checks everything between Session Manager and the endpoint of a cluster. The caller holds mu.
func (c *Cloud) throughBastion(cluster *Object) (stopped bool, err error) {
	name := bastion.Name(cluster.ID)
	instance := c.find(Ref{Type: awstype.Instance, By: "tags.Name"}, name)
	if instance == nil {
		return false, fmt.Errorf("there is no instance %s", name)
	}
	if !c.mayRegister(instance.State.Str("iamInstanceProfile")) {
		return false, fmt.Errorf("TargetNotConnected: the role of %s lacks %s", name, managedInstance)
	}
	group := c.find(Ref{Type: awstype.SecurityGroup}, instance.State.Strs("vpcSecurityGroupIds")[0])
	if !c.admits(awstype.EgressRule, group.ID, "cidrIpv4", "0.0.0.0/0") {
		return false, fmt.Errorf("TargetNotConnected: security group %s of %s lets no HTTPS out", group.ID, name)
	}
	if !c.reachesSystemsManager(instance) {
		return false, fmt.Errorf("TargetNotConnected: the subnet of %s has neither a NAT gateway nor the endpoints %s", name,
			strings.Join(bastion.Services, ", "))
	}
	if !c.admits(awstype.IngressRule, clusterGroup(cluster), "referencedSecurityGroupId", group.ID) {
		return false, fmt.Errorf("ConnectToPortError: the endpoint of %s does not admit %s", cluster.ID, name)
	}
	if stopped = instance.State.Str("instanceState") != running; stopped {
		instance.State["instanceState"] = running
		return true, c.save()
	}
	return false, nil
}

// managedInstance is the policy with which the agent of an instance may register.
var managedInstance = path.Base(identity.PolicySessionManager)

// mayRegister reports whether the role of an instance profile has the policy of managed instances.
func (c *Cloud) mayRegister(profile string) bool {
	p := c.find(Ref{Type: awstype.InstanceProfile, By: "name"}, profile)
	for _, o := range c.objects {
		if p != nil && o.Type == awstype.RolePolicyAttachment && o.State.Str("role") == p.State.Str("role") &&
			path.Base(o.State.Str("policyArn")) == managedInstance {
			return true
		}
	}
	return false
}

// admits reports whether a security group has a rule for HTTPS with the given source or destination.
func (c *Cloud) admits(token, group, property, value string) bool {
	for _, o := range c.objects {
		if o.Type != token || o.State.Str("securityGroupId") != group || o.State.Str(property) != value {
			continue
		}
		from, _ := o.State.Num("fromPort")
		to, _ := o.State.Num("toPort")
		if o.State.Str("ipProtocol") == "-1" || from <= 443 && 443 <= to {
			return true
		}
	}
	return false
}

// reachesSystemsManager reports whether the subnet of an instance has a route to a NAT gateway, or its VPC has the
// interface endpoints of Systems Manager.
func (c *Cloud) reachesSystemsManager(instance *Object) bool {
	subnet := c.get(awstype.Subnet, instance.State.Str("subnetId"))
	endpoints := map[string]bool{}
	for _, o := range c.objects {
		switch o.Type {
		case awstype.RouteTableAssociation:
			if o.State.Str("subnetId") == subnet.ID && c.routesToNAT(o.State.Str("routeTableId")) {
				return true
			}
		case awstype.VPCEndpoint:
			if o.State.Str("vpcId") == subnet.State.Str("vpcId") && o.State.Flag("privateDnsEnabled") {
				service := o.State.Str("serviceName")
				endpoints[service[strings.LastIndex(service, ".")+1:]] = true
			}
		}
	}
	return !slices.ContainsFunc(bastion.Services, func(service string) bool { return !endpoints[service] })
}

func (c *Cloud) routesToNAT(table string) bool {
	for _, o := range c.objects {
		if o.Type == awstype.Route && o.State.Str("routeTableId") == table &&
			o.State.Str("destinationCidrBlock") == "0.0.0.0/0" && c.get(awstype.NATGateway, o.State.Str("natGatewayId")) != nil {
			return true
		}
	}
	return false
}

// idleMinutes is how long a bastion runs without a session. Its own script stops it (package bastion).
const idleMinutes = 30

// stopIdleBastions stops the instances that stop themselves. The caller holds mu.
func (c *Cloud) stopIdleBastions() {
	for _, o := range c.objects {
		if o.Type == awstype.Instance && strings.Contains(o.State.Str("userData"), "stop-when-idle") {
			o.State["instanceState"] = "stopped"
		}
	}
}
