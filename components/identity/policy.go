package identity

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Effect of a statement.
type Effect string

// The two effects of IAM.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Strings are the values of an IAM element, one or more. They are always written as a list.
type Strings []string

// Principal names the principals that a statement applies to, by kind: Service, AWS or Federated. AWS("*") is everyone.
type Principal map[string]Strings

// Services returns the principal of AWS services, by service principals such as "ec2.amazonaws.com".
func Services(names ...string) Principal { return Principal{"Service": names} }

// AWS returns the principal of accounts, roles or users by ARN.
func AWS(arns ...string) Principal { return Principal{"AWS": arns} }

// Federated returns the principal of an OIDC provider by ARN.
func Federated(arn string) Principal { return Principal{"Federated": {arn}} }

// Condition maps an operator such as "StringEquals" to keys and their allowed values.
type Condition map[string]map[string]Strings

// Statement is one statement of a policy document. JSON omits empty elements.
type Statement struct {
	Sid       string    `json:"Sid,omitempty"`
	Effect    Effect    `json:"Effect"`
	Principal Principal `json:"Principal,omitempty"`
	Action    Strings   `json:"Action"`
	Resource  Strings   `json:"Resource,omitempty"`
	// NotResource means every resource except these; only for a Deny.
	NotResource Strings   `json:"NotResource,omitempty"`
	Condition   Condition `json:"Condition,omitempty"`
}

// Document is an IAM policy document: a trust policy, a permission policy or a resource policy.
type Document struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// NewDocument returns a document with the given statements, in the current version of the policy language.
func NewDocument(statements ...Statement) Document {
	return Document{Version: "2012-10-17", Statement: statements}
}

// JSON renders the document with sorted keys, so that equal documents are equal strings.
func (d Document) JSON() string {
	for i := range d.Statement {
		d.Statement[i].Action = sorted(d.Statement[i].Action)
	}
	out, err := json.Marshal(d)
	if err != nil {
		// Strings and maps of strings always marshal.
		panic(fmt.Sprintf("rendering policy document: %v", err))
	}
	return string(out)
}

func sorted(s Strings) Strings {
	c := slices.Clone(s)
	slices.Sort(c)
	return c
}

// TLSOnly denies every request to a bucket that does not use TLS.
func TLSOnly(bucketARN string) Statement {
	return Statement{
		Sid: "TLSOnly", Effect: Deny, Principal: AWS("*"), Action: Strings{"s3:*"},
		Resource:  Strings{bucketARN, bucketARN + "/*"},
		Condition: Condition{"Bool": {"aws:SecureTransport": {"false"}}},
	}
}
