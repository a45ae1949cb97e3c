package awssim

import (
	"encoding/json"
	"hash/fnv"
	"regexp"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
)

var (
	iamName       = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	iamPath       = regexp.MustCompile(`^/([\x21-\x7e]+/)?$`)
	managedPolicy = regexp.MustCompile(`^arn:aws:iam::(aws|[0-9]{12}):policy/[\w+=,.@/-]+$`)
	aliasName     = regexp.MustCompile(`^alias/[0-9A-Za-z/_-]{1,250}$`)
)

// managedPolicies are the AWS-managed policies that the sandbox knows to exist.
var managedPolicies = map[string]bool{
	"AmazonEKSClusterPolicy": true, "AmazonEKSWorkerNodeMinimalPolicy": true, "AmazonEKSWorkerNodePolicy": true,
	"AmazonEC2ContainerRegistryPullOnly": true, "AmazonEC2ContainerRegistryReadOnly": true,
	"AmazonSSMManagedInstanceCore": true, "AmazonEKS_CNI_Policy": true, "CloudWatchAgentServerPolicy": true, "service-role/AmazonRDSEnhancedMonitoringRole": true,
	"ReadOnlyAccess": true,
}

var iamTypes = map[string]Type{
	awstype.Role: {
		Args:   iam.RoleArgs{},
		Unique: unique("name", "EntityAlreadyExists"),
		ID:     fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("name") && !iamName.MatchString(in.Str("name")), "name", "%q is not a role name of 1 to 64 characters", in.Str("name"))
			failIf(&f, in.Has("path") && !iamPath.MatchString(in.Str("path")), "path", "%q does not begin and end with /", in.Str("path"))
			failIf(&f, outOfRange(in, "maxSessionDuration", 3600, 43200), "maxSessionDuration", "is outside 3600 to 43200")
			checkPolicy(&f, in, "assumeRolePolicy", 2048)
			return f
		},
		Outputs: func(s Site, id string, in Props) Props {
			path := in.Str("path")
			if path == "" {
				path = "/"
			}
			return Props{"arn": s.iamARN("role" + path + id), "uniqueId": "AROASANDBOX" + strings.ToUpper(id), "createDate": "2026-11-22T00:00:00Z"}
		},
	},
	awstype.RolePolicy: {
		Args: iam.RolePolicyArgs{},
		Refs: []Ref{{Path: "role", Type: awstype.Role, By: "name", Blocks: true, Code: "NoSuchEntity"}},
		ID:   func(in Props, _ string) string { return in.Str("role") + ":" + in.Str("name") },
		Check: func(in Props) []Failure {
			var f []Failure
			checkPolicy(&f, in, "policy", 10240)
			return f
		},
	},
	awstype.RolePolicyAttachment: {
		Args: iam.RolePolicyAttachmentArgs{},
		Refs: []Ref{{Path: "role", Type: awstype.Role, By: "name", Blocks: true, Code: "NoSuchEntity"}},
		ID:   func(in Props, digest string) string { return in.Str("role") + "-" + digest[:12] },
		Check: func(in Props) []Failure {
			var f []Failure
			arn := in.Str("policyArn")
			failIf(&f, arn != "" && !managedPolicy.MatchString(arn), "policyArn", "%q is not the ARN of a policy", arn)
			name, managed := strings.CutPrefix(arn, "arn:aws:iam::aws:policy/")
			failIf(&f, managed && !managedPolicies[name], "policyArn", "the sandbox knows no AWS-managed policy %s (internal/awssim/aws_iam.go)", name)
			return f
		},
	},
	awstype.Policy: {
		Args:   iam.PolicyArgs{},
		Unique: unique("name", "EntityAlreadyExists"),
		ID:     func(in Props, _ string) string { return in.Str("path") + in.Str("name") },
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("path") && !iamPath.MatchString(in.Str("path")), "path", "%q does not begin and end with /", in.Str("path"))
			checkPolicy(&f, in, "policy", 6144)
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.iamARN("policy" + id), "policyId": "ANPASANDBOX"}
		},
	},
	awstype.OIDCProvider: {
		Args:   iam.OpenIdConnectProviderArgs{},
		Unique: unique("url", "EntityAlreadyExists"),
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
	awstype.Key: {
		Args: kms.KeyArgs{},
		ID: func(_ Props, digest string) string {
			return digest[:8] + "-" + digest[8:12] + "-" + digest[12:16] + "-" + digest[16:20] + "-" + digest[20:32]
		},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, outOfRange(in, "deletionWindowInDays", 7, 30), "deletionWindowInDays", "is outside 7 to 30")
			failIf(&f, outOfRange(in, "rotationPeriodInDays", 90, 2560), "rotationPeriodInDays", "is outside 90 to 2560")
			checkPolicy(&f, in, "policy", 32768)
			return f
		},
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("kms", "key/"+id), "keyId": id, "multiRegion": false}
		},
		Deleted: func(c *Cloud, o *Object) error {
			window := 30.0
			if days, ok := o.State.Num("deletionWindowInDays"); ok {
				window = days
			}
			c.leave("KMS key "+o.State.Str("description")+" ("+o.ID+")", "can be brought back for "+days(window))
			return nil
		},
	},
	awstype.KeyAlias: {
		Args:   kms.AliasArgs{},
		Refs:   []Ref{{Path: "targetKeyId", Type: awstype.Key, Code: "NotFoundException"}},
		Unique: unique("name", "AlreadyExistsException"),
		ID:     fromName("name"),
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.Has("name") && !aliasName.MatchString(in.Str("name")), "name", "%q is not alias/ and 1 to 250 letters, digits, - _ /", in.Str("name"))
			failIf(&f, strings.HasPrefix(in.Str("name"), "alias/aws/"), "name", "begins with alias/aws/, which AWS keeps for itself")
			return f
		},
		Outputs: func(s Site, id string, in Props) Props {
			return Props{"arn": s.arn("kms", id), "targetKeyArn": s.arn("kms", "key/"+in.Str("targetKeyId"))}
		},
	},
}

// checkPolicy records why the document at property is none that IAM takes.
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
		failIf(f, statement.Effect != "Allow" && statement.Effect != "Deny", property, "MalformedPolicyDocument: the effect is %q", statement.Effect)
	}
}

// checksum is a number that differs for different properties.
func checksum(p Props) uint32 {
	text, err := json.Marshal(p)
	if err != nil {
		return 0
	}
	h := fnv.New32a()
	h.Write(text)
	return h.Sum32()
}
