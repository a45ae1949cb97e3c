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

// Strings is one or more values of an IAM element; it is always written as a list.
type Strings []string

// Principal names who a statement is about, by kind: Service, AWS, Federated. The kind "*" stands for everyone.
type Principal map[string]Strings

// Services is the principal of AWS services, by their service principals such as "ec2.amazonaws.com".
func Services(names ...string) Principal { return Principal{"Service": names} }

// AWS is the principal of accounts, roles or users by ARN.
func AWS(arns ...string) Principal { return Principal{"AWS": arns} }

// Federated is the principal of an OIDC provider by ARN.
func Federated(arn string) Principal { return Principal{"Federated": {arn}} }

// Condition maps an operator such as "StringEquals" to keys and their allowed values.
type Condition map[string]map[string]Strings

// Statement is one statement of a policy document. Empty elements are left out.
type Statement struct {
	Sid       string    `json:"Sid,omitempty"`
	Effect    Effect    `json:"Effect"`
	Principal Principal `json:"Principal,omitempty"`
	Action    Strings   `json:"Action"`
	Resource  Strings   `json:"Resource,omitempty"`
	// NotResource is everything but these; only for a Deny.
	NotResource Strings   `json:"NotResource,omitempty"`
	Condition   Condition `json:"Condition,omitempty"`
}

// Document is an IAM policy document: a trust policy, a permission policy or a resource policy.
type Document struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// NewDocument returns a document of the current policy language with the given statements.
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

// TLSOnly refuses every request to a bucket that does not come over TLS.
func TLSOnly(bucketARN string) Statement {
	return Statement{
		Sid: "TLSOnly", Effect: Deny, Principal: AWS("*"), Action: Strings{"s3:*"},
		Resource:  Strings{bucketARN, bucketARN + "/*"},
		Condition: Condition{"Bool": {"aws:SecureTransport": {"false"}}},
	}
}
