package awssim

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/grpc/stats"
)

// instance is one provider resource of a program, such as the AWS provider of a region. An engine that is pointed at a
// running provider opens a connection of its own for each; nothing else in the protocol tells them apart.
type instance struct {
	mu    sync.RWMutex
	cloud *Cloud
	// defaultTags go on every resource that takes tags; the program's provider sets them.
	defaultTags map[string]any
}

type instanceKey struct{}

// instances gives each connection its instance.
type instances struct{ cloud *Cloud }

func (i instances) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, instanceKey{}, &instance{cloud: i.cloud})
}
func (instances) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (instances) HandleRPC(context.Context, stats.RPCStats)                       {}
func (instances) HandleConn(context.Context, stats.ConnStats)                     {}

// cloudOf returns the cloud as the instance behind a call sees it.
func cloudOf(ctx context.Context) *Cloud {
	i := ctx.Value(instanceKey{}).(*instance)
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.cloud
}

// configure puts an instance into its region and account.
func (i *instance) configure(args Props) error {
	site := Site{Region: args.Str("region")}
	if accounts := args.Strs("allowedAccountIds"); len(accounts) > 0 {
		site.Account = accounts[0]
	}
	if site.Region == "" || site.Account == "" {
		return errors.New("the aws provider needs region and allowedAccountIds: without them it could touch any account")
	}
	cloud, err := i.cloud.Connect(site)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cloud, i.defaultTags = cloud, args.Object("defaultTags").Object("tags")
	return nil
}
