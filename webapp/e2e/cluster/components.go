package cluster

import (
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

	"sigs.k8s.io/kwok/kustomize/stage/node/fast"
	heartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
)

//go:embed stages.yaml
var podStages string

//go:embed target-group-binding.yaml
var targetGroupBinding string

// externalSecrets is the module that contains the custom resource definitions of External Secrets, in the newest
// version that the module proxy has. Later releases of the operator serve the same API version, external-secrets.io/v1.
const externalSecrets = "github.com/external-secrets/external-secrets@v1.3.2"

// etcd starts etcd.
func (c *Cluster) etcd(ctx context.Context) error {
	client, peer := "http://"+freeAddress(), "http://"+freeAddress()
	if err := c.start("etcd",
		"--data-dir", filepath.Join(c.dir, "etcd"),
		"--listen-client-urls", client,
		"--advertise-client-urls", client,
		"--listen-peer-urls", peer,
		"--initial-advertise-peer-urls", peer,
		"--initial-cluster", "default="+peer,
		// The data is temporary. Waiting for the disk would only make the tests slower.
		"--unsafe-no-fsync",
	); err != nil {
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

// accounts writes the key that signs the tokens of service accounts.
func (c *Cluster) accounts() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("making the key of service accounts: %w", err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return os.WriteFile(filepath.Join(c.dir, "accounts.key"), block, 0o600)
}

// kubeconfig writes a kubeconfig that authenticates with a token.
func (c *Cluster) kubeconfig(path, host, port, token string) error {
	config := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: local, cluster: {server: "https://%s:%s", certificate-authority: %q}}]
users: [{name: user, user: {token: %q}}]
contexts: [{name: local, context: {cluster: local, user: user}}]
current-context: local
`, host, port, filepath.Join(c.dir, "apiserver.crt"), token)
	return os.WriteFile(path, []byte(config), 0o600)
}

// apiServer starts the API server with two users and writes their kubeconfigs.
func (c *Cluster) apiServer(ctx context.Context) error {
	if err := c.accounts(); err != nil {
		return err
	}
	tokens := map[string]string{c.Kubeconfig: rand.Text(), c.Deployer: rand.Text()}
	users := tokens[c.Kubeconfig] + `,admin,admin,"system:masters"` + "\n" +
		tokens[c.Deployer] + `,deployer,deployer,"groundwork:deployers"` + "\n"
	if err := os.WriteFile(filepath.Join(c.dir, "tokens.csv"), []byte(users), 0o600); err != nil {
		return err
	}
	host, port, _ := strings.Cut(freeAddress(), ":")
	if err := c.start("kube-apiserver",
		"--etcd-servers", c.etcdURL,
		"--bind-address", host,
		"--advertise-address", host,
		"--secure-port", port,
		"--cert-dir", c.dir,
		"--token-auth-file", "tokens.csv",
		"--authorization-mode", "RBAC",
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", "accounts.key",
		"--service-account-signing-key-file", "accounts.key",
		"--service-cluster-ip-range", "172.20.0.0/16",
		// The API server cannot publish a loopback address as its endpoint. Without this option it refuses to start.
		"--endpoint-reconciler-type", "none",
	); err != nil {
		return err
	}
	for path, token := range tokens {
		if err := c.kubeconfig(path, host, port, token); err != nil {
			return err
		}
	}
	return c.wait(ctx, "the API server", func() error {
		_, err := c.Run(ctx, "", "kubectl", "get", "--raw", "/readyz")
		return err
	})
}

// controllers starts the controller manager, the scheduler and kwok.
func (c *Cluster) controllers(context.Context) error {
	stages := filepath.Join(c.dir, "stages.yaml")
	all := []string{fast.DefaultNodeInit, heartbeat.DefaultNodeHeartbeatWithLease, podStages}
	if err := os.WriteFile(stages, []byte(strings.Join(all, "\n---\n")), 0o600); err != nil {
		return err
	}
	return errors.Join(
		c.start("kube-controller-manager",
			"--kubeconfig", c.Kubeconfig,
			"--controllers", "*",
			"--secure-port", "0",
			"--leader-elect=false",
			// The default is 15 s. Each test would spend most of its time waiting for the smallest number of pods.
			"--horizontal-pod-autoscaler-sync-period", "2s",
			"--use-service-account-credentials",
			"--service-account-private-key-file", "accounts.key",
			"--root-ca-file", "apiserver.crt",
		),
		c.start("kube-scheduler",
			"--kubeconfig", c.Kubeconfig,
			"--secure-port", "0",
			"--leader-elect=false",
		),
		c.start("kwok",
			"--kubeconfig", c.Kubeconfig,
			"--config", stages,
			"--manage-all-nodes",
			"--node-lease-duration-seconds", "40",
			"--server-address", freeAddress(),
		),
	)
}

// definitions installs the custom resource definitions that the chart needs. In a real cluster the operators do this.
func (c *Cluster) definitions(ctx context.Context) error {
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", externalSecrets)
	// This directory is outside of every module. Inside of one, its go.mod would influence the version.
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
	wait := []string{"wait", "--for=condition=Established", "--timeout", patience.String(), "crd", "--all"}
	_, err = c.Run(ctx, "", "kubectl", wait...)
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
  labels: {kubernetes.io/hostname: %s, kubernetes.io/os: linux, kubernetes.io/arch: amd64, `+
			`topology.kubernetes.io/zone: %s, topology.kubernetes.io/region: eu-west-1}
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

// freeAddress returns a loopback address with a port that no process listens on.
func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		// Without a free port on the loopback interface, no part of the cluster can run.
		panic(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
