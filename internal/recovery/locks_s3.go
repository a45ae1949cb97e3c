package recovery

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Locks lists the locks on the state of a stack in a bucket of S3. project is the name of the Pulumi project.
func (a *AWS) Locks(ctx context.Context, bucket, project, stack string) ([]Lock, error) {
	out, err := run(ctx, "aws", "s3api", "list-objects-v2", "--bucket", bucket, "--prefix",
		fmt.Sprintf(".pulumi/locks/organization/%s/%s/", project, stack), "--query", "Contents[].Key",
		"--region", a.Region, "--output", "json")
	if err != nil {
		return nil, err
	}
	var keys []string
	if err := json.Unmarshal(out, &keys); err != nil {
		return nil, fmt.Errorf("reading the locks of %s: %w", stack, err)
	}
	var locks []Lock
	for _, key := range keys {
		if !strings.HasSuffix(key, ".json") {
			continue
		}
		text, err := run(ctx, "aws", "s3", "cp", "s3://"+bucket+"/"+key, "-", "--region", a.Region)
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
