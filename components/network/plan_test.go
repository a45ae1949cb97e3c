package network_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/components/network"
)

func TestPlan(t *testing.T) {
	plan, err := network.Plan(netip.MustParsePrefix("10.20.0.0/16"), []string{"eu-west-1a", "eu-west-1c"})
	require.NoError(t, err)
	var got []string
	for _, z := range plan {
		got = append(got, strings.Join([]string{z.Zone, z.Private.String(), z.Public.String(), z.Data.String()}, " "))
	}
	assert.Equal(t, []string{
		"eu-west-1a 10.20.0.0/20 10.20.16.0/22 10.20.20.0/22",
		"eu-west-1c 10.20.64.0/20 10.20.80.0/22 10.20.84.0/22",
	}, got)
	for _, bad := range []string{"10.0.0.0/15", "10.0.0.0/21", "10.0.1.0/16", "fd00::/16"} {
		_, err := network.Plan(netip.MustParsePrefix(bad), []string{"eu-west-1a"})
		assert.Error(t, err, bad)
	}
	for _, bad := range []string{"", "eu-west-1i", "eu-west-1"} {
		_, err := network.Plan(netip.MustParsePrefix("10.0.0.0/16"), []string{bad})
		assert.Error(t, err, bad)
	}
	assert.Equal(t, 4091, network.UsableAddresses(plan[0].Private))
}

// FuzzPlan: in every VPC and for every set of zones, subnets are inside the VPC, do not overlap, are large enough, and
// do not move when other zones are added or removed.
func FuzzPlan(f *testing.F) {
	f.Add(uint32(10<<24), 16, uint8(0b111))
	f.Add(uint32(192<<24|168<<16), 20, uint8(0b10000001))
	f.Fuzz(func(t *testing.T, address uint32, bits int, mask uint8) {
		bits = 16 + (bits%5+5)%5
		octets := [4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}
		vpc := netip.PrefixFrom(netip.AddrFrom4(octets), bits).Masked()
		var zones []string
		for i := range 8 {
			if mask&(1<<i) != 0 {
				zones = append(zones, "eu-west-1"+string(rune('a'+i)))
			}
		}
		plan, err := network.Plan(vpc, zones)
		if err != nil {
			t.Fatal(err)
		}
		var all []netip.Prefix
		for _, zone := range plan {
			all = append(all, zone.Private, zone.Public, zone.Data)
			alone, err := network.Plan(vpc, []string{zone.Zone})
			if err != nil || alone[0] != zone {
				t.Fatalf("%v moves when other zones are added or removed: %v", zone, alone)
			}
			if zone.Private.Bits() > 24 || zone.Public.Bits() > 27 || zone.Data.Bits() > 28 {
				t.Fatalf("%v is too small", zone)
			}
		}
		for i, a := range all {
			if a != a.Masked() || !vpc.Contains(a.Addr()) || a.Bits() <= vpc.Bits() {
				t.Fatalf("%v is not inside %v", a, vpc)
			}
			for _, b := range all[:i] {
				if a.Overlaps(b) {
					t.Fatalf("%v overlaps %v", a, b)
				}
			}
		}
	})
}
