package sandbox

import (
	"context"
	"fmt"
	"time"

	"groundwork/drain"
	"groundwork/stacks"
)

// strayKinds are what controllers make, in the order in which it has to go.
var strayKinds = []struct{ token, name string }{
	{balancerType, "load balancer"}, {targetGroupType, "target group"}, {securityGroupType, "security group"},
}

// strays is a simulated account as draining sees it.
type strays struct {
	cloud   *Cloud
	cluster string
}

// Find lists what carries the tag of the load balancer controller.
func (s strays) Find(context.Context) ([]drain.Item, error) {
	var items []drain.Item
	for _, kind := range strayKinds {
		for _, o := range s.cloud.Objects() {
			if o.Type == kind.token && o.URN == "" && o.State.Object("tags").plainStr("elbv2.k8s.aws/cluster") == s.cluster {
				items = append(items, drain.Item{Kind: kind.name, ID: o.ID})
			}
		}
	}
	return items, nil
}

// Remove deletes one item.
func (s strays) Remove(ctx context.Context, item drain.Item) error {
	for _, kind := range strayKinds {
		if kind.name == item.Kind {
			return s.cloud.Delete(ctx, kind.token, item.ID)
		}
	}
	return fmt.Errorf("the sandbox knows no %s", item.Kind)
}

// Drain shows, or removes, what controllers made in an environment's simulated account.
func (w *Workspace) Drain(ctx context.Context, o Options, d drain.Options) error {
	release, err := w.lock()
	if err != nil {
		return err
	}
	defer release()
	raw, err := w.ReadConfig(o.Stack, o.Config...)
	if err != nil {
		return err
	}
	config, err := stacks.Load(raw, o.Stack, time.Time{})
	if err != nil {
		return err
	}
	cloud, err := OpenCloud(w.cloudFile(config.Environment))
	if err != nil {
		return err
	}
	here := cloud.In(config.Region)
	return drain.Run(ctx, strays{here, config.ClusterName()}, d)
}
