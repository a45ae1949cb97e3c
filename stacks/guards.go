package stacks

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/blang/semver"

	"groundwork/components/database"
	"groundwork/components/delivery"
	"groundwork/components/network"
)

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
	case !c.config.Database.AllowMajorVersionUpgrade || !c.config.Database.ApplyImmediately:
		// In the maintenance window it would come after the parameter group of the old version was deleted.
		return []loss{{
			what: "an upgrade to another major version cannot be undone, and takes the database down for minutes",
			keep: fmt.Sprintf("keep %v, or set database.allowMajorVersionUpgrade and database.applyImmediately to true for "+
				"this update, at a time that suits you", c.before),
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
	if c.before == "redis" && c.after == "valkey" && !c.config.Cache.ApplyImmediately {
		return []loss{{
			what: "in the maintenance window the nodes would move after the parameter group that they use was deleted",
			keep: "keep redis, or set cache.applyImmediately to true for this update",
		}}
	}
	return from("valkey", l)(c)
}

const another = "bring up another environment with the new value and move the data there (docs/changes.md)"

// losing are the settings whose change may destroy something.
var losing = []guard{{
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
	key: "groundwork:network.zones", layer: LayerPlatform, value: func(c *Config) any { return texts(c.Network.Zones) },
	losses: without("leave zone/", "the subnets of %s would be deleted, and AWS stops half way if an instance of the "+
		"database or a node of the cache is in one of them", "keep %s"),
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
	parked: "there are no nodes for Argo CD to start or stop on while the environment is parked",
	value:  func(c *Config) any { return string(c.Delivery.Owner) },
	losses: from(delivery.OwnerArgoCD, loss{
		name: "delete delivery/argocd", what: "Argo CD would be deleted with the application that it installed",
		keep: "keep argocd",
	}),
}}

// scheduleKey is the key of madeWith with the schedule.
const scheduleKey = "groundwork:schedule"

// databaseStopped is why a setting of the database cannot change while the environment is parked.
const databaseStopped = "the database is stopped while the environment is parked, and RDS changes it when it runs only"

// guards are the losing settings, and the others that cannot change while the environment is parked.
var guards = func() []guard {
	all := append(slices.Clone(losing), guard{
		// The windows of backup and maintenance follow the schedule.
		key: scheduleKey, layer: LayerServices, parked: databaseStopped,
		value: func(c *Config) any { return c.Schedule.Text() },
	})
	for _, key := range databaseKeys() {
		name := "groundwork:database." + key
		if i := slices.IndexFunc(all, func(g guard) bool { return g.key == name }); i >= 0 {
			all[i].parked = databaseStopped
			continue
		}
		all = append(all, guard{
			key: name, layer: LayerServices, parked: databaseStopped,
			value: func(c *Config) any { return databaseSettings(c.Database)[key] },
		})
	}
	return all
}()

// databaseKeys are the settings of the database that RDS has to be told.
func databaseKeys() []string {
	settings := databaseSettings(database.Spec{})
	// The provider uses it together with a change of the version only.
	delete(settings, "allowMajorVersionUpgrade")
	return slices.Sorted(maps.Keys(settings))
}

// databaseSettings are the settings of the database by the names that they have in a settings file.
func databaseSettings(s database.Spec) map[string]any {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("the settings of the database are plain values: %v", err))
	}
	settings := map[string]any{}
	if err := json.Unmarshal(text, &settings); err != nil {
		panic(fmt.Sprintf("the settings of the database are a mapping: %v", err))
	}
	return settings
}

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
