// Package awscli runs the aws command, and others like it, with the credentials of the user.
package awscli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Account is a real account, seen from a region.
type Account struct {
	// ID is its twelve digits; Check refuses credentials of another account.
	ID, Region string
}

// Check refuses credentials of another account.
func (a Account) Check(ctx context.Context) error {
	var who struct{ Account string }
	if err := a.Call(ctx, a.Region, &who, "sts", "get-caller-identity"); err != nil {
		return err
	}
	if who.Account != a.ID {
		return fmt.Errorf("the credentials are for account %s; the stack is in %s", who.Account, a.ID)
	}
	return nil
}

// Call runs the aws command in a region, which reads all pages, and decodes what it prints into result; nil for what
// nobody reads.
func (a Account) Call(ctx context.Context, region string, result any, args ...string) error {
	out, err := Output(exec.CommandContext(ctx, "aws", append(args, "--region", region, "--output", "json")...))
	if err != nil || result == nil {
		return err
	}
	if err := json.Unmarshal(out, result); err != nil {
		return fmt.Errorf("reading what aws %s says: %w", strings.Join(args[:2], " "), err)
	}
	return nil
}

// DescribeCluster asks EKS for the URL of a cluster's Kubernetes endpoint and its certificate authority, in base64.
func (a Account) DescribeCluster(ctx context.Context, name string) (endpoint, authority string, err error) {
	var described struct {
		Cluster struct {
			Endpoint             string
			CertificateAuthority struct{ Data string }
		}
	}
	err = a.Call(ctx, a.Region, &described, "eks", "describe-cluster", "--name", name)
	return described.Cluster.Endpoint, described.Cluster.CertificateAuthority.Data, err
}

// Output runs a command and returns its output; its error output is in the error.
func Output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	line := filepath.Base(cmd.Args[0]) + " " + strings.Join(cmd.Args[1:], " ")
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("this needs the %s command: %w", cmd.Args[0], err)
	case errors.As(err, &exit):
		return nil, fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(exit.Stderr)))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	return out, nil
}
