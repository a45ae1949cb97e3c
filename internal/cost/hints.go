package cost

import (
	"fmt"
	"strings"
	"time"

	"groundwork/components/hardware"
	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// arm replaces an instance type for Intel or AMD by the one for AWS's own processors.
var arm = strings.NewReplacer("t3.", "t4g.", "t3a.", "t4g.", "m5.", "m7g.", "m6i.", "m7g.", "m7i.", "m7g.",
	"c6i.", "c7g.", "c7i.", "c7g.", "r6i.", "r7g.", "r7i.", "r7g.")

// hint adds one hint to the sheet.
func (p *pricing) hint(format string, a ...any) {
	p.sheet.Hints = append(p.sheet.Hints, fmt.Sprintf(format, a...))
}

// hints says what would be cheaper, and what will become more expensive.
func (p *pricing) hints() {
	if len(p.graph.OfType(awstype.Schedule)) > 0 && len(p.graph.OfType(awstype.NodeGroup)) > 0 {
		p.hint("with a schedule a night is counted as twelve average hours of the week; " +
			"one with nodes and database down costs less")
	}
	for _, l := range p.sheet.Lines {
		p.hintProcessor(l)
	}
	p.hintEndpoints()
	for _, r := range p.graph.OfType(awstype.EKSCluster) {
		p.hintSupport(r)
	}
	p.hintRotation()
}

// hintProcessor says what the same size on AWS's own processors would save.
func (p *pricing) hintProcessor(l Line) {
	service, name, instance := instanceOf(l.Price)
	other := arm.Replace(name)
	if !instance || service == hardware.ElastiCache || other == name {
		return
	}
	cheaper, err := p.prices.unit(strings.Replace(l.Price, name, other, 1))
	if err != nil || cheaper >= l.UnitPrice {
		return
	}
	condition := ""
	if service == hardware.EC2 {
		condition = ", if its images run on arm64"
	}
	saved := (l.UnitPrice - cheaper) * l.Quantity * HoursPerMonth
	p.hint("%s as %s would save %.2f a month%s", l.Resource, other, saved, condition)
}

// hintEndpoints says from how much traffic on the interface endpoints are cheaper than NAT.
func (p *pricing) hintEndpoints() {
	endpoints := 0.0
	for _, l := range p.sheet.Lines {
		if l.Price == "vpce.interface.hour" {
			endpoints += l.Month
		}
	}
	nat, err1 := p.prices.unit("nat.gb")
	endpoint, err2 := p.prices.unit("vpce.interface.gb")
	if endpoints == 0 || err1 != nil || err2 != nil || nat <= endpoint {
		return
	}
	p.hint("interface endpoints cost %.2f a month and save %.3f a GB against NAT: "+
		"they pay for themselves from %.0f GB a month on", endpoints, nat-endpoint, endpoints/(nat-endpoint))
}

// hintSupport says what extended support of a cluster's version costs, or will cost.
func (p *pricing) hintSupport(cluster *graph.Resource) {
	standard, err1 := p.prices.unit("eks.control_plane.standard")
	extended, err2 := p.prices.unit("eks.control_plane.extended")
	if err1 != nil || err2 != nil {
		return
	}
	version, surcharge := cluster.Inputs.Str("version"), (extended-standard)*HoursPerMonth
	switch end, over := p.extendedSupport(cluster); {
	case over:
		p.hint("Kubernetes %s is in extended support: an upgrade saves %.2f a month", version, surcharge)
	case !end.IsZero():
		p.hint("from %s on Kubernetes %s would cost %.2f a month more, in extended support",
			end.Format(time.DateOnly), version, surcharge)
	}
}

// hintRotation says what the keys will cost once they have rotated.
func (p *pricing) hintRotation() {
	keys := 0
	for _, r := range p.graph.OfType(awstype.Key) {
		if r.Inputs.Flag("enableKeyRotation") {
			keys++
		}
	}
	unit, err := p.prices.unit("kms.key")
	if err != nil || keys == 0 {
		return
	}
	p.hint("the %d keys rotate every year: each costs %.2f a month more after the first rotation, and again after the "+
		"second: together %.2f, then %.2f", keys, unit, float64(keys)*unit, 2*float64(keys)*unit)
}
