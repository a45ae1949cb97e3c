package recovery

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// Resource is a resource of an account.
type Resource struct {
	Type, ID string
	// Properties are what the account tells of it, by the names of the provider: its name, its parents, its tags.
	Properties graph.Props
}

// Inventory answers what an account has.
type Inventory interface {
	// Find lists the resources that an operation may have created, by its type, its inputs and its region.
	Find(ctx context.Context, op Operation) ([]Resource, error)
	// Tagged lists the resources that carry the environment's tags. Types without tags are not in it.
	Tagged(ctx context.Context) ([]Resource, error)
}

// Stack is the stack to recover.
type Stack interface {
	Export(ctx context.Context) (apitype.UntypedDeployment, error)
	Import(ctx context.Context, state apitype.UntypedDeployment) error
	// Refresh reads resources of the state again: what is gone leaves the state.
	Refresh(ctx context.Context, urns []string) error
	// Destroy deletes resources of the state.
	Destroy(ctx context.Context, urns []string) error
}

// Options of a recovery.
type Options struct {
	// Recorded are the resources that other states know, as of graph.Recorded: another stack of the environment may have
	// taken something over.
	Recorded map[string]bool
	// Orphans looks for resources with the environment's tags that no state records.
	Orphans bool
	// Delete deletes them; those that hold data only with Data.
	Delete, Data bool
	// Out receives a line for each thing found and done.
	Out io.Writer
}

// Result is what a recovery found.
type Result struct {
	// Begun are the operations that the state said had begun.
	Begun []Operation
	// Imported are the resources that an interrupted run made and that the state now has.
	Imported []Resource
	// Orphans are resources that no state records and that are still there.
	Orphans []Resource
}

// Run puts a stack right. It is safe to run again, and after an interruption of its own.
func Run(ctx context.Context, stack Stack, inventory Inventory, o Options) (*Result, error) {
	state, err := stack.Export(ctx)
	if err != nil {
		return nil, err
	}
	d, err := read(state)
	if err != nil {
		return nil, err
	}
	result := &Result{Begun: d.operations}
	if len(d.operations) > 0 {
		if err := resume(ctx, stack, inventory, d, o, result); err != nil {
			return result, err
		}
	}
	if !o.Orphans {
		return result, nil
	}
	if result.Orphans, err = orphans(ctx, stack, inventory, o); err != nil || len(result.Orphans) == 0 {
		return result, err
	}
	for _, r := range result.Orphans {
		fmt.Fprintf(o.Out, "No state records %s %s; recover --delete deletes it\n", graph.ShortType(r.Type), r.ID)
	}
	if o.Delete {
		err = remove(ctx, stack, o, result)
	}
	return result, err
}

// resume finds what became of the operations that had begun, writes it into the state, and reads those resources again.
func resume(ctx context.Context, stack Stack, inventory Inventory, d *deployment, o Options, result *Result) error {
	adopted, err := d.adoptCreated(ctx, inventory, o.Recorded)
	if err != nil {
		return err
	}
	repaired, err := d.write()
	if err != nil {
		return err
	}
	if err := stack.Import(ctx, repaired); err != nil {
		return fmt.Errorf("repairing the state: %w", err)
	}
	var urns []string
	for _, op := range d.operations {
		urns = append(urns, op.URN)
	}
	if urns = d.present(urns); len(urns) > 0 {
		if err := stack.Refresh(ctx, urns); err != nil {
			return fmt.Errorf("reading what an interrupted run changed: %w", err)
		}
	}
	// Reading a resource that does not exist takes it out of the state again.
	state, err := stack.Export(ctx)
	if err != nil {
		return err
	}
	after, err := read(state)
	if err != nil {
		return err
	}
	restored := false
	for _, op := range d.operations {
		created, found := adopted[op.URN]
		switch there := len(after.present([]string{op.URN})) > 0; {
		case op.Kind != creating:
			fmt.Fprintf(o.Out, "An interrupted run had begun %s %s; read what became of it\n", op.Kind, op.Name)
		case found && there:
			fmt.Fprintf(o.Out, "An interrupted run created %s %s and did not record it; took it over as %s\n",
				graph.ShortType(op.Type), created.ID, op.Name)
			result.Imported = append(result.Imported, created)
		default:
			fmt.Fprintf(o.Out, "An interrupted run had begun creating %s, which does not exist\n", op.Name)
			restored = found && after.restore(op.URN) || restored
		}
	}
	if !restored {
		return nil
	}
	if repaired, err = after.write(); err != nil {
		return err
	}
	if err := stack.Import(ctx, repaired); err != nil {
		return fmt.Errorf("repairing the state: %w", err)
	}
	return nil
}

