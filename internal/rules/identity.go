package rules

import (
	"regexp"
	"slices"
	"strings"

	"groundwork/components/identity"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

var (
	// wideAction matches an action that stands for all actions, of a service or of all services.
	wideAction = regexp.MustCompile(`^([a-z0-9-]+:)?\*$`)
	// starActions matches actions that have no resource-level permissions.
	starActions = regexp.MustCompile(`^(ecr:GetAuthorizationToken|ec2:Describe.*|` +
		`ec2:GetInstanceTypesFromInstanceRequirements|autoscaling:Describe.*|elasticloadbalancing:Describe.*|` +
		`sts:GetCallerIdentity|logs:DescribeLogGroups|ssm:DescribeInstanceInformation)$`)
	// exactSubject matches the subject of one service account.
	exactSubject = regexp.MustCompile(`^system:serviceaccount:[a-z0-9-]+:[a-z0-9-]+$`)
)

// nodePolicies are the managed policies that a node may have.
var nodePolicies = []string{
	"AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryReadOnly",
	"AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore",
}

// usableBy reports whether a service may encrypt and decrypt with a key.
func usableBy(key *graph.Resource, service string) bool {
	if key == nil {
		return false
	}
	for _, s := range Statements(key.Inputs.Str("policy")) {
		decrypts := slices.ContainsFunc(s.Action, func(a string) bool { return strings.HasPrefix(a, "kms:Decrypt") })
		encrypts := slices.Contains(s.Action, "kms:GenerateDataKey*")
		if decrypts && encrypts && slices.Contains(s.Principal["Service"], service) {
			return true
		}
	}
	return false
}

// Identity holds the rules about roles, policies and keys.
var Identity = []Rule{{
	ID: "CIS EKS 5.1.3 / kubescape C-0223: the roles of instances have no more than they need",
	Check: func(g *graph.Graph) (int, []string) {
		ofInstances := map[string]bool{}
		for _, r := range g.OfType(awstype.Role) {
			ofInstances[r.Inputs.Str("name")] = strings.Contains(r.Inputs.Str("assumeRolePolicy"), `"ec2.amazonaws.com"`)
		}
		seen, wrong := 0, []string{}
		for _, r := range append(g.OfType(awstype.RolePolicyAttachment), g.OfType(awstype.RolePolicy)...) {
			if !ofInstances[r.Inputs.Str("role")] {
				continue
			}
			seen++
			// An inline policy has no ARN.
			if arn := r.Inputs.Str("policyArn"); !slices.Contains(nodePolicies, arn[strings.LastIndex(arn, "/")+1:]) {
				wrong = append(wrong, r.Name+" "+arn)
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) {
		for _, r := range g.OfType(awstype.RolePolicyAttachment) {
			if strings.HasSuffix(r.Inputs.Str("role"), "-node") {
				r.Inputs["policyArn"] = "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
			}
		}
	},
}, {
	ID: "FSBP IAM.1 / CKV_AWS_62 CKV_AWS_63: no policy allows everything",
	Check: allows(awstype.RolePolicy, "policy", func(s Statement) string {
		wide := slices.ContainsFunc(s.Action, wideAction.MatchString)
		return must(!wide && len(s.NotAction) == 0 && len(s.NotResource) == 0, "allows %v", s.Action)
	}),
	Plant: Set(awstype.RolePolicy, "policy", `{"Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"arn:x"}]}`),
}, {
	ID: "CKV_AWS_355 CKV_AWS_356 CKV_AWS_290: no policy is about every resource",
	Check: allows(awstype.RolePolicy, "policy", func(s Statement) string {
		if !slices.Contains(s.Resource, "*") {
			return ""
		}
		scoped := slices.ContainsFunc(s.Action, func(a string) bool { return !starActions.MatchString(a) })
		return must(!scoped || len(s.Condition) > 0, "%v on everything", s.Action)
	}),
	Plant: Set(awstype.RolePolicy, "policy",
		`{"Statement":[{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"}]}`),
}, {
	ID: "CKV_AWS_286 / AWS-0342: no policy lets its owner become more",
	Check: allows(awstype.RolePolicy, "policy", func(s Statement) string {
		for _, action := range s.Action {
			for _, risky := range []string{
				"iam:CreatePolicyVersion", "iam:Attach", "iam:Put", "iam:UpdateAssumeRolePolicy",
			} {
				if strings.HasPrefix(action, risky) {
					return action
				}
			}
			anyService := len(s.Condition["StringEquals"]["iam:PassedToService"]) == 0
			if action == "iam:PassRole" && (slices.Contains(s.Resource, "*") || anyService) {
				return action
			}
		}
		return ""
	}),
	Plant: Set(awstype.RolePolicy, "policy", `{"Statement":[{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}]}`),
}, {
	ID: "CKV_AWS_274 / FSBP IAM.1: nobody is administrator",
	Check: each(awstype.RolePolicyAttachment, func(r *graph.Resource) string {
		arn := r.Inputs.Str("policyArn")
		for _, policy := range []string{"/AdministratorAccess", "/IAMFullAccess", "/PowerUserAccess"} {
			if strings.HasSuffix(arn, policy) {
				return arn
			}
		}
		return ""
	}),
	Plant: Set(awstype.RolePolicyAttachment, "policyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
}, {
	ID: "CKV_AWS_60 CKV_AWS_61 / CIS 2.21: no role trusts everyone",
	Check: allows(awstype.Role, "assumeRolePolicy", func(s Statement) string {
		for _, arn := range s.Principal["AWS"] {
			if strings.Contains(arn, "*") {
				return "trusts " + arn
			}
			mfa := slices.Equal(s.Condition["Bool"]["aws:MultiFactorAuthPresent"], []string{"true"})
			if strings.HasSuffix(arn, ":root") && !mfa {
				return "trusts the whole account without MFA"
			}
		}
		return must(len(s.Principal["Federated"]) == 0 || len(s.Condition) > 0, "federation without condition")
	}),
	Plant: Set(awstype.Role, "assumeRolePolicy",
		`{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}`),
}, {
	ID: "EKS best practices / CIS EKS 5.2.1: workload roles pin sub and aud",
	Check: func(g *graph.Graph) (int, []string) {
		seen, wrong := 0, []string{}
		for _, r := range g.OfType(awstype.Role) {
			for _, s := range Statements(r.Inputs.Str("assumeRolePolicy")) {
				if len(s.Principal["Federated"]) == 0 {
					continue
				}
				seen++
				_, issuer, _ := strings.Cut(s.Principal["Federated"][0], "oidc-provider/")
				equals := s.Condition["StringEquals"]
				sub, aud := equals[issuer+":sub"], equals[issuer+":aud"]
				exact := len(sub) == 1 && exactSubject.MatchString(sub[0])
				if !exact || len(aud) != 1 || aud[0] != "sts.amazonaws.com" || strings.HasPrefix(issuer, "https://") {
					wrong = append(wrong, r.Name)
				}
			}
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) {
		for _, r := range g.OfType(awstype.Role) {
			r.Inputs["assumeRolePolicy"] = strings.ReplaceAll(r.Inputs.Str("assumeRolePolicy"), ":aud", ":other")
		}
	},
}, {
	ID: "CKV_AWS_273 / FSBP IAM.2: no users, no access keys",
	Check: func(g *graph.Graph) (int, []string) {
		var wrong []string
		for _, r := range g.Resources {
			if strings.HasPrefix(r.Type, "aws:iam/accessKey:") || strings.HasPrefix(r.Type, "aws:iam/user:") {
				wrong = append(wrong, r.Name)
			}
		}
		return len(g.Resources), wrong
	},
	Plant: func(g *graph.Graph) { first(g, awstype.Role).Type = "aws:iam/user:User" },
}, {
	ID: "OIDC provider audiences",
	Check: each(awstype.OIDCProvider, func(r *graph.Resource) string {
		sts := slices.Equal(r.Inputs.Strs("clientIdLists"), []string{"sts.amazonaws.com"})
		return must(sts && strings.HasPrefix(r.Inputs.Str("url"), "https://"), "audiences")
	}),
	Plant: Set(awstype.OIDCProvider, "clientIdLists", []any{"anyone"}),
}, {
	ID: "FSBP KMS.4 / CKV_AWS_7: keys rotate",
	Check: each(awstype.Key, func(r *graph.Resource) string {
		return must(r.Inputs.Flag("enableKeyRotation"), "does not")
	}),
	Plant: Set(awstype.Key, "enableKeyRotation", false),
}, {
	ID: "FSBP KMS.5 / CKV_AWS_33: key policies lock nobody out and let nobody else in",
	Check: each(awstype.Key, func(r *graph.Resource) string {
		root := false
		for _, s := range Statements(r.Inputs.Str("policy")) {
			for _, arn := range s.Principal["AWS"] {
				root = root || strings.HasSuffix(arn, ":root") && slices.Contains(s.Action, "kms:*")
				if arn == "*" && len(s.Condition["StringEquals"]["kms:CallerAccount"]) == 0 {
					return "open to everyone"
				}
			}
			if len(s.Principal["Service"]) > 0 && len(s.Condition) == 0 {
				return "open to a service on anyone's behalf"
			}
		}
		return must(root, "the account cannot administer it")
	}),
	Plant: Set(awstype.Key, "policy",
		`{"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*","Principal":"*"}]}`),
}, {
	ID: "FSBP KMS.3: deleted keys can be brought back for 30 days",
	Check: each(awstype.Key, func(r *graph.Resource) string {
		days, _ := r.Inputs.Num("deletionWindowInDays")
		return must(days == 30, "%v days", days)
	}),
	Plant: Set(awstype.Key, "deletionWindowInDays", 7.0),
}, {
	ID: "FSBP KMS.3: keys are protected", ProdOnly: true,
	Check: each(awstype.Key, func(r *graph.Resource) string { return must(r.Protect, "not protected") }),
	Plant: func(g *graph.Graph) { first(g, awstype.Key).Protect = false },
}, {
	ID: "CloudWatch Logs and SNS may use the keys of their resources",
	Check: func(g *graph.Graph) (int, []string) {
		seen, wrong := 0, []string{}
		use := func(r *graph.Resource, arn, service string) {
			seen++
			if !usableBy(keyOf(g, arn), service) {
				wrong = append(wrong, r.Name)
			}
		}
		for _, r := range g.OfType(awstype.LogGroup) {
			use(r, r.Inputs.Str("kmsKeyId"), "logs."+homeRegion(g)+".amazonaws.com")
		}
		for _, r := range g.OfType(awstype.Topic) {
			use(r, r.Inputs.Str("kmsMasterKeyId"), "cloudwatch.amazonaws.com")
		}
		return seen, wrong
	},
	Plant: func(g *graph.Graph) {
		key := keyOf(g, first(g, awstype.LogGroup).Inputs.Str("kmsKeyId"))
		key.Inputs["policy"] = identity.KeyPolicy("111122223333").JSON()
	},
}}
