package drain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// AWS is a real account. It runs the aws and kubectl commands with the credentials of the user.
type AWS struct {
	// AccountID, Region and Cluster say where to look; Find refuses credentials of another account.
	AccountID, Region, Cluster string

	kubeconfig string
}

// Find lists Services, Ingresses and volume claims first: while they exist, controllers create again what is removed in
// AWS.
func (a *AWS) Find(ctx context.Context) ([]Item, error) {
	var who struct{ Account string }
	if err := a.aws(ctx, &who, "sts", "get-caller-identity"); err != nil {
		return nil, err
	}
	if who.Account != a.AccountID {
		return nil, fmt.Errorf("draining: the credentials are for account %s; the stack is in %s", who.Account, a.AccountID)
	}
	inside, gone, err := a.inCluster(ctx)
	if err != nil {
		return nil, err
	}
	var origins []Item
	if gone {
		if origins, err = a.vpcOriginGroup(ctx); err != nil {
			return nil, err
		}
	}
	tagged, err := a.tagged(ctx)
	if err != nil {
		return nil, err
	}
	interfaces, err := a.interfaces(ctx)
	return slices.Concat(inside, tagged, interfaces, origins), err
}

// Remove deletes one item.
func (a *AWS) Remove(ctx context.Context, item Item) error {
	switch item.Kind {
	case "Service", "Ingress", "PersistentVolumeClaim":
		namespace, name, _ := strings.Cut(item.ID, "/")
		_, err := a.kubectl(ctx, "delete", strings.ToLower(item.Kind), "--namespace", namespace, name, "--timeout=5m")
		return err
	case "load balancer":
		return a.removeLoadBalancer(ctx, item.ID)
	case "target group":
		return a.aws(ctx, nil, "elbv2", "delete-target-group", "--target-group-arn", item.ID)
	case "security group":
		return a.aws(ctx, nil, "ec2", "delete-security-group", "--group-id", afterSlash(item.ID))
	case "volume":
		return a.aws(ctx, nil, "ec2", "delete-volume", "--volume-id", afterSlash(item.ID))
	case "network interface":
		return a.aws(ctx, nil, "ec2", "delete-network-interface", "--network-interface-id", item.ID)
	}
	return fmt.Errorf("there is no way to remove a %s", item.Kind)
}

func (a *AWS) removeLoadBalancer(ctx context.Context, arn string) error {
	if !strings.Contains(arn, "/app/") && !strings.Contains(arn, "/net/") && !strings.Contains(arn, "/gwy/") {
		// EKS itself makes a classic load balancer for a Service that no controller claims.
		return a.aws(ctx, nil, "elb", "delete-load-balancer", "--load-balancer-name", afterSlash(arn))
	}
	if err := a.aws(ctx, nil, "elbv2", "delete-load-balancer", "--load-balancer-arn", arn); err != nil {
		return err
	}
	return a.aws(ctx, nil, "elbv2", "wait", "load-balancers-deleted", "--load-balancer-arns", arn)
}

// Close removes the kubeconfig that Find wrote.
func (a *AWS) Close() {
	if a.kubeconfig != "" {
		os.Remove(a.kubeconfig)
		a.kubeconfig = ""
	}
}

// aws runs the aws command and reads its output into result, unless result is nil.
func (a *AWS) aws(ctx context.Context, result any, args ...string) error {
	out, err := output(ctx, "aws", append(args, "--region", a.Region, "--output", "json")...)
	if err != nil || result == nil {
		return err
	}
	if err := json.Unmarshal(out, result); err != nil {
		return fmt.Errorf("reading what aws %s says: %w", strings.Join(args[:2], " "), err)
	}
	return nil
}

// kubectl runs the kubectl command against the cluster and returns its output.
func (a *AWS) kubectl(ctx context.Context, args ...string) ([]byte, error) {
	return output(ctx, "kubectl", append([]string{"--kubeconfig", a.kubeconfig}, args...)...)
}

// inUseCodes are AWS's error codes for a resource that another one still uses.
var inUseCodes = []string{"DependencyViolation", "ResourceInUse", "VolumeInUse", "InvalidNetworkInterface.InUse"}

func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("draining needs the %s command: %w", name, err)
	}
	if err != nil {
		message := strings.TrimSpace(stderr.String())
		for _, code := range inUseCodes {
			if strings.Contains(message, "("+code+")") {
				err = ErrInUse
			}
		}
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, message)
	}
	return out, nil
}

func afterSlash(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
