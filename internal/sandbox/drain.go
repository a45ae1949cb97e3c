package sandbox

import (
	"context"
	"fmt"
	"time"

	"groundwork/internal/awssim"
	"groundwork/internal/awstype"
	"groundwork/internal/drain"
	"groundwork/stacks"
)

// orphanKinds are what controllers make, in the order in which it has to go.
var orphanKinds = []struct{ token, name string }{
	{
		awstype.LoadBalancer,
		"load balancer",
	}, {awstype.TargetGroup, "target group"}, {awstype.SecurityGroup, "security group"},
}

// orphans is a simulated account as draining sees it.
type orphans struct {
	cloud   *awssim.Cloud
	cluster string
}

// Find lists what carries the tag of the load balancer controller.
func (s orphans) Find(context.Context) ([]drain.Item, error) {
	var items []drain.Item
	for _, kind := range orphanKinds {
		for _, o := range s.cloud.Objects() {
			if o.Type == kind.token && o.URN == "" && o.State.Str(`tags["elbv2.k8s.aws/cluster"]`) == s.cluster {
				items = append(items, drain.Item{Kind: kind.name, ID: o.ID})
			}
		}
	}
	return items, nil
}

// Remove deletes one item.
func (s orphans) Remove(ctx context.Context, item drain.Item) error {
	for _, kind := range orphanKinds {
		if kind.name == item.Kind {
			return s.cloud.Delete(ctx, kind.token, item.ID)
		}
	}
	return fmt.Errorf("the sandbox knows no %s", item.Kind)
}

// Drain shows, or removes, what controllers made in an environment's simulated account.
func (s *Sandbox) Drain(ctx context.Context, o Options, d drain.Options) error {
	e, err := s.engine(o)
	if err != nil {
		return err
	}
	release, err := e.Lock("drain of " + o.Stack)
	if err != nil {
		return err
	}
	defer release()
	raw, err := s.Project.Config(o.Stack, o.Config...)
	if err != nil {
		return err
	}
	// As of no day in particular: an environment out of support has to be drained too.
	config, err := stacks.Load(raw, o.Stack, time.Time{})
	if err != nil {
		return err
	}
	cloud, err := awssim.OpenCloud(s.CloudFile(config.Environment))
	if err != nil {
		return err
	}
	return drain.Run(ctx, orphans{cloud.In(config.Region), config.ClusterName()}, d)
}
