package awssim

import (
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"

	"groundwork/internal/awstype"
)

var repositoryName = regexp.MustCompile(`^[a-z0-9]+([._/-][a-z0-9]+)*$`)

var registryTypes = map[string]Type{
	awstype.Repository: {
		Args: ecr.RepositoryArgs{},
		Refs: []Ref{
			{Path: "encryptionConfigurations[0].kmsKey", Type: awstype.Key, By: "arn", Code: "KmsException"},
		},
		Taken: "RepositoryAlreadyExistsException",
		ID:    fromName("name"),
		Check: checkRepository,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{
				"arn":           s.arn("ecr", "repository/"+id),
				"registryId":    s.Account,
				"repositoryUrl": fmt.Sprintf("%s.dkr.ecr.%s.amazonaws.com/%s", s.Account, s.Region, id),
			}
		},
	},
	awstype.LifecyclePolicy: {
		Args: ecr.LifecyclePolicyArgs{},
		Refs: []Ref{
			{Path: "repository", Type: awstype.Repository, By: "name", Code: "RepositoryNotFoundException"},
		},
		ID:      fromName("repository"),
		Outputs: func(s Site, _ string, _ Props) Props { return Props{"registryId": s.Account} },
	},
}

func checkRepository(in Props) []Failure {
	var f []Failure
	name := in.Str("name")
	failIf(&f, name != "" && (!repositoryName.MatchString(name) || len(name) < 2 || len(name) > 256),
		"name", "%q is not a repository name", name)
	return f
}
