package stacks

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/blang/semver"

	"groundwork/components/delivery"
	"groundwork/components/field"
	"groundwork/components/network"
)

// MadeKey is the stack output in which an update leaves the settings whose change may destroy something, for the next
// update.
const MadeKey = "madeWith"

// OwnOutputs are the stack outputs that the program keeps for its next update, and people need not see.
var OwnOutputs = []string{MadeKey, nodeGroupNamesKey}

// guard is one setting whose change may destroy something.
type guard struct {
	// key is the path of the setting, with its namespace.
	key string
	// layer is the layer whose resources the setting is about; empty for all layers.
	layer string
	// value returns the setting as it is kept: a string, a float64 or a []any of strings; nil while there is nothing that
	// its change could destroy.
	value func(*Config) any
	// losses returns what a change would destroy, or why it cannot be made.
	losses func(change) []loss
}

// change is that of one setting, from the value that the environment was made with.
type change struct {
	before, after any
	// config are the settings after the change, made are those that the environment was made with.
	config *Config
	made   map[string]any
}

// loss is one thing that a change would destroy.
type loss struct {
	// name allows the loss in groundwork:allow, such as "delete registry/shop"; empty for what cannot be allowed.
	name string
	// what would be lost, as a clause; keep is the way that keeps it.
	what, keep string
}

// never returns the losses of a setting that cannot change in an environment that exists.
func never(what, keep string) func(change) []loss {
	return func(c change) []loss {
		if fmt.Sprint(c.before) == fmt.Sprint(c.after) {
			return nil
		}
		return []loss{{what: what, keep: fmt.Sprintf("keep %v, or %s", c.before, keep)}}
	}
}

// versions returns both values as versions; ok is false where one is none.
func (c change) versions() (from, to semver.Version, ok bool) {
	from, err1 := semver.ParseTolerant(fmt.Sprint(c.before))
	to, err2 := semver.ParseTolerant(fmt.Sprint(c.after))
	return from, to, err1 == nil && err2 == nil
}

// kubernetesChange: EKS upgrades one minor version at a time. Since 2026-06-30 it goes back one within seven days of an
// upgrade in place.
func kubernetesChange(c change) []loss {
	from, to, ok := c.versions()
	switch {
	case !ok || from.Equals(to):
		return nil
	case to.Minor > from.Minor+1:
		return []loss{{
			what: "EKS upgrades a control plane by one minor version at a time",
			keep: fmt.Sprintf("set 1.%d first", from.Minor+1),
		}}
	case to.LT(from) && !c.rollsBack():
		return []loss{{
			what: "a control plane goes back by one minor version only, within seven days of its upgrade",
			keep: fmt.Sprintf("keep %v, or %s", c.before, another),
		}}
	}
	return nil
}

// rollbackDays is how long after an upgrade EKS takes a control plane back.
const rollbackDays = 7

// rollsBack reports whether a change takes back an upgrade that EKS can still take back.
func (c change) rollsBack() bool {
	on, err := time.Parse(time.DateOnly, fmt.Sprint(c.made[upgradedOn]))
	return err == nil && c.made[upgradedFrom] == c.after && !c.config.Today.After(on.AddDate(0, 0, rollbackDays))
}

// postgresChange: RDS upgrades an instance where the settings allow it, and has no way back.
func postgresChange(c change) []loss {
	from, to, ok := c.versions()
	switch {
	case !ok || from.Equals(to):
		return nil
	case to.LT(from):
		return []loss{{
			what: "RDS has no way back to an older major version",
			keep: fmt.Sprintf("keep %v, or restore a snapshot of before the upgrade as another instance", c.before),
		}}
	case !c.config.Database.AllowMajorVersionUpgrade:
		return []loss{{
			what: "an upgrade to another major version cannot be undone, and takes the database down for minutes",
			keep: fmt.Sprintf("keep %v, or set database.allowMajorVersionUpgrade to true for this update", c.before),
		}}
	}
	return nil
}

// shorter returns the losses of a period or number that becomes smaller.
func shorter(name, what string) func(change) []loss {
	return func(c change) []loss {
		from, ok1 := c.before.(float64)
		to, ok2 := c.after.(float64)
		if !ok1 || !ok2 || to >= from {
			return nil
		}
		return []loss{{name: name, what: what, keep: fmt.Sprintf("keep %v", c.before)}}
	}
}

// without returns the losses of elements that are no longer in a list; prefix begins their names.
func without(prefix, what, keep string) func(change) []loss {
	return func(c change) []loss {
		var all []loss
		now, _ := c.after.([]any)
		was, _ := c.before.([]any)
		for _, element := range was {
			if !slices.Contains(now, element) {
				all = append(all, loss{
					name: fmt.Sprint(prefix, element), what: fmt.Sprintf(what, element), keep: fmt.Sprintf(keep, element),
				})
			}
		}
		return all
	}
}

// from returns the losses of a setting that no longer has a value.
func from[T ~string](value T, l loss) func(change) []loss {
	return func(c change) []loss {
		if c.before != string(value) || c.after == string(value) {
			return nil
		}
		return []loss{l}
	}
}

