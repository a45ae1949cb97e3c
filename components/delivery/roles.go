package delivery

import (
	"maps"
	"slices"

	"groundwork/components/identity"
)

// SecretKinds are the secrets that the application reads.
var SecretKinds = []string{"cache", "database", "databaseCredentials", "session"}

// workload is one service account of the application with what it may do in AWS.
type workload struct {
	// serviceAccount is its name after the application's: "secrets" is webapp-secrets.
	serviceAccount string
	// policy is made of the facts when they are known.
	policy func(f facts) identity.Document
}

// facts are what policies are made of.
type facts struct {
	// region is where secrets and keys are.
	region string
	// secretARNs by kind, and the keys that encrypt them.
	secretARNs map[string]string
	keyARNs    []string
}

// workloads are the service accounts of the application that talk to AWS. The application's own pods do not: what they
// need to know is in their environment. A new role is one more row.
var workloads = []workload{
	{"secrets", func(f facts) identity.Document {
		return ReaderPolicy(f.region, slices.Sorted(maps.Values(f.secretARNs)), f.keyARNs)
	}},
}

// ReaderPolicy lets External Secrets, in the name of the application's account, read exactly these secrets, and use
// their keys for nothing else.
func ReaderPolicy(region string, secretARNs, keyARNs []string) identity.Document {
	return identity.NewDocument(identity.Statement{
		Sid: "ReadSecrets", Effect: identity.Allow,
		Action:   identity.Strings{"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"},
		Resource: secretARNs,
	}, identity.Statement{
		Sid: "DecryptThem", Effect: identity.Allow,
		Action:    identity.Strings{"kms:Decrypt"},
		Resource:  keyARNs,
		Condition: identity.Condition{"StringEquals": {"kms:ViaService": {"secretsmanager." + region + ".amazonaws.com"}}},
	})
}
