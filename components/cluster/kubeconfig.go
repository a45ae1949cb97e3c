package cluster

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

// Client says how Kubernetes clients reach a cluster.
type Client struct {
	// Name, Region and AccountID are the cluster's.
	Name, Region, AccountID string
	// Tunneled is true where clients reach the endpoint through a tunnel, which they open before they get a token.
	Tunneled bool
	// Groundwork is the command line of groundwork; by default go run, in the folder of the project. Pulumi runs it there,
	// and needs Go too.
	Groundwork []string
}

// The ports of tunnels. They are below those that systems give to outgoing connections, and above the well-known ones.
const (
	firstTunnelPort = 20000
	tunnelPorts     = 10000
)

// TunnelPort returns the port of this machine on which the tunnel to the cluster listens. It follows from account,
// region and name, so that a kubeconfig never changes and the tunnels of several clusters can be open at once.
func (c Client) TunnelPort() int {
	hash := fnv.New32a()
	fmt.Fprintf(hash, "%s/%s/%s", c.AccountID, c.Region, c.Name)
	return firstTunnelPort + int(hash.Sum32()%tunnelPorts)
}

// token returns the command that prints a token of the user for the cluster, with the AWS credentials of the user.
func (c Client) token(host string) (command string, args []string) {
	if !c.Tunneled {
		return "aws", []string{"--region", c.Region, "eks", "get-token", "--cluster-name", c.Name, "--output", "json"}
	}
	groundwork := c.Groundwork
	if len(groundwork) == 0 {
		groundwork = []string{"go", "run", "-ldflags=-w -s", "./cmd/groundwork"}
	}
	return groundwork[0], slices.Concat(groundwork[1:], []string{
		"tunnel", "token", "--cluster", c.Name, "--region", c.Region, "--host", host,
		"--port", strconv.Itoa(c.TunnelPort()),
	})
}

// Kubeconfig returns the configuration of Kubernetes clients. It contains no secret. endpoint is the URL of the API,
// and certificateAuthority is in base64, both as EKS returns them.
func (c Client) Kubeconfig(endpoint, certificateAuthority string) string {
	type named map[string]any
	host := strings.TrimPrefix(endpoint, "https://")
	server := named{"server": endpoint, "certificate-authority-data": certificateAuthority}
	if c.Tunneled {
		server["server"] = fmt.Sprintf("https://127.0.0.1:%d", c.TunnelPort())
		server["tls-server-name"] = host
	}
	command, args := c.token(host)
	out, err := json.Marshal(named{
		"apiVersion": "v1", "kind": "Config", "current-context": c.Name,
		"clusters": []named{{"name": c.Name, "cluster": server}},
		"contexts": []named{{"name": c.Name, "context": named{"cluster": c.Name, "user": c.Name}}},
		"users": []named{{"name": c.Name, "user": named{"exec": named{
			"apiVersion": "client.authentication.k8s.io/v1beta1", "command": command, "args": args,
			"interactiveMode": "Never",
		}}}},
	})
	if err != nil {
		// Strings, lists and maps always marshal.
		panic("rendering kubeconfig: " + err.Error())
	}
	return string(out)
}
