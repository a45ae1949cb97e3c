package identity

import "slices"

// policyReadOnly is the AWS-managed policy of every action that reads. It cannot read secret values.
const policyReadOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"

// PreviewPolicy lets a preview read the environment's states and, to compare them, the secrets that the program writes.
// It denies access to all other stored data that ReadOnlyAccess would show.
func PreviewPolicy(bucketARN, keyARN, account, region, name string) Document {
	return NewDocument(Statement{
		Sid: "ReadStates", Effect: Allow, Action: Strings{"s3:GetObject", "s3:ListBucket"},
		Resource: Strings{bucketARN, bucketARN + "/*"},
	}, Statement{
		Sid: "DecryptStates", Effect: Allow, Action: Strings{"kms:Decrypt", "kms:DescribeKey"}, Resource: Strings{keyARN},
	}, Statement{
		// A refresh reads the versions of secrets. Their names begin with the name of the environment.
		Sid: "CompareSecrets", Effect: Allow, Action: Strings{"secretsmanager:GetSecretValue"},
		Resource: Strings{"arn:aws:secretsmanager:" + region + ":" + account + ":secret:" + name + "/*"},
	}, Statement{
		// This stack does not know the keys of the secrets, only their tag.
		Sid: "DecryptSecrets", Effect: Allow, Action: Strings{"kms:Decrypt"},
		Resource: Strings{"arn:aws:kms:" + region + ":" + account + ":key/*"},
		Condition: Condition{
			"StringEquals": {
				"kms:ViaService":          {"secretsmanager." + region + ".amazonaws.com"},
				"aws:ResourceTag/Project": {"groundwork"},
			},
		},
	}, Statement{
		// ReadOnlyAccess allows reading every bucket of the account.
		Sid: "NoOtherData", Effect: Deny, Action: Strings{"s3:GetObject", "s3:GetObjectVersion"},
		NotResource: Strings{bucketARN + "/*"},
	}, Statement{
		Sid: "NoRecords", Effect: Deny, Action: Strings{
			"athena:GetQueryResults",
			"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:PartiQLSelect", "dynamodb:Query",
			"dynamodb:Scan",
			"ec2:GetConsoleOutput", "ec2:GetConsoleScreenshot", "kinesis:GetRecords", "lambda:GetFunction",
			"logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogRecord", "logs:GetQueryResults", "logs:StartLiveTail",
			"logs:StartQuery", "sqs:ReceiveMessage",
			"ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:GetParametersByPath",
		}, Resource: Strings{"*"},
	})
}

// pushActions are the actions that docker push and similar tools need.
var pushActions = Strings{
	"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
	"ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
}

// DeployPolicy lets a pipeline push images to exactly these repositories and find the cluster.
func DeployPolicy(account, region, cluster string, repositories []string) Document {
	var arns Strings
	for _, repository := range slices.Sorted(slices.Values(repositories)) {
		arns = append(arns, "arn:aws:ecr:"+region+":"+account+":repository/"+repository)
	}
	return NewDocument(Statement{
		// The action does not support resources.
		Sid: "SignIn", Effect: Allow, Action: Strings{"ecr:GetAuthorizationToken"}, Resource: Strings{"*"},
	}, Statement{
		Sid: "PushImages", Effect: Allow, Action: pushActions, Resource: arns,
	}, Statement{
		Sid: "FindTheCluster", Effect: Allow, Action: Strings{"eks:DescribeCluster"},
		Resource: Strings{"arn:aws:eks:" + region + ":" + account + ":cluster/" + cluster},
	})
}

// TunnelStatements allow opening a tunnel to the Kubernetes API through the instance with the given name: starting it,
// and sessions that forward a port, with that document and no other.
func TunnelStatements(account, region, bastion string) []Statement {
	instances := Strings{"arn:aws:ec2:" + region + ":" + account + ":instance/*"}
	// Without this condition, a request that names no document would start a shell.
	checked := map[string]Strings{"ssm:SessionDocumentAccessCheck": {"true"}}
	return []Statement{{
		// The actions do not support resources.
		Sid: "FindTheBastion", Effect: Allow, Resource: Strings{"*"},
		Action: Strings{"ec2:DescribeInstances", "ssm:DescribeInstanceInformation"},
	}, {
		Sid: "StartTheBastion", Effect: Allow, Action: Strings{"ec2:StartInstances"}, Resource: instances,
		Condition: Condition{"StringEquals": {"aws:ResourceTag/Name": {bastion}}},
	}, {
		Sid: "OpenTheTunnel", Effect: Allow, Action: Strings{"ssm:StartSession"}, Resource: instances,
		Condition: Condition{
			"StringEquals": {"ssm:resourceTag/Name": {bastion}},
			"BoolIfExists": checked,
		},
	}, {
		Sid: "ForwardPorts", Effect: Allow, Action: Strings{"ssm:StartSession"},
		Resource:  Strings{forwardingDocument(region)},
		Condition: Condition{"BoolIfExists": checked},
	}, {
		Sid: "OwnSessions", Effect: Allow,
		Action:   Strings{"ssm:ResumeSession", "ssm:TerminateSession", "ssmmessages:OpenDataChannel"},
		Resource: Strings{"arn:aws:ssm:" + region + ":" + account + ":session/${aws:userid}-*"},
	}}
}

// ForwardingDocument is AWS's document of sessions that forward a port of another host.
const ForwardingDocument = "AWS-StartPortForwardingSessionToRemoteHost"

func forwardingDocument(region string) string {
	return "arn:aws:ssm:" + region + "::document/" + ForwardingDocument
}

// DeployBoundary is the permissions boundary of a deploy role: the registry, the clusters and the tunnels to them
// in one region. It holds even if somebody attaches another policy to the role.
func DeployBoundary(account, region string) Document {
	return NewDocument(Statement{
		Sid: "SignIn", Effect: Allow, Action: Strings{"ecr:GetAuthorizationToken"}, Resource: Strings{"*"},
	}, Statement{
		// What a tunnel to a private endpoint needs.
		Sid: "FindInstances", Effect: Allow, Resource: Strings{"*"},
		Action: Strings{"ec2:DescribeInstances", "ssm:DescribeInstanceInformation"},
	}, Statement{
		Sid: "Tunnel", Effect: Allow, Resource: Strings{
			"arn:aws:ec2:" + region + ":" + account + ":instance/*", forwardingDocument(region),
			"arn:aws:ssm:" + region + ":" + account + ":session/*",
		},
		Action: Strings{
			"ec2:StartInstances", "ssm:ResumeSession", "ssm:StartSession", "ssm:TerminateSession",
			"ssmmessages:OpenDataChannel",
		},
	}, Statement{
		Sid: "RegistryAndCluster", Effect: Allow, Action: append(slices.Clone(pushActions), "eks:DescribeCluster"),
		Resource: Strings{
			"arn:aws:ecr:" + region + ":" + account + ":repository/*",
			"arn:aws:eks:" + region + ":" + account + ":cluster/*",
		},
	})
}
