// Command groundwork does what Pulumi's own command line does not: it runs the program in a sandbox with no AWS account,
// and says what an environment costs, takes and lacks.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"groundwork/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}
