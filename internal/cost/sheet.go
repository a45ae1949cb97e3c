package cost

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// Hours in a month, as AWS's own calculators count, and in a night.
const (
	HoursPerMonth = 730
	HoursPerNight = 12
)

// Line is one cost of one resource.
type Line struct {
	Layer    string `json:"layer"`
	Resource string `json:"resource"`
	Type     string `json:"type"`
	// What is paid for, and Price the key of its price.
	What  string `json:"what"`
	Price string `json:"price"`
	// Quantity of it in a month, hours not counted; UnitPrice in US dollars, for an hour where PerHour is true.
	Quantity  float64 `json:"quantity"`
	UnitPrice float64 `json:"unitPrice"`
	PerHour   bool    `json:"perHour"`
	// Usage is true for what an assumption says, and not the resource.
	Usage bool `json:"usage"`
	// Month is what it costs in a month, AtNight in the twelve hours of a night.
	Month   float64 `json:"month"`
	AtNight float64 `json:"night"`
}

// Night is what it costs in the twelve hours of a night: what is paid by the month goes on at night.
func (l Line) Night() float64 { return l.Month * HoursPerNight / HoursPerMonth }

// Sheet is what an environment costs.
type Sheet struct {
	Stack  string `json:"stack"`
	Region string `json:"region"`
	// Checked is the day of the prices.
	Checked string `json:"checked"`
	Lines   []Line `json:"lines"`
	// Free are the types that cost nothing, with the number of resources; Unpriced are resources that nothing is known about, and those whose price is not in the table.
	Free     map[string]int `json:"free"`
	Unpriced []string       `json:"unpriced"`
	// Assumed are the assumptions that the lines of use rest on.
	Assumed Assumptions `json:"assumed"`
	// Hints say what would be cheaper, and what will be dearer.
	Hints []string `json:"hints"`
}

// pricing makes the lines of a sheet.
type pricing struct {
	sheet   *Sheet
	graph   *graph.Graph
	today   time.Time
	current *graph.Resource
}

// New prices every resource of a graph in a region under assumptions.
func New(stack string, g *graph.Graph, region string, assumed Assumptions, today time.Time) *Sheet {
	p := &pricing{sheet: &Sheet{Stack: stack, Region: region, Checked: Checked(), Free: map[string]int{}, Assumed: assumed}, graph: g, today: today}
	for _, r := range g.Resources {
		if !r.Custom || strings.HasPrefix(r.Type, "pulumi:") {
			continue
		}
		p.current = r
		switch price, known := priced[r.Type]; {
		case known:
			price(p, r)
		case awstype.Of(r.Type).Free != "":
			p.sheet.Free[r.Type]++
		default:
			p.unpriced("nothing is known about what it costs")
		}
	}
	p.shared()
	slices.SortStableFunc(p.sheet.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(layerOrder(a.Layer), layerOrder(b.Layer)), cmp.Compare(b.Month, a.Month), cmp.Compare(a.Resource, b.Resource))
	})
	slices.Sort(p.sheet.Unpriced)
	p.hints()
	return p.sheet
}

func (p *pricing) unpriced(why string) {
	p.sheet.Unpriced = append(p.sheet.Unpriced, fmt.Sprintf("%s %s: %s", p.current.Type, p.current.Name, why))
}

// pay adds a line for the current resource.
func (p *pricing) pay(what, key string, quantity float64) { p.line(what, key, quantity, false) }

// use adds a line for what is assumed to be used.
func (p *pricing) use(what, key string, quantity float64) { p.line(what, key, quantity, true) }

func (p *pricing) line(what, key string, quantity float64, usage bool) {
	unit, err := unitPrice(key, p.sheet.Region)
	if err != nil {
		p.unpriced(err.Error())
		return
	}
	l := Line{Resource: p.current.Name, Type: p.current.Type, Layer: p.graph.Layer(p.current), What: what, Price: key, Quantity: quantity, UnitPrice: unit, PerHour: perHour(key), Usage: usage}
	l.Month = quantity * unit
	if l.PerHour {
		l.Month *= HoursPerMonth
	}
	l.AtNight = l.Night()
	p.sheet.Lines = append(p.sheet.Lines, l)
}

// Total is the sum of a month; fixed leaves use out.
func (s *Sheet) Total() (fixed, usage float64) {
	for _, l := range s.Lines {
		if l.Usage {
			usage += l.Month
		} else {
			fixed += l.Month
		}
	}
	return fixed, usage
}

// Layers sums the months by layer.
func (s *Sheet) Layers() map[string]float64 {
	sums := map[string]float64{}
	for _, l := range s.Lines {
		sums[l.Layer] += l.Month
	}
	return sums
}
