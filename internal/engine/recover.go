package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"groundwork/internal/graph"
	"groundwork/internal/project"
)

// removeStaleLocks removes the locks on the state of runs that were killed. The session holds the folder's own lock, so
// no other run can be using them.
func (s *session) removeStaleLocks() error {
	locks, _ := filepath.Glob(filepath.Join(s.engine.State, "state", ".pulumi", "locks", "organization",
		s.engine.Project, s.options.Stack, "*.json"))
	for _, lock := range locks {
		fmt.Fprintf(s.options.Log, "Removing the lock of a run that did not end\n")
		if err := os.Remove(lock); err != nil {
			return fmt.Errorf("removing a stale lock: %w", err)
		}
	}
	return nil
}

// recover puts right what a killed run left: operations it began, and resources it made but did not record.
func (s *session) recover(ctx context.Context) error {
	state, err := s.engine.Export(s.options.Stack)
	if err != nil {
		return err
	}
	cleaned, begun, err := dropPending(state)
	if err != nil {
		return err
	}
	known, err := s.recorded(cleaned)
	if err != nil {
		return err
	}
	made := "urn:pulumi:" + s.options.Stack + "::"
	lost, err := s.simulation.Forget(func(urn, token, id string) bool {
		return strings.HasPrefix(urn, made) && !known[token+"|"+id]
	})
	if err != nil {
		return err
	}
	for _, o := range lost {
		fmt.Fprintf(s.options.Log, "An interrupted run created %s and did not record it; the sandbox removes it "+
			"(on AWS: pulumi import, or delete it)\n", o)
	}
	if len(begun) == 0 {
		return nil
	}
	fmt.Fprintf(s.options.Log, "An interrupted run had begun %s; resuming from there\n", strings.Join(begun, ", "))
	if err := s.stack.Import(ctx, cleaned); err != nil {
		return fmt.Errorf("repairing the state: %w", err)
	}
	return nil
}

// recorded returns what the states of a stack and of its environment's other stacks know, as graph.Recorded does. What
// another stack took over is not lost.
func (s *session) recorded(state apitype.UntypedDeployment) (map[string]bool, error) {
	known, err := graph.Recorded(state)
	if err != nil {
		return nil, err
	}
	environment := project.EnvironmentOf(s.options.Stack)
	files, _ := filepath.Glob(s.engine.stateFile(environment + "*"))
	for _, file := range files {
		stack := strings.TrimSuffix(filepath.Base(file), ".json")
		if stack == s.options.Stack || project.EnvironmentOf(stack) != environment {
			continue
		}
		other, err := s.engine.Export(stack)
		if err != nil {
			return nil, err
		}
		resources, err := graph.Recorded(other)
		if err != nil {
			return nil, err
		}
		maps.Copy(known, resources)
	}
	return known, nil
}

// dropPending removes from a state the operations that a killed run began and says which they were.
func dropPending(state apitype.UntypedDeployment) (apitype.UntypedDeployment, []string, error) {
	var deployment map[string]json.RawMessage
	if len(state.Deployment) == 0 {
		return state, nil, nil
	}
	if err := json.Unmarshal(state.Deployment, &deployment); err != nil {
		return state, nil, fmt.Errorf("reading the state: %w", err)
	}
	var pending []struct {
		Type     string
		Resource struct{ URN resource.URN }
	}
	if text, ok := deployment["pending_operations"]; ok {
		if err := json.Unmarshal(text, &pending); err != nil {
			return state, nil, fmt.Errorf("reading the state: %w", err)
		}
	}
	if len(pending) == 0 {
		return state, nil, nil
	}
	var begun []string
	for _, p := range pending {
		begun = append(begun, p.Type+" "+p.Resource.URN.Name())
	}
	delete(deployment, "pending_operations")
	text, err := json.Marshal(deployment)
	if err != nil {
		return state, nil, fmt.Errorf("repairing the state: %w", err)
	}
	state.Deployment = text
	return state, begun, nil
}
