package stacks

import "maps"

// Prefix is the first part of every physical name of an environment: "groundwork-prod". With an environment of at most
// nine characters it has at most 20, which leaves 12 for the tightest limit of AWS, the 32 characters of load balancers
// and target groups.
func (c *Config) Prefix() string { return Project + "-" + c.Environment }

// RolePath is the IAM path of every role of an environment.
func (c *Config) RolePath() string { return "/" + Project + "/" + c.Environment + "/" }

// ClusterName is the physical name of the EKS cluster.
func (c *Config) ClusterName() string { return c.Prefix() }

// StateBucket is where the environment's states are kept. Bucket names are unique in the world, so it ends in the
// account.
func (c *Config) StateBucket() string { return c.Prefix() + "-state-" + c.AccountID }

// StateKeyAlias is the alias, without "alias/", of the key that encrypts them.
func (c *Config) StateKeyAlias() string { return c.Prefix() + "-state" }

// Backend is what pulumi login takes, and SecretsProvider what pulumi stack init takes.
func (c *Config) Backend() string { return "s3://" + c.StateBucket() + sdk(c.Region) }

// SecretsProvider is the key in the form in which Pulumi takes it.
func (c *Config) SecretsProvider() string {
	return "awskms://alias/" + c.StateKeyAlias() + sdk(c.Region)
}

// sdk says where bucket and key are, and which AWS SDK finds them: the older one, Pulumi's default, knows neither SSO
// nor endpoints from the environment.
func sdk(region string) string { return "?region=" + region + "&awssdk=v2" }

// deployerGroup is the group that the deploy role belongs to in Kubernetes.
const deployerGroup = Project + ":deployers"

// DatabaseName is the identifier of the database instance.
func (c *Config) DatabaseName() string { return c.Prefix() + "-main" }

// CacheName is the ID of the cache's replication group.
func (c *Config) CacheName() string { return c.Prefix() + "-cache" }

// Application is the application that the environment is for.
const Application = "webapp"

// What the application's chart and the load balancer agree on.
const (
	applicationPort = 8080
	readinessPath   = "/ready"
)

// AllTags are the tags of every resource: the program's own and the stack's.
func (c *Config) AllTags() map[string]string {
	tags := map[string]string{
		"Project": Project, "Environment": c.Environment, "Owner": c.Owner, "ManagedBy": "pulumi",
	}
	maps.Copy(tags, c.Tags)
	return tags
}
