package recovery

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"groundwork/internal/awscli"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// AWS is the inventory of a real account. It runs the aws command with the credentials of the user, and only reads.
type AWS struct {
	awscli.Account
	// Tags are those that the program puts on everything of the environment.
	Tags map[string]string
}

// Find implements Inventory. Where the ID follows from the inputs, the resource may or may not exist: reading it into
// the state decides.
func (a *AWS) Find(ctx context.Context, op Operation) ([]Resource, error) {
	token, inputs, region := op.Type, op.Inputs, cmp.Or(op.Region, a.Region)
	how, known := awstype.IdentifierOf(token)
	switch {
	case !known:
		return nil, fmt.Errorf("nothing is known about finding a %s; pulumi import takes it over by hand", token)
	case how.Nowhere != "":
		return nil, nil
	case how.Import != "":
		id, err := how.ImportID(awstype.Inputs(inputs), a.ID, region)
		if err != nil {
			return nil, nil // An input was not known yet, so AWS was not asked for the resource.
		}
		return []Resource{{Type: token, ID: id, Properties: inputs}}, nil
	case how.Listed:
		return a.list(ctx, token, region, inputs)
	}
	tagged, err := a.Tagged(ctx)
	if err != nil {
		return nil, err
	}
	var all []Resource
	for _, r := range tagged {
		if r.Type == token && (r.Properties.Str("region") == region || awstype.Of(token).Global) {
			all = append(all, r)
		}
	}
	return all, nil
}

// Tagged implements Inventory, by the Resource Groups Tagging API of the region and, for what is global, of us-east-1.
func (a *AWS) Tagged(ctx context.Context) ([]Resource, error) {
	args := []string{"resourcegroupstaggingapi", "get-resources", "--tag-filters"}
	for _, key := range slices.Sorted(maps.Keys(a.Tags)) {
		args = append(args, "Key="+key+",Values="+a.Tags[key])
	}
	regions := []string{a.Region}
	if a.Region != "us-east-1" {
		regions = append(regions, "us-east-1")
	}
	var all []Resource
	for _, region := range regions {
		var page struct {
			ResourceTagMappingList []struct {
				ResourceARN string
				Tags        []struct{ Key, Value string }
			}
		}
		if err := a.Call(ctx, region, &page, args...); err != nil {
			return nil, err
		}
		for _, found := range page.ResourceTagMappingList {
			token, id := awstype.TypeOfARN(found.ResourceARN)
			if token == "" {
				continue
			}
			tags := map[string]any{}
			for _, tag := range found.Tags {
				// The program's own tags are those that the resource has besides the provider's.
				if _, byProvider := a.Tags[tag.Key]; !byProvider {
					tags[tag.Key] = tag.Value
				}
			}
			all = append(all, Resource{Type: token, ID: id, Properties: graph.Props{
				"arn": found.ResourceARN, "tags": tags, "region": region,
			}})
		}
	}
	return all, nil
}

// list lists the resources of a type that has neither tags nor an ID of its own.
func (a *AWS) list(ctx context.Context, token, region string, in graph.Props) ([]Resource, error) {
	var found []struct{ ID, Name, Endpoint string }
	var err error
	switch token {
	case awstype.SecretVersion:
		err = a.Call(ctx, region, &found, "secretsmanager", "list-secret-version-ids", "--secret-id", in.Str("secretId"),
			"--query", "Versions[].{ID:VersionId}")
		for i := range found {
			found[i].ID = in.Str("secretId") + "|" + found[i].ID
		}
	case awstype.ResponseHeadersPolicy:
		err = a.Call(ctx, region, &found, "cloudfront", "list-response-headers-policies", "--type", "custom",
			"--query", "ResponseHeadersPolicyList.Items[].ResponseHeadersPolicy.{ID:Id,Name:ResponseHeadersPolicyConfig.Name}")
	case awstype.LogDelivery:
		err = a.Call(ctx, region, &found, "logs", "describe-deliveries", "--query", fmt.Sprintf(
			"deliveries[?deliverySourceName=='%s'].{ID:id}", in.Str("deliverySourceName")))
	case awstype.TopicSubscription:
		err = a.Call(ctx, region, &found, "sns", "list-subscriptions-by-topic", "--topic-arn", in.Str("topic"), "--query",
			"Subscriptions[].{ID:SubscriptionArn,Endpoint:Endpoint}")
	case awstype.Association:
		err = a.Call(ctx, region, &found, "ssm", "list-associations", "--query", fmt.Sprintf(
			"Associations[?AssociationName=='%s'].{ID:AssociationId}", in.Str("associationName")))
	default:
		return nil, fmt.Errorf("there is no call that lists %s", token)
	}
	if err != nil {
		return nil, err
	}
	var all []Resource
	for _, r := range found {
		properties := graph.Props{}
		if r.Name != "" {
			properties["name"] = r.Name
		}
		if r.Endpoint != "" {
			properties["endpoint"] = r.Endpoint
		}
		all = append(all, Resource{Type: token, ID: r.ID, Properties: properties})
	}
	return all, nil
}

// Locks lists the locks on the state of a stack in a bucket of S3. project is the name of the Pulumi project.
func (a *AWS) Locks(ctx context.Context, bucket, project, stack string) ([]Lock, error) {
	var keys []string
	if err := a.Call(ctx, a.Region, &keys, "s3api", "list-objects-v2", "--bucket", bucket, "--prefix",
		fmt.Sprintf(".pulumi/locks/organization/%s/%s/", project, stack), "--query", "Contents[].Key"); err != nil {
		return nil, err
	}
	var locks []Lock
	for _, key := range keys {
		if !strings.HasSuffix(key, ".json") {
			continue
		}
		object := "s3://" + bucket + "/" + key
		text, err := awscli.Output(exec.CommandContext(ctx, "aws", "s3", "cp", object, "-", "--region", a.Region))
		if err != nil {
			return nil, err
		}
		lock, err := ReadLock(text)
		if err != nil {
			return nil, fmt.Errorf("reading the lock %s: %w", key, err)
		}
		locks = append(locks, lock)
	}
	return locks, nil
}
