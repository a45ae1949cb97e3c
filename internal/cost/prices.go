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
)

//go:embed prices.json
var pricesJSON []byte

// price is one entry of the table. It is nil for a region whose price is not known.
type price struct {
	// Unit is what the price is for, such as "instance-hour" or "GB-month".
	Unit string
	// Confidence is how sure the price is: high, medium or low.
	Confidence string
	USEast1    *float64 `json:"us-east-1"`
	EUWest1    *float64 `json:"eu-west-1"`
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

// regions are the regions that the table has prices for.
var regions = []string{"eu-west-1", "us-east-1"}

// Checked returns the day on which the prices were gathered.
func Checked() string { return table.Checked }

// unitPrice returns a price in US dollars. Its error says which prices the table has.
func unitPrice(key, region string) (float64, error) {
	p, ok := table.Prices[key]
	if !ok {
		return 0, fmt.Errorf("there is no price for %s in internal/cost/prices.json", key)
	}
	value := map[string]*float64{"us-east-1": p.USEast1, "eu-west-1": p.EUWest1}[region]
	if value == nil {
		return 0, fmt.Errorf("there is no price for %s in %s in internal/cost/prices.json; "+
			"regions with prices are %s", key, region, strings.Join(regions, " and "))
	}
	return *value, nil
}

// perHour reports whether a price applies to each hour.
func perHour(key string) bool {
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
	"natGB":         {50, "GB through each NAT gateway"},
	"endpointGB":    {20, "GB through all interface endpoints"},
	"balancerUnits": {1, "load balancer capacity units, on average"},
	"requests":      {2, "million requests from the internet"},
	"deliveryGB":    {100, "GB that CloudFront delivers"},
	"logsGB":        {10, "GB of logs that are written"},
	"idleLogsGB":    {1, "GB of logs that are written while there are no nodes, by the control plane"},
	"imagesGB":      {2, "GB of images in the registry"},
	"snapshotGB":    {0.5, "GB in the snapshot of a parked cache"},
	"bucketsGB":     {5, "GB in all buckets"},
	"customMetrics": {0, "custom metrics besides those of log filters; Container Insights bills by observation"},
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
