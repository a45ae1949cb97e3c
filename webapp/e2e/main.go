// e2e runs a command beside a Kubernetes control plane of its own, with KUBECONFIG set and kubectl and helm of its version
// first on PATH, and stops the control plane when the command ends:
//
//	KUBERNETES_BIN=$(./build.sh) go run . helm list
//
// The exit code is the command's. Without a command it runs until it is interrupted and says where KUBECONFIG is.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

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

// programs is the directory that build.sh printed.
func programs() string { return os.Getenv("KUBERNETES_BIN") }

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
	if err := control.Namespace(ctx, "webapp"); err != nil {
		return err
	}
	if len(command) == 0 {
		fmt.Printf("export KUBECONFIG=%s PATH=%s:$PATH\n", control.Kubeconfig, programs())
		<-ctx.Done()
		return nil
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = control.Env(), os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
