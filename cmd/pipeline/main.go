// Command pipeline runs one stage of the pipelines: pipeline STAGE. The make targets of the same names call it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"groundwork/internal/pipeline"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run runs the stage that args name, or prints the coverage of the last run of the tests.
func run(ctx context.Context, args []string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return fmt.Errorf("give one stage: %s", strings.Join(pipeline.Stages(), ", "))
	}
	if args[0] == "coverage" {
		text, err := pipeline.CoverageByPart(dir)
		fmt.Print(text)
		return err
	}
	return (&pipeline.Run{Dir: dir, Env: os.Environ(), Out: os.Stdout}).Do(ctx, args[0])
}
