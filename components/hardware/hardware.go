package hardware

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Type is one instance type of EC2, class of RDS or node type of ElastiCache.
type Type struct {
	Name      string
	VCPUs     int
	MemoryGiB float64
	// Arm is true for the Graviton types of EC2.
	Arm bool
	// Interfaces is the maximum number of network interfaces of an EC2 type, AddressesEach the maximum number of IPv4
	// addresses on each. They bound how many VPC addresses one node and its pods use.
	Interfaces, AddressesEach int
	// MaxMemory is the memory of an ElastiCache node type for data, in bytes; 0 where AWS does not say.
	MaxMemory int64
	prices    []float64
}

// Service is the beginning of the names of a service's types.
type Service string

// Services. The names of EC2's types begin with their family.
const (
	EC2         Service = ""
	RDS         Service = "db."
	ElastiCache Service = "cache."
)

// MaxPods is how many pods of one node the VPC CNI can give an address.
// Source: Amazon EKS User Guide, "Choose an optimal Amazon EC2 node instance type".
func (t Type) MaxPods() int { return t.Interfaces*(t.AddressesEach-1) + 2 }

// Addresses is how many VPC addresses one full node uses.
func (t Type) Addresses() int { return t.Interfaces * t.AddressesEach }

// Burstable reports whether the type uses CPU credits.
func (t Type) Burstable() bool {
	return strings.HasPrefix(t.Family(), "t")
}

// Family is the part of the name before the size, such as m7g, without the service.
func (t Type) Family() string {
	parts := strings.Split(t.Name, ".")
	return parts[max(0, len(parts)-2)]
}

// Price returns the price of an hour in a region in US dollars, on demand: of EC2 for Linux, of RDS for one zone, of
// ElastiCache for Redis OSS. It reports false where AWS does not offer the type, or no region is called so.
func (t Type) Price(region string) (float64, bool) {
	at := slices.Index(offers().regions, region)
	if at < 0 || t.prices == nil || t.prices[at] == 0 {
		return 0, false
	}
	return t.prices[at], true
}

// Find returns the type of a service with a name.
func Find(service Service, name string) (Type, bool) {
	t, known := offers().types[name]
	return t, known && serviceOf(name) == service
}

// Published is the day on which AWS published the list.
func Published() string { return offers().published }

// Regions lists the regions of the list.
func Regions() []string { return slices.Clone(offers().regions) }

// Known lists the types of a service, sorted by name.
func Known(service Service) []string {
	names := slices.Sorted(maps.Keys(offers().types))
	return slices.DeleteFunc(names, func(name string) bool { return serviceOf(name) != service })
}

// Unknown says what is wrong with a name that Find does not know, and what would be right: the sizes of its family, or
// the families where there is no such family.
func Unknown(service Service, name string) string {
	wanted := Type{Name: name}.Family()
	var sizes, families []string
	for _, known := range Known(service) {
		family := offers().types[known].Family()
		if family == wanted {
			sizes = append(sizes, known)
		}
		if !slices.Contains(families, family) {
			families = append(families, family)
		}
	}
	near := "families are " + strings.Join(families, ", ")
	if len(sizes) > 0 {
		near = fmt.Sprintf("of %s there are %s", wanted, strings.Join(sizes, ", "))
	}
	return "is not in AWS's list of " + Published() + ": " + near +
		"; if AWS offers it since, add a row to components/hardware/types.txt"
}

func serviceOf(name string) Service {
	for _, service := range []Service{RDS, ElastiCache} {
		if strings.HasPrefix(name, string(service)) {
			return service
		}
	}
	return EC2
}

//go:embed types.txt
var text string

// list is the content of types.txt.
type list struct {
	published string
	regions   []string
	types     map[string]Type
}

// offers reads the list once. The list is compiled in, so that an error in it fails every test.
var offers = sync.OnceValue(func() list {
	l, err := read(text)
	if err != nil {
		panic(fmt.Sprintf("reading components/hardware/types.txt: %v", err))
	}
	return l
})

// read reads a list.
func read(text string) (list, error) {
	l := list{types: map[string]Type{}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
		case fields[0] == "published" && len(fields) == 2:
			l.published = fields[1]
		case fields[0] == "regions":
			l.regions = fields[1:]
		default:
			t, err := row(fields, len(l.regions))
			if err != nil {
				return list{}, fmt.Errorf("line %d: %w", number, err)
			}
			if _, twice := l.types[t.Name]; twice {
				return list{}, fmt.Errorf("line %d: %s is given twice", number, t.Name)
			}
			l.types[t.Name] = t
		}
	}
	return l, nil
}

// row reads the fields of one type, which end with its price in each of the regions.
func row(fields []string, regions int) (Type, error) {
	t := Type{Name: fields[0]}
	own := map[Service]int{EC2: 5, RDS: 3, ElastiCache: 4}[serviceOf(t.Name)]
	if regions == 0 || len(fields) != own+regions {
		return t, fmt.Errorf("%s has %d fields, want %d", t.Name, len(fields), own+regions)
	}
	var err error
	if t.VCPUs, err = strconv.Atoi(fields[1]); err != nil {
		return t, fmt.Errorf("vCPUs of %s: %w", t.Name, err)
	}
	if t.MemoryGiB, err = strconv.ParseFloat(fields[2], 64); err != nil {
		return t, fmt.Errorf("memory of %s: %w", t.Name, err)
	}
	switch {
	case own == 5:
		t.Arm = fields[3] == "arm64"
		if _, err := fmt.Sscanf(fields[4], "%dx%d", &t.Interfaces, &t.AddressesEach); err != nil {
			return t, fmt.Errorf("network interfaces of %s: %w", t.Name, err)
		}
	case own == 4 && fields[3] != "-":
		if t.MaxMemory, err = strconv.ParseInt(fields[3], 10, 64); err != nil {
			return t, fmt.Errorf("maxmemory of %s: %w", t.Name, err)
		}
	}
	t.prices = make([]float64, regions)
	for i, field := range fields[own:] {
		if field == "-" {
			continue
		}
		if t.prices[i], err = strconv.ParseFloat(field, 64); err != nil || t.prices[i] <= 0 {
			return t, fmt.Errorf("price of %s: %q is not a price", t.Name, field)
		}
	}
	return t, nil
}
