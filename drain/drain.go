// Package drain finds what controllers made in an account outside of the program. Such things keep a destroy from
// deleting the network they are in, and outlive it with their costs.
package drain

import (
	"context"
	"fmt"
	"io"
)

// Item is one thing that a controller made.
type Item struct {
	// Kind is what it is, in words: "load balancer".
	Kind string
	// ID names it: an ARN, an ID, or namespace/name for what is in the cluster.
	ID string
	// HoldsData is true for what cannot be made again.
	HoldsData bool
}

// Account is where controllers made things.
type Account interface {
	// Find lists what controllers made for a cluster, in the order in which it has to be removed.
	Find(ctx context.Context) ([]Item, error)
	// Remove deletes one item and waits until it is gone.
	Remove(ctx context.Context, item Item) error
}

// Options of a run.
type Options struct {
	// Remove deletes what was found; without it everything is only shown.
	Remove bool
	// Data includes what holds data in the removal.
	Data bool
	// Out receives a line for each item.
	Out io.Writer
}

// Run shows, and removes where asked to, what controllers made. It goes on after an item that cannot be removed, and
// returns an error if anything is left that stands in the way of a destroy.
func Run(ctx context.Context, account Account, o Options) error {
	items, err := account.Find(ctx)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		fmt.Fprintln(o.Out, "Nothing that controllers made: destroy can go ahead.")
		return nil
	}
	left := 0
	for _, item := range items {
		note := ""
		if item.HoldsData {
			note = " (holds data)"
		}
		switch {
		case !o.Remove || item.HoldsData && !o.Data:
			fmt.Fprintf(o.Out, "  %-20s %s%s\n", item.Kind, item.ID, note)
			left++
		default:
			if err := account.Remove(ctx, item); err != nil {
				fmt.Fprintf(o.Out, "! %-20s %s%s: %v\n", item.Kind, item.ID, note, err)
				left++
				continue
			}
			fmt.Fprintf(o.Out, "- %-20s %s%s\n", item.Kind, item.ID, note)
		}
	}
	switch {
	case left == 0:
		fmt.Fprintln(o.Out, "All of it is removed: destroy can go ahead.")
	case !o.Remove:
		fmt.Fprintln(o.Out, "Controllers made these. --remove deletes them, --data those that hold data too.")
	default:
		return fmt.Errorf("draining: %d of %d things are still there", left, len(items))
	}
	return nil
}
