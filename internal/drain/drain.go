// Package drain finds the resources that controllers made in an account outside of the program, and removes them. They
// block the deletion of the network that they are in, and they cost money after a destroy.
package drain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Item is one resource that a controller made.
type Item struct {
	// Kind is the kind of resource: "load balancer".
	Kind string
	// ID is an ARN, an ID, or namespace/name for an object in the cluster.
	ID string
	// HoldsData is true for a resource whose data is lost with it.
	HoldsData bool
}

// ErrInUse is what Remove returns, wrapped, for an item that another resource still uses. Run tries it again.
var ErrInUse = errors.New("still in use")

// Account is where controllers made resources.
type Account interface {
	// Find lists what controllers made for a cluster, in the order in which it must be removed.
	Find(ctx context.Context) ([]Item, error)
	// Remove deletes one item and waits until it is gone.
	Remove(ctx context.Context, item Item) error
}

// Options of a run.
type Options struct {
	// Remove deletes the items; without it, Run only lists them.
	Remove bool
	// Data includes items that hold data in the removal.
	Data bool
	// Wait is the time between two rounds: AWS takes minutes to release resources that use one another.
	Wait time.Duration
	// Out receives a line for each item.
	Out io.Writer
}

// maxRounds bounds how often Run tries to remove all items.
const maxRounds = 20

// Run lists what controllers made, and removes it if Options.Remove is set. The removal of one item often removes
// others, or must happen before theirs, so Run lists the items again after each round. It returns an error if any are
// left.
func Run(ctx context.Context, account Account, o Options) error {
	items, err := account.Find(ctx)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		fmt.Fprintln(o.Out, "Nothing that controllers made: destroy can go ahead.")
		return nil
	}
	if !o.Remove {
		show(o.Out, items)
		fmt.Fprintln(o.Out, "Controllers made these. --remove deletes them, --data those that hold data too.")
		return nil
	}
	for range maxRounds {
		progress, err := round(ctx, account, items, o)
		if err != nil {
			return err
		}
		if items, err = account.Find(ctx); err != nil {
			return err
		}
		// An item that failed for another reason than being in use would fail again.
		if !progress || !slices.ContainsFunc(items, o.removes) {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("draining: %w", ctx.Err())
		case <-time.After(o.Wait):
		}
	}
	if len(items) > 0 {
		show(o.Out, items)
		return fmt.Errorf("draining: %d things are still there", len(items))
	}
	fmt.Fprintln(o.Out, "All of it is removed: destroy can go ahead.")
	return nil
}

// removes reports whether the options include an item in the removal.
func (o Options) removes(item Item) bool { return o.Data || !item.HoldsData }

// round tries to remove each item once. It reports whether another round may make progress: an item was removed, or was
// still in use.
func round(ctx context.Context, account Account, items []Item, o Options) (progress bool, err error) {
	for _, item := range items {
		if !o.removes(item) {
			continue
		}
		if err := account.Remove(ctx, item); err != nil {
			if ctx.Err() != nil {
				return progress, fmt.Errorf("draining: %w", ctx.Err())
			}
			fmt.Fprintf(o.Out, "! %s %s: %v\n", item.Kind, item.ID, err)
			progress = progress || errors.Is(err, ErrInUse)
			continue
		}
		progress = true
		fmt.Fprintf(o.Out, "- %s %s\n", item.Kind, item.ID)
	}
	return progress, nil
}

func show(w io.Writer, items []Item) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, item := range items {
		note := ""
		if item.HoldsData {
			note = " (holds data)"
		}
		fmt.Fprintf(table, "  %s\t%s%s\n", item.Kind, item.ID, note)
	}
	_ = table.Flush()
}
