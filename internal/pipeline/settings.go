package pipeline

import (
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// InfrastructureValues is the ConfigMap in which the infrastructure leaves values for the chart.
const InfrastructureValues = "infrastructure-values"

// EnvironmentName returns the first part of an environment's physical names, which is also the name of its cluster.
func EnvironmentName(environment string) string { return "groundwork-" + environment }

// Backend returns where the states of an environment are, as pulumi login takes it. This package imports nothing of the
// program, so it repeats the format; a test compares the two.
func Backend(environment, account, region string) string {
	return "s3://" + EnvironmentName(environment) + "-state-" + account + "?region=" + region + "&awssdk=v2"
}

// settings is the part of an environment's Pulumi file that the stages need.
type settings struct {
	Region    string
	AccountID string
	// Prefix is the first part of physical names.
	Prefix string
	// Owner says who owns the release of the application.
	Owner string
	// Revision is the branch that Argo CD follows, Values the file with the digest in it.
	Revision string
	Values   string
}

// environment reads the settings of ENVIRONMENT.
func (r *Run) environment() (*settings, error) {
	name := r.get(Environment)
	text, err := os.ReadFile(r.path("Pulumi." + name + ".yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading the settings of ENVIRONMENT %q: %w", name, err)
	}
	var file struct {
		Config struct {
			Region    string `yaml:"aws:region"`
			AccountID string `yaml:"groundwork:accountId"`
			Delivery  struct {
				Owner    string
				Revision string
				Path     string
			} `yaml:"groundwork:delivery"`
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("reading Pulumi.%s.yaml: %w", name, err)
	}
	c := file.Config
	return &settings{
		Region:    c.Region,
		AccountID: c.AccountID,
		Prefix:    EnvironmentName(name),
		Owner:     c.Delivery.Owner,
		Revision:  c.Delivery.Revision,
		Values:    filepath.Join(c.Delivery.Path, "values-"+name+".yaml"),
	}, nil
}
