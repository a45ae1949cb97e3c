package stacks

import (
	"maps"

	"groundwork/components/cluster"
)

// Prefix is the first part of every physical name of an environment, such as "groundwork-prod". An environment has at
// most 9 characters, so Prefix has at most 20. That leaves 12 for suffixes in the shortest names of AWS: those of load
// balancers and target groups have at most 32 characters.
func (c *Config) Prefix() string { return Project + "-" + c.Environment }

// RolePath is the IAM path of every role of an environment.
func (c *Config) RolePath() string { return "/" + Project + "/" + c.Environment + "/" }

// ClusterName is the physical name of the EKS cluster.
func (c *Config) ClusterName() string { return c.Prefix() }

// KubernetesClient says how Kubernetes clients reach the cluster.
func (c *Config) KubernetesClient() cluster.Client {
	return cluster.Client{
		Name: c.ClusterName(), Region: c.Region, AccountID: c.AccountID, Tunneled: c.Cluster.Tunneled(),
	}
}

// StateBucket is the name of the bucket of the environment's states. Bucket names are globally unique, so it ends in
// the account ID.
func (c *Config) StateBucket() string { return c.Prefix() + "-state-" + c.AccountID }

// StateKeyAlias is the alias, without "alias/", of the key that encrypts the states.
func (c *Config) StateKeyAlias() string { return c.Prefix() + "-state" }

// Backend is the URL of the states, the argument of pulumi login.
func (c *Config) Backend() string { return "s3://" + c.StateBucket() + sdk(c.Region) }

// SecretsProvider is the URL of the key, the --secrets-provider of pulumi stack init.
func (c *Config) SecretsProvider() string {
	return "awskms://alias/" + c.StateKeyAlias() + sdk(c.Region)
}

// sdk is the query of both URLs: the region, and the AWS SDK to use. The older SDK, Pulumi's default, supports neither
// SSO nor endpoints from environment variables.
func sdk(region string) string { return "?region=" + region + "&awssdk=v2" }

// deployerGroup is the Kubernetes group of the deploy role.
const deployerGroup = Project + ":deployers"

// DatabaseName is the identifier of the database instance.
func (c *Config) DatabaseName() string { return c.Prefix() + "-main" }

// CacheName is the ID of the cache's replication group.
func (c *Config) CacheName() string { return c.Prefix() + "-cache" }

// Application is the name of the application that the environment runs.
const Application = "webapp"

// The port and the readiness path of the application's pods. The chart and the load balancer use both.
const (
	applicationPort = 8080
	readinessPath   = "/ready"
)

// AllTags are the tags of every resource: the program's own and the stack's.
func (c *Config) AllTags() map[string]string {
	tags := c.OwnTags()
	tags["Owner"] = c.Owner
	maps.Copy(tags, c.Tags)
	return tags
}

// OwnTags are the tags by which the resources of the environment are told from all others. No setting changes them.
func (c *Config) OwnTags() map[string]string {
	return map[string]string{"Project": Project, "Environment": c.Environment, "ManagedBy": "pulumi"}
}
