package drain

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Tags that controllers and the VPC CNI put on what they make for a cluster.
// Sources: aws-load-balancer-controller, "Resource tags"; amazon-vpc-cni-k8s, "README"; aws-ebs-csi-driver, "Tagging".
const (
	controllerTag = "elbv2.k8s.aws/cluster"
	interfaceTag  = "cluster.k8s.amazonaws.com/name"
	ownedTag      = "kubernetes.io/cluster/"
)

// inCluster lists the objects for which controllers make resources in AWS, and reports whether the cluster is gone. It
// leaves out the objects that Argo CD manages: Argo CD would create them again, and a destroy removes them.
func (a *AWS) inCluster(ctx context.Context) (items []Item, gone bool, err error) {
	endpoint, authority, err := a.DescribeCluster(ctx, a.Client.Name)
	if err != nil && strings.Contains(err.Error(), "ResourceNotFoundException") {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if err := a.writeKubeconfig(endpoint, authority); err != nil {
		return nil, false, fmt.Errorf("writing a kubeconfig: %w", err)
	}
	out, err := a.kubectl(ctx, "get", "services,ingresses,persistentvolumeclaims", "--all-namespaces",
		"--output", "json", "--request-timeout=30s")
	if err != nil {
		return nil, false, err
	}
	items, err = controlledObjects(out)
	return items, false, err
}

// writeKubeconfig writes a kubeconfig of the cluster, in place of the one that an earlier Find wrote.
func (a *AWS) writeKubeconfig(endpoint, authority string) error {
	a.Close()
	file, err := os.CreateTemp("", "groundwork-kubeconfig-")
	if err != nil {
		return err
	}
	defer file.Close()
	a.kubeconfig = file.Name()
	_, err = file.WriteString(a.Client.Kubeconfig(endpoint, authority))
	return err
}

// controlledObjects reads a list of objects from kubectl and returns those for which a controller makes resources.
func controlledObjects(out []byte) ([]Item, error) {
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
		return nil, fmt.Errorf("reading what kubectl says: %w", err)
	}
	var items []Item
	for _, i := range list.Items {
		if i.Kind == "Service" && i.Spec.Type != "LoadBalancer" ||
			i.Metadata.Annotations["argocd.argoproj.io/tracking-id"] != "" {
			continue
		}
		items = append(items, Item{
			Kind:      i.Kind,
			ID:        i.Metadata.Namespace + "/" + i.Metadata.Name,
			HoldsData: i.Kind == "PersistentVolumeClaim",
		})
	}
	return items, nil
}

// kinds are the resources that controllers make, in the order of their removal. contains is part of their ARNs.
var kinds = []struct {
	name, contains string
	data           bool
}{
	{"load balancer", ":loadbalancer/", false},
	{"target group", ":targetgroup/", false},
	{"security group", ":security-group/", false},
	{"volume", ":volume/", true},
}

// tagged lists what controllers made outside of the cluster, by its tags.
func (a *AWS) tagged(ctx context.Context) ([]Item, error) {
	found := map[string]bool{}
	for _, filter := range []string{
		"Key=" + controllerTag + ",Values=" + a.Client.Name,
		"Key=" + ownedTag + a.Client.Name + ",Values=owned",
	} {
		var page struct{ ResourceTagMappingList []taggedResource }
		if err := a.aws(ctx, &page, "resourcegroupstaggingapi", "get-resources", "--tag-filters", filter); err != nil {
			return nil, err
		}
		for _, r := range page.ResourceTagMappingList {
			if !r.managed() {
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

// taggedResource is a resource as the tagging API returns it.
type taggedResource struct {
	ResourceARN string
	Tags        []struct{ Key, Value string }
}

// managed reports whether the program or EKS itself made a resource: the program tags with ManagedBy=pulumi, EKS with
// aws:eks:cluster-name.
func (r taggedResource) managed() bool {
	for _, tag := range r.Tags {
		if tag.Key == "aws:eks:cluster-name" || tag.Key == "ManagedBy" && tag.Value == "pulumi" {
			return true
		}
	}
	return false
}

// interfaces lists the network interfaces that the VPC CNI made and that no node uses any more.
func (a *AWS) interfaces(ctx context.Context) ([]Item, error) {
	var page struct {
		NetworkInterfaces []struct {
			ID string `json:"NetworkInterfaceId"`
		}
	}
	if err := a.aws(ctx, &page, "ec2", "describe-network-interfaces", "--filters",
		"Name=tag:"+interfaceTag+",Values="+a.Client.Name, "Name=status,Values=available"); err != nil {
		return nil, err
	}
	var items []Item
	for _, i := range page.NetworkInterfaces {
		items = append(items, Item{Kind: "network interface", ID: i.ID})
	}
	return items, nil
}

// vpcOriginGroup lists the security group that CloudFront makes for VPC origins, which has no tag. CloudFront uses it
// as long as there is an origin, so Find lists it only when the cluster, and with it most of the environment, is gone.
func (a *AWS) vpcOriginGroup(ctx context.Context) ([]Item, error) {
	var networks struct{ Vpcs []struct{ VpcID string } }
	name := "Name=tag:Name,Values=" + a.Client.Name + "-vpc"
	if err := a.aws(ctx, &networks, "ec2", "describe-vpcs", "--filters", name); err != nil {
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
