package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"groundwork/components/cluster"
	"groundwork/internal/tunnel"
	"groundwork/stacks"
)

// How long a tunnel stays open that nobody uses, and how long its connections wait for the first byte of an answer.
// A tunnel outlives the tokens of its clients, about 14 minutes: until a token expires, they do not ask for it again.
const (
	tunnelIdle   = 20 * time.Minute
	tunnelAnswer = 15 * time.Second
)

// newTunnel makes the command that leads kubectl to the cluster of an environment.
func newTunnel(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	var stack, kubeconfig string
	cmd := newAction("tunnel", "Write a kubeconfig and, for a private endpoint, open a tunnel to it",
		func(cmd *cobra.Command, _ []string) error {
			return openTunnel(cmd.Context(), stack, kubeconfig, stdout, stderr)
		})
	cmd.Long = "Writes a kubeconfig for the environment. Where the Kubernetes endpoint is private, kubectl reaches it\n" +
		"through Session Manager and the environment's bastion: the kubeconfig opens the tunnel when it is needed,\n" +
		"and a tunnel that nobody uses closes after twenty minutes. Uses the aws command with your credentials."
	requireStack(cmd, &stack)
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "the file to write; default .groundwork/kubeconfig-STACK")
	cmd.AddCommand(newTunnelToken(stdout, stderr), newTunnelServe(stderr), newTunnelSession(stdin))
	return cmd
}

// openTunnel writes the kubeconfig of an environment and opens its tunnel where it needs one.
func openTunnel(ctx context.Context, stack, kubeconfig string, stdout, stderr io.Writer) error {
	config, account, err := realAccount(ctx, stack)
	if err != nil {
		return err
	}
	if config.Hibernated {
		return fmt.Errorf("%s is hibernated: it has no cluster", stack)
	}
	if err := account.Check(ctx); err != nil {
		return err
	}
	endpoint, authority, err := account.DescribeCluster(ctx, config.ClusterName())
	if err != nil {
		return err
	}
	client, err := kubernetesClient(config)
	if err != nil {
		return err
	}
	if kubeconfig == "" {
		kubeconfig = filepath.Join(".groundwork", "kubeconfig-"+stack)
	}
	if kubeconfig, err = filepath.Abs(kubeconfig); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(kubeconfig), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(kubeconfig, []byte(client.Kubeconfig(endpoint, authority)), 0o600); err != nil {
		return err
	}
	if client.Tunneled {
		target := tunnel.Target{
			Cluster: client.Name, Region: client.Region, Host: strings.TrimPrefix(endpoint, "https://"),
			Port: client.TunnelPort(),
		}
		if err := tunnel.Open(ctx, target, client.Groundwork[0], "tunnel", "serve"); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "The tunnel to %s is open. It closes after %s without use; kubectl opens it again.\n",
			client.Name, tunnelIdle)
	}
	_, err = fmt.Fprintf(stdout, "export KUBECONFIG='%s'\n", kubeconfig)
	return err
}

// kubernetesClient returns how kubectl reaches a cluster, with this program for its tunnel.
func kubernetesClient(config *stacks.Config) (cluster.Client, error) {
	self, err := os.Executable()
	client := config.KubernetesClient()
	client.Groundwork = []string{self}
	return client, err
}

// targetFlags adds the flags of a tunnel's target. A kubeconfig has them, so that no settings have to be read.
func targetFlags(cmd *cobra.Command, t *tunnel.Target) {
	cmd.Flags().StringVar(&t.Cluster, "cluster", "", "name of the cluster")
	cmd.Flags().StringVar(&t.Region, "region", "", "region of the cluster")
	cmd.Flags().StringVar(&t.Host, "host", "", "name of the Kubernetes endpoint")
	cmd.Flags().IntVar(&t.Port, "port", 0, "port of this machine that leads there")
	for _, flag := range []string{"cluster", "region", "host", "port"} {
		// The only error is that the flag does not exist.
		_ = cmd.MarkFlagRequired(flag)
	}
}

// newTunnelToken makes the command that a kubeconfig runs.
func newTunnelToken(stdout, stderr io.Writer) *cobra.Command {
	var target tunnel.Target
	cmd := newAction("token", "Open the tunnel and print a token, as a kubeconfig asks for it",
		func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			if err := tunnel.Open(cmd.Context(), target, self, "tunnel", "serve"); err != nil {
				return err
			}
			token := exec.CommandContext(cmd.Context(), "aws", "--region", target.Region,
				"eks", "get-token", "--cluster-name", target.Cluster, "--output", "json")
			token.Stdout, token.Stderr = stdout, stderr
			if err := token.Run(); err != nil {
				return fmt.Errorf("aws eks get-token: %w", err)
			}
			return nil
		})
	cmd.Hidden = true
	targetFlags(cmd, &target)
	return cmd
}

// newTunnelServe makes the command that keeps a tunnel open, in the background.
func newTunnelServe(stderr io.Writer) *cobra.Command {
	var target tunnel.Target
	var idle time.Duration
	cmd := newAction("serve", "Keep a tunnel open until nobody uses it",
		func(cmd *cobra.Command, _ []string) error {
			listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(target.Port)))
			if err != nil {
				return err
			}
			// go run deletes its program at its end, and the server outlives it.
			self, remove, err := tunnel.KeepExecutable()
			if err != nil {
				return errors.Join(err, listener.Close())
			}
			defer remove()
			bastion := &tunnel.Bastion{Target: target, Command: []string{self, "tunnel", "session"}, Log: stderr}
			server := &tunnel.Server{Start: bastion.Start, Idle: idle, Answer: tunnelAnswer}
			return server.Serve(cmd.Context(), listener)
		})
	cmd.Hidden = true
	cmd.Flags().DurationVar(&idle, "idle", tunnelIdle, "end when nobody has been connected for so long")
	targetFlags(cmd, &target)
	return cmd
}

// newTunnelSession makes the command that runs one session, in a process of its own.
func newTunnelSession(stdin io.Reader) *cobra.Command {
	var target tunnel.Target
	var instance string
	var port int
	cmd := newAction("session", "Run one session of a tunnel", func(cmd *cobra.Command, _ []string) error {
		return tunnel.RunSession(cmd.Context(), target, instance, port, stdin)
	})
	cmd.Hidden = true
	targetFlags(cmd, &target)
	cmd.Flags().StringVar(&instance, "instance", "", "ID of the bastion")
	cmd.Flags().IntVar(&port, "local-port", 0, "port of this machine on which the session accepts connections")
	return cmd
}
