package delivery

import (
	"maps"
	"slices"

	"groundwork/components/identity"
)

// SecretKinds are the kinds of secrets that the application reads.
var SecretKinds = []string{"cache", "database", "databaseCredentials", "session"}

// workload is one service account of the application, with its permissions in AWS.
type workload struct {
	// serviceAccount is its short name. The full name begins with the application's: "secrets" is webapp-secrets.
	serviceAccount string
	// policy returns the permissions when the facts are known.
	policy func(f facts) identity.Document
}

// facts are the values that policies depend on.
type facts struct {
	// region is the region of secrets and keys.
	region string
	// secretARNs are the secrets by kind, keyARNs the keys that encrypt them.
	secretARNs map[string]string
	keyARNs    []string
}

// workloads are the service accounts of the application that call AWS. The application's own pods do not: they get
// their secrets in environment variables. A new role is one more row.
var workloads = []workload{
	{"secrets", func(f facts) identity.Document {
		return ReaderPolicy(f.region, slices.Sorted(maps.Values(f.secretARNs)), f.keyARNs)
	}},
}

// ReaderPolicy lets External Secrets, with the role of the application's service account, read exactly these secrets,
// and use their keys only for that.
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
