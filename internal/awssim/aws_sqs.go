package awssim

import (
	"regexp"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
)

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

var queueTypes = map[string]Type{
	awstype.Queue: {
		Args:  sqs.QueueArgs{},
		Taken: "QueueAlreadyExists",
		ID: func(in Props, digest string) string {
			return "https://sqs.amazonaws.com/" + digest[:12] + "/" + in.Str("name")
		},
		Check: checkQueue,
		Outputs: func(s Site, id string, in Props) Props {
			return Props{"arn": s.arn("sqs", in.Str("name")), "url": id}
		},
	},
	awstype.QueuePolicy: {
		Args: sqs.QueuePolicyArgs{},
		Refs: []Ref{{Path: "queueUrl", Type: awstype.Queue, By: "url", Code: "QueueDoesNotExist"}},
		ID:   fromName("queueUrl"),
	},
}

func checkQueue(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "name", queueName), "name", "%q is not a queue name", in.Str("name"))
	return f
}
