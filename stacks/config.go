package stacks

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/components/addons"
	"groundwork/components/cache"
	"groundwork/components/cluster"
	"groundwork/components/database"
	"groundwork/components/delivery"
	"groundwork/components/edge"
	"groundwork/components/environment"
	"groundwork/components/field"
	"groundwork/components/identity"
	"groundwork/components/network"
	"groundwork/components/observability"
	"groundwork/components/registry"
)

// Project is the Pulumi project name, the namespace of the configuration and the first part of every physical name.
const Project = "groundwork"

// Config is the whole configuration of one stack: the values of Pulumi.<stack>.yaml and the defaults, validated.
type Config struct {
	// Region is aws:region.
	Region string
	// Environment is the first part of the stack name, such as "dev" or "prod": 1 to 9 lower-case letters or digits, a
	// letter first.
	Environment string
	// Layer is the second part of the stack name, after a hyphen: "prod-services" is one layer of prod. Empty for all
	// layers.
	Layer string
	// AccountID is the only AWS account that the program may change, 12 digits. Required.
	AccountID string
	// Owner is the team that owns the environment, a tag of every resource. Required.
	Owner string
	// Tags are the tags of every resource besides Project, Environment, Owner and ManagedBy, at most 40; default none.
	Tags map[string]string
	// Protect makes Pulumi and AWS refuse to delete what holds data or cannot be created again; default false.
	Protect bool
	// LogRetentionDays is how long every log group keeps events, one of logRetentions; default 30.
	LogRetentionDays int
	// SecretRecoveryDays is how long a deleted secret can be restored: 7 to 30 days, or 0 for not at all; default 30. It
	// does not depend on Protect: without protection, a secret can still be restored.
	SecretRecoveryDays int
	// PermissionsBoundary is the ARN of the permissions boundary of every role; empty, the default, for none.
	PermissionsBoundary string
	// Allow names changes that destroy something and are meant, such as "delete registry/shop"; default none. The error
	// that refuses a change says its name.
	Allow []string
	// EncryptionKeys is separate, the default, or shared: a key for each purpose, or one key for the environment.
	EncryptionKeys EncryptionKeys
	// Parked deletes or stops what is billed by the hour and can be restored; Hibernated deletes the cluster too, and
	// needs Parked. Default false. A protected environment cannot be parked.
	Parked     bool
	Hibernated bool
	// Schedule is when nodes and database run; without days, the default, they always run. A protected environment cannot
	// have a schedule.
	Schedule environment.Schedule

	Network       network.Spec
	Cluster       cluster.Spec
	Registry      registry.Spec
	Database      database.Spec
	Cache         cache.Spec
	Edge          edge.Spec
	Addons        addons.Spec
	Delivery      delivery.Spec
	Observability observability.Spec
	Pipelines     identity.PipelinesSpec

	// Today decides what AWS still supports.
	Today time.Time
}

// EncryptionKeys says how many KMS keys an environment has.
type EncryptionKeys string

const (
	// KeysSeparate is a key for each purpose. A principal that may use one key can read nothing else.
	KeysSeparate EncryptionKeys = "separate"
	// KeysShared is one key for the whole environment. It saves a dollar a month for each key less. Encrypted data cannot
	// move to another key, so an environment keeps this setting.
	KeysShared EncryptionKeys = "shared"
)

// setting is one key below "groundwork:", with its field of Config.
type setting struct {
	key    string
	target any
}

// settings lists every key of the project. Structs, maps and lists are YAML objects, all others are scalars.
func (c *Config) settings() []setting {
	return []setting{
		{"accountId", &c.AccountID},
		{"owner", &c.Owner},
		{"tags", &c.Tags},
		{"protect", &c.Protect},
		{"logRetentionDays", &c.LogRetentionDays},
		{"secretRecoveryDays", &c.SecretRecoveryDays},
		{"permissionsBoundary", &c.PermissionsBoundary},
		{"allow", &c.Allow},
		{"encryptionKeys", &c.EncryptionKeys},
		{"parked", &c.Parked},
		{"hibernated", &c.Hibernated},
		{"schedule", &c.Schedule},
		{"network", &c.Network},
		{"cluster", &c.Cluster},
		{"registry", &c.Registry},
		{"database", &c.Database},
		{"cache", &c.Cache},
		{"edge", &c.Edge},
		{"addons", &c.Addons},
		{"delivery", &c.Delivery},
		{"observability", &c.Observability},
		{"pipelines", &c.Pipelines},
	}
}

// foreignKeys are the keys of other namespaces that this program or the engine reads.
var foreignKeys = []string{"aws:region", "pulumi:disable-default-providers", "pulumi:tags"}

var (
	environmentName = regexp.MustCompile(`^[a-z][a-z0-9]{0,8}$`)
	// Only regions of the partition "aws", because ARNs in the program name that partition.
	regionName = regexp.MustCompile(`^(af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-[0-9]$`)
	tagKey     = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$`)
	tagValue   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$`)
)

