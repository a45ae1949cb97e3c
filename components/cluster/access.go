package cluster

import (
	"fmt"
	"maps"
	"slices"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Names of the program's own access entries. The settings cannot use them.
const (
	breakGlass = "break-glass"
	deployer   = "deployer"
	previewer  = "previewer"
)

// accessEntries lets the break-glass role administer the cluster, the pipelines preview and deploy, and each principal
// of the settings do what its level allows.
func (c *Cluster) accessEntries(ctx *pulumi.Context, cp *controlPlane) error {
	administrator := c.args.Roles.BreakGlassRole.ARN
	if err := c.accessEntry(ctx, cp, breakGlass, administrator, "AmazonEKSClusterAdminPolicy", nil); err != nil {
		return err
	}
	if arn := c.args.PreviewerARN; arn != "" {
		// Of the AWS policies that only read, this is the one that includes Helm releases, which are secrets.
		if err := c.accessEntry(ctx, cp, previewer, pulumi.String(arn), "AmazonEKSAdminViewPolicy", nil); err != nil {
			return err
		}
	}
	if d := c.args.Deployer; d != nil {
		// A role in the application's namespace says what the group may do. A principal has one entry, so a replacement
		// deletes the old one first.
		if _, err := awseks.NewAccessEntry(ctx, c.name+"-access-"+deployer, &awseks.AccessEntryArgs{
			ClusterName: cp.name, PrincipalArn: pulumi.String(d.PrincipalARN),
			KubernetesGroups: pulumi.StringArray{pulumi.String(d.Group)}, Type: pulumi.String("STANDARD"),
		}, c.childOpts(pulumi.DeleteBeforeReplace(true))...); err != nil {
			return fmt.Errorf("creating access entry %s: %w", deployer, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.args.Access)) {
		access := c.args.Access[name]
		principal, policy := pulumi.String(access.PrincipalARN), accessPolicies[access.Level]
		if err := c.accessEntry(ctx, cp, name, principal, policy, access.Namespaces); err != nil {
			return err
		}
	}
	return nil
}

// accessEntry gives a principal the rights of an EKS access policy, in the given namespaces or, if there are none, in
// the whole cluster. EKS knows an association by its principal and policy. If a new one with another scope were created
// first, the deletion of the old one would delete it.
func (c *Cluster) accessEntry(
	ctx *pulumi.Context,
	cp *controlPlane,
	name string,
	principal pulumi.StringInput,
	policy string,
	namespaces []string,
) error {
	entry, err := awseks.NewAccessEntry(ctx, c.name+"-access-"+name, &awseks.AccessEntryArgs{
		ClusterName:  cp.name,
		PrincipalArn: principal,
		Type:         pulumi.String("STANDARD"),
	}, c.childOpts(pulumi.DeleteBeforeReplace(true))...)
	if err != nil {
		return fmt.Errorf("creating access entry %s: %w", name, err)
	}
	scope := &awseks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")}
	if len(namespaces) > 0 {
		scope = &awseks.AccessPolicyAssociationAccessScopeArgs{
			Type: pulumi.String("namespace"), Namespaces: pulumi.ToStringArray(namespaces),
		}
	}
	if _, err := awseks.NewAccessPolicyAssociation(ctx, c.name+"-access-"+name, &awseks.AccessPolicyAssociationArgs{
		ClusterName:  cp.name,
		PrincipalArn: entry.PrincipalArn,
		PolicyArn:    pulumi.String("arn:aws:eks::aws:cluster-access-policy/" + policy),
		AccessScope:  scope,
	}, c.childOpts(pulumi.DeleteBeforeReplace(true))...); err != nil {
		return fmt.Errorf("associating policy %s with access entry %s: %w", policy, name, err)
	}
	return nil
}
