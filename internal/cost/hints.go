package cost

import (
	"fmt"
	"strings"
	"time"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// arm replaces an instance type for Intel or AMD by the one for AWS's own processors.
var arm = strings.NewReplacer("t3.", "t4g.", "m7i.", "m7g.", "m5.", "m7g.")

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
}

// hintProcessor says what the same size on AWS's own processors would save.
func (p *pricing) hintProcessor(l Line) {
	kind, node := strings.CutPrefix(l.Price, "ec2.")
	if !node && !strings.HasPrefix(l.Price, "rds.pg.db.t3") {
		return
	}
	other, condition := arm.Replace(l.Price), ""
	if node {
		other, condition = "ec2."+arm.Replace(kind), ", if its images run on arm64"
	}
	cheaper, err := unitPrice(other, p.sheet.Region)
	if err != nil || other == l.Price || cheaper >= l.UnitPrice {
		return
	}
	name := strings.TrimPrefix(strings.TrimPrefix(other, "ec2."), "rds.pg.")
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".single"), ".multi_az")
	saved := (l.UnitPrice - cheaper) * l.Quantity * HoursPerMonth
	p.hint("%s as %s would save %.2f a month%s", l.Resource, name, saved, condition)
}

// hintEndpoints says from how much traffic on the interface endpoints are cheaper than NAT.
func (p *pricing) hintEndpoints() {
	endpoints := 0.0
	for _, l := range p.sheet.Lines {
		if l.Price == "vpce.interface.hour" {
			endpoints += l.Month
		}
	}
	nat, err1 := unitPrice("nat.gb", p.sheet.Region)
	endpoint, err2 := unitPrice("vpce.interface.gb", p.sheet.Region)
	if endpoints == 0 || err1 != nil || err2 != nil || nat <= endpoint {
		return
	}
	p.hint("interface endpoints cost %.2f a month and save %.3f a GB against NAT: "+
		"they pay for themselves from %.0f GB a month on", endpoints, nat-endpoint, endpoints/(nat-endpoint))
}

// hintSupport says what extended support of a cluster's version costs, or will cost.
func (p *pricing) hintSupport(cluster *graph.Resource) {
	standard, err1 := unitPrice("eks.control_plane.standard", p.sheet.Region)
	extended, err2 := unitPrice("eks.control_plane.extended", p.sheet.Region)
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
