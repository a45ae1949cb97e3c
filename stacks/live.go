package stacks

import (
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/elasticache"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/cache"
	"groundwork/components/database"
	"groundwork/components/hardware"
	"groundwork/internal/awstype"
)

// live is what AWS says of the database and the cache that the last update left; nil for what it did not leave.
type live struct {
	database *rds.LookupInstanceResult
	cache    *elasticache.LookupReplicationGroupResult
}

// Keys of madeWith that tell the instances apart that had the name of the database or of the cache, one after another.
// Each leaves a final snapshot, whose name no later one can use: that of the next instance depends on the life.
const (
	databaseLife = "databaseLife"
	cacheLife    = "cacheLife"
)

// life is what the last update left about an instance; empty for the first one.
func (d *deployment) life(key string) string {
	life, _ := d.made[key].(string)
	return life
}

// lived keeps the life of an instance for the next update.
func (d *deployment) lived(key, life string) {
	if life != "" {
		d.lives[key] = life
	}
}

// pendingKey is the key of madeWith with the changes that wait for a maintenance window, by the key of the setting.
const pendingKey = "pending"

// wait is a change that was asked for and waits for a maintenance window.
type wait struct {
	// value is what the setting becomes.
	value any
	// until is when the window ends.
	until time.Time
}

// waitOf reads what an earlier update left about a setting; ok is false where nothing waits.
func waitOf(made map[string]any, key string) (w wait, ok bool) {
	all, _ := made[pendingKey].(map[string]any)
	left, _ := all[key].(map[string]any)
	until, err := time.Parse(time.RFC3339, fmt.Sprint(left["until"]))
	return wait{left["value"], until}, err == nil
}

// kept is the form in which the next update reads it.
func (w wait) kept() map[string]any {
	return map[string]any{"value": w.value, "until": w.until.Format(time.RFC3339)}
}

// databaseKey is the stack output that is there once there is a database.
const databaseKey = "databaseHost"

// noResults is what the AWS provider says of a data source that looks for something and finds nothing.
const noResults = "returned no results"

// replaceDatabase allows an empty database in place of one that somebody deleted.
const replaceDatabase = "replace database"

// lookUp asks AWS for what the last update left. A database that is gone is an error: an update would create an empty
// one in its place.
func (d *deployment) lookUp() error {
	// The layer of the alarms is declared when there is a database.
	host, _ := d.outputs[databaseKey].(string)
	if host == "" && (d.config.Layer != LayerObservability || !d.previous.Known) {
		return d.lookUpEarlier()
	}
	instance, err := rds.LookupInstance(d.ctx, &rds.LookupInstanceArgs{
		DbInstanceIdentifier: pulumi.StringRef(d.config.DatabaseName()),
	}, d.regional)
	switch {
	case err == nil:
		d.live.database = instance
		d.lived(databaseLife, d.life(databaseLife))
	case !strings.Contains(err.Error(), notFound):
		return fmt.Errorf("reading the database: %w", err)
	case d.config.allows(replaceDatabase):
		d.useful = append(d.useful, replaceDatabase)
		newest, err := d.newestSnapshot()
		if err != nil {
			return err
		}
		d.lived(databaseLife, newest)
	default:
		return d.databaseGone()
	}
	return d.lookUpCache()
}

// lookUpCache asks AWS for the cache, unless it is away because the environment is parked.
func (d *deployment) lookUpCache() error {
	d.lived(cacheLife, d.life(cacheLife))
	if d.previous.Parked || !d.power.HasCache() {
		return nil
	}
	group, err := elasticache.LookupReplicationGroup(d.ctx, &elasticache.LookupReplicationGroupArgs{
		ReplicationGroupId: d.config.CacheName(),
	}, d.regional)
	switch {
	case err != nil && strings.Contains(err.Error(), notFound):
		// Somebody deleted it, or a destroy was interrupted after it.
		d.lived(cacheLife, d.life(cacheLife)+"+")
	case err != nil:
		return fmt.Errorf("reading the cache: %w", err)
	case !d.config.Cache.ApplyImmediately:
		d.live.cache = group
	}
	return nil
}

// lookUpEarlier asks AWS whether there was a database of this name, where no update left outputs: the environment is
// new, or every update of it was interrupted.
func (d *deployment) lookUpEarlier() error {
	if d.config.Layer != "" && d.config.Layer != LayerServices {
		return nil
	}
	newest, err := d.newestSnapshot()
	if err != nil {
		return err
	}
	d.lived(databaseLife, newest)
	d.lived(cacheLife, newest)
	return nil
}

// newestSnapshot is the name of the newest snapshot of the database; empty where RDS has none.
func (d *deployment) newestSnapshot() (string, error) {
	snapshot, err := rds.LookupSnapshot(d.ctx, &rds.LookupSnapshotArgs{
		DbInstanceIdentifier: pulumi.StringRef(d.config.DatabaseName()), MostRecent: pulumi.BoolRef(true),
	}, d.regional)
	switch {
	case err != nil && strings.Contains(err.Error(), noResults), err == nil && snapshot.DbSnapshotIdentifier == nil:
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading the snapshots of the database: %w", err)
	}
	return *snapshot.DbSnapshotIdentifier, nil
}

