package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"groundwork/internal/project"
)

// repository finds the repository for a command on a real account. It reads encrypted settings through secrets.
func repository(secrets project.Secrets) (*project.Project, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the project: %w", err)
	}
	p, err := project.Find(dir)
	if err == nil {
		p.Secrets = secrets
	}
	return p, err
}

// decrypted returns a function that reads encrypted settings with the user's own pulumi, which alone has the key.
func decrypted(ctx context.Context) project.Secrets {
	var read map[string]struct {
		Value       any
		ObjectValue any
	}
	return func(environment, key string, _ any) (any, error) {
		if read == nil {
			args := []string{"config", "--show-secrets", "--json", "--stack", environment}
			out, err := exec.CommandContext(ctx, "pulumi", args...).Output()
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				err = errors.New(strings.TrimSpace(string(exit.Stderr)))
			}
			if err == nil {
				err = json.Unmarshal(out, &read)
			}
			if err != nil {
				return nil, fmt.Errorf("pulumi %s: %w (log in where its state is, or write it in plain text)",
					strings.Join(args, " "), err)
			}
		}
		if object := read[key].ObjectValue; object != nil {
			return object, nil
		}
		return read[key].Value, nil
	}
}

// refused refuses encrypted settings, because a bootstrap keeps a copy of the settings in its folder.
func refused(_, _ string, _ any) (any, error) {
	return nil, errors.New("bootstrap keeps a copy of the settings in .groundwork, so it reads none that are encrypted; " +
		"write it in plain text")
}