// cacheEngineChange: Redis cannot read Valkey's data, so the cache begins empty. The snapshot of a parked cache could
// not be restored any more.
func cacheEngineChange(c change) []loss {
	l := loss{
		name: "replace cache", what: "the cache would be replaced by an empty one: Redis cannot read Valkey's data",
		keep: "keep valkey, which speaks the protocol of Redis",
	}
	if c.config.Parked {
		l.name, l.keep = "", l.keep+", or change it when the environment runs"
	}
	return from("valkey", l)(c)
}

const another = "bring up another environment with the new value and move the data there (docs/changes.md)"

// guards are the settings whose change may destroy something.
var guards = []guard{{
	key: "aws:region", value: func(c *Config) any { return c.Region },
	losses: never("everything would be created anew in the other region, the database empty", another),
}, {
	key: "groundwork:accountId", value: func(c *Config) any { return c.AccountID },
	losses: never("everything would be created anew in the other account, the database empty", another),
}, {
	key: "groundwork:encryptionKeys", value: func(c *Config) any { return string(c.EncryptionKeys) },
	losses: never("database, cache and image repositories would be replaced by empty ones, as encrypted data cannot move "+
		"to another key", another),
}, {
	key: "groundwork:network.cidr", layer: LayerPlatform, value: func(c *Config) any { return c.Network.CIDR },
	losses: never("the VPC would be replaced with everything in it, the database and the cluster included", another),
}, {
	key: "groundwork:cluster.serviceCidr", layer: LayerPlatform,
	value:  func(c *Config) any { return c.ofCluster(c.Cluster.ServiceCIDR) },
	losses: never("the cluster would be replaced by an empty one", another),
}, {
	key: kubernetesKey, layer: LayerPlatform,
	value:  func(c *Config) any { return c.ofCluster(c.Cluster.KubernetesVersion) },
	losses: kubernetesChange,
}, {
	key: "groundwork:database.version", layer: LayerServices, value: func(c *Config) any { return c.Database.Version },
	losses: postgresChange,
}, {
	key: "groundwork:database.databaseName", layer: LayerServices,
	value:  func(c *Config) any { return c.Database.DatabaseName },
	losses: never("the instance would be replaced by an empty one", "create the other database inside the instance"),
}, {
	key: "groundwork:database.username", layer: LayerServices, value: func(c *Config) any { return c.Database.Username },
	losses: never("the instance would be replaced by an empty one", "create the other user inside the instance"),
}, {
	key: "groundwork:registry.repositories", layer: LayerPlatform,
	value: func(c *Config) any { return texts(c.Registry.Repositories) },
	losses: without("delete registry/", "the repository %s would be deleted with all its images",
		"put %s back into the list"),
}, {
	key: "groundwork:registry.keepImages", layer: LayerPlatform,
	value:  func(c *Config) any { return float64(c.Registry.KeepImages) },
	losses: shorter("shorten registry/images", "ECR would delete the images above the number"),
}, {
	key: addressesKey, layer: LayerPlatform, value: func(c *Config) any { return texts(c.addresses()) },
	losses: without("release address/", "the address of the NAT gateway in %s would go back to AWS, which gives it to "+
		"nobody again, and partners would have to allow another one", "keep the NAT gateway in %s"),
}, {
	key: "groundwork:logRetentionDays", value: func(c *Config) any { return float64(c.LogRetentionDays) },
	losses: shorter("shorten logs", "CloudWatch would delete all older events of every log group"),
}, {
	key: "groundwork:database.backupRetentionDays", layer: LayerServices,
	value:  func(c *Config) any { return float64(c.Database.BackupRetentionDays) },
	losses: shorter("shorten database/backups", "RDS would delete all older automated backups"),
}, {
	key: "groundwork:cache.snapshotRetentionDays", layer: LayerServices,
	value:  func(c *Config) any { return float64(c.Cache.SnapshotRetentionDays) },
	losses: shorter("shorten cache/snapshots", "ElastiCache would delete all older snapshots"),
}, {
	key: cacheEngineKey, layer: LayerServices, value: func(c *Config) any { return string(c.Cache.Engine) },
	losses: cacheEngineChange,
}, {
	key: "groundwork:delivery.owner", layer: LayerWorkloads,
	value: func(c *Config) any { return string(c.Delivery.Owner) },
	losses: from(delivery.OwnerArgoCD, loss{
		name: "delete delivery/argocd", what: "Argo CD would be deleted with the application that it installed",
		keep: "keep argocd",
	}),
}}

// addressesKey names the settings that decide where there are NAT gateways.
const addressesKey = "groundwork:network.natMode, network.zones"

// ofCluster is a setting of the cluster as it is kept: nil while the environment hibernates without one.
func (c *Config) ofCluster(value string) any {
	if c.Hibernated {
		return nil
	}
	return value
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, text := range list {
		all[i] = text
	}
	return all
}

