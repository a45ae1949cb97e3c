package cost

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"groundwork/stacks"
)

// Print shows a sheet to people.
func (s *Sheet) Print(w io.Writer) {
	fmt.Fprintf(w, "%s in %s, US dollars at list prices of %s, without tax and support\n\n", s.Stack, s.Region, s.Checked)
	fmt.Fprintf(w, "%-42s %-34s %22s %10s %8s\n", "", "", "", "month", "night")
	for _, layer := range stacks.AllLayers() {
		lines := slices.DeleteFunc(slices.Clone(s.Lines), func(l Line) bool { return l.Layer != layer || l.Month == 0 })
		if len(lines) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s\n", layer)
		for _, l := range grouped(lines) {
			mark := " "
			if l.Usage {
				mark = "~"
			}
			fmt.Fprintf(w, "%s %-40s %-34s %22s %10.2f %8.2f\n", mark, short(l.Resource, 40), short(l.What, 34), l.times(), l.Month, l.Night())
		}
		sum := s.Layers()[layer]
		fmt.Fprintf(w, "  %-40s %-34s %22s %10.2f %8.2f\n\n", "", "", "", sum, sum*HoursPerNight/HoursPerMonth)
	}
	fixed, usage := s.Total()
	fmt.Fprintf(w, "%-100s %10.2f %8.2f\n", "whatever is used", fixed, fixed*HoursPerNight/HoursPerMonth)
	fmt.Fprintf(w, "%-100s %10.2f %8.2f\n", "~ by use, as assumed", usage, usage*HoursPerNight/HoursPerMonth)
	fmt.Fprintf(w, "%-100s %10.2f %8.2f\n", "together", fixed+usage, (fixed+usage)*HoursPerNight/HoursPerMonth)
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
	}
	if len(s.Hints) > 0 {
		fmt.Fprintf(w, "\nWorth knowing\n  %s\n", strings.Join(s.Hints, "\n  "))
	}
}

// grouped puts lines of one price and kind together where there are many, such as alarms.
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

// times is quantity and price as people multiply.
func (l Line) times() string {
	if l.PerHour {
		return fmt.Sprintf("%.4g x %g an hour", l.Quantity, l.UnitPrice)
	}
	return fmt.Sprintf("%g x %g", l.Quantity, l.UnitPrice)
}

func short(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return text
}

// PrintComparison shows sheets side by side, by layer.
func PrintComparison(w io.Writer, sheets ...*Sheet) {
	fmt.Fprintf(w, "%-24s", "a month, US dollars")
	for _, s := range sheets {
		fmt.Fprintf(w, " %14s", s.Stack)
	}
	fmt.Fprintln(w)
	for _, layer := range stacks.AllLayers() {
		row, any := fmt.Sprintf("%-24s", layer), false
		for _, s := range sheets {
			sum := s.Layers()[layer]
			row += fmt.Sprintf(" %14.2f", sum)
			any = any || sum > 0
		}
		if any {
			fmt.Fprintln(w, row)
		}
	}
	fmt.Fprintf(w, "%-24s", "together")
	for _, s := range sheets {
		fixed, usage := s.Total()
		fmt.Fprintf(w, " %14.2f", fixed+usage)
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "%-24s", "of it by use")
	for _, s := range sheets {
		_, usage := s.Total()
		fmt.Fprintf(w, " %14.2f", usage)
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "%-24s", "twelve hours at night")
	for _, s := range sheets {
		fmt.Fprintf(w, " %14.2f", s.Night())
	}
	fmt.Fprintln(w)
}

// Grouped are the lines of a sheet, those of many equal resources in one.
func (s *Sheet) Grouped() []Line { return grouped(s.Lines) }
