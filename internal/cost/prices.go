package cost

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"groundwork/components/hardware"
)

//go:embed prices.json
var pricesJSON []byte

// price is one entry of the table: what it is for, how sure it is, where it is from, and its amount by region.
type price struct {
	// Unit is what the price is for, such as "instance-hour" or "GB-month".
	Unit string `json:"unit"`
	// Confidence is how sure the price is: high, medium or low.
	Confidence string `json:"confidence"`
	Source     string `json:"source"`
	// amounts are in US dollars, by region. Everywhere is one that all regions have in common.
	amounts map[string]float64
}

// everywhere is the name under which a price has an amount for all regions.
const everywhere = "everywhere"

// UnmarshalJSON takes every field that is a number for the amount in a region.
func (p *price) UnmarshalJSON(data []byte) error {
	type texts price
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	p.amounts = map[string]float64{}
	for name, value := range fields {
		if amount, ok := value.(float64); ok {
			p.amounts[name] = amount
		}
	}
	return json.Unmarshal(data, (*texts)(p))
}

// priceTable is the content of prices.json.
type priceTable struct {
	// Checked is the day on which the prices were gathered.
	Checked string
	Prices  map[string]price
}

var table = func() priceTable {
	var t priceTable
	if err := json.Unmarshal(pricesJSON, &t); err != nil {
		panic(err) // The table is compiled in, so every test would fail.
	}
	return t
}()

// Checked returns the day on which the prices were gathered.
func Checked() string { return table.Checked }

// Prices are the prices of one region: those that are compiled in, and those of a list of the region's own.
type Prices struct {
	Region string
	// Own is the list of the region's own, nil where there is none.
	Own *List
}

// regions lists the regions that the table has all prices for.
func regions() []string {
	return slices.Sorted(maps.Keys(table.Prices["nat.hour"].amounts))
}

// unit returns a price in US dollars.
func (p Prices) unit(key string) (float64, error) {
	if amount, ok := p.Own.amount(key); ok {
		return amount, nil
	}
	if service, name, found := instanceOf(key); found {
		return p.instance(service, name, key)
	}
	entry, known := table.Prices[key]
	if !known {
		return 0, fmt.Errorf("there is no price for %s", key)
	}
	if amount, ok := entry.amounts[p.Region]; ok {
		return amount, nil
	}
	if amount, ok := entry.amounts[everywhere]; ok {
		return amount, nil
	}
	return 0, fmt.Errorf("there is no price for %s in %s", key, p.Region)
}

// Beginnings of the keys of instances.
const (
	ec2Price    = "ec2.instance."
	rdsPrice    = "rds.pg."
	valkeyPrice = "elasticache.valkey."
	redisPrice  = "elasticache.redis."
)

// Endings of the keys of database instances.
const (
	singleZone = ".single"
	multiZone  = ".multi_az"
)

// instanceOf returns the instance type, class or node type that a key is about.
func instanceOf(key string) (service hardware.Service, name string, found bool) {
	if name, found := strings.CutPrefix(key, ec2Price); found {
		return hardware.EC2, name, true
	}
	if name, found := strings.CutPrefix(key, rdsPrice); found {
		return hardware.RDS, strings.TrimSuffix(strings.TrimSuffix(name, singleZone), multiZone), true
	}
	for _, beginning := range []string{valkeyPrice, redisPrice} {
		if name, found := strings.CutPrefix(key, beginning); found {
			return hardware.ElastiCache, name, true
		}
	}
	return "", "", false
}

// instance returns the price of an hour of an instance. A database in two zones costs twice as much as in one, a node
// with Valkey a fifth less than with Redis OSS. Source: Amazon RDS pricing, Amazon ElastiCache pricing.
func (p Prices) instance(service hardware.Service, name, key string) (float64, error) {
	amount, offered := p.Own.amount(name)
	if !offered {
		one, known := hardware.Find(service, name)
		if !known {
			return 0, fmt.Errorf("there is no price for %s", name)
		}
		if amount, offered = one.Price(p.Region); !offered {
			return 0, fmt.Errorf("there is no price for %s in %s", name, p.Region)
		}
	}
	switch {
	case strings.HasSuffix(key, multiZone):
		return 2 * amount, nil
	case strings.HasPrefix(key, valkeyPrice):
		return math.Round(amount*0.8*1e6) / 1e6, nil
	}
	return amount, nil
}

// perHour reports whether a price applies to each hour.
func perHour(key string) bool {
	if _, _, instance := instanceOf(key); instance {
		return true
	}
	// Units such as "GB-month" and "key-month" apply to each month, "GB" applies to usage.
	unit, _, _ := strings.Cut(table.Prices[key].Unit, " ")
	unit = strings.TrimSuffix(unit, ",")
	return strings.HasSuffix(unit, "-hour")
}

// Assumptions say how much is used in a month, by name.
type Assumptions map[string]float64

// assumption is the usage of one thing in a month.
type assumption struct {
	value float64
	means string
}

// assumptions has a default for every kind of usage. The defaults are those of a small shop.
var assumptions = map[string]assumption{
	"backupGB":      {0, "GB of database backups beyond the size of the volume, which are free"},
	"bastionHours":  {60, "hours in which a tunnel to the Kubernetes API is open; without one, the bastion stops itself"},
	"bucketsGB":     {5, "GB in all buckets"},
	"crossZoneGB":   {50, "GB between the zones, by nodes, database and cache"},
	"customMetrics": {0, "custom metrics besides those of log filters"},
	"deliveryGB":    {100, "GB that CloudFront delivers"},
	"egressGB":      {20, "GB that nodes send to the internet through NAT gateways"},
	"endpointGB":    {20, "GB through all interface endpoints"},
	"idleLogsGB":    {1, "GB of logs that are written while there are no nodes, by the control plane"},
	"imagesGB":      {2, "GB of images in the registry"},
	"logsGB":        {10, "GB of logs that are written"},
	"natGB":         {50, "GB through each NAT gateway"},
	"podsPerNode":   {15, "pods on a node, which Container Insights observes"},
	"requests":      {2, "million requests from the internet"},
	"snapshotGB":    {0.5, "GB in the snapshot of a parked cache"},
	"surplusHours":  {0, "vCPU-hours that burstable nodes and databases each work above their baseline"},
}

// Assume returns the default assumptions with changes of the form NAME=NUMBER.
func Assume(changes []string) (Assumptions, error) {
	all := Assumptions{}
	for name, a := range assumptions {
		all[name] = a.value
	}
	for _, change := range changes {
		name, text, _ := strings.Cut(change, "=")
		if _, known := assumptions[name]; !known {
			names := strings.Join(slices.Sorted(maps.Keys(assumptions)), ", ")
			return nil, fmt.Errorf("reading --assume %q: known are %s", change, names)
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil || !(value >= 0) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("reading --assume %q: want %s=NUMBER, %s, not below 0",
				change, name, assumptions[name].means)
		}
		all[name] = value
	}
	return all, nil
}
