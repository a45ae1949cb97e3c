// Package cluster runs a Kubernetes control plane on this machine: etcd, API server, controller manager and scheduler as
// they are released, and kwok in the place of nodes. Real are validation, admission, authorization, scheduling, controllers
// and rollouts. Not real are containers, and with them probes, traffic, network policies and DNS: kwok sets a pod's
// status as stages.yaml says.
package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/kwok/kustomize/stage/node/fast"
	heartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
)

//go:embed stages.yaml
var podStages string

//go:embed deployer.yaml
var deployerRole string

//go:embed target-group-binding.yaml
var targetGroupBinding string

// externalSecrets is the module that External Secrets' custom resource definitions are taken from: the newest that the
// module proxy has. Its external-secrets.io/v1 is what later releases of the operator serve too.
const externalSecrets = "github.com/external-secrets/external-secrets@v1.3.2"

// Zones are where the nodes are, two in each.
var Zones = []string{"eu-west-1a", "eu-west-1b", "eu-west-1c"}

// patience bounds every wait for something to come up.
const patience = 90 * time.Second

// Cluster is a control plane that runs until Stop.
type Cluster struct {
	// Kubeconfig is the path of a file that lets its holder do everything; Deployer of one that makes him a member of the group that
	// pipelines deploy as.
	Kubeconfig, Deployer string

	bin, dir, etcdURL string
	children          []*child
}

// child is one of the processes. Its output goes to a file; done is closed when it ended.
type child struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts the control plane with the programs in the directory bin and everything else in dir, which it creates, and
// waits until the nodes are ready. Where something does not come up, the error carries the end of its log, and nothing runs on.
func Start(ctx context.Context, bin, dir string) (*Cluster, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the cluster's directory: %w", err)
	}
	c := &Cluster{bin: bin, dir: dir, Kubeconfig: filepath.Join(dir, "kubeconfig"), Deployer: filepath.Join(dir, "deployer")}
	for _, step := range []func(context.Context) error{c.etcd, c.apiServer, c.controllers, c.definitions, c.nodes} {
		if err := step(ctx); err != nil {
			c.Stop()
			return nil, err
		}
	}
	return c, nil
}

// Stop ends every process, the last one first.
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

// Env is the environment in which kubectl and helm of the cluster's version are found and talk to it.
func (c *Cluster) Env() []string {
	return append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "PATH="+c.bin+":"+os.Getenv("PATH"),
		"HELM_CACHE_HOME="+filepath.Join(c.dir, "helm"), "HELM_CONFIG_HOME="+filepath.Join(c.dir, "helm"), "HELM_DATA_HOME="+filepath.Join(c.dir, "helm"))
}

// Deploy runs helm as a pipeline's deploy role may.
func (c *Cluster) Deploy(ctx context.Context, args ...string) error {
	_, err := c.run(ctx, append(c.Env(), "KUBECONFIG="+c.Deployer), "", "helm", args...)
	return err
}

// Run runs kubectl or helm with input on its standard input and returns what it said on standard output. The error has what it said on the other.
func (c *Cluster) Run(ctx context.Context, input, program string, args ...string) (string, error) {
	return c.run(ctx, c.Env(), input, program, args...)
}

func (c *Cluster) run(ctx context.Context, env []string, input, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Env = env
	cmd.Stdin = strings.NewReader(input)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(problems.String()))
	}
	return out.String(), nil
}

