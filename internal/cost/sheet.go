package cost

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
	"groundwork/stacks"
)

// Hours of the periods that a sheet shows. AWS's own calculators count 730 hours in a month.
const (
	HoursPerMonth = 730
	HoursPerNight = 12
)

// Line is one cost of one resource.
type Line struct {
	Layer    string `json:"layer"`
	Resource string `json:"resource"`
	Type     string `json:"type"`
	// What says what is paid for.
	What string `json:"what"`
	// Price is the key of its price in prices.json.
	Price string `json:"price"`
	// Quantity is how much of it a month has, without the hours.
	Quantity float64 `json:"quantity"`
	// UnitPrice is in US dollars. It applies to an hour where PerHour is true.
	UnitPrice float64 `json:"unitPrice"`
	PerHour   bool    `json:"perHour"`
	// Usage is true where the quantity comes from an assumption and not from the resource.
	Usage bool `json:"usage"`
	// Month is the cost of a month, AtNight the cost of the twelve hours of a night.
	Month   float64 `json:"month"`
	AtNight float64 `json:"night"`
}

// Night returns the cost of the twelve hours of a night. A monthly price accrues at night too.
func (l Line) Night() float64 { return l.Month * HoursPerNight / HoursPerMonth }

// Sheet lists what an environment costs.
type Sheet struct {
	Stack  string `json:"stack"`
	Region string `json:"region"`
	// Checked says of which days the prices are.
	Checked string `json:"checked"`
	Lines   []Line `json:"lines"`
	// Free counts the resources of each type that costs nothing.
	Free map[string]int `json:"free"`
	// Unpriced lists the resources of unknown types, and those whose price is not in the table.
	Unpriced []string `json:"unpriced"`
	// Assumed are the assumptions behind the lines of usage.
	Assumed Assumptions `json:"assumed"`
	// Hints say what would be cheaper, and what will become more expensive.
	Hints []string `json:"hints"`
}

// pricing makes the lines of a sheet.
type pricing struct {
	sheet  *Sheet
	graph  *graph.Graph
	prices Prices
	today  time.Time
	// current is the resource that the next line belongs to.
	current *graph.Resource
}

// New prices every resource of a graph under assumptions.
func New(stack string, g *graph.Graph, prices Prices, assumed Assumptions, today time.Time) *Sheet {
	p := &pricing{
		sheet: &Sheet{
			Stack: stack, Region: prices.Region, Checked: prices.checked(), Free: map[string]int{}, Assumed: assumed,
		},
		graph:  g,
		prices: prices,
		today:  today,
	}
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
	p.sheet.sort()
	p.hints()
	return p.sheet
}

// layerOrder returns the place of a layer on the sheet.
func layerOrder(layer string) int {
	return slices.Index(stacks.AllLayers(), layer)
}

// unpriced notes that the current resource is missing from the sums.
func (p *pricing) unpriced(why string) {
	p.sheet.Unpriced = append(p.sheet.Unpriced, fmt.Sprintf("%s %s: %s", p.current.Type, p.current.Name, why))
}

// pay adds a line for the current resource.
func (p *pricing) pay(what, key string, quantity float64) { p.line(what, key, quantity, false) }

// use adds a line for assumed usage of the current resource.
func (p *pricing) use(what, key string, quantity float64) { p.line(what, key, quantity, true) }

// useHours adds a line for assumed usage in hours.
func (p *pricing) useHours(what, key string, hours float64) {
	p.line(what, key, hours/HoursPerMonth, true)
}

func (p *pricing) line(what, key string, quantity float64, usage bool) {
	unit, err := p.prices.unit(key)
	if err != nil {
		if quantity != 0 {
			p.unpriced(err.Error())
		}
		return
	}
	l := Line{
		Resource: p.current.Name, Type: p.current.Type, Layer: p.graph.Layer(p.current),
		What: what, Price: key, Quantity: quantity, UnitPrice: unit, PerHour: perHour(key), Usage: usage,
	}
	l.Month = quantity * unit
	if l.PerHour {
		l.Month *= HoursPerMonth
	}
	l.AtNight = l.Night()
	p.sheet.Lines = append(p.sheet.Lines, l)
}

// Complete reports whether the sums have everything in them.
func (s *Sheet) Complete() bool { return len(s.Unpriced) == 0 }

// Add adds the lines of another sheet, such as that of the account layer, which is a stack of its own.
func (s *Sheet) Add(other *Sheet) {
	s.Lines = append(s.Lines, other.Lines...)
	s.Unpriced = append(s.Unpriced, other.Unpriced...)
	for token, n := range other.Free {
		s.Free[token] += n
	}
	s.sort()
}

// sort sorts the lines by layer and then by cost.
func (s *Sheet) sort() {
	slices.SortStableFunc(s.Lines, func(a, b Line) int {
		return cmp.Or(
			cmp.Compare(layerOrder(a.Layer), layerOrder(b.Layer)),
			cmp.Compare(b.Month, a.Month),
			cmp.Compare(a.Resource, b.Resource),
		)
	})
	slices.Sort(s.Unpriced)
}

// Total returns the sums of a month: fixed costs, and assumed usage.
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

// Layers returns the cost of a month by layer.
func (s *Sheet) Layers() map[string]float64 {
	sums := map[string]float64{}
	for _, l := range s.Lines {
		sums[l.Layer] += l.Month
	}
	return sums
}
