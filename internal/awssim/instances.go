package awssim

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed instances.txt
var instancesText string

// offer is what AWS offers under the name of an instance type, an instance class or a node type.
type offer struct {
	memoryGiB float64
	// arm, interfaces and addressesEach are known of EC2 types: whether it is a Graviton type, how many network interfaces
	// it has, and how many IPv4 addresses each of them.
	arm                       bool
	interfaces, addressesEach int
	// regions are those that have it, or with except set those that do not.
	regions []string
	except  bool
}

// in reports whether a region has it.
func (o offer) in(region string) bool { return slices.Contains(o.regions, region) != o.except }

// offered reports whether AWS has something of that name anywhere. prefix is that of the service's names.
func offered(prefix, name string) bool {
	_, known := offers[name]
	return known && strings.HasPrefix(name, prefix)
}

// offers are by name. They are AWS's own list and not the program's tables, so that a wrong row there is refused here.
var offers = func() map[string]offer {
	all := map[string]offer{}
	for line := range strings.Lines(instancesText) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] == "#" {
			continue
		}
		o := offer{}
		var err error
		if o.memoryGiB, err = strconv.ParseFloat(fields[1], 64); err != nil {
			panic(fmt.Sprintf("the list of instances: %q: %v", line, err))
		}
		regions := fields[2:]
		if !strings.HasPrefix(line, "db.") && !strings.HasPrefix(line, "cache.") {
			o.arm, regions = fields[2] == "arm64", fields[4:]
			if _, err := fmt.Sscanf(fields[3], "%dx%d", &o.interfaces, &o.addressesEach); err != nil {
				panic(fmt.Sprintf("the list of instances: %q: %v", line, err))
			}
		}
		if o.except = regions[0] == "all"; o.except {
			regions = slices.DeleteFunc(regions, func(word string) bool { return word == "all" || word == "but" })
		}
		o.regions = regions
		all[fields[0]] = o
	}
	return all
}()