// start starts one of the programs.
func (c *Cluster) start(name string, args ...string) error {
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	if err != nil {
		return fmt.Errorf("creating a log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, c.dir
	// A test that is killed takes its control plane with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	ended := &child{name, cmd, make(chan struct{})}
	go func() { _ = cmd.Wait(); close(ended.done) }()
	c.children = append(c.children, ended)
	return nil
}

// wait asks ready until it says yes. A process that ended meanwhile ends the wait: nothing would come of it any more.
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

// tail is the end of a program's log.
func (c *Cluster) tail(name string) string {
	text, err := os.ReadFile(filepath.Join(c.dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

func (c *Cluster) etcd(ctx context.Context) error {
	client, peer := "http://"+freeAddress(), "http://"+freeAddress()
	if err := c.start("etcd", "--data-dir", filepath.Join(c.dir, "etcd"), "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer,
		// What is stored is thrown away afterwards; waiting for the disk would only slow the tests.
		"--unsafe-no-fsync"); err != nil {
		return err
	}
	address := strings.TrimPrefix(client, "http://")
	if err := c.wait(ctx, "etcd", func() error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}); err != nil {
		return err
	}
	c.etcdURL = client
	return nil
}

func (c *Cluster) apiServer(ctx context.Context) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("making the key of service accounts: %w", err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(filepath.Join(c.dir, "accounts.key"), block, 0o600); err != nil {
		return err
	}
	tokens := map[string]string{c.Kubeconfig: rand.Text(), c.Deployer: rand.Text()}
	users := tokens[c.Kubeconfig] + `,admin,admin,"system:masters"` + "\n" + tokens[c.Deployer] + `,deployer,deployer,"groundwork:deployers"` + "\n"
	if err := os.WriteFile(filepath.Join(c.dir, "tokens.csv"), []byte(users), 0o600); err != nil {
		return err
	}
	host, port, _ := strings.Cut(freeAddress(), ":")
	if err := c.start("kube-apiserver", "--etcd-servers", c.etcdURL, "--bind-address", host, "--advertise-address", host, "--secure-port", port,
		"--cert-dir", c.dir, "--token-auth-file", "tokens.csv", "--authorization-mode", "RBAC",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", "accounts.key", "--service-account-signing-key-file", "accounts.key",
		"--service-cluster-ip-range", "172.20.0.0/16",
		// Nobody may be told that the API server is at a loopback address; without this it refuses to run on one.
		"--endpoint-reconciler-type", "none"); err != nil {
		return err
	}
	for path, token := range tokens {
		config := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: local, cluster: {server: "https://%s:%s", certificate-authority: %q}}]
users: [{name: user, user: {token: %q}}]
contexts: [{name: local, context: {cluster: local, user: user}}]
current-context: local
`, host, port, filepath.Join(c.dir, "apiserver.crt"), token)
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			return err
		}
	}
	return c.wait(ctx, "the API server", func() error {
		_, err := c.Run(ctx, "", "kubectl", "get", "--raw", "/readyz")
		return err
	})
}

func (c *Cluster) controllers(context.Context) error {
	stages := filepath.Join(c.dir, "stages.yaml")
	documents := strings.Join([]string{fast.DefaultNodeInit, heartbeat.DefaultNodeHeartbeatWithLease, podStages}, "\n---\n")
	if err := os.WriteFile(stages, []byte(documents), 0o600); err != nil {
		return err
	}
	return errors.Join(
		c.start("kube-controller-manager", "--kubeconfig", c.Kubeconfig, "--controllers", "*", "--secure-port", "0", "--leader-elect=false",
			// Every 15 s otherwise: most of the time of every test would be waiting for the smallest number of pods.
			"--horizontal-pod-autoscaler-sync-period", "2s",
			"--use-service-account-credentials", "--service-account-private-key-file", "accounts.key", "--root-ca-file", "apiserver.crt"),
		c.start("kube-scheduler", "--kubeconfig", c.Kubeconfig, "--secure-port", "0", "--leader-elect=false"),
		c.start("kwok", "--kubeconfig", c.Kubeconfig, "--config", stages, "--manage-all-nodes", "--node-lease-duration-seconds", "40", "--server-address", freeAddress()),
	)
}

// definitions installs the custom resource definitions that the chart needs, as their operators would.
func (c *Cluster) definitions(ctx context.Context) error {
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", externalSecrets)
	// Outside of every module, or its go.mod would have a say in the version.
	download.Dir = c.dir
	text, err := download.Output()
	if err != nil {
		return fmt.Errorf("downloading %s: %w: %s", externalSecrets, err, text)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(text, &module); err != nil {
		return fmt.Errorf("reading where %s is: %w", externalSecrets, err)
	}
	args := []string{"apply", "--server-side", "-f", "-"}
	for _, kind := range []string{"externalsecrets", "secretstores"} {
		args = append(args, "-f", filepath.Join(module.Dir, "config/crds/bases/external-secrets.io_"+kind+".yaml"))
	}
	if _, err := c.Run(ctx, targetGroupBinding, "kubectl", args...); err != nil {
		return err
	}
	_, err = c.Run(ctx, "", "kubectl", "wait", "--for=condition=Established", "--timeout", patience.String(), "crd", "--all")
	return err
}

// nodes creates two nodes in each zone, of the size of an m6i.large, and waits until they are ready.
func (c *Cluster) nodes(ctx context.Context) error {
	var list strings.Builder
	for i := range 2 * len(Zones) {
		name := fmt.Sprintf("node-%d", i+1)
		fmt.Fprintf(&list, `---
apiVersion: v1
kind: Node
metadata:
  name: %s
  labels: {kubernetes.io/hostname: %s, kubernetes.io/os: linux, kubernetes.io/arch: amd64, topology.kubernetes.io/zone: %s, topology.kubernetes.io/region: eu-west-1}
status:
  allocatable: {cpu: 1930m, memory: 7Gi, pods: "29"}
  capacity: {cpu: "2", memory: 8Gi, pods: "29"}
`, name, name, Zones[i%len(Zones)])
	}
	if _, err := c.Run(ctx, list.String(), "kubectl", "create", "-f", "-"); err != nil {
		return err
	}
	return c.wait(ctx, "the nodes", func() error {
		_, err := c.Run(ctx, "", "kubectl", "wait", "--for=condition=Ready", "--timeout=2s", "node", "--all")
		return err
	})
}

// Namespace creates a namespace for the application with what the infrastructure puts there: labels, the role of the pipelines' group, and the
// values that only it knows, which are read from a file.
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
	_, err := c.Run(ctx, "", "kubectl", "create", "configmap", "infrastructure-values", "--namespace", name, "--from-file=values.yaml="+values)
	return err
}

// freeAddress is a loopback address with a port that nobody listens on.
func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err) // A machine without a free port on loopback cannot run any of this.
	}
	defer listener.Close()
	return listener.Addr().String()
}
