package stacks

import (
	"fmt"
	"slices"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/environment"
	"groundwork/internal/awstype"
)

// Program is one run of the whole program.
type Program struct {
	// Today decides what AWS still supports; the zero time is the day of the run.
	Today time.Time

	// listed is the whole configuration of the stack, including unknown keys.
	listed map[string]string
}

// Configure is a run option that passes the whole configuration to the program. The SDK can look up keys but not list
// them, and the program must find misspelled keys.
func (p *Program) Configure(info *pulumi.RunInfo) { p.listed = info.Config }

// Deploy declares the resources of a stack. The stack is either a whole environment, whose layers are declared in order
// and get the outputs of those below, or one layer, which reads the outputs of those below from their stacks.
func (p *Program) Deploy(ctx *pulumi.Context) error {
	today := p.Today
	if today.IsZero() {
		today = time.Now()
	}
	config, err := Load(rawConfig(ctx, p.listed), ctx.Stack(), today)
	if err != nil {
		return err
	}
	return (&deployment{ctx: ctx, config: config, waits: map[string]any{}, lives: map[string]string{}}).deploy()
}

// DeployAt returns the program as of a given day.
func DeployAt(today time.Time) pulumi.RunFunc { return (&Program{Today: today}).Deploy }

// deployment is one run of the program.
type deployment struct {
	ctx    *pulumi.Context
	config *Config
	// regional is the option of resources in the environment's region; usEast1 is the provider of resources that
	// CloudFront needs in us-east-1.
	regional pulumi.ResourceOrInvokeOption
	usEast1  pulumi.ProviderResource
	// previous is the state after the stack's last update; power is how much of the environment this update runs.
	previous previous
	// made are the settings with which the stack was last updated, as far as a change may destroy something.
	made map[string]any
	// outputs are the stack's, as the last update left them; live is what AWS says of what it left.
	outputs map[string]any
	live    live
	// waits has the changes that wait for a maintenance window, by the key of the setting, for the next update.
	waits map[string]any
	// lives tell the instances that had the name of the database or of the cache apart, for the next update.
	lives map[string]string
	// useful are the entries of groundwork:allow that allow what only AWS tells.
	useful []string
	// nodeGroupNames are the physical names that the node groups had after the last update, by node group.
	nodeGroupNames map[string]any
	power          environment.Power

	platformOutputs PlatformOutputs
	servicesOutputs ServicesOutputs
}

// protectStateful makes Pulumi refuse to delete or replace what holds data or cannot be created again. Which types that
// are is a fact of the type. pulumi-eks passes the protection of its component on to the cluster.
func (d *deployment) protectStateful() error {
	protected := func(r *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		if !awstype.Of(r.Type).Stateful() {
			return nil
		}
		return &pulumi.ResourceTransformationResult{Props: r.Props, Opts: append(r.Opts, pulumi.Protect(true))}
	}
	if err := d.ctx.RegisterStackTransformation(protected); err != nil {
		return fmt.Errorf("protecting what holds data: %w", err)
	}
	return nil
}

// deploy declares the layers of the stack.
func (d *deployment) deploy() error {
	// The account layer has the states of all others.
	if d.config.Protect || d.config.Layer == LayerAccount {
		if err := d.protectStateful(); err != nil {
			return err
		}
	}
	// What is refused is refused before anything is registered. The account layer has no other to be compared with.
	account := d.config.Layer == LayerAccount
	if !account {
		if err := d.refuse(); err != nil {
			return err
		}
	}
	provider, err := d.provider("aws", d.config.Region)
	if err != nil {
		return err
	}
	d.regional = pulumi.Provider(provider)
	if account {
		return d.declare(layerNamed(LayerAccount))
	}
	if d.usEast1, err = d.provider("aws-us-east-1", "us-east-1"); err != nil {
		return err
	}
	d.power = d.config.power(d.previous)
	if err := d.lookUp(); err != nil {
		return err
	}
	if err := d.warnUseless(); err != nil {
		return err
	}
	// Only the services layer has a cache; the others export an empty snapshot name.
	d.servicesOutputs.CacheFinalSnapshot = pulumi.String("").ToStringOutput()
	for _, name := range Layers() {
		switch own := d.config.Layer; {
		case own == "" || own == name:
			if err := d.declare(layerNamed(name)); err != nil {
				return err
			}
		case slices.Contains(layerNamed(own).reads, name):
			if err := d.readOutputs(layerNamed(name)); err != nil {
				return err
			}
		}
	}
	made := d.config.MadeWith(d.made)
	if len(d.waits) > 0 {
		made[pendingKey] = d.waits
	}
	for key, life := range d.lives {
		made[key] = life
	}
	d.ctx.Export(MadeKey, pulumi.ToMap(made))
	d.ctx.Export(previousKey, d.previous.next(d.config, d.power, d.servicesOutputs.CacheFinalSnapshot))
	return nil
}

// refuse returns an error if the stack cannot be brought to its settings from what its last update left.
func (d *deployment) refuse() error {
	if err := d.readOwnOutputs(); err != nil {
		return err
	}
	if err := d.previous.refuse(d.config); err != nil {
		return err
	}
	return d.config.Refused(d.made)
}

// declare declares a layer and, if it is a stack of its own, exports its outputs for the layers above.
func (d *deployment) declare(l layer) error {
	if err := l.declare(d); err != nil {
		return fmt.Errorf("declaring %s: %w", l.name, err)
	}
	if d.config.Layer != "" && l.outputs != nil {
		d.ctx.Export(l.name, encodeOutputs(l.version, l.outputs(d)))
	}
	return nil
}

// facts are the facts of the environment that components need. logsKey is nil until the key exists.
func (d *deployment) facts(logsKey pulumi.StringInput) environment.Facts {
	c := d.config
	f := environment.Facts{
		Name:             c.Prefix(),
		AccountID:        c.AccountID,
		Region:           c.Region,
		RolePath:         c.RolePath(),
		RoleBoundary:     c.PermissionsBoundary,
		LogsKeyARN:       logsKey,
		LogRetentionDays: c.LogRetentionDays,
		Protect:          c.Protect,
		Power:            d.power,
	}
	if c.EncryptionKeys == KeysShared {
		f.SharedKeyARN = logsKey
	}
	return f
}

func stringMap(outputs map[string]pulumi.StringOutput) pulumi.StringMap {
	m := pulumi.StringMap{}
	for key, output := range outputs {
		m[key] = output
	}
	return m
}

// provider registers the AWS provider of a region. It refuses all accounts except the configured one, and tags every
// resource.
func (d *deployment) provider(name, region string) (*aws.Provider, error) {
	provider, err := aws.NewProvider(d.ctx, name, &aws.ProviderArgs{
		Region:            pulumi.String(region),
		AllowedAccountIds: pulumi.StringArray{pulumi.String(d.config.AccountID)},
		DefaultTags:       &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(d.config.AllTags())},
	})
	if err != nil {
		return nil, fmt.Errorf("registering the AWS provider of %s: %w", region, err)
	}
	return provider, nil
}
