package cost

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"groundwork/stacks"
)

// Print writes a sheet for people to read.
func (s *Sheet) Print(w io.Writer) {
	fmt.Fprintf(w, "%s in %s, US dollars at list prices of %s, without tax and support\n\n", s.Stack, s.Region, s.Checked)
	fmt.Fprintf(w, "%-42s %-34s %22s %10s %8s\n", "", "", "", "month", "night")
	for _, layer := range stacks.AllLayers() {
		s.printLayer(w, layer)
	}
	fixed, usage := s.Total()
	fmt.Fprintf(w, "%-100s %10.2f %8.2f\n", "whatever is used", fixed, fixed*HoursPerNight/HoursPerMonth)
	fmt.Fprintf(w, "%-100s %10.2f %8.2f\n", "~ by use, as assumed", usage, usage*HoursPerNight/HoursPerMonth)
	fmt.Fprintf(w, "%-100s %10.2f %8.2f\n", s.together(), fixed+usage, (fixed+usage)*HoursPerNight/HoursPerMonth)
	fmt.Fprintln(w, "\nAssumed for a month (--assume NAME=NUMBER)")
	for _, name := range slices.Sorted(maps.Keys(s.Assumed)) {
		fmt.Fprintf(w, "  %-16s %8g  %s\n", name, s.Assumed[name], assumptions[name].means)
	}
	resources := 0
	for _, n := range s.Free {
		resources += n
	}
	fmt.Fprintf(w, "\n%d resources of %d types cost nothing by themselves.\n", resources, len(s.Free))
	if len(s.Unpriced) > 0 {
		fmt.Fprintf(w, "\nNOT in the sums:\n  %s\n", strings.Join(s.Unpriced, "\n  "))
		fmt.Fprintf(w, "Regions with all prices are %s; groundwork prices update --region %s reads AWS's list.\n",
			strings.Join(regions(), ", "), s.Region)
	}
	if len(s.Hints) > 0 {
		fmt.Fprintf(w, "\nWorth knowing\n  %s\n", strings.Join(s.Hints, "\n  "))
	}
}

// together names the sum of everything, or of what there are prices for.
func (s *Sheet) together() string {
	if s.Complete() {
		return "together"
	}
	return fmt.Sprintf("together, WITHOUT %s", s.missing())
}

// missing says how much is not in the sums.
func (s *Sheet) missing() string {
	if len(s.Unpriced) == 1 {
		return "1 item that has no price"
	}
	return fmt.Sprintf("%d items that have no price", len(s.Unpriced))
}

// Err is an error where the sums of a sheet are too small because prices are missing.
func (s *Sheet) Err() error {
	if s.Complete() {
		return nil
	}
	return fmt.Errorf("pricing %s in %s: the sum is too small, because it is without %s", s.Stack, s.Region, s.missing())
}

// printLayer writes the lines of a layer and their sum, or nothing where the layer costs nothing.
func (s *Sheet) printLayer(w io.Writer, layer string) {
	lines := slices.DeleteFunc(slices.Clone(s.Lines), func(l Line) bool { return l.Layer != layer || l.Month == 0 })
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "%s\n", layer)
	for _, l := range grouped(lines) {
		mark := " "
		if l.Usage {
			mark = "~"
		}
		fmt.Fprintf(w, "%s %-40s %-34s %22s %10.2f %8.2f\n",
			mark, short(l.Resource, 40), short(l.What, 34), l.formula(), l.Month, l.Night())
	}
	sum := s.Layers()[layer]
	fmt.Fprintf(w, "  %-40s %-34s %22s %10.2f %8.2f\n\n", "", "", "", sum, sum*HoursPerNight/HoursPerMonth)
}

// Grouped returns the lines of a sheet, where one line stands for all equal resources.
func (s *Sheet) Grouped() []Line { return grouped(s.Lines) }

// grouped merges lines of the same kind and price, such as those of alarms, into one.
func grouped(lines []Line) []Line {
	var out []Line
	at := map[string]int{}
	count := map[string]int{}
	for _, l := range lines {
		key := fmt.Sprint(l.Layer, l.Type, l.Price, l.What, l.Usage)
		i, seen := at[key]
		if !seen {
			at[key] = len(out)
			out = append(out, l)
			count[key] = 1
			continue
		}
		count[key]++
		out[i].Quantity += l.Quantity
		out[i].Month += l.Month
		_, name, _ := strings.Cut(l.Type, "/")
		_, name, _ = strings.Cut(name, ":")
		out[i].Resource = fmt.Sprintf("%d x %s", count[key], name)
	}
	return out
}

// formula renders quantity times price.
func (l Line) formula() string {
	if l.PerHour {
		return fmt.Sprintf("%.4g x %g an hour", l.Quantity, l.UnitPrice)
	}
	return fmt.Sprintf("%.4g x %g", l.Quantity, l.UnitPrice)
}

// short cuts a text to a length, with an ellipsis at its end.
func short(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return text
}

// PrintComparison writes the sums of sheets side by side, by layer.
func PrintComparison(w io.Writer, sheets ...*Sheet) {
	fmt.Fprintf(w, "%-24s", "a month, US dollars")
	for _, s := range sheets {
		fmt.Fprintf(w, " %14s", s.Stack)
	}
	fmt.Fprintln(w)
	for _, layer := range stacks.AllLayers() {
		if slices.ContainsFunc(sheets, func(s *Sheet) bool { return s.Layers()[layer] > 0 }) {
			printSums(w, layer, sheets, func(s *Sheet) float64 { return s.Layers()[layer] })
		}
	}
	printSums(w, "together", sheets, func(s *Sheet) float64 { fixed, usage := s.Total(); return fixed + usage })
	for _, s := range sheets {
		if !s.Complete() {
			fmt.Fprintf(w, "  of %s WITHOUT %s\n", s.Stack, s.missing())
		}
	}
	printSums(w, "of it by use", sheets, func(s *Sheet) float64 { _, usage := s.Total(); return usage })
	printSums(w, "twelve hours at night", sheets, (*Sheet).Night)
}

// printSums writes one row of a comparison.
func printSums(w io.Writer, name string, sheets []*Sheet, sum func(*Sheet) float64) {
	fmt.Fprintf(w, "%-24s", name)
	for _, s := range sheets {
		fmt.Fprintf(w, " %14.2f", sum(s))
	}
	fmt.Fprintln(w)
}