// logRetentions are the retention periods of CloudWatch Logs, in days.
var logRetentions = []int{
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

// Load decodes the configuration of a stack, sets the defaults, and validates the result. raw has the form in which
// Pulumi passes configuration to programs: keys with their namespace, objects as JSON. The error lists everything that
// is wrong, with its key.
func Load(raw map[string]string, stack string, today time.Time) (*Config, error) {
	environment, layer, layered := strings.Cut(stack, "-")
	c := &Config{
		Today:              today,
		Environment:        environment,
		Layer:              layer,
		Region:             raw["aws:region"],
		LogRetentionDays:   30,
		SecretRecoveryDays: 30,
		EncryptionKeys:     KeysSeparate,
	}
	var errs field.Errors
	validateKeys(&errs, raw)
	for _, s := range c.settings() {
		setDefaults(reflect.ValueOf(s.target).Elem())
		if text, ok := raw[Project+":"+s.key]; ok {
			decodeSetting(&errs, Project+":"+s.key, text, s.target)
		}
	}
	if all := AllLayers(); layered && !slices.Contains(all, layer) {
		errs.Add("the stack name", stack, "does not end in a layer: %s", strings.Join(all, ", "))
	}
	// Values that could not be read have been reported. Validating them too would only report something untrue.
	errs = append(errs, c.validate().Without(errs)...)
	if len(errs) > 0 {
		return nil, fmt.Errorf("configuration of stack %s has %d problem(s):\n%w", stack, len(errs), errs.Err("  "))
	}
	return c, nil
}

// validateKeys records every key that neither the program nor the engine knows.
func validateKeys(errs *field.Errors, raw map[string]string) {
	var own []string
	for _, s := range (&Config{}).settings() {
		own = append(own, s.key)
	}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		name, isOwn := strings.CutPrefix(key, Project+":")
		switch {
		case isOwn && !slices.Contains(own, name):
			unknownKey(errs, key, name, slices.Clone(own))
		case key == "aws:profile":
			errs.Add(key, raw[key], "is not used; set AWS_PROFILE in the environment, so that no profile gets into state")
		case !isOwn && !slices.Contains(foreignKeys, key):
			unknownKey(errs, key, key, slices.Clone(foreignKeys))
		}
	}
}

// decodeSetting reads one top-level value. Pulumi passes scalars as plain text, everything else as JSON.
func decodeSetting(errs *field.Errors, key, text string, target any) {
	switch t := target.(type) {
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			errs.Add(key, text, "is not a whole number")
		}
		*t = n
	case *bool:
		if text != "true" && text != "false" {
			errs.Add(key, text, "is not true or false")
		}
		*t = text == "true"
	default:
		// Text of any type is the value itself.
		if value := reflect.ValueOf(target).Elem(); value.Kind() == reflect.String {
			value.SetString(text)
			return
		}
		decodeJSON(errs, key, text, target)
	}
}

// validate returns everything wrong with the values. Each key has its namespace.
func (c *Config) validate() field.Errors {
	var errs field.Errors
	if !environmentName.MatchString(c.Environment) {
		errs.Add("the stack name", c.Environment, "is not an environment: 1 to 9 lower-case letters or digits, "+
			"a letter first, such as dev or prod (longer names overflow AWS's 32 characters)")
	}
	if c.Region == "" {
		errs.Required("aws:region", "an AWS region such as eu-west-1")
	} else {
		errs.Match("aws:region", c.Region, regionName, "an AWS region such as eu-west-1")
	}
	for _, err := range c.validateOwn() {
		errs = append(errs, err.In(Project+":"))
	}
	return errs
}

// validateOwn returns everything wrong with the project's own settings.
func (c *Config) validateOwn() field.Errors {
	var errs field.Errors
	environment.ValidateAccountID(&errs, "accountId", c.AccountID)
	if c.Owner == "" {
		errs.Required("owner", "the team to ask about these resources")
	}
	c.validateTags(&errs)
	if !slices.Contains(logRetentions, c.LogRetentionDays) {
		errs.Add("logRetentionDays", c.LogRetentionDays, "is not a period CloudWatch Logs knows: %s",
			strings.Trim(fmt.Sprint(logRetentions), "[]"))
	}
	if c.SecretRecoveryDays != 0 {
		errs.Range("secretRecoveryDays", c.SecretRecoveryDays, 7, 30)
	}
	if c.PermissionsBoundary != "" {
		environment.ValidatePolicyARN(&errs, "permissionsBoundary", c.PermissionsBoundary)
	}
	for _, entry := range c.Allow {
		errs.Match("allow", entry, permitted, `the name of a change, such as "delete registry/shop"; the error that refuses `+
			`a change says its name`)
	}
	field.OneOf(&errs, "encryptionKeys", c.EncryptionKeys, KeysSeparate, KeysShared)
	c.validatePower(&errs)
	errs.Below("network", c.Network.Validate(c.Region), "aws:region")
	errs.Below("cluster", c.Cluster.Validate(c.Today))
	errs.Below("registry", c.Registry.Validate())
	if !slices.Contains(c.Registry.Repositories, Application) {
		errs.Add("registry.repositories", c.Registry.Repositories, "lacks %s, the repository of the application", Application)
	}
	errs.Below("database", c.Database.Validate(c.Protect))
	errs.Below("cache", c.Cache.Validate(c.Protect))
	errs.Below("edge", c.Edge.Validate(c.Protect))
	errs.Below("addons", c.Addons.Validate(c.Cluster.KubernetesVersion), "cluster.kubernetesVersion")
	errs.Below("delivery", c.Delivery.Validate())
	errs.Below("observability", c.Observability.Validate())
	errs.Below("pipelines", c.Pipelines.Validate())
	errs.Below("cluster", c.validateFit(), "network.cidr", "network.zones", "network.interfaceEndpoints")
	if c.Network.NATMode == network.NATNone {
		errs.Add("network.natMode", string(c.Network.NATMode),
			"leaves the operators without images, which come from public registries; choose single or perZone")
	}
	return errs
}

