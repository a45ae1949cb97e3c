package awssim

import (
	"fmt"
	"regexp"
	"strings"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/budgets"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
)

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// notificationTypes are SNS topics, and the budgets that notify them.
var notificationTypes = map[string]Type{
	awstype.Topic: {
		Args:  sns.TopicArgs{},
		Refs:  []Ref{{Path: "kmsMasterKeyId", Type: awstype.Key, By: "arn", Code: "KMSNotFound"}},
		Taken: "InvalidParameter",
		ID:    fromName("name"),
		Check: checkTopic,
		Outputs: func(s Site, id string, _ Props) Props {
			return Props{"arn": s.arn("sns", id), "owner": s.Account}
		},
	},
	awstype.TopicPolicy: {
		Args:    sns.TopicPolicyArgs{},
		Refs:    []Ref{{Path: "arn", Type: awstype.Topic, By: "arn", Code: "NotFound"}},
		ID:      fromName("arn"),
		Check:   policyCheck(30720),
		Outputs: func(s Site, _ string, _ Props) Props { return Props{"owner": s.Account} },
	},
	awstype.TopicSubscription: {
		Args:    sns.TopicSubscriptionArgs{},
		Refs:    []Ref{{Path: "topic", Type: awstype.Topic, By: "arn", Code: "NotFound"}},
		ID:      func(in Props, digest string) string { return in.Str("topic") + ":" + digest[:12] },
		Check:   checkSubscription,
		Outputs: func(_ Site, id string, _ Props) Props { return Props{"arn": id, "pendingConfirmation": true} },
	},
	awstype.Budget: {
		Args:    budgets.BudgetArgs{},
		Refs:    []Ref{{Path: "notifications[0].subscriberSnsTopicArns", Type: awstype.Topic, By: "arn"}},
		Taken:   "DuplicateRecordException",
		ID:      fromName("name"),
		Check:   checkBudget,
		Outputs: budgetOutputs,
	},
}

func checkTopic(in Props) []Failure {
	var f []Failure
	failIf(&f, mismatch(in, "name", topicName), "name", "%q is not a topic name", in.Str("name"))
	failIf(&f, len(in.Str("displayName")) > 100, "displayName", "has more than 100 characters")
	return f
}

func checkSubscription(in Props) []Failure {
	var f []Failure
	email := in.Str("protocol") == "email" && in.Has("endpoint")
	failIf(&f, email && !strings.Contains(in.Str("endpoint"), "@"), "endpoint", "is not an e-mail address")
	return f
}

func checkBudget(in Props) []Failure {
	var f []Failure
	failIf(&f, strings.ContainsAny(in.Str("name"), ":\\"), "name", "must not contain : or \\")
	failIf(&f, len(in.Str("name")) > 100, "name", "has more than 100 characters")
	return f
}

func budgetOutputs(s Site, id string, _ Props) Props {
	return Props{"arn": fmt.Sprintf("arn:aws:budgets::%s:budget/%s", s.Account, id), "accountId": s.Account}
}