// addresses lists the zones in which the environment has a NAT gateway with an address of its own.
func (c *Config) addresses() []string {
	switch c.Network.NATMode {
	case network.NATPerZone:
		return c.Network.Zones
	case network.NATSingle:
		return c.Network.Zones[:min(1, len(c.Network.Zones))]
	}
	return nil
}

// cacheEngineKey is the key of the engine of the cache.
const cacheEngineKey = "groundwork:cache.engine"

// changes reports whether this update changes a setting that has a guard.
func (d *deployment) changes(key string) bool {
	before, kept := d.made[key]
	return kept && before != d.config.MadeWith(nil)[key]
}

// Keys of madeWith about the last upgrade of the control plane.
const (
	kubernetesKey = "groundwork:cluster.kubernetesVersion"
	upgradedFrom  = "kubernetesUpgradedFrom"
	upgradedOn    = "kubernetesUpgradedOn"
)

// MadeWith returns the settings whose change may destroy something, by key, as an update leaves them for the next one.
// before is what the update before left; nil for the first.
func (c *Config) MadeWith(before map[string]any) map[string]any {
	made := map[string]any{nodeGroupSettingsKey: c.nodeGroupSettings()}
	for _, g := range guards {
		if value := g.value(c); value != nil {
			made[g.key] = value
		}
	}
	// A day of upgrade stays until the next change of the version.
	if was := before[kubernetesKey]; was == made[kubernetesKey] && before[upgradedOn] != nil {
		made[upgradedFrom], made[upgradedOn] = before[upgradedFrom], before[upgradedOn]
	} else if upgrade := (change{before: was, after: made[kubernetesKey]}); upgrade.isUpgrade() {
		made[upgradedFrom], made[upgradedOn] = was, c.Today.Format(time.DateOnly)
	}
	return made
}

func (c change) isUpgrade() bool {
	from, to, ok := c.versions()
	return ok && from.LT(to)
}

// readMade reads what exportMade left. A value of another type is an error: read as "no value", it would let a change
// destroy what the guard is for.
func readMade(outputs map[string]any) (map[string]any, error) {
	if outputs[MadeKey] == nil {
		return nil, nil // The last update was by a program that did not keep it.
	}
	made, ok := outputs[MadeKey].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("  output %s %v is not a mapping", MadeKey, outputs[MadeKey])
	}
	var errs field.Errors
	for _, g := range guards {
		value, kept := made[g.key]
		if want := g.value(&Config{}); kept && fmt.Sprintf("%T", value) != fmt.Sprintf("%T", want) {
			errs.Add(MadeKey+"."+g.key, value, "is not a %T", want)
		}
	}
	return made, errs.Err("  output ")
}

// permitted is the form of an entry of groundwork:allow.
var permitted = regexp.MustCompile(`^(delete|release|replace|shorten) [a-z]+(/[a-z0-9-]+)?$`)

// losses returns what the change from the settings in made to c would destroy, as errors, unless groundwork:allow names
// it, and the entries of allow that allow nothing.
func (c *Config) losses(made map[string]any) (refused field.Errors, useless []string) {
	used := map[string]bool{}
	for _, g := range guards {
		before, kept := made[g.key]
		if !kept || g.layer != "" && c.Layer != "" && c.Layer != g.layer {
			continue
		}
		after := g.value(c)
		if after == nil {
			continue
		}
		for _, l := range g.losses(change{before, after, c, made}) {
			switch {
			case l.name == "":
				refused.Add(g.key, after, "was %s: %s; %s", shown(before), l.what, l.keep)
			case slices.Contains(c.Allow, l.name):
				used[l.name] = true
			default:
				refused.Add(g.key, after, "was %s: %s; %s, or add %q to groundwork:allow",
					shown(before), l.what, l.keep, l.name)
			}
		}
	}
	for _, entry := range c.Allow {
		if !used[entry] {
			useless = append(useless, entry)
		}
	}
	return refused, useless
}

// shown is a kept value as an error shows it: text in quotes.
func shown(value any) string {
	if text, ok := value.(string); ok {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprint(value)
}

// Refused returns why an environment that was made with other settings cannot take these, or nil if it can: what a
// change would destroy and groundwork:allow does not name, and what its service cannot do.
func (c *Config) Refused(made map[string]any) error {
	refused, _ := c.losses(made)
	if len(refused) == 0 {
		return nil
	}
	return fmt.Errorf("the settings of %s have %d change(s) that are refused; nothing was changed:\n%w",
		c.Environment, len(refused), refused.Err("  "))
}

// refuseLosses returns Refused, and warns about entries of groundwork:allow that allow nothing.
func (d *deployment) refuseLosses() error {
	if err := d.config.Refused(d.made); err != nil {
		return err
	}
	_, useless := d.config.losses(d.made)
	for _, entry := range useless {
		message := fmt.Sprintf("groundwork:allow %q allows nothing that this update would do: remove it", entry)
		if err := d.ctx.Log.Warn(message, nil); err != nil {
			return fmt.Errorf("logging that groundwork:allow has a useless entry: %w", err)
		}
	}
	return nil
}