// adoptCreated looks for the resources whose creation had begun, and puts those that the account may have into the
// state. It returns them by URN.
func (d *deployment) adoptCreated(
	ctx context.Context, inventory Inventory, elsewhere map[string]bool,
) (map[string]Resource, error) {
	recorded, adopted := d.recorded(), map[string]Resource{}
	maps.Copy(recorded, elsewhere)
	for _, op := range d.operations {
		if op.Kind != creating {
			continue
		}
		candidates, err := inventory.Find(ctx, op)
		if err != nil {
			return nil, fmt.Errorf("looking for %s %s: %w", op.Type, op.Name, err)
		}
		found, err := op.match(candidates, recorded)
		if err != nil {
			return nil, err
		}
		if found != nil {
			recorded[op.Type+"|"+found.ID] = true
			d.adopt(op, found.ID)
			adopted[op.URN] = *found
		}
	}
	return adopted, nil
}

// orphans lists the resources with the environment's tags that no state records.
func orphans(ctx context.Context, stack Stack, inventory Inventory, o Options) ([]Resource, error) {
	state, err := stack.Export(ctx)
	if err != nil {
		return nil, err
	}
	recorded, err := graph.Recorded(state)
	if err != nil {
		return nil, err
	}
	maps.Copy(recorded, o.Recorded)
	tagged, err := inventory.Tagged(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing what carries the environment's tags: %w", err)
	}
	// Some IDs of the provider are not those in ARNs, such as that of a database.
	lost := slices.DeleteFunc(tagged, func(r Resource) bool {
		return recorded[r.Type+"|"+r.ID] || recorded["arn|"+r.Properties.Str("arn")]
	})
	slices.SortFunc(lost, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	return lost, nil
}

// remove deletes orphans: it takes them into the state, under names of their own, and deletes them there, so that the
// provider does it and an interruption loses nothing.
func remove(ctx context.Context, stack Stack, o Options, result *Result) error {
	state, err := stack.Export(ctx)
	if err != nil {
		return err
	}
	d, err := read(state)
	if err != nil {
		return err
	}
	var urns []string
	var kept []Resource
	for _, r := range result.Orphans {
		if holds := awstype.Of(r.Type).Holds; holds != "" && !o.Data {
			fmt.Fprintf(o.Out, "Keeping %s %s: it may hold %s; --data deletes it too\n", graph.ShortType(r.Type), r.ID, holds)
			kept = append(kept, r)
			continue
		}
		urn, err := d.adoptOrphan(r)
		if err != nil {
			return err
		}
		urns = append(urns, urn)
	}
	if result.Orphans = kept; len(urns) == 0 {
		return nil
	}
	taken, err := d.write()
	if err != nil {
		return err
	}
	if err := stack.Import(ctx, taken); err != nil {
		return fmt.Errorf("taking over what no state recorded: %w", err)
	}
	if err := stack.Refresh(ctx, urns); err != nil {
		return fmt.Errorf("reading what no state recorded: %w", err)
	}
	if err := stack.Destroy(ctx, urns); err != nil {
		return fmt.Errorf("deleting what no state recorded: %w", err)
	}
	fmt.Fprintf(o.Out, "Deleted %d that no state recorded\n", len(urns))
	return nil
}
