package properties

import (
	"groundwork/components/delivery"
	"groundwork/components/network"
	"groundwork/stacks"
)

// Choices are the rules that the settings of an environment may knowingly not hold, by their IDs, and whether they do.
// A report shows such a rule as broken; a test that holds somebody's own settings does not fail over their choice. The
// reference settings hold all of them.
var Choices = map[string]func(c *stacks.Config) bool{
	"FSBP EKS.1: no public endpoint in production": func(c *stacks.Config) bool {
		return len(c.Cluster.PublicAccessCIDRs) > 0
	},
	"FSBP RDS.13 / CKV_AWS_226: minor versions come by themselves, major ones do not": func(c *stacks.Config) bool {
		return c.Database.AllowMajorVersionUpgrade
	},
	"CKV_AWS_338: production keeps logs for a year": func(c *stacks.Config) bool { return c.LogRetentionDays < 365 },
	"FSBP EC2.6: production logs all traffic": func(c *stacks.Config) bool {
		return c.Network.FlowLogTraffic != network.FlowAll
	},
	"FSBP EC2.10 EC2.55-57: endpoints for what nodes talk to": func(c *stacks.Config) bool {
		return len(c.Network.InterfaceEndpoints) < 6
	},
	"CKV2_AWS_35 / REL10-BP01: a NAT gateway in each zone, used by that zone": func(c *stacks.Config) bool {
		return c.Network.NATMode != network.NATPerZone
	},
	"Secrets Manager: deleted secrets can be brought back": func(c *stacks.Config) bool {
		return c.SecretRecoveryDays == 0
	},
	"design: Argo CD may take one repository to one namespace": func(c *stacks.Config) bool {
		return c.Delivery.Owner != delivery.OwnerArgoCD
	},
}
