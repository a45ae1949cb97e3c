package identity

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/components/field"
)

// KeyArgs describe one KMS key.
type KeyArgs struct {
	// Alias is the key's alias without "alias/", for example "groundwork-prod-database".
	Alias string
	// Purpose completes the sentence "Encrypts ...".
	Purpose string
	// Facts are the environment's. If the environment shares one key, NewKey returns that key and creates none.
	Facts environment.Facts
	// Statements let principals other than the account's own use the key; default none.
	Statements []Statement
}

// deletionWindowDays is how long a deleted key can be restored: the longest period that AWS allows, in every
// environment. It costs nothing, and a final snapshot can be read only as long as its key exists.
const deletionWindowDays = 30

// KeyTypeToken is the component's type. It is part of URNs: a change needs an alias.
const KeyTypeToken = "groundwork:identity:Key"

// Key is a KMS key with its alias.
type Key struct {
	pulumi.ResourceState

	// ARN of the key.
	ARN pulumi.StringOutput
}

// NewKey creates a symmetric key that AWS rotates every year, or returns the environment's shared key if there is one.
func NewKey(ctx *pulumi.Context, name string, args *KeyArgs, opts ...pulumi.ResourceOption) (*Key, error) {
	if args == nil {
		return nil, fmt.Errorf("key %s: args is nil", name)
	}
	var errs field.Errors
	environment.ValidateAccountID(&errs, "accountId", args.Facts.AccountID)
	errs.Match("alias", args.Alias, keyAlias, "1 to 250 letters, digits, - _ /")
	if err := errs.Err("key " + name + ": args: "); err != nil {
		return nil, err
	}
	if shared := args.Facts.SharedKeyARN; shared != nil {
		return &Key{ARN: shared.ToStringOutput()}, nil
	}
	k := &Key{}
	if err := ctx.RegisterComponentResource(KeyTypeToken, name, k, opts...); err != nil {
		return nil, fmt.Errorf("registering key %s: %w", name, err)
	}
	key, err := kms.NewKey(ctx, name+"-key", &kms.KeyArgs{
		Description:          pulumi.String("Encrypts " + args.Purpose),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(deletionWindowDays),
		Policy:               pulumi.String(KeyPolicy(args.Facts.AccountID, args.Statements...).JSON()),
	}, pulumi.Parent(k))
	if err != nil {
		return nil, fmt.Errorf("creating key %s: %w", args.Alias, err)
	}
	if _, err := kms.NewAlias(ctx, name+"-alias", &kms.AliasArgs{
		Name:        pulumi.String("alias/" + args.Alias),
		TargetKeyId: key.KeyId,
	}, pulumi.Parent(k)); err != nil {
		return nil, fmt.Errorf("creating alias %s of the key: %w", args.Alias, err)
	}
	k.ARN = key.Arn
	if err := ctx.RegisterResourceOutputs(k, pulumi.Map{"arn": k.ARN}); err != nil {
		return nil, fmt.Errorf("registering outputs of key %s: %w", name, err)
	}
	return k, nil
}

// KeyPolicy is a key policy that cannot lock the account out: the account administers the key through IAM. Each further
// statement lets one more principal use the key.
func KeyPolicy(account string, statements ...Statement) Document {
	return NewDocument(append([]Statement{{
		Sid: "AccountAdministersThroughIAM", Effect: Allow,
		Principal: AWS("arn:aws:iam::" + account + ":root"), Action: Strings{"kms:*"}, Resource: Strings{"*"},
	}}, statements...)...)
}

// LogsMayUseKey lets CloudWatch Logs in one region encrypt the account's log groups with a key.
func LogsMayUseKey(account, region string) Statement {
	return Statement{
		Sid: "LogGroupsOfThisAccount", Effect: Allow,
		Principal: Services("logs." + region + ".amazonaws.com"),
		Action:    Strings{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"},
		Resource:  Strings{"*"},
		Condition: Condition{"ArnLike": {
			"kms:EncryptionContext:aws:logs:arn": {"arn:aws:logs:" + region + ":" + account + ":log-group:*"},
		}},
	}
}

// PublishersMayUseKey lets the given AWS services publish to topics that are encrypted with a key. The AWS-managed key
// alias/aws/sns does not allow this, and its policy cannot be changed.
func PublishersMayUseKey(account string, services ...string) Statement {
	return Statement{
		Sid: "PublishersOfThisAccount", Effect: Allow,
		Principal: Services(services...),
		Action:    Strings{"kms:Decrypt", "kms:GenerateDataKey*"},
		Resource:  Strings{"*"},
		Condition: Condition{"StringEquals": {"aws:SourceAccount": {account}}},
	}
}

// AutoScalingMayUseKey lets EC2 Auto Scaling start instances with volumes that are encrypted with a key. A condition,
// not the principal, names the service-linked role: an account that never had an Auto Scaling group does not have the
// role yet, and KMS refuses policies that name principals it cannot find.
func AutoScalingMayUseKey(account string) []Statement {
	role := "arn:aws:iam::" + account + ":role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
	autoScaling := Condition{
		"StringEquals": {"kms:CallerAccount": {account}},
		"ArnEquals":    {"aws:PrincipalArn": {role}},
	}
	grants := Condition{"Bool": {"kms:GrantIsForAWSResource": {"true"}}}
	for operator, keys := range autoScaling {
		grants[operator] = keys
	}
	return []Statement{{
		Sid: "AutoScalingUsesVolumes", Effect: Allow, Principal: AWS("*"),
		Action:   Strings{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"},
		Resource: Strings{"*"}, Condition: autoScaling,
	}, {
		Sid: "AutoScalingGrantsVolumes", Effect: Allow, Principal: AWS("*"),
		Action:   Strings{"kms:CreateGrant"},
		Resource: Strings{"*"}, Condition: grants,
	}}
}
