package engine

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"groundwork/internal/graph"
	"groundwork/internal/project"
	"groundwork/internal/recovery"
)

// recover puts right what a killed run left: operations it began, and resources it made but did not record.
func (s *session) recover(ctx context.Context, how recovery.Options) (*recovery.Result, error) {
	var err error
	if how.Recorded, err = s.recordedElsewhere(); err != nil {
		return nil, err
	}
	how.Out = s.options.Log
	result, err := recovery.Run(ctx, s, s.simulation, how)
	if err != nil {
		return result, fmt.Errorf("recovering %s: %w", s.options.Stack, err)
	}
	return result, nil
}

// The session is the stack that recovery works on.

// Export returns the state.
func (s *session) Export(context.Context) (apitype.UntypedDeployment, error) {
	return s.engine.Export(s.options.Stack)
}

// Import replaces the state.
func (s *session) Import(ctx context.Context, state apitype.UntypedDeployment) error {
	return s.stack.Import(ctx, state)
}

// Refresh reads resources of the state again.
func (s *session) Refresh(ctx context.Context, urns []string) error {
	_, err := s.stack.Refresh(ctx, optrefresh.Target(urns))
	return err
}

// Destroy deletes resources of the state.
func (s *session) Destroy(ctx context.Context, urns []string) error {
	_, err := s.stack.Destroy(ctx, optdestroy.Target(urns))
	return err
}

// recordedElsewhere returns what the states of the environment's other stacks know, as graph.Recorded does. What
// another stack took over is not lost.
func (s *session) recordedElsewhere() (map[string]bool, error) {
	known := map[string]bool{}
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
