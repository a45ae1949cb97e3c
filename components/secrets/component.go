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

	// ARNs are the secrets by kind: "database", "cache" and "session". The names of secrets end in a random suffix,
	// because the name of a deleted secret cannot be used again as long as the secret can be restored. An ARN is known
	// once the secret has a value.
	ARNs map[string]pulumi.StringOutput
	// KeyARN is the key that encrypts the secrets.
	KeyARN pulumi.StringOutput
}

// New creates the secrets. It returns everything wrong with args in one error, before anything is registered.
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
		return nil, fmt.Errorf("generating the session key of %s: %w", args.Application, err)
	}
	for _, c := range args.contents(session.Result) {
		if s.ARNs[c.kind], err = s.secret(ctx, name+"-"+c.kind, c, key, args); err != nil {
			return nil, err
		}
	}
	if err := ctx.RegisterResourceOutputs(s, pulumi.Map{"keyArn": s.KeyARN}); err != nil {
		return nil, fmt.Errorf("registering outputs of secrets %s: %w", name, err)
	}
	return s, nil
}

// content is what one secret contains.
type content struct {
	kind, description string
	values            pulumi.StringMap
}

// contents are the contents of all secrets.
func (a *Args) contents(sessionKey pulumi.StringInput) []content {
	return []content{
		{"database", "Where the database is; user and password are in the secret that RDS rotates", pulumi.StringMap{
			"host": a.Database.Host, "port": pulumi.String(strconv.Itoa(a.Database.Port)),
			"database": pulumi.String(a.Database.DatabaseName), "sslmode": pulumi.String("verify-full"),
			"credentialsArn": a.Database.SecretARN,
		}},
		{"cache", "Where the cache is, and its token", pulumi.StringMap{
			"REDIS_HOST": a.Cache.Host, "REDIS_PORT": pulumi.String(strconv.Itoa(a.Cache.Port)),
			"REDIS_PASSWORD": a.Cache.Token,
		}},
		{"session", "What sessions are signed with", pulumi.StringMap{"JWT_SECRET": sessionKey}},
	}
}

// secret creates one secret with its values as a JSON object, and returns its ARN. The values are secret in Pulumi's
// state too.
func (s *Secrets) secret(
	ctx *pulumi.Context,
	logical string,
	c content,
	key *identity.Key,
	args *Args,
) (pulumi.StringOutput, error) {
	prefix := args.Name + "/" + args.Application + "/" + c.kind
	secret, err := secretsmanager.NewSecret(ctx, logical, &secretsmanager.SecretArgs{
		NamePrefix:           pulumi.String(prefix + "-"),
		Description:          pulumi.String(c.description),
		KmsKeyId:             key.ARN,
		RecoveryWindowInDays: pulumi.Int(args.RecoveryDays),
	}, pulumi.Parent(s))
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("creating secret %s: %w", prefix, err)
	}
	text := c.values.ToStringMapOutput().ApplyT(func(values map[string]string) (string, error) {
		out, err := json.Marshal(values)
		return string(out), err
	}).(pulumi.StringOutput)
	opts := []pulumi.ResourceOption{pulumi.Parent(s)}
	if c.kind == "cache" && !args.Power.HasCache() {
		opts = append(opts, pulumi.IgnoreChanges([]string{"secretString"}))
	}
	version, err := secretsmanager.NewSecretVersion(ctx, logical, &secretsmanager.SecretVersionArgs{
		SecretId:     secret.ID(),
		SecretString: pulumi.ToSecret(text).(pulumi.StringOutput),
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("setting the value of secret %s: %w", prefix, err)
	}
	return version.Arn, nil
}
