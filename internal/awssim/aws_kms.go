package awssim

import (
	"fmt"
	"regexp"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
)

var aliasName = regexp.MustCompile(`^alias/[0-9A-Za-z/_-]{1,250}$`)

var keyTypes = map[string]Type{
	awstype.Key: {
		Args:  kms.KeyArgs{},
		ID:    uuid,
		Check: checkKey,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("kms", "key/"+id), "keyId": id, "multiRegion": false}
		},
		Deleted: keyDeleted,
	},
	awstype.KeyAlias: {
		Args:  kms.AliasArgs{},
		Refs:  []Ref{{Path: "targetKeyId", Type: awstype.Key, Code: "NotFoundException"}},
		Taken: "AlreadyExistsException",
		ID:    fromName("name"),
		Check: checkAlias,
		Outputs: func(s Site, id string, in Props) Props {
			return Props{"arn": s.arn("kms", id), "targetKeyArn": s.arn("kms", "key/"+in.Str("targetKeyId"))}
		},
	},
}

func checkKey(in Props) []Failure {
	var f []Failure
	checkPolicy(&f, in, "policy", 32768)
	return f
}

func keyDeleted(c *Cloud, o *Object) error {
	window := 30.0
	if days, ok := o.State.Num("deletionWindowInDays"); ok {
		window = days
	}
	c.leave("KMS key "+o.State.Str("description")+" ("+o.ID+")", "can be brought back for "+days(window))
	return nil
}

func days(n float64) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", int(n))
}

func checkAlias(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "name", aliasName),
		"name", "%q is not alias/ and 1 to 250 letters, digits, - _ /", in.Str("name"))
	failIf(&f, strings.HasPrefix(in.Str("name"), "alias/aws/"),
		"name", "begins with alias/aws/, which AWS keeps for itself")
	return f
}
