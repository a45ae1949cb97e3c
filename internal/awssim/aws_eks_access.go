package awssim

import (
	"regexp"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
)

var (
	clusterPolicy = regexp.MustCompile(`^arn:aws:eks::aws:cluster-access-policy/AmazonEKS[A-Za-z]+Policy$`)
	principal     = regexp.MustCompile(`^arn:aws:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+$`)
)

// accessTypes grant IAM principals access to a cluster.
var accessTypes = map[string]Type{
	awstype.AccessEntry: {
		Args:  eks.AccessEntryArgs{},
		Refs:  []Ref{clusterRef},
		Taken: "ResourceInUseException",
		ID:    accessID,
		Check: checkAccessEntry,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"accessEntryArn": s.arn("eks", "access-entry/"+id), "createdAt": "2026-11-22T00:00:00Z"}
		},
	},
	awstype.AccessPolicyAssociation: {
		Args: eks.AccessPolicyAssociationArgs{},
		Refs: []Ref{
			{Path: "clusterName", Type: awstype.EKSCluster, Code: "ResourceNotFoundException"},
			{Path: "principalArn", Type: awstype.AccessEntry, By: "principalArn", Code: "ResourceNotFoundException"},
		},
		ID:    func(in Props, _ string) string { return accessID(in, "") + "#" + in.Str("policyArn") },
		Check: checkAccessPolicy,
	},
}

func accessID(in Props, _ string) string { return in.Str("clusterName") + ":" + in.Str("principalArn") }

func checkAccessEntry(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "principalArn", principal),
		"principalArn", "%q is not a role or user", in.Str("principalArn"))
	failIf(&f, !oneOf(in, "type", "STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX"),
		"type", "is not an access entry type")
	failIf(&f, in.Has("type") && in.Str("type") != "STANDARD" && len(in.Strs("kubernetesGroups")) > 0,
		"kubernetesGroups", "goes with STANDARD entries only")
	return f
}

func checkAccessPolicy(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "policyArn", clusterPolicy),
		"policyArn", "%q is not an EKS access policy", in.Str("policyArn"))
	failIf(&f, !oneOf(in, "accessScope.type", "cluster", "namespace"),
		"accessScope.type", "is not cluster or namespace")
	failIf(&f, in.Str("accessScope.type") == "namespace" && len(in.Strs("accessScope.namespaces")) == 0,
		"accessScope.namespaces", "is needed by the scope namespace")
	return f
}
