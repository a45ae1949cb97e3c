package awssim

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/grpc/stats"
)

// instance is one provider resource of a program, such as the AWS provider of a region. An engine that attaches to a
// running provider opens one connection for each provider resource; nothing else in the protocol tells them apart.
type instance struct {
	mu    sync.RWMutex
	cloud *Cloud
	// defaultTags are the provider's tags for every resource that takes tags.
	defaultTags map[string]any
}

type instanceKey struct{}

// instances is a gRPC stats handler that gives each connection its instance.
type instances struct{ cloud *Cloud }

// TagConn puts a new instance into the context of a connection.
func (i instances) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, instanceKey{}, &instance{cloud: i.cloud})
}

// TagRPC does nothing.
func (instances) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC does nothing.
func (instances) HandleRPC(context.Context, stats.RPCStats) {}

// HandleConn does nothing.
func (instances) HandleConn(context.Context, stats.ConnStats) {}

// instanceOf returns the instance that a call belongs to.
func instanceOf(ctx context.Context) *instance { return ctx.Value(instanceKey{}).(*instance) }

// cloudOf returns the cloud as the instance of a call sees it.
func cloudOf(ctx context.Context) *Cloud {
	i := instanceOf(ctx)
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.cloud
}

// connect sets the cluster that an instance of the Kubernetes provider reaches.
func (i *instance) connect(kubeconfig string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cloud = &Cloud{Site: i.cloud.Site, account: i.cloud.account, client: readKubeconfig(kubeconfig)}
}

// configure sets the region, account and default tags of an instance.
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
