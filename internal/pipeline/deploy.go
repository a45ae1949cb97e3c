package pipeline

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// deploy releases an image to the environment, with Helm or through Git, depending on who owns the release there.
func (r *Run) deploy(ctx context.Context) error {
	env, err := r.environment()
	if err != nil {
		return err
	}
	digest, err := r.digest()
	if err != nil {
		return err
	}
	timeout, err := time.ParseDuration(r.inputOr(Timeout, "5m"))
	if err != nil {
		return err
	}
	// A kubeconfig of its own leaves the current context of the machine as it is. For a private endpoint it opens a
	// tunnel.
	kubeconfig := r.path("reports", "kubeconfig")
	r.Env = append(r.Env, "KUBECONFIG="+kubeconfig)
	if err := r.call(ctx, "bin/groundwork", "tunnel", "--stack", r.get(Environment),
		"--kubeconfig", kubeconfig); err != nil {
		return err
	}
	if env.Owner == "argocd" {
		return r.deployThroughGit(ctx, env, digest, timeout)
	}
	return r.deployWithHelm(ctx, digest, timeout)
}

// digest returns the digest of the image to deploy: DIGEST, or the one that push left.
func (r *Run) digest() (string, error) {
	if digest := r.get(Digest); digest != "" {
		return digest, nil
	}
	text, err := os.ReadFile(r.digestFile())
	switch {
	case err == nil:
		return strings.TrimSpace(string(text)), nil
	case r.dryRun():
		return "sha256:" + strings.Repeat("0", 64), nil
	}
	return "", fmt.Errorf("there is no DIGEST, and no push has left one in reports/digest-%s", r.get(Environment))
}

// deployWithHelm installs or upgrades the release and waits until it is healthy. Helm rolls a release back that does
// not become healthy in time.
func (r *Run) deployWithHelm(ctx context.Context, digest string, timeout time.Duration) error {
	helm := "helm"
	if r.find(helm) == "" {
		if err := r.call(ctx, "make", "helm"); err != nil {
			return err
		}
		helm = "bin/helm"
	}
	values, err := r.output(ctx, "", "kubectl", "--namespace", "webapp", "get", "configmap", InfrastructureValues,
		"--output", `jsonpath={.data.values\.yaml}`)
	if err != nil {
		return fmt.Errorf("reading what the infrastructure says (is the workloads layer up?): %w", err)
	}
	if err := r.freeRelease(ctx, helm, timeout); err != nil {
		return err
	}
	rollback := "--atomic"
	version, err := r.query(ctx, helm, "version", "--short")
	if err == nil && strings.HasPrefix(version, "v4.") {
		rollback = "--rollback-on-failure"
	}
	// The values of the infrastructure go through standard input, so that no file is left behind.
	_, err = r.output(ctx, values, helm, "upgrade", "--install", "webapp", "webapp/chart", "--namespace", "webapp",
		rollback, "--wait", "--timeout", timeout.String(),
		"--values", "webapp/chart/values-"+r.get(Environment)+".yaml", "--values", "-",
		"--set", "image.digest="+digest)
	return err
}
