package network

import (
	"fmt"
	"net/netip"
)

// zoneSlots is how many equal blocks a VPC is divided into: one for each zone letter, a to h. The largest region has
// six zones, so two zones never share a block.
const zoneSlots = 8

// The prefix lengths of a VPC. EC2 allows no range larger than /16. In a range smaller than /20 the private subnets
// would be smaller than /24, which is too small for nodes and their pods.
const (
	minPrefix = 16
	maxPrefix = 20
)

// ZonePlan is the address plan of one zone. Half of the zone's block is private (nodes and pods), an eighth is public
// (NAT gateways), an eighth is for data (database and cache), and a quarter stays free.
type ZonePlan struct {
	Zone    string
	Public  netip.Prefix
	Private netip.Prefix
	Data    netip.Prefix
}

// Plan returns the subnets of each zone inside vpc, in the order of zones. A zone's subnets depend on vpc and the
// zone's letter alone, so adding, removing or reordering zones never moves another zone's subnets. vpc must be a
// canonical IPv4 prefix of /16 to /20, and each zone must end in a letter a to h.
func Plan(vpc netip.Prefix, zones []string) ([]ZonePlan, error) {
	if !vpc.IsValid() || !vpc.Addr().Is4() || vpc.Bits() < minPrefix || vpc.Bits() > maxPrefix || vpc != vpc.Masked() {
		return nil, fmt.Errorf("planning subnets: %s is not a canonical IPv4 prefix of /%d to /%d", vpc, minPrefix, maxPrefix)
	}
	plans := make([]ZonePlan, 0, len(zones))
	for _, zone := range zones {
		slot, err := zoneSlot(zone)
		if err != nil {
			return nil, err
		}
		// The prefix of a block is three bits longer than the VPC's (eight slots). Offsets count sixteenths of a block.
		plans = append(plans, ZonePlan{
			Zone:    zone,
			Private: share(vpc, slot*16, vpc.Bits()+4),
			Public:  share(vpc, slot*16+8, vpc.Bits()+6),
			Data:    share(vpc, slot*16+10, vpc.Bits()+6),
		})
	}
	return plans, nil
}

// share returns the prefix of the given length that starts at offset. Offset counts 128ths of vpc.
func share(vpc netip.Prefix, offset, bits int) netip.Prefix {
	size := uint32(1) << (32 - vpc.Bits() - 7)
	return netip.PrefixFrom(fromUint32(toUint32(vpc.Addr())+uint32(offset)*size), bits)
}

// zoneSlot returns 0 for a zone that ends in "a", 1 for "b" and so on.
func zoneSlot(zone string) (int, error) {
	if zone == "" {
		return 0, fmt.Errorf("planning subnets: a zone has no name")
	}
	slot := int(zone[len(zone)-1]) - 'a'
	if slot < 0 || slot >= zoneSlots {
		return 0, fmt.Errorf("planning subnets: zone %q does not end in a letter a to h", zone)
	}
	return slot, nil
}

// UsableAddresses returns how many addresses of a subnet can be assigned: AWS reserves five in each subnet.
// Source: Amazon VPC User Guide, "Subnet sizing".
func UsableAddresses(subnet netip.Prefix) int {
	return 1<<(32-subnet.Bits()) - 5
}

func toUint32(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func fromUint32(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
