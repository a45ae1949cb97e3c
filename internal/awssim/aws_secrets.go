package awssim

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"

	"groundwork/internal/awstype"
)

var secretName = regexp.MustCompile(`^[\w/+=.@-]{1,512}$`)

var secretTypes = map[string]Type{
	awstype.Secret: {
		Args:  secretsmanager.SecretArgs{},
		Refs:  []Ref{{Path: "kmsKeyId", Type: awstype.Key, By: "arn", Code: "InvalidParameterException"}},
		ID:    secretID,
		Check: checkSecret,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("secretsmanager", id), "name": id[len("secret:") : len(id)-7]}
		},
		Deleted: secretDeleted,
	},
	awstype.SecretVersion: {
		Args:  secretsmanager.SecretVersionArgs{},
		Refs:  []Ref{{Path: "secretId", Type: awstype.Secret, Code: "ResourceNotFoundException"}},
		ID:    func(in Props, digest string) string { return in.Str("secretId") + "|" + digest[:32] },
		Check: checkSecretVersion,
		Outputs: func(s Site, id string, in Props) Props {
			return Props{
				"versionId": id[strings.LastIndex(id, "|")+1:],
				"arn":       s.arn("secretsmanager", in.Str("secretId")),
			}
		},
	},
}

// secretID returns the end of the ARN, whose last six characters differ for each secret.
func secretID(in Props, digest string) string {
	name := in.Str("name")
	if name == "" {
		name = in.Str("namePrefix") + digest[:26]
	}
	return "secret:" + name + "-" + digest[26:32]
}

func checkSecret(in Props) []Failure {
	var f []Failure
	for _, property := range []string{"name", "namePrefix"} {
		failIf(&f, mismatch(in, property, secretName), property, "%q is not a secret name", in.Str(property))
	}
	days, ok := in.Num("recoveryWindowInDays")
	failIf(&f, ok && days != 0 && (days < 7 || days > 30), "recoveryWindowInDays", "is not 0 or 7 to 30")
	return f
}

func secretDeleted(c *Cloud, o *Object) error {
	if days, _ := o.State.Num("recoveryWindowInDays"); days > 0 {
		c.leave("secret "+o.State.Str("name"), fmt.Sprintf("can be brought back for %d days", int(days)))
	}
	return nil
}

func checkSecretVersion(in Props) []Failure {
	var f []Failure
	failIf(&f, in.Get("secretString") == nil && in.Get("secretBinary") == nil,
		"secretString", "is needed where there is no secretBinary")
	failIf(&f, len(in.Str("secretString")) > 65536, "secretString", "has more than 65536 bytes")
	return f
}
