// Package cluster runs a Kubernetes control plane on this machine: etcd, the API server, the controller manager and the
// scheduler in their released versions, and kwok instead of nodes.
//
// Validation, admission, authorization, scheduling, controllers and rollouts are real. Containers are not real, and
// neither are probes, traffic, network policies and DNS. Instead, kwok sets the status of pods as stages.yaml says.
package cluster

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed deployer.yaml
var deployerRole string

// Zones are the availability zones. Each of them has two nodes.
var Zones = []string{"eu-west-1a", "eu-west-1b", "eu-west-1c"}

// patience limits every wait for a part of the cluster to become ready.
const patience = 90 * time.Second

// Cluster is a control plane that runs until Stop.
type Cluster struct {
	// Kubeconfig is the path of an administrator's kubeconfig. Deployer is the path of the kubeconfig of a pipeline: its
	// user is a member of the group that pipelines deploy as.
	Kubeconfig, Deployer string

	bin, dir, etcdURL string
	children          []*child
}

// child is one of the processes. Its output goes to a log file. The channel done is closed when the process has ended.
type child struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts the control plane and waits until the nodes are ready. The directory bin contains the programs. Start
// creates the directory dir for everything else. If a program does not become ready, the error contains the end of its
// log, and Start stops all programs.
func Start(ctx context.Context, bin, dir string) (*Cluster, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the cluster's directory: %w", err)
	}
	c := &Cluster{
		bin:        bin,
		dir:        dir,
		Kubeconfig: filepath.Join(dir, "kubeconfig"),
		Deployer:   filepath.Join(dir, "deployer"),
	}
	for _, step := range []func(context.Context) error{c.etcd, c.apiServer, c.controllers, c.definitions, c.nodes} {
		if err := step(ctx); err != nil {
			c.Stop()
			return nil, err
		}
	}
	return c, nil
}

// Stop ends all processes in the reverse order of their start.
func (c *Cluster) Stop() {
	for i := len(c.children) - 1; i >= 0; i-- {
		child := c.children[i]
		_ = child.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-child.done:
		case <-time.After(5 * time.Second):
			_ = child.cmd.Process.Kill()
			<-child.done
		}
	}
	c.children = nil
}

// Env returns the environment of an administrator. It finds kubectl and helm in the versions of the cluster.
func (c *Cluster) Env() []string {
	helm := filepath.Join(c.dir, "helm")
	return append(os.Environ(),
		"KUBECONFIG="+c.Kubeconfig,
		"PATH="+c.bin+":"+os.Getenv("PATH"),
		"HELM_CACHE_HOME="+helm,
		"HELM_CONFIG_HOME="+helm,
		"HELM_DATA_HOME="+helm,
	)
}

// Deploy runs helm with the permissions of a pipeline.
func (c *Cluster) Deploy(ctx context.Context, args ...string) error {
	_, err := c.run(ctx, append(c.Env(), "KUBECONFIG="+c.Deployer), "", "helm", args...)
	return err
}

// Run runs kubectl or helm as an administrator, with input as its standard input. It returns the standard output. The
// error contains the standard error.
func (c *Cluster) Run(ctx context.Context, input, program string, args ...string) (string, error) {
	return c.run(ctx, c.Env(), input, program, args...)
}

// run is Run in the environment env.
func (c *Cluster) run(ctx context.Context, env []string, input, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Env = env
	cmd.Stdin = strings.NewReader(input)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(problems.String())
		return out.String(), fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, said)
	}
	return out.String(), nil
}

// start starts a program that runs until Stop.
func (c *Cluster) start(name string, args ...string) error {
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	if err != nil {
		return fmt.Errorf("creating a log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, c.dir
	// The kernel kills the program when this process ends, even if Stop was never called.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	ended := &child{name, cmd, make(chan struct{})}
	go func() { _ = cmd.Wait(); close(ended.done) }()
	c.children = append(c.children, ended)
	return nil
}

// wait calls ready until it returns nil. It gives up as soon as one of the processes has ended.
func (c *Cluster) wait(ctx context.Context, what string, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		for _, child := range c.children {
			select {
			case <-child.done:
				return fmt.Errorf("waiting for %s: %s ended: %s", what, child.name, c.tail(child.name))
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w: %w", what, ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// tail returns the end of a program's log.
func (c *Cluster) tail(name string) string {
	text, err := os.ReadFile(filepath.Join(c.dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// Namespace creates a namespace for the application, and in it everything that the infrastructure creates: labels, the
// role of pipelines, and a ConfigMap with the values that only the infrastructure knows. It reads these values from the
// file values.
func (c *Cluster) Namespace(ctx context.Context, name, values string) error {
	if _, err := c.Run(ctx, fmt.Sprintf(`apiVersion: v1
kind: Namespace
metadata:
  name: %s
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/enforce-version: latest
`, name), "kubectl", "create", "-f", "-"); err != nil {
		return err
	}
	if _, err := c.Run(ctx, deployerRole, "kubectl", "create", "--namespace", name, "-f", "-"); err != nil {
		return err
	}
	_, err := c.Run(ctx, "", "kubectl", "create", "configmap", "infrastructure-values",
		"--namespace", name, "--from-file=values.yaml="+values)
	return err
}
