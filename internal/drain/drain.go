// Package drain finds what controllers made in an account outside of the program. Such things keep a destroy from
// deleting the network they are in, and outlive it with their costs.
package drain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
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

// ErrInUse is what Remove returns, wrapped, for an item that something else still uses: it can be tried again.
var ErrInUse = errors.New("still in use")

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
	// Wait is the time between two rounds; things that use one another take minutes to let go.
	Wait time.Duration
	// Out receives a line for each item.
	Out io.Writer
}

// maxRounds bounds how often a removal begins anew.
const maxRounds = 20

// Run shows, and removes where asked to, what controllers made. Removing one thing often takes others along, or has to
// happen before they can go, so it looks again after each round. It returns an error if anything is left in the end.
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
		moved, err := round(ctx, account, items, o)
		if err != nil {
			return err
		}
		if items, err = account.Find(ctx); err != nil {
			return err
		}
		// What failed for another reason than that it is in use fails again.
		if !moved || !slices.ContainsFunc(items, o.goes) {
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

// goes reports whether an item is to be removed.
func (o Options) goes(item Item) bool { return o.Data || !item.HoldsData }

// round tries to remove each item once. It reports whether another round may get further: something went, or was in use.
func round(ctx context.Context, account Account, items []Item, o Options) (moved bool, err error) {
	for _, item := range items {
		if !o.goes(item) {
			continue
		}
		if err := account.Remove(ctx, item); err != nil {
			if ctx.Err() != nil {
				return moved, fmt.Errorf("draining: %w", ctx.Err())
			}
			fmt.Fprintf(o.Out, "! %-20s %s: %v\n", item.Kind, item.ID, err)
			moved = moved || errors.Is(err, ErrInUse)
			continue
		}
		moved = true
		fmt.Fprintf(o.Out, "- %-20s %s\n", item.Kind, item.ID)
	}
	return moved, nil
}

func show(w io.Writer, items []Item) {
	for _, item := range items {
		note := ""
		if item.HoldsData {
			note = " (holds data)"
		}
		fmt.Fprintf(w, "  %-20s %s%s\n", item.Kind, item.ID, note)
	}
}
