package secrets

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/identity"
)

// TypeToken is the component's type. It is part of URNs: a change needs an alias.
const TypeToken = "groundwork:secrets:Secrets"

// Secrets are the secrets of one application.
type Secrets struct {
	pulumi.ResourceState

	// ARNs of the secrets by kind: "database", "cache", "session". The names behind them end in a suffix that differs each
	// time: a deleted name stays taken for as long as it can be brought back. They are known once there is something in
	// them.
	ARNs map[string]pulumi.StringOutput
	// KeyARN encrypts them.
	KeyARN pulumi.StringOutput
}

// New creates the secrets. It returns every problem of args in one error, before anything is registered.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Secrets, error) {
	if args == nil {
		return nil, fmt.Errorf("secrets %s: args is nil", name)
	}
	if err := args.Validate(name); err != nil {
		return nil, err
	}
	s := &Secrets{ARNs: map[string]pulumi.StringOutput{}}
	if err := ctx.RegisterComponentResource(TypeToken, name, s, opts...); err != nil {
		return nil, fmt.Errorf("registering secrets %s: %w", name, err)
	}
	key, err := identity.NewKey(ctx, name, &identity.KeyArgs{
		Alias:   args.Name + "-secrets",
		Purpose: "the secrets of " + args.Name,
		Facts:   args.Facts,
	}, pulumi.Parent(s))
	if err != nil {
		return nil, err
	}
	s.KeyARN = key.ARN
	session, err := random.NewRandomPassword(ctx, name+"-session-key", &random.RandomPasswordArgs{
		Length: pulumi.Int(64), Special: pulumi.Bool(false),
	}, pulumi.Parent(s))
	if err != nil {
		return nil, err
	}
	for _, entry := range []struct {
		kind, description string
		content           pulumi.StringMap
	}{
		{"database", "Where the database is; user and password are in the secret that RDS rotates", pulumi.StringMap{
			"host": args.Database.Host, "port": pulumi.String(strconv.Itoa(args.Database.Port)),
			"database": pulumi.String(args.Database.DatabaseName), "sslmode": pulumi.String("verify-full"),
			"credentialsArn": args.Database.SecretARN,
		}},
		{"cache", "Where the cache is, and its token", pulumi.StringMap{
			"REDIS_HOST": args.Cache.Host, "REDIS_PORT": pulumi.String(strconv.Itoa(args.Cache.Port)),
			"REDIS_PASSWORD": args.Cache.Token,
		}},
		{"session", "What sessions are signed with", pulumi.StringMap{"JWT_SECRET": session.Result}},
	} {
		arn, err := s.secret(ctx, name+"-"+entry.kind, entry.kind, entry.description, key, args, entry.content)
		if err != nil {
			return nil, err
		}
		s.ARNs[entry.kind] = arn
	}
	if err := ctx.RegisterResourceOutputs(s, pulumi.Map{"keyArn": s.KeyARN}); err != nil {
		return nil, fmt.Errorf("registering outputs of secrets %s: %w", name, err)
	}
	return s, nil
}

// secret creates one secret with its content, a JSON object, which is a secret in Pulumi's state too, and returns its
// ARN.
func (s *Secrets) secret(
	ctx *pulumi.Context,
	logical, kind, description string,
	key *identity.Key,
	args *Args,
	content pulumi.StringMap,
) (pulumi.StringOutput, error) {
	secret, err := secretsmanager.NewSecret(ctx, logical, &secretsmanager.SecretArgs{
		NamePrefix:           pulumi.String(args.Name + "/" + args.Application + "/" + kind + "-"),
		Description:          pulumi.String(description),
		KmsKeyId:             key.ARN,
		RecoveryWindowInDays: pulumi.Int(args.RecoveryDays),
	}, pulumi.Parent(s))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	text := content.ToStringMapOutput().ApplyT(func(values map[string]string) (string, error) {
		out, err := json.Marshal(values)
		return string(out), err
	}).(pulumi.StringOutput)
	opts := []pulumi.ResourceOption{pulumi.Parent(s)}
	if kind == "cache" && !args.Power.HasCache() {
		opts = append(opts, pulumi.IgnoreChanges([]string{"secretString"}))
	}
	version, err := secretsmanager.NewSecretVersion(ctx, logical, &secretsmanager.SecretVersionArgs{
		SecretId:     secret.ID(),
		SecretString: pulumi.ToSecret(text).(pulumi.StringOutput),
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return version.Arn, nil
}
