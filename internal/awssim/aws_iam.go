package awssim

import (
	"encoding/json"
	"hash/fnv"
	"regexp"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
)

var (
	iamName       = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	iamPath       = regexp.MustCompile(`^/([\x21-\x7e]+/)?$`)
	managedPolicy = regexp.MustCompile(`^arn:aws:iam::(aws|[0-9]{12}):policy/[\w+=,.@/-]+$`)
)

// managedPolicies are the AWS-managed policies that a role may have in the sandbox.
var managedPolicies = map[string]bool{
	"AmazonEKSClusterPolicy":                       true,
	"AmazonEKSWorkerNodeMinimalPolicy":             true,
	"AmazonEKSWorkerNodePolicy":                    true,
	"AmazonEC2ContainerRegistryPullOnly":           true,
	"AmazonEC2ContainerRegistryReadOnly":           true,
	"AmazonSSMManagedInstanceCore":                 true,
	"AmazonEKS_CNI_Policy":                         true,
	"CloudWatchAgentServerPolicy":                  true,
	"service-role/AmazonRDSEnhancedMonitoringRole": true,
	"ReadOnlyAccess":                               true,
}

var iamTypes = map[string]Type{
	awstype.Role: {
		Args:    iam.RoleArgs{},
		Taken:   "EntityAlreadyExists",
		ID:      fromName("name"),
		Check:   checkRole,
		Outputs: roleOutputs,
	},
	awstype.RolePolicy: {
		Args:  iam.RolePolicyArgs{},
		Refs:  []Ref{{Path: "role", Type: awstype.Role, By: "name", Blocks: true, Code: "NoSuchEntity"}},
		ID:    func(in Props, _ string) string { return in.Str("role") + ":" + in.Str("name") },
		Check: policyCheck(10240),
	},
	awstype.RolePolicyAttachment: {
		Args:  iam.RolePolicyAttachmentArgs{},
		Refs:  []Ref{{Path: "role", Type: awstype.Role, By: "name", Blocks: true, Code: "NoSuchEntity"}},
		ID:    func(in Props, digest string) string { return in.Str("role") + "-" + digest[:12] },
		Check: checkAttachment,
	},
	awstype.Policy: {
		Args:  iam.PolicyArgs{},
		Taken: "EntityAlreadyExists",
		ID:    func(in Props, _ string) string { return in.Str("path") + in.Str("name") },
		Check: checkManagedPolicy,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.iamARN("policy" + id), "policyId": "ANPASANDBOX"}
		},
	},
	awstype.OIDCProvider: {
		Args:  iam.OpenIdConnectProviderArgs{},
		Taken: "EntityAlreadyExists",
		ID: func(in Props, _ string) string {
			return "oidc-provider/" + strings.TrimPrefix(in.Str("url"), "https://")
		},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("url") && !strings.HasPrefix(in.Str("url"), "https://"), "url", "does not begin with https://")
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.iamARN(id)}
		},
	},
}

func checkRole(in Props) []Failure {
	var f []Failure
	checkPolicy(&f, in, "assumeRolePolicy", 2048)
	failIf(&f, mismatch(in, "name", iamName), "name", "%q is not a role name of 1 to 64 characters", in.Str("name"))
	failIf(&f, mismatch(in, "path", iamPath), "path", "%q does not begin and end with /", in.Str("path"))
	return f
}

func roleOutputs(s Site, id string, in Props) Props {
	path := in.Str("path")
	if path == "" {
		path = "/"
	}
	return Props{
		"arn":        s.iamARN("role" + path + id),
		"uniqueId":   "AROASANDBOX" + strings.ToUpper(id),
		"createDate": "2026-11-22T00:00:00Z",
	}
}

func checkAttachment(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "policyArn", managedPolicy),
		"policyArn", "%q is not the ARN of a policy", in.Str("policyArn"))
	name, managed := strings.CutPrefix(in.Str("policyArn"), "arn:aws:iam::aws:policy/")
	failIf(&f, managed && !managedPolicies[name],
		"policyArn", "the sandbox knows no AWS-managed policy %s (internal/awssim/aws_iam.go)", name)
	return f
}

func checkManagedPolicy(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "path", iamPath), "path", "%q does not begin and end with /", in.Str("path"))
	checkPolicy(&f, in, "policy", 6144)
	return f
}

// policyCheck returns a Check of the policy document in the input "policy", which may have limit characters.
func policyCheck(limit int) func(Props) []Failure {
	return func(in Props) []Failure {
		var f []Failure
		checkPolicy(&f, in, "policy", limit)
		return f
	}
}

// checkPolicy records why IAM refuses the policy document at property, which may have limit characters.
func checkPolicy(f *[]Failure, in Props, property string, limit int) {
	text := in.Str(property)
	if text == "" {
		return
	}
	failIf(f, len(text) > limit, property, "has %d characters; AWS allows %d", len(text), limit)
	var document struct {
		Version   string
		Statement []struct{ Effect string }
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		*f = append(*f, Failure{property, "MalformedPolicyDocument: " + err.Error()})
		return
	}
	failIf(f, document.Version != "2012-10-17", property, "MalformedPolicyDocument: the version is %q", document.Version)
	failIf(f, len(document.Statement) == 0, property, "MalformedPolicyDocument: there is no statement")
	for _, statement := range document.Statement {
		failIf(f, statement.Effect != "Allow" && statement.Effect != "Deny",
			property, "MalformedPolicyDocument: the effect is %q", statement.Effect)
	}
}

// checksum returns a number that differs for different properties.
func checksum(p Props) uint32 {
	text, err := json.Marshal(p)
	if err != nil {
		return 0
	}
	h := fnv.New32a()
	h.Write(text)
	return h.Sum32()
}
