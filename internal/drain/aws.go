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

	"groundwork/components/cluster"
)

// AWS is a real account, asked through the aws and kubectl commands, with the credentials of whoever runs them.
type AWS struct {
	// AccountID, Region and Cluster say where to look; another account is refused.
	AccountID, Region, Cluster string

	kubeconfig string
}

// Tags by which controllers and the VPC CNI mark what they make for a cluster.
// Sources: aws-load-balancer-controller, "Resource tags"; amazon-vpc-cni-k8s, "README"; aws-ebs-csi-driver, "Tagging".
const (
	controllerTag = "elbv2.k8s.aws/cluster"
	interfaceTag  = "cluster.k8s.amazonaws.com/name"
	ownedTag      = "kubernetes.io/cluster/"
)

// Find lists Services, Ingresses and volume claims first: as long as they are there, controllers make again what is
// removed behind their backs.
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
		_, err := output(ctx, "kubectl", "--kubeconfig", a.kubeconfig, "delete", strings.ToLower(item.Kind), "--namespace", namespace, name, "--timeout=5m")
		return err
	case "load balancer":
		if !strings.Contains(item.ID, "/app/") && !strings.Contains(item.ID, "/net/") && !strings.Contains(item.ID, "/gwy/") {
			// EKS itself makes a classic one of a Service that no controller claims.
			return a.aws(ctx, nil, "elb", "delete-load-balancer", "--load-balancer-name", afterSlash(item.ID))
		}
		if err := a.aws(ctx, nil, "elbv2", "delete-load-balancer", "--load-balancer-arn", item.ID); err != nil {
			return err
		}
		return a.aws(ctx, nil, "elbv2", "wait", "load-balancers-deleted", "--load-balancer-arns", item.ID)
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

// vpcOriginGroup lists the security group that CloudFront makes for VPC origins, which carries no tag. It is in use as
// long as there is an origin, so it is looked for only when the cluster, and with it most of the environment, is gone.
func (a *AWS) vpcOriginGroup(ctx context.Context) ([]Item, error) {
	var networks struct{ Vpcs []struct{ VpcID string } }
	if err := a.aws(ctx, &networks, "ec2", "describe-vpcs", "--filters", "Name=tag:Name,Values="+a.Cluster+"-vpc"); err != nil {
		return nil, err
	}
	var items []Item
	for _, network := range networks.Vpcs {
		var page struct{ SecurityGroups []struct{ GroupID string } }
		if err := a.aws(ctx, &page, "ec2", "describe-security-groups", "--filters",
			"Name=group-name,Values=CloudFront-VPCOrigins-Service-SG", "Name=vpc-id,Values="+network.VpcID); err != nil {
			return nil, err
		}
		for _, group := range page.SecurityGroups {
			items = append(items, Item{Kind: "security group", ID: group.GroupID})
		}
	}
	return items, nil
}

// inCluster lists the objects from which controllers make things in AWS, and whether the cluster is gone. What Argo CD
// keeps is left out: it would make it again, and a destroy takes it away.
func (a *AWS) inCluster(ctx context.Context) (items []Item, gone bool, err error) {
	var described struct {
		Cluster struct {
			Endpoint             string
			CertificateAuthority struct{ Data string }
		}
	}
	err = a.aws(ctx, &described, "eks", "describe-cluster", "--name", a.Cluster)
	if err != nil && strings.Contains(err.Error(), "ResourceNotFoundException") {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	a.Close()
	file, err := os.CreateTemp("", "groundwork-kubeconfig-")
	if err != nil {
		return nil, false, fmt.Errorf("writing a kubeconfig: %w", err)
	}
	defer file.Close()
	a.kubeconfig = file.Name()
	if _, err := file.WriteString(cluster.Kubeconfig(a.Cluster, a.Region, described.Cluster.Endpoint, described.Cluster.CertificateAuthority.Data)); err != nil {
		return nil, false, fmt.Errorf("writing a kubeconfig: %w", err)
	}
	out, err := output(ctx, "kubectl", "--kubeconfig", a.kubeconfig, "get", "services,ingresses,persistentvolumeclaims", "--all-namespaces", "--output", "json", "--request-timeout=30s")
	if err != nil {
		return nil, false, err
	}
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct {
				Namespace, Name string
				Annotations     map[string]string
			}
			Spec struct{ Type string }
		}
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, false, fmt.Errorf("reading what kubectl says: %w", err)
	}
	for _, i := range list.Items {
		if i.Kind == "Service" && i.Spec.Type != "LoadBalancer" || i.Metadata.Annotations["argocd.argoproj.io/tracking-id"] != "" {
			continue
		}
		items = append(items, Item{Kind: i.Kind, ID: i.Metadata.Namespace + "/" + i.Metadata.Name, HoldsData: i.Kind == "PersistentVolumeClaim"})
	}
	return items, false, nil
}

