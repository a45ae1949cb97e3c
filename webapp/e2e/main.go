// Command e2e starts a Kubernetes control plane and an image registry, runs a command, and stops both when the command
// ends:
//
//	KUBERNETES_BIN=$(./build.sh) go run . helm list
//
// It sets these variables for the command:
//
//   - KUBECONFIG is the kubeconfig of an administrator.
//   - PATH starts with the directory of kubectl and helm in the versions of the cluster.
//   - E2E_KUBECONFIG is the kubeconfig of a pipeline.
//   - E2E_REGISTRY is the address of the registry.
//
// The exit code is that of the command. Without a command, e2e prints KUBECONFIG and PATH and runs until it is
// interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/google/go-containerregistry/pkg/registry"

	"groundwork/webapp/e2e/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			os.Exit(exit.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// programs returns the directory that build.sh printed.
func programs() string { return os.Getenv("KUBERNETES_BIN") }

// run starts the control plane and the registry and runs command.
func run(ctx context.Context, command []string) error {
	if programs() == "" {
		return errors.New("KUBERNETES_BIN is not set; it is the directory that build.sh prints")
	}
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	control, err := cluster.Start(ctx, programs(), dir)
	if err != nil {
		return err
	}
	defer control.Stop()
	if err := control.Namespace(ctx, "webapp", "../chart/ci/infrastructure-values.yaml"); err != nil {
		return err
	}
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer images.Close()
	env := append(control.Env(), "E2E_KUBECONFIG="+control.Deployer, "E2E_REGISTRY="+images.Listener.Addr().String())
	if len(command) == 0 {
		fmt.Printf("export KUBECONFIG=%s PATH=%s:$PATH\n", control.Kubeconfig, programs())
		<-ctx.Done()
		return nil
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
