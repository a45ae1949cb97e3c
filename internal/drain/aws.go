package drain

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"groundwork/components/cluster"
	"groundwork/internal/awscli"
)

// AWS is a real account. It runs the aws and kubectl commands with the credentials of the user.
type AWS struct {
	// Account and Client say where to look; Find refuses credentials of another account.
	awscli.Account
	Client cluster.Client

	kubeconfig string
}

// Find lists Services, Ingresses and volume claims first: while they exist, controllers create again what is removed in
// AWS.
func (a *AWS) Find(ctx context.Context) ([]Item, error) {
	if err := a.Check(ctx); err != nil {
		return nil, fmt.Errorf("draining: %w", err)
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

// aws calls AWS in the region of the cluster.
func (a *AWS) aws(ctx context.Context, result any, args ...string) error {
	return inUse(a.Call(ctx, a.Region, result, args...))
}

// kubectl runs the kubectl command against the cluster and returns its output.
func (a *AWS) kubectl(ctx context.Context, args ...string) ([]byte, error) {
	args = append([]string{"--kubeconfig", a.kubeconfig}, args...)
	out, err := awscli.Output(exec.CommandContext(ctx, "kubectl", args...))
	return out, inUse(err)
}

// inUseCodes are AWS's error codes for a resource that another one still uses.
var inUseCodes = []string{"DependencyViolation", "ResourceInUse", "VolumeInUse", "InvalidNetworkInterface.InUse"}

// inUse adds ErrInUse to an error of AWS that means it.
func inUse(err error) error {
	for _, code := range inUseCodes {
		if err != nil && strings.Contains(err.Error(), "("+code+")") {
			return fmt.Errorf("%w: %w", ErrInUse, err)
		}
	}
	return err
}

func afterSlash(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
