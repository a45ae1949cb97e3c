package properties

import (
	"maps"
	"math/rand/v2"
	"slices"

	"groundwork/tests/harness"
)

// Combined are changes of several settings at once, as an owner of the repository would make them.
var Combined = map[string][]string{
	"us-west-2":              {"aws:region=us-west-2", "network.zones=[us-west-2a, us-west-2b, us-west-2c]"},
	"shared keys, us-east-1": {"aws:region=us-east-1", "network.zones=[us-east-1a, us-east-1b]", "encryptionKeys=shared"},
	"a domain":               {"edge.domain=shop.acme.example", "edge.hostedZoneId=Z0123456789ABCDEFGHIJ"},
	"pipelines":              harness.Pipelines("prod"),
	"an owner's account": {
		"accountId='210987654321'", "owner=acme", "tags={CostCenter: '42'}", "observability.alarmEmails=[ops@acme.example]",
		"cluster.publicAccessCidrs=[198.51.100.0/24]", "delivery.repository=https://github.com/acme/shop.git",
		"permissionsBoundary=arn:aws:iam::210987654321:policy/boundary",
	},
	"parked":     {"protect=false", "parked=true"},
	"hibernated": {"protect=false", "parked=true", "hibernated=true"},
	"scheduled":  {"protect=false", "schedule={days: [MON, FRI], start: '07:00', stop: '20:00', timeZone: Europe/Dublin}"},
}

// Mutations are one or more other legal values of each setting, by its path below groundwork:. Settings that go
// together only are in Combined.
var Mutations = map[string][]string{
	"accountId":           {"'210987654321'"},
	"owner":               {"acme"},
	"tags":                {"{CostCenter: '42'}"},
	"protect":             {"false"},
	"logRetentionDays":    {"1", "3653"},
	"secretRecoveryDays":  {"0", "7"},
	"permissionsBoundary": {"arn:aws:iam::aws:policy/PowerUserAccess"},
	"encryptionKeys":      {"shared", "separate"},
	"allow":               {"['delete registry/shop', 'shorten logs']"},
	"parked":              nil, "hibernated": nil, "schedule": nil, "pipelines": nil,

	"network.cidr":               {"192.168.0.0/16", "172.16.0.0/18"},
	"network.zones":              {"[eu-west-1a, eu-west-1c]", "[eu-west-1a, eu-west-1b, eu-west-1c, eu-west-1d]"},
	"network.natMode":            {"single", "perZone"},
	"network.interfaceEndpoints": {"[]", "[ecr.api, ecr.dkr, kms]"},
	"network.flowLogTraffic":     {"ALL", "REJECT"},

	"cluster.kubernetesVersion": {"'1.35'", "'1.34'"},
	"cluster.supportType":       {"STANDARD"},
	"cluster.publicAccessCidrs": {"[198.51.100.0/24]", "[]"},
	"cluster.serviceCidr":       {"10.100.0.0/16"},
	"cluster.tunnel":            {"false"},
	"cluster.nodeGroups": {
		"{spot: {instanceType: m7g.large, desiredSize: 2, minSize: 1, maxSize: 3, capacityType: SPOT},\n" +
			"general: {instanceType: t3.large, desiredSize: 2, minSize: 2, maxSize: 4, diskGiB: 100}}",
	},
	"cluster.access": {"{ops: {principalArn: 'arn:aws:iam::210987654321:role/ops', level: view}}"},

	"registry.repositories": {"[webapp, worker]"},
	"registry.keepImages":   {"1000"},

	"database.version":                  {"'16'", "'18'"},
	"database.instanceClass":            {"db.r7g.large"},
	"database.availability":             {"multiZone"},
	"database.storageGiB":               {"40"},
	"database.maxStorageGiB":            {"1000"},
	"database.backupRetentionDays":      {"7", "35"},
	"database.monitoringSeconds":        {"1", "30"},
	"database.insights":                 {"advanced"},
	"database.allowMajorVersionUpgrade": {"true"},
	"database.applyImmediately":         {"true", "false"},

	"cache.engine":                {"redis"},
	"cache.nodeType":              {"cache.r7g.large"},
	"cache.nodes":                 {"3", "6"},
	"cache.snapshotRetentionDays": {"35"},
	"cache.applyImmediately":      {"true", "false"},

	"edge.domain": nil, "edge.hostedZoneId": nil,
	"edge.firewall":               {"managed"},
	"edge.requestsPerFiveMinutes": {"10", "2000000000"},
	"edge.accessLogs":             {"keep"},

	"addons.replicas": {"1", "3"},
	"addons.versions": {"{metrics-server: 3.13.1}"},

	"delivery.owner":      {"pipeline", "argocd"},
	"delivery.repository": {"https://git.acme.example/shop.git"},
	"delivery.revision":   {"v1.2.3"},
	"delivery.path":       {"webapp/chart"},

	"observability.alarmEmails":      {"[a@acme.example, b@acme.example]", "[]"},
	"observability.monthlyBudgetUsd": {"1", "100000"},
}

// Changes lists every mutation as --config takes it, by key.
func Changes() []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(Mutations)) {
		for _, value := range Mutations[key] {
			all = append(all, key+"="+value)
		}
	}
	return all
}

// Random returns mutations of one or two settings, now and then of one twice. It may return none.
func Random(random *rand.Rand) []string {
	keys := slices.Sorted(maps.Keys(Mutations))
	var all []string
	for range 1 + random.IntN(2) {
		key := keys[random.IntN(len(keys))]
		if values := Mutations[key]; len(values) > 0 {
			all = append(all, key+"="+values[random.IntN(len(values))])
		}
	}
	return all
}

// Pairs lists every pair of mutations of two settings.
func Pairs() [][2]string {
	var all [][2]string
	keys := slices.Sorted(maps.Keys(Mutations))
	for i, first := range keys {
		for _, second := range keys[i+1:] {
			for _, a := range Mutations[first] {
				for _, b := range Mutations[second] {
					all = append(all, [2]string{first + "=" + a, second + "=" + b})
				}
			}
		}
	}
	return all
}
