package stacks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"groundwork/components/environment"
	"groundwork/components/field"
)

// MadeKey is the stack output in which an update leaves the settings whose change may destroy something, for the next
// update.
const MadeKey = "madeWith"

// OwnOutputs are the stack outputs that the program keeps for its next update, and people need not see.
var OwnOutputs = []string{MadeKey, nodeGroupNamesKey}

// guard is one setting whose change may destroy something, or cannot be made while the environment is parked.
type guard struct {
	// key is the path of the setting, with its namespace.
	key string
	// layer is the layer whose resources the setting is about; empty for all layers.
	layer string
	// value returns the setting as it is kept: a string, a float64 or a []any of strings; nil while there is nothing that
	// its change could destroy.
	value func(*Config) any
	// losses returns what a change would destroy, or why it cannot be made; nil for nothing.
	losses func(change) []loss
	// parked says why the setting cannot change while the environment is parked; empty where it can.
	parked string
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

// changes reports whether this update changes a setting that has a guard.
func (d *deployment) changes(key string) bool {
	before, kept := d.made[key]
	return kept && before != d.config.MadeWith(nil)[key]
}

// Keys of madeWith about the last upgrade of the control plane, and about parking.
const (
	parkedKey     = "parked"
	kubernetesKey = "groundwork:cluster.kubernetesVersion"
	upgradedFrom  = "kubernetesUpgradedFrom"
	upgradedOn    = "kubernetesUpgradedOn"
)

// MadeWith returns the settings whose change may destroy something, by key, as an update leaves them for the next one.
// before is what the update before left; nil for the first.
func (c *Config) MadeWith(before map[string]any) map[string]any {
	made := map[string]any{nodeGroupSettingsKey: c.nodeGroupSettings(), parkedKey: c.Parked}
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

// readMade reads what the last update left. A value of another type is an error: read as "no value", it would let a
// change destroy what the guard is for.
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
var permitted = regexp.MustCompile(`^(delete|leave|release|replace|shorten) [a-z]+(/[a-z0-9-]+)?$`)

// allows reports whether groundwork:allow has an entry.
func (c *Config) allows(entry string) bool { return slices.Contains(c.Allow, entry) }

// changed returns the losses of a change, and why it cannot be made while the environment is parked.
func (g guard) changed(c change) []loss {
	var all []loss
	if g.losses != nil {
		all = g.losses(c)
	}
	if g.parked == "" || fmt.Sprint(c.before) == fmt.Sprint(c.after) {
		return all
	}
	switch hours := c.stopped(); {
	case c.made[parkedKey] == true:
		all = append(all, loss{what: g.parked, keep: "resume the environment first, with this setting as it was"})
	case g.parked == databaseStopped && hours != "":
		all = append(all, loss{
			what: "the database is stopped outside working hours, and RDS changes it when it runs only",
			keep: "change it in working hours, " + hours,
		})
	}
	return all
}

// stopped returns the working hours of the schedule that the environment has, if it is outside of them; otherwise it is
// empty.
func (c change) stopped() string {
	text, _ := c.made[scheduleKey].(string)
	schedule, err := environment.ReadSchedule(text)
	if err != nil || !schedule.On() || schedule.Working(c.config.Today) {
		return ""
	}
	return fmt.Sprintf("from 30 minutes after %s to %s (%s) on %s", schedule.Start, schedule.Stop, schedule.TimeZone,
		strings.Join(schedule.Days, ", "))
}

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
		for _, l := range g.changed(change{before, after, c, made}) {
			switch {
			case l.name == "":
				refused.Add(g.key, after, "was %s: %s; %s", shown(before), l.what, l.keep)
			case c.allows(l.name):
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

// warnUseless warns about entries of groundwork:allow that allow nothing.
func (d *deployment) warnUseless() error {
	_, useless := d.config.losses(d.made)
	for _, entry := range useless {
		if slices.Contains(d.useful, entry) {
			continue
		}
		message := fmt.Sprintf("groundwork:allow %q allows nothing that this update would do: remove it", entry)
		if err := d.ctx.Log.Warn(message, nil); err != nil {
			return fmt.Errorf("logging that groundwork:allow has a useless entry: %w", err)
		}
	}
	return nil
}