// Close removes the kubeconfig that Find made.
func (a *AWS) Close() {
	if a.kubeconfig != "" {
		os.Remove(a.kubeconfig)
		a.kubeconfig = ""
	}
}

// kinds are the resources that controllers make, in the order in which they have to go, by what their ARNs contain.
var kinds = []struct {
	name, contains string
	data           bool
}{
	{"load balancer", ":loadbalancer/", false},
	{"target group", ":targetgroup/", false},
	{"security group", ":security-group/", false},
	{"volume", ":volume/", true},
}

// tagged lists what controllers made outside of the cluster, by their tags. What the program or EKS itself tagged in the
// same way is left out: the program's carries ManagedBy=pulumi, EKS's carries aws:eks:cluster-name.
func (a *AWS) tagged(ctx context.Context) ([]Item, error) {
	type resource struct {
		ResourceARN string
		Tags        []struct{ Key, Value string }
	}
	found := map[string]bool{}
	for _, filter := range []string{"Key=" + controllerTag + ",Values=" + a.Cluster, "Key=" + ownedTag + a.Cluster + ",Values=owned"} {
		var page struct{ ResourceTagMappingList []resource }
		if err := a.aws(ctx, &page, "resourcegroupstaggingapi", "get-resources", "--tag-filters", filter); err != nil {
			return nil, err
		}
		for _, r := range page.ResourceTagMappingList {
			ours := false
			for _, tag := range r.Tags {
				ours = ours || tag.Key == "aws:eks:cluster-name" || tag.Key == "ManagedBy" && tag.Value == "pulumi"
			}
			if !ours {
				found[r.ResourceARN] = true
			}
		}
	}
	var items []Item
	for _, kind := range kinds {
		var arns []string
		for arn := range found {
			if strings.Contains(arn, kind.contains) {
				arns = append(arns, arn)
			}
		}
		slices.Sort(arns)
		for _, arn := range arns {
			items = append(items, Item{Kind: kind.name, ID: arn, HoldsData: kind.data})
		}
	}
	return items, nil
}

// interfaces lists the network interfaces that the VPC CNI made and no node uses any more.
func (a *AWS) interfaces(ctx context.Context) ([]Item, error) {
	var page struct {
		NetworkInterfaces []struct {
			ID string `json:"NetworkInterfaceId"`
		}
	}
	if err := a.aws(ctx, &page, "ec2", "describe-network-interfaces", "--filters",
		"Name=tag:"+interfaceTag+",Values="+a.Cluster, "Name=status,Values=available"); err != nil {
		return nil, err
	}
	var items []Item
	for _, i := range page.NetworkInterfaces {
		items = append(items, Item{Kind: "network interface", ID: i.ID})
	}
	return items, nil
}

// aws runs the aws command and reads its answer into result, unless that is nil.
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

func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("draining needs the %s command: %w", name, err)
	}
	if err != nil {
		said := strings.TrimSpace(problems.String())
		// AWS's codes for what something else still uses.
		for _, code := range []string{"DependencyViolation", "ResourceInUse", "VolumeInUse", "InvalidNetworkInterface.InUse"} {
			if strings.Contains(said, "("+code+")") {
				err = ErrInUse
			}
		}
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, said)
	}
	return out, nil
}

func afterSlash(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