// validatePower records what is wrong with the settings that suspend the environment.
func (c *Config) validatePower(errs *field.Errors) {
	for _, s := range []struct {
		key string
		on  bool
	}{{"hibernated", c.Hibernated}, {"parked", c.Parked}, {"schedule", c.Schedule.On()}} {
		if s.on && c.Protect {
			errs.Add(s.key, true, "does not go with protect: a protected environment always runs; "+
				"set protect to false first if this one may stop").On("protect")
		}
	}
	if c.Hibernated && !c.Parked {
		errs.Add("hibernated", true, "is parked without its cluster: set parked to true as well").On("parked")
	}
	errs.Below("schedule", c.Schedule.Validate())
}

// reservedTags are the tags that the program sets.
var reservedTags = []string{"Environment", "ManagedBy", "Name", "Owner", "Project"}

// maxTags leaves room for the tags of the program and of single resources: AWS allows 50.
const maxTags = 40

// validateTags records what is wrong with the owner and the tags.
func (c *Config) validateTags(errs *field.Errors) {
	if len(c.Tags) > maxTags {
		errs.Add("tags", len(c.Tags), "are more than %d", maxTags)
	}
	errs.Match("owner", c.Owner, tagValue, "at most 256 letters, digits, spaces or _.:/=+-@")
	for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
		errs.Match("tags", key, tagKey, "a tag key: 1 to 128 letters, digits, spaces or _.:/=+-@")
		errs.Match("tags."+key, c.Tags[key], tagValue, "at most 256 letters, digits, spaces or _.:/=+-@")
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			errs.Add("tags", key, "begins with aws:, which AWS keeps for itself")
		}
		// Some services, such as IAM, do not distinguish "owner" and "Owner".
		if slices.ContainsFunc(reservedTags, func(r string) bool { return strings.EqualFold(r, key) }) {
			errs.Add("tags", key, "is set by the program")
		}
	}
}

// reservedAddresses is how many addresses of a private subnet nodes must leave free: EKS recommends 16 for its own
// interfaces, and a load balancer needs 8. Each interface endpoint needs one more.
const reservedAddresses = 16 + 8

// validateFit returns which settings of the cluster do not fit the network, as far as the network is valid.
func (c *Config) validateFit() field.Errors {
	vpc, err := netip.ParsePrefix(c.Network.CIDR)
	if err != nil {
		return nil
	}
	plan, err := network.Plan(vpc, c.Network.Zones)
	if err != nil {
		return c.Cluster.Fit(vpc, -1)
	}
	addresses := 0
	for _, zone := range plan {
		addresses += network.UsableAddresses(zone.Private) - reservedAddresses - len(c.Network.InterfaceEndpoints)
	}
	return c.Cluster.Fit(vpc, addresses)
}

// rawConfig completes the configuration that Pulumi lists. With the Automation API, Pulumi lists nothing, but the
// program can look up each known key.
func rawConfig(ctx *pulumi.Context, listed map[string]string) map[string]string {
	raw := maps.Clone(listed)
	if raw == nil {
		raw = map[string]string{}
	}
	keys := slices.Clone(foreignKeys)
	for _, s := range (&Config{}).settings() {
		keys = append(keys, Project+":"+s.key)
	}
	for _, key := range keys {
		if value, ok := ctx.GetConfig(key); ok {
			raw[key] = value
		}
	}
	return raw
}

// SettingTypes returns, for each key below "groundwork:", the type that the project file declares for it.
func SettingTypes() map[string]string {
	types := map[string]string{}
	for _, s := range (&Config{}).settings() {
		switch reflect.TypeOf(s.target).Elem().Kind() {
		case reflect.String:
			types[s.key] = "string"
		case reflect.Int:
			types[s.key] = "integer"
		case reflect.Bool:
			types[s.key] = "boolean"
		case reflect.Slice:
			types[s.key] = "array"
		default:
			types[s.key] = "object"
		}
	}
	return types
}