// databaseGone says what to do about a database that somebody deleted.
func (d *deployment) databaseGone() error {
	name := d.config.DatabaseName()
	snapshot, err := d.newestSnapshot()
	var newest string
	switch {
	case snapshot != "":
		newest = "its newest snapshot is " + snapshot
	case err == nil:
		newest = "RDS has no snapshot of it; aws rds describe-db-instance-automated-backups may have a backup"
	default:
		newest = fmt.Sprintf("its snapshots cannot be read (%v)", err)
	}
	return fmt.Errorf("the database %s is gone, and this update would create an empty one; nothing was changed: %s. "+
		"Restore it under its name (docs/changes.md, \"A database that somebody deleted\"), or add %q to groundwork:allow",
		name, newest, replaceDatabase)
}

// deferrable is a setting whose change waits for a maintenance window.
type deferrable struct {
	// key is the path of the setting, property the input that follows from it.
	key, property string
	// wants and runs are the value of the settings, and the one that AWS has.
	wants, runs any
	// window is the maintenance window of the resource.
	window awstype.Window
	// cancel is the command that takes a pending change back.
	cancel string
}

func (s deferrable) ofCache() bool { return strings.HasPrefix(s.key, "groundwork:cache.") }

// deferrables are the settings that wait, of the database and the cache that exist and do not change immediately.
func (d *deployment) deferrables() []deferrable {
	c := d.config
	var all []deferrable
	if now := d.live.database; now != nil && !c.Database.ApplyImmediately {
		_, maintenance := c.Schedule.Windows()
		modify := "aws rds modify-db-instance --db-instance-identifier " + c.DatabaseName()
		add := func(setting, property, option string, wants, runs any) {
			all = append(all, deferrable{
				"groundwork:database." + setting, property, wants, runs, awstype.Window(maintenance), modify + " " + option,
			})
		}
		add("instanceClass", "instanceClass", "--db-instance-class "+now.DbInstanceClass,
			c.Database.InstanceClass, now.DbInstanceClass)
		availability, option := database.SingleZone, "--no-multi-az"
		if now.MultiAz {
			availability, option = database.MultiZone, "--multi-az"
		}
		add("availability", "multiAz", option, string(c.Database.Availability), string(availability))
		// AWS grows a volume by itself, and the provider then leaves it alone.
		if now.AllocatedStorage <= c.Database.StorageGiB {
			add("storageGiB", "allocatedStorage", fmt.Sprintf("--allocated-storage %d", now.AllocatedStorage),
				float64(c.Database.StorageGiB), float64(now.AllocatedStorage))
		}
	}
	if now := d.live.cache; now != nil {
		all = append(all, deferrable{
			"groundwork:cache.nodeType", "nodeType", c.Cache.NodeType, now.NodeType, cache.MaintenanceWindow,
			"aws elasticache modify-replication-group --replication-group-id " + c.CacheName() +
				" --cache-node-type " + now.NodeType,
		})
	}
	return all
}

// pending returns the properties that wait for their maintenance window since an earlier update. The provider reads
// their old values and would send the change again with every update, so the update leaves them alone. It keeps for the
// next update what waits, and says so.
func (d *deployment) pending(all []deferrable) (ofDatabase, ofCache []string, err error) {
	for _, s := range all {
		asked, waits := waitOf(d.made, s.key)
		// A window may pass without effect, as while the database is stopped. The update then asks again.
		waits = waits && asked.value != s.runs && (d.config.Today.Before(asked.until) || d.config.Parked)
		message := ""
		switch {
		case waits && s.wants == asked.value:
			if s.ofCache() {
				ofCache = append(ofCache, s.property)
			} else {
				ofDatabase = append(ofDatabase, s.property)
			}
			message = fmt.Sprintf("%s %v is pending until %s; until then %v runs", s.key, s.wants, s.window, s.runs)
		case waits && s.wants == s.runs:
			// The provider sees no difference, so it sends nothing.
			message = fmt.Sprintf("%s is %v again, but AWS still changes it to %v on %s, unless you have canceled that: %s",
				s.key, s.wants, asked.value, s.window, s.cancel)
		case s.wants != s.runs:
			_, end, err := s.window.Next(d.config.Today)
			if err != nil {
				return nil, nil, fmt.Errorf("finding out how long %s waits: %w", s.key, err)
			}
			asked, waits = wait{s.wants, end}, true
		}
		if waits {
			d.waits[s.key] = asked.kept()
		}
		if message == "" {
			continue
		}
		if err := d.ctx.Log.Warn(message, nil); err != nil {
			return nil, nil, fmt.Errorf("logging what is pending: %w", err)
		}
	}
	return ofDatabase, ofCache, nil
}

// runningClass is the class of the database that the alarms are about: while a change of it waits, the old one.
func (d *deployment) runningClass() hardware.Type {
	if now := d.live.database; now != nil && !d.config.Database.ApplyImmediately {
		if class, known := hardware.Find(hardware.RDS, now.DbInstanceClass); known {
			return class
		}
	}
	class, _ := hardware.Find(hardware.RDS, d.config.Database.InstanceClass)
	return class
}

// runningNodeType is the type of the cache's nodes that the alarms are about: while a change of it waits, the old one.
func (d *deployment) runningNodeType() hardware.Type {
	name := d.config.Cache.NodeType
	if now := d.live.cache; now != nil {
		name = now.NodeType
	}
	node, known := hardware.Find(hardware.ElastiCache, name)
	if !known {
		node, _ = hardware.Find(hardware.ElastiCache, d.config.Cache.NodeType)
	}
	return node
}

// runningStorage is the size of the volume that the alarms are about, in GiB: while its growth waits, the old one.
func (d *deployment) runningStorage() int {
	if now := d.live.database; now != nil && !d.config.Database.ApplyImmediately {
		return min(now.AllocatedStorage, d.config.Database.StorageGiB)
	}
	return d.config.Database.StorageGiB
}
